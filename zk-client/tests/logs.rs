//! What the client writes to `tracing`. Alone in its process, whose subscriber it sets.
#![allow(clippy::unwrap_used, reason = "what a test unwraps is what it expects")]

use std::fmt::{Debug, Write};
use std::sync::Mutex;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use zk_client::Client;
use zk_server::testing::TestServer;

static LINES: Mutex<String> = Mutex::new(String::new());

/// Writes down every field of every event and span.
struct Scribe;

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

fn write_down(what: &Metadata<'_>, fields: impl FnOnce(&mut Line<'_>)) {
    if what.target().starts_with("zk_client") {
        let mut lines = LINES.lock().unwrap();
        lines.push('\n');
        fields(&mut Line(&mut lines));
    }
}

impl Subscriber for Scribe {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        write_down(span.metadata(), |line| span.record(line));
        Id::from_u64(1)
    }

    fn event(&self, event: &Event<'_>) {
        write_down(event.metadata(), |line| event.record(line));
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn sessions_are_logged_and_secrets_are_not() {
    tracing::subscriber::set_global_default(Scribe).unwrap();
    let server = TestServer::start().await.unwrap();
    let builder = Client::builder(&server.connect_string()).auth_digest("user", "hush-hush");
    let client = builder.connect().await.unwrap();
    client.add_auth("digest", b"other:hush-hush").await.unwrap();
    server.expire_session(client.session_id().unwrap());
    client.session_ended(1).await;
    client.get("/").await.unwrap();
    client.close().await.unwrap();
    let lines = LINES.lock().unwrap();
    for state in ["connected", "suspended", "expired", "closed"] {
        assert!(lines.contains(&format!("state={state}")), "{state} is missing in: {lines}");
    }
    assert!(lines.contains(&server.connect_string()), "the server is named: {lines}");
    assert!(!lines.contains("hush"), "{lines}");
}
