//! Arbitrary transactions.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use zk_proto::ErrorCode;
use zk_proto::txn::Txn;

use super::{acl, data, text};

pub(crate) fn txn() -> impl Strategy<Value = Txn> {
    prop_oneof![
        4 => single(),
        1 => vec(single(), 0..4).prop_map(Txn::Multi),
    ]
}

fn single() -> impl Strategy<Value = Txn> {
    prop_oneof![creation(), change(), session()]
}

fn creation() -> impl Strategy<Value = Txn> {
    let node = (text(), data(), acl());
    (node, any::<[bool; 2]>(), 0_i32..9, 0_i64.., 0..3).prop_map(
        |((path, data, acl), [with_stat, ephemeral], parent_cversion, ttl_ms, kind)| match kind {
            0 => Txn::Create { with_stat, path, data, acl: acl.into(), ephemeral, parent_cversion },
            1 => Txn::CreateContainer { path, data, acl: acl.into(), parent_cversion },
            _ => Txn::CreateTtl { path, data, acl: acl.into(), parent_cversion, ttl_ms },
        },
    )
}

fn change() -> impl Strategy<Value = Txn> {
    prop_oneof![
        text().prop_map(|path| Txn::Delete { path }),
        text().prop_map(|path| Txn::DeleteContainer { path }),
        (text(), data(), any::<i32>()).prop_map(|(path, data, version)| Txn::SetData {
            path,
            data,
            version
        }),
        (text(), data(), any::<i32>()).prop_map(|(path, data, version)| Txn::Reconfig {
            path,
            data,
            version
        }),
        (text(), acl(), any::<i32>()).prop_map(|(path, acl, version)| Txn::SetAcl {
            path,
            acl: acl.into(),
            version
        }),
        (text(), any::<i32>()).prop_map(|(path, version)| Txn::Check { path, version }),
        any::<i32>().prop_map(|code| Txn::Error(ErrorCode::from_code(code))),
    ]
}

fn session() -> impl Strategy<Value = Txn> {
    prop_oneof![
        any::<i32>().prop_map(|timeout_ms| Txn::CreateSession { timeout_ms }),
        option::of(vec(text(), 0..3)).prop_map(|paths| Txn::CloseSession { paths }),
    ]
}
