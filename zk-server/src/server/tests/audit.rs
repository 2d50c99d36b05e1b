//! The audit log, compared with what Apache's server wrote of the same requests.

use std::fmt::Write as _;
use std::sync::Mutex;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::with_default;
use tracing::{Event as LogEvent, Level, Metadata, Subscriber};
use zk_proto::{
    CheckVersionRequest, DeleteRequest, MultiOp, MultiRequest, Permissions, SetAclRequest,
};

use super::*;

/// Keeps the lines of the audit log, in Apache's form.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, "\t{field}={value:?}");
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, "\t{field}={value}");
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == crate::server::AUDIT_TARGET
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &LogEvent<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        let failed = *event.metadata().level() == Level::ERROR;
        assert_eq!(failed, line.0.ends_with("result=failure"));
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// What is noted of `requests`, without session and user, and what their session leaves behind.
fn noted(requests: &[Request<'_>]) -> Vec<String> {
    let lines = Lines::default();
    with_default(lines.clone(), || {
        let mut config = config();
        config.operators.audit = true;
        let mut world = World::with(config);
        let (conn, _) = world.session(30_000);
        for request in requests {
            world.call(conn, request);
        }
        world.send(conn, 78, &Request::CloseSession);
    });
    let lines = lines.0.lock().unwrap();
    let who = format!("\tsession={FIRST_SESSION}\tuser=10.0.0.1\tip=10.0.0.1\t");
    lines.iter().map(|line| line.strip_prefix(&who).unwrap_or(line).to_owned()).collect()
}

fn multi(ops: Vec<MultiOp<'_>>) -> Request<'_> {
    Request::Multi(MultiRequest { ops })
}

#[test]
fn each_change_is_noted_with_apaches_fields() {
    let set_acl = SetAclRequest {
        path: "/au",
        acl: vec![Acl::new(Permissions::ALL, "ip", "10.0.0.1")],
        version: -1,
    };
    let noted = noted(&[
        create("/au", CreateMode::Persistent),
        create("/au", CreateMode::Persistent),
        create("/au/es-", CreateMode::EphemeralSequential),
        set("/au", b"2"),
        set("/nope", b"2"),
        get("/au", false),
        Request::SetAcl(set_acl),
        Request::Delete(DeleteRequest { path: "/au", version: -1 }),
    ]);
    assert_eq!(
        noted,
        [
            "operation=create\tznode=/au\tznode_type=persistent\tresult=success",
            "operation=create\tznode=/au\tznode_type=persistent\tresult=failure",
            "operation=create\tznode=/au/es-0000000000\tznode_type=ephemeral_sequential\tresult=success",
            "operation=setData\tznode=/au\tresult=success",
            "operation=setData\tznode=/nope\tresult=failure",
            "operation=setAcl\tznode=/au\tacl=ip:10.0.0.1:cdrwa\tresult=success",
            "operation=delete\tznode=/au\tresult=failure",
            "\tsession=0x100000000000000\tuser=\
             \toperation=ephemeralZNodeDeletionOnSessionCloseOrExpire\
             \tznode=/au/es-0000000000\tresult=success",
        ]
    );
}

#[test]
fn a_multi_is_noted_by_its_parts_or_as_one_failure() {
    let plain = |path| CreateRequest { path, data: None, acl: Acl::open(), flags: 0 };
    let check = |path| MultiOp::Check(CheckVersionRequest { path, version: -1 });
    let delete = |path| MultiOp::Delete(DeleteRequest { path, version: -1 });
    let noted = noted(&[
        multi(vec![MultiOp::Create(plain("/m1")), check("/m1"), delete("/m1")]),
        multi(vec![MultiOp::Create(plain("/m2")), delete("/nope")]),
    ]);
    assert_eq!(
        noted,
        [
            "operation=create\tznode=/m1\tznode_type=persistent\tresult=success",
            "operation=delete\tznode=/m1\tresult=success",
            "operation=multiOperation\tresult=failure",
        ]
    );
}

#[test]
fn a_line_end_in_a_request_ends_no_line_of_the_log() {
    let noted = noted(&[create("/a\n\u{7f}b", CreateMode::Persistent)]);
    assert_eq!(
        noted,
        ["operation=create\tznode=/a\\n\\u{7f}b\tznode_type=persistent\tresult=failure"]
    );
}
