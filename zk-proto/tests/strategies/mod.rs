//! Arbitrary values of every record.

mod requests;
mod txns;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
pub(crate) use proptest::prelude::any;
use proptest::prelude::*;
pub(crate) use requests::request;
pub(crate) use txns::txn;
use zk_proto::{
    Acl, ConnectRequest, ConnectResponse, Create2Response, ErrorCode, EventType, KeeperState,
    MultiResponse, MultiResult, Password, Permissions, SessionId, Stat, WatcherEvent, Zxid,
};

pub(crate) fn text() -> impl Strategy<Value = String> {
    "[/a-zé日]{0,12}"
}

pub(crate) fn data() -> impl Strategy<Value = Option<Bytes>> {
    option::of(vec(any::<u8>(), 0..24).prop_map(Bytes::from))
}

pub(crate) fn acl() -> impl Strategy<Value = Vec<Acl>> {
    let entry = (0..32, "[a-z]{1,6}", text())
        .prop_map(|(perms, scheme, id)| Acl::new(Permissions(perms), scheme, id));
    vec(entry, 0..3)
}

fn error_code() -> impl Strategy<Value = ErrorCode> {
    any::<i32>().prop_map(ErrorCode::from_code)
}

pub(crate) fn stat() -> impl Strategy<Value = Stat> {
    let zxids = any::<[i64; 3]>();
    let times = any::<[i64; 2]>();
    (zxids, times, any::<[i32; 5]>(), any::<i64>()).prop_map(|(zxids, times, ints, owner)| Stat {
        czxid: Zxid(zxids[0]),
        mzxid: Zxid(zxids[1]),
        ctime: times[0],
        mtime: times[1],
        version: ints[0],
        cversion: ints[1],
        aversion: ints[2],
        ephemeral_owner: SessionId(owner),
        data_length: ints[3],
        num_children: ints[4],
        pzxid: Zxid(zxids[2]),
    })
}

pub(crate) fn connect_request() -> impl Strategy<Value = ConnectRequest> {
    let ids = any::<(i64, i32, i64)>();
    (ids, any::<[u8; 16]>(), option::of(any::<bool>())).prop_map(
        |((zxid, timeout_ms, session), password, read_only)| ConnectRequest {
            protocol_version: 0,
            last_zxid_seen: Zxid(zxid),
            timeout_ms,
            session_id: SessionId(session),
            password: Password(password),
            read_only,
        },
    )
}

pub(crate) fn connect_response() -> impl Strategy<Value = ConnectResponse> {
    connect_request().prop_map(|request| ConnectResponse {
        protocol_version: 0,
        timeout_ms: request.timeout_ms,
        session_id: request.session_id,
        password: request.password,
        read_only: request.read_only,
    })
}

pub(crate) fn event() -> impl Strategy<Value = WatcherEvent> {
    let kind = prop_oneof![
        Just(EventType::NodeCreated),
        Just(EventType::NodeDeleted),
        Just(EventType::NodeDataChanged),
        Just(EventType::NodeChildrenChanged),
    ];
    (kind, text()).prop_map(|(kind, path)| WatcherEvent {
        kind,
        state: KeeperState::SyncConnected,
        path,
    })
}

pub(crate) fn multi_response() -> impl Strategy<Value = MultiResponse> {
    let result = prop_oneof![
        text().prop_map(|path| MultiResult::Create { path }),
        (text(), stat())
            .prop_map(|(path, stat)| MultiResult::Create2(Create2Response { path, stat })),
        Just(MultiResult::Delete),
        Just(MultiResult::Check),
        stat().prop_map(|stat| MultiResult::SetData { stat }),
        (data(), stat()).prop_map(|(data, stat)| MultiResult::GetData { data, stat }),
        vec(text(), 0..3).prop_map(|children| MultiResult::GetChildren { children }),
        error_code().prop_map(MultiResult::Error),
    ];
    vec(result, 0..4).prop_map(|results| MultiResponse { results })
}

pub(crate) fn connect_string() -> impl Strategy<Value = String> {
    let host = prop_oneof!["[a-z][a-z0-9.-]{0,8}", Just("[::1]".to_owned())];
    let hosts = vec((host, 1_u16..), 1..4).prop_map(|hosts| {
        hosts.iter().map(|(host, port)| format!("{host}:{port}")).collect::<Vec<_>>().join(",")
    });
    (hosts, "(/[a-z]{1,4}){0,2}").prop_map(|(hosts, chroot)| hosts + &chroot)
}
