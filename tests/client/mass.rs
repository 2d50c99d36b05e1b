//! Ten thousand requests under way at once.

use fastrand::Rng;
use futures_util::FutureExt;
use tests::{Target, within};
use tokio::task::JoinHandle;
use zk_client::{Client, CreateMode, Created, Pending, Stat, Zxid};

const REQUESTS: u32 = 10_000;

/// A request, in the order of sending, and what is left of it.
enum Sent {
    /// Writes its own number into the one node that all share.
    Set(u32, Pending<Stat>),
    Create(Pending<Created>),
    Get(Pending<(bytes::Bytes, Stat)>),
    /// Awaited by a task of its own.
    Awaited(u32, JoinHandle<zk_client::Result<Stat>>),
    /// Given up before or after it was sent, so that it may have been carried out.
    Dropped,
}

fn send(client: &Client, number: u32, rng: &mut Rng) -> Sent {
    let data = number.to_be_bytes();
    match rng.u8(..10) {
        0..=2 => Sent::Set(number, client.set("/a", &data).send()),
        3 | 4 => {
            Sent::Create(client.create("/q/n-", &data, CreateMode::PersistentSequential).send())
        }
        5 | 6 => Sent::Get(client.get("/a").send()),
        7 => {
            let pending = client.set("/a", &data).send();
            Sent::Awaited(number, tokio::spawn(pending))
        }
        8 => {
            drop(client.set("/a", &data).send());
            Sent::Dropped
        }
        _ => {
            // Polled once, so that somebody waits; then nobody.
            drop(client.set("/a", &data).send().now_or_never());
            Sent::Dropped
        }
    }
}

/// What has to hold of all that went before, while the answers are gone through in order.
#[derive(Default)]
struct Order {
    zxid: Option<Zxid>,
    sequence: Option<String>,
    written: u32,
}

impl Order {
    fn wrote(&mut self, zxid: Zxid) {
        assert!(self.zxid < Some(zxid), "{zxid} after {:?}", self.zxid);
        self.zxid = Some(zxid);
    }

    async fn answered(&mut self, number: u32, sent: Sent) {
        match sent {
            Sent::Set(own, pending) => {
                self.wrote(within("a set", pending).await.unwrap().mzxid);
                self.written = own;
            }
            Sent::Awaited(own, task) => {
                self.wrote(within("a set", task).await.unwrap().unwrap().mzxid);
                self.written = own;
            }
            Sent::Create(pending) => {
                let created = within("a create", pending).await.unwrap();
                self.wrote(created.stat.czxid);
                assert!(self.sequence.as_ref() < Some(&created.path), "{}", created.path);
                self.sequence = Some(created.path);
            }
            Sent::Get(pending) => {
                let (data, _) = within("a get", pending).await.unwrap();
                let read = u32::from_be_bytes(data[..].try_into().unwrap());
                // Or what was dropped in between.
                let possible = self.written..number;
                assert!(possible.contains(&read), "the {number}th request read {read}");
            }
            Sent::Dropped => {}
        }
    }
}

#[tokio::test]
async fn ten_thousand_outstanding_requests_of_every_kind_keep_their_order() {
    let target = Target::start().await;
    let proxy = target.proxy().await;
    let client = target.client_through(&proxy).await;
    client.create("/a", &0_u32.to_be_bytes(), CreateMode::Persistent).await.unwrap();
    client.create("/q", b"", CreateMode::Persistent).await.unwrap();
    // Not one is answered before all are sent.
    proxy.stall();
    let mut rng = Rng::with_seed(6);
    let sent: Vec<_> =
        (1..=REQUESTS).map(|number| (number, send(&client, number, &mut rng))).collect();
    let last = client.get("/a").send();
    proxy.heal();
    let mut order = Order::default();
    for (number, sent) in sent {
        order.answered(number, sent).await;
    }
    let (data, _) = within("the last get", last).await.unwrap();
    assert!(u32::from_be_bytes(data[..].try_into().unwrap()) >= order.written);
}

#[tokio::test]
async fn more_requests_than_may_be_outstanding_wait_in_line_in_order() {
    let target = Target::start().await;
    let builder = target.builder().max_outstanding(100);
    let client = within("a session", builder.connect()).await.unwrap();
    client.create("/a", b"", CreateMode::Persistent).await.unwrap();
    let sent: Vec<_> =
        (0..3000).map(|version| client.set("/a", b"").version(version).send()).collect();
    // Each names the version that the one before it makes.
    for pending in sent {
        within("a set", pending).await.unwrap();
    }
}
