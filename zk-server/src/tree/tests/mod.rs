mod digest;
mod dump;
mod fresh;
mod moment;
mod owners;
mod quota;
mod replay;
mod stats;

use bytes::Bytes;
use zk_proto::txn::{Txn, TxnHeader};
use zk_proto::{Acl, SessionId, Stat, Zxid};

use super::{Applied, Change, DataTree};

/// Applies transactions one after the other, zxid and time growing together.
struct Grower {
    tree: DataTree,
    zxid: i64,
}

const SESSION: SessionId = SessionId(0x77);

impl Grower {
    fn new() -> Self {
        Self { tree: DataTree::new(true), zxid: 0 }
    }

    fn apply<'t>(&mut self, txn: &'t Txn) -> Applied<'t> {
        self.zxid += 1;
        self.tree.apply(&header(self.zxid, txn), txn)
    }

    fn create(&mut self, path: &str) {
        self.apply(&create(path, 1));
    }

    fn stat(&self, path: &str) -> Stat {
        self.tree.node(path).expect(path).stat()
    }
}

/// Transaction `zxid` happens at `1000 * zxid` ms.
fn header(zxid: i64, txn: &Txn) -> TxnHeader {
    let (op, time_ms) = (txn.op().code(), zxid * 1000);
    TxnHeader { session: SESSION, cxid: 1, zxid: Zxid(zxid), time_ms, op }
}

/// A persistent node, the `parent_cversion`th under its parent.
fn create(path: &str, parent_cversion: i32) -> Txn {
    Txn::Create {
        with_stat: false,
        path: path.into(),
        data: Some(Bytes::from_static(b"data")),
        acl: Acl::open().into(),
        ephemeral: false,
        parent_cversion,
    }
}

fn ephemeral(path: &str, parent_cversion: i32) -> Txn {
    Txn::Create {
        with_stat: false,
        path: path.into(),
        data: None,
        acl: Acl::open().into(),
        ephemeral: true,
        parent_cversion,
    }
}

fn container(path: &str) -> Txn {
    let (data, acl) = (None, Acl::open());
    Txn::CreateContainer { path: path.into(), data, acl: acl.into(), parent_cversion: 1 }
}

fn with_ttl(path: &str, ttl_ms: i64) -> Txn {
    let (data, acl) = (None, Acl::open());
    Txn::CreateTtl { path: path.into(), data, acl: acl.into(), parent_cversion: 1, ttl_ms }
}

fn delete(path: &str) -> Txn {
    Txn::Delete { path: path.into() }
}

fn set_data(path: &str, data: &'static [u8], version: i32) -> Txn {
    Txn::SetData { path: path.into(), data: Some(Bytes::from_static(data)), version }
}

fn changed<'c>(changes: &'c [Change<'_>]) -> Vec<&'c str> {
    changes.iter().map(|change| &*change.path).collect()
}
