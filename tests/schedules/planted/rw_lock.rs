//! Read-write locks whose readers wait for nobody, or do not wait for their turn.

use std::sync::Arc;

use zk_client::{Client, CreateMode, Error as ClientError, SessionId};
use zk_recipes::{Error, RwLock};

use crate::run::{Scenario, caught};
use crate::scenario::crowding::{Sides, crowd};
use crate::scenario::mutex::{Boxed, Guard, How, Mutex, PATH, contend};
use crate::world::{Allowed, World};

/// How long those who overtake wait before they look again.
const AGAIN: std::time::Duration = std::time::Duration::from_millis(200);

/// Readers who stand in no line.
struct ReadsBeside;

/// Readers who only ask whether somebody writes now, and writers who wait until nobody reads.
struct Overtakes;

/// A node that is there as long as it is not dropped.
struct Node {
    client: Client,
    path: String,
    session: SessionId,
    token: i64,
    epoch: u64,
    limit: usize,
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.client.delete(&self.path).guaranteed().in_session(self.epoch).send());
    }
}

impl Guard for Node {
    fn is_held(&self) -> bool {
        let deadline = self.client.session_deadline();
        self.client.session_epoch() == self.epoch
            && deadline.is_some_and(|deadline| zk_client::simulation::now() < deadline)
    }

    fn token(&self) -> i64 {
        self.token
    }

    fn path(&self) -> String {
        self.path.clone()
    }

    fn session(&self) -> SessionId {
        self.session
    }

    fn limit(&self) -> usize {
        self.limit
    }

    fn lost(&self) -> Boxed<()> {
        Box::pin(self.client.session_ended(self.epoch))
    }

    fn release(self: Box<Self>) -> Boxed<Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }
}

async fn make(client: &Client, name: &str, limit: usize) -> Result<Node, Error> {
    let epoch = client.session_epoch();
    let path = format!("{PATH}/{name}");
    let create = client.create(&path, b"", CreateMode::EphemeralSequential);
    let created = create.protected().with_container_parents().in_session(epoch).await?;
    let (session, token) = (created.stat.ephemeral_owner, created.stat.czxid.0);
    Ok(Node { client: client.clone(), path: created.path, session, token, epoch, limit })
}

impl Mutex for ReadsBeside {
    fn acquire(&self, client: &Client, _: How) -> Boxed<Result<Option<Box<dyn Guard>>, Error>> {
        let client = client.clone();
        Box::pin(async move {
            if fastrand::bool() {
                let guard = RwLock::new(&client, PATH).write().await?;
                return Ok(Some(Box::new(guard) as Box<dyn Guard>));
            }
            let guard = make(&client, "reader-", usize::MAX).await?;
            Ok(Some(Box::new(guard) as Box<dyn Guard>))
        })
    }
}

impl Sides for Overtakes {
    fn read(&self, client: &Client) -> Boxed<Result<Box<dyn Guard>, Error>> {
        let client = client.clone();
        Box::pin(async move { enter(&client, "reader-", "writer-", usize::MAX).await })
    }

    fn write(&self, client: &Client) -> Boxed<Result<Box<dyn Guard>, Error>> {
        let client = client.clone();
        Box::pin(async move { enter(&client, "writer-", "-", 1).await })
    }
}

/// Comes in when nobody is there whose name has `others` in it, and looks again now and then.
async fn enter(
    client: &Client,
    name: &str,
    others: &str,
    limit: usize,
) -> Result<Box<dyn Guard>, Error> {
    loop {
        let node = make(client, name, limit).await?;
        let own = node.path.rsplit('/').next().unwrap_or_default();
        match client.children(PATH).await {
            Ok((names, _)) if !names.iter().any(|name| name != own && name.contains(others)) => {
                return Ok(Box::new(node));
            }
            Ok(_) | Err(ClientError::NoNode { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        drop(node);
        tokio::time::sleep_until(tokio::time::Instant::now() + AGAIN).await;
    }
}

fn scenario(begin: fn(&Arc<World>)) -> Scenario {
    let allowed = Allowed { crashes: true, kills: true };
    Scenario { name: "planted::rw_lock", processes: 3, allowed, begin }
}

#[test]
fn a_reader_beside_a_writer_is_found() {
    caught(&scenario(|world| contend(world, ReadsBeside, 3)), 1, "holders at once");
}

#[test]
fn a_writer_that_never_gets_its_turn_is_found() {
    caught(&scenario(|world| crowd(world, Overtakes)), 1, "stuck");
}
