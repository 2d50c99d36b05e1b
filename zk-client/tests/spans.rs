//! What a subscriber of `tracing` hears of calls, and what it never hears.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use zk_client::{Client, CreateMode, Error};
use zk_server::testing::TestServer;

/// The fields of one span or event; its name or target is the field "".
type Fields = BTreeMap<String, String>;

/// Keeps everything.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Fields>>>);

struct Into<'a>(&'a mut Fields);

impl Visit for Into<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl Recorder {
    fn add(&self, name: &str) -> (usize, std::sync::MutexGuard<'_, Vec<Fields>>) {
        let mut kept = self.0.lock().expect("no test panics with it");
        kept.push(Fields::from([(String::new(), name.to_owned())]));
        (kept.len() - 1, kept)
    }

    fn named(&self, name: &str) -> Vec<Fields> {
        let kept = self.0.lock().expect("no test panics with it");
        kept.iter().filter(|fields| fields[""] == name).cloned().collect()
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let (at, mut kept) = self.add(span.metadata().name());
        span.record(&mut Into(&mut kept[at]));
        Id::from_u64(at as u64 + 1)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let at = usize::try_from(span.into_u64()).expect("an index") - 1;
        values.record(&mut Into(&mut self.0.lock().expect("no test panics with it")[at]));
    }

    fn event(&self, event: &Event<'_>) {
        let (at, mut kept) = self.add(event.metadata().target());
        event.record(&mut Into(&mut kept[at]));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn each_call_has_a_span_and_no_secret_is_told() {
    let recorder = Recorder::default();
    tracing::subscriber::set_global_default(recorder.clone()).expect("it is the only one");
    let server = TestServer::start().await.expect("the server starts");
    let builder = Client::builder(&server.connect_string()).auth_digest("me", "hush-password");
    let client = builder.connect().await.expect("the client connects");
    client.create("/a", b"hush-data", CreateMode::Persistent).await.expect("it is created");
    client.get("/a").await.expect("it is read");
    client.set("/a", b"hush-more").await.expect("it is written");
    assert!(matches!(client.delete("/none").await, Err(Error::NoNode { .. })));
    client.close().await.expect("the client closes");

    let session = |fields: &Fields| fields["session"].clone();
    let gets = recorder.named("zookeeper.get");
    let [get] = &gets[..] else { panic!("{gets:?}") };
    assert_eq!((get["path"].as_str(), get["outcome"].as_str()), ("\"/a\"", "\"ok\""));
    assert!(get["xid"].parse::<i32>().is_ok_and(|xid| xid > 0), "{get:?}");
    assert!(get.contains_key("zxid") && session(get).starts_with("0x"), "{get:?}");

    let deletes = recorder.named("zookeeper.delete");
    let [delete] = &deletes[..] else { panic!("{deletes:?}") };
    assert!(delete["outcome"].contains("the server answered"), "{delete:?}");
    assert_eq!(session(delete), session(get));
    assert_eq!(recorder.named("zookeeper.create").len(), 1);
    assert_eq!(recorder.named("zookeeper.set").len(), 1);

    let ours = recorder.0.lock().expect("no test panics with it");
    let ours = ours.iter().filter(|fields| {
        fields[""].starts_with("zk_client") || fields[""].starts_with("zookeeper")
    });
    let told = format!("{:?}", ours.collect::<Vec<_>>());
    assert!(!told.contains("hush") && !told.contains("104, 117, 115, 104"), "{told}");
}
