//! Requests about quotas.

use bytes::Bytes;
use zk_proto::OpCode;

use super::{Generator, Profile};
use crate::pool;
use crate::request::{Body, Request};

impl Generator {
    /// What makes a quota of `/a`, as `setquota` of zkCli does; nothing where there are none.
    pub(crate) fn first_quota(&mut self) -> Vec<Request> {
        if self.profile != Profile::Quotas {
            return Vec::new();
        }
        let limits = pool::limits(&mut self.rng);
        let usage = Bytes::from_static(b"count=0,bytes=0");
        vec![
            planted("/zookeeper/quota/a".to_owned(), Bytes::new()),
            planted("/zookeeper/quota/a/zookeeper_limits".to_owned(), limits),
            planted("/zookeeper/quota/a/zookeeper_stats".to_owned(), usage),
        ]
    }

    pub(super) fn about_quota(&mut self) -> Request {
        let rng = &mut self.rng;
        let quota = pool::one(rng, &pool::QUOTAS);
        let (limits, stats) =
            (format!("{quota}/zookeeper_limits"), format!("{quota}/zookeeper_stats"));
        match rng.u32(..13) {
            0 => planted(quota.to_owned(), Bytes::new()),
            1..=2 => planted(limits, pool::limits(rng)),
            3..=4 => planted(stats, pool::usage(rng)),
            5 => Request::new(OpCode::Delete, Body::PathNumber(limits, -1)),
            6 => Request::new(OpCode::Delete, Body::PathNumber(stats, -1)),
            n @ 7..=9 => {
                let (path, data) =
                    if n < 9 { (limits, pool::limits(rng)) } else { (stats, pool::usage(rng)) };
                let body = Body::SetData { path, data: Some(data), version: -1 };
                Request::new(OpCode::SetData, body)
            }
            _ => Request::new(OpCode::GetData, Body::PathFlag(stats, false)),
        }
    }
}

fn planted(path: String, data: Bytes) -> Request {
    let body = Body::Create { path, data: Some(data), acl: zk_proto::Acl::open(), flags: 0 };
    Request::new(OpCode::Create, body)
}
