//! `cons` and the list in `stat`.

use std::fmt::Write as _;

use zk_proto::OpCode;

use super::{Format, Room};
use crate::ConnectionId;
use crate::ops::ConnectionView;
use crate::server::Server;

/// A line, or an object, for each connection.
#[derive(Debug)]
pub(crate) struct ConnectionsReport {
    format: Format,
    /// Whether what a session has done is left out.
    brief: bool,
    head: Option<String>,
    tail: String,
    after: Option<ConnectionId>,
    /// Whether the secure ones are shown now: in JSON they have a list of their own.
    secure: bool,
    first: bool,
}

impl ConnectionsReport {
    pub(super) fn new(format: Format, brief: bool, head: String, tail: String) -> Self {
        Self { format, brief, head: Some(head), tail, after: None, secure: false, first: true }
    }

    pub(super) fn piece(&mut self, server: &Server, out: &mut String) -> bool {
        if let Some(head) = self.head.take() {
            out.push_str(&head);
            if self.format != Format::Text {
                out.push_str("\"connections\":[");
            }
        }
        let mut room = Room::new(out);
        for (conn, view) in server.connection_views(self.after) {
            if !room.take(out) {
                return true;
            }
            self.after = Some(conn);
            if self.format == Format::Text {
                line(out, &view, self.brief);
            } else if view.secure == self.secure {
                let comma = if std::mem::take(&mut self.first) { "" } else { "," };
                out.push_str(comma);
                out.push_str(&object(&view, self.brief).to_string());
            }
        }
        if self.format != Format::Text && !self.secure {
            out.push_str("],\"secure_connections\":[");
            (self.secure, self.first, self.after) = (true, true, None);
            return true;
        }
        if self.format != Format::Text {
            out.push(']');
        }
        out.push_str(&self.tail);
        false
    }
}

fn line(out: &mut String, view: &ConnectionView<'_>, brief: bool) {
    let (stats, latency) = (view.stats, &view.stats.latency);
    let _ = write!(
        out,
        " /{}[{}](queued={},recved={},sent={}",
        view.peer,
        interest(view),
        view.queued,
        stats.received,
        stats.sent
    );
    if let Some(session) = view.session.filter(|_| !brief) {
        let (established, op) = (view.established_ms, last_operation(view));
        let timeout_ms = view.timeout_ms;
        let _ = write!(out, ",sid={session},lop={op},est={established},to={timeout_ms}");
        let last = stats.last;
        if let Some(xid) = last.map(|last| last.xid).filter(|xid| *xid >= 0) {
            let _ = write!(out, ",lcxid={xid:#x}");
        }
        let zxid = last.map_or(zk_proto::Zxid::UNKNOWN, |last| last.zxid);
        let response_ms = last.map_or(0, |last| last.at_ms);
        let taken_ms = last.map_or(0, |last| last.latency.as_millis());
        let _ = write!(out, ",lzxid={zxid},lresp={response_ms},llat={taken_ms}");
        // The average is a whole number here, unlike the server's.
        let average = latency.sum().checked_div(latency.count()).unwrap_or(0);
        let _ = write!(out, ",minlat={},avglat={average},maxlat={}", latency.min(), latency.max());
    }
    out.push_str(")\n");
}

fn object(view: &ConnectionView<'_>, brief: bool) -> serde_json::Value {
    let stats = view.stats;
    let mut object = serde_json::json!({
        "remote_socket_address": view.peer.to_string(),
        "interest_ops": interest(view),
        "outstanding_requests": view.queued,
        "packets_received": stats.received,
        "packets_sent": stats.sent,
    });
    let latency = &stats.latency;
    if !brief && let Some(fields) = object.as_object_mut() {
        let last = stats.last;
        let more = [
            // One without a session has these fields too, unlike in text.
            ("session_id", view.session.map_or(0, |session| session.0).into()),
            ("last_operation", last_operation(view).into()),
            ("established", view.established_ms.into()),
            ("session_timeout", view.timeout_ms.into()),
            ("last_cxid", last.map_or(-1, |last| last.xid).into()),
            ("last_zxid", last.map_or(-1, |last| last.zxid.0).into()),
            ("last_response_time", last.map_or(0, |last| last.at_ms).into()),
            ("last_latency", last.map_or(0, |last| ms(last.latency)).into()),
            ("min_latency", latency.min().into()),
            ("avg_latency", latency.sum().checked_div(latency.count()).unwrap_or(0).into()),
            ("max_latency", latency.max().into()),
        ];
        fields.extend(more.map(|(key, value): (_, serde_json::Value)| (key.to_owned(), value)));
    }
    object
}

/// What Java calls the interest of a key: 1 for reading.
fn interest(view: &ConnectionView<'_>) -> u8 {
    u8::from(view.is_heard)
}

fn ms(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The last operation in Apache's four letters.
fn last_operation(view: &ConnectionView<'_>) -> &'static str {
    match view.stats.last.map(|last| last.op) {
        Some(OpCode::Ping) => "PING",
        Some(OpCode::CreateSession) => "SESS",
        Some(OpCode::Multi) => "MULT",
        Some(OpCode::MultiRead) => "MLTR",
        Some(OpCode::Create | OpCode::Create2 | OpCode::CreateTtl | OpCode::CreateContainer) => {
            "CREA"
        }
        Some(OpCode::Delete | OpCode::DeleteContainer) => "DELE",
        Some(OpCode::SetData) => "SETD",
        Some(OpCode::Reconfig) => "RECO",
        Some(OpCode::SetAcl) => "SETA",
        Some(OpCode::CloseSession) => "CLOS",
        Some(OpCode::Sync) => "SYNC",
        Some(OpCode::Check) => "CHEC",
        Some(OpCode::Exists) => "EXIS",
        Some(OpCode::GetData) => "GETD",
        Some(OpCode::SetWatches) => "SETW",
        Some(OpCode::SetWatches2) => "STW2",
        Some(OpCode::AddWatch) => "ADDW",
        Some(OpCode::GetAcl) => "GETA",
        Some(OpCode::GetChildren | OpCode::GetChildren2) => "GETC",
        Some(OpCode::GetAllChildrenNumber) => "GETACN",
        Some(OpCode::CheckWatches) => "CHKW",
        Some(OpCode::RemoveWatches) => "REMW",
        Some(OpCode::WhoAmI) => "HOMI",
        Some(OpCode::GetEphemerals) => "GETE",
        _ => "NA",
    }
}
