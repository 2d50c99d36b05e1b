//! Semaphores.

mod basics;
mod cost;
mod failures;
mod steps;

use zk_client::Client;
use zk_recipes::Semaphore;
use zk_server::testing::TestServer;

use crate::support::until_children;

const PATH: &str = "/limits/x";

/// Whose znodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Curator,
    Kazoo,
}

const LAYOUTS: [Layout; 2] = [Layout::Curator, Layout::Kazoo];

impl Layout {
    fn semaphore(self, client: &Client, limit: usize) -> Semaphore {
        match self {
            Self::Curator => Semaphore::new(client, PATH, limit),
            Self::Kazoo => Semaphore::kazoo(client, PATH, limit),
        }
    }

    /// The directory of the leases.
    fn leases(self) -> String {
        match self {
            Self::Curator => format!("{PATH}/leases"),
            Self::Kazoo => PATH.to_owned(),
        }
    }

    /// The directory of those who acquire.
    fn line(self) -> String {
        match self {
            Self::Curator => format!("{PATH}/locks"),
            Self::Kazoo => format!("{PATH}-__lock__"),
        }
    }

    /// Waits until so many leases are there, and so many stand in line.
    async fn until(self, observer: &Client, leases: usize, line: usize) {
        until_children(observer, &self.leases(), leases).await;
        until_children(observer, &self.line(), line).await;
    }
}

/// Makes the directories, so that none has to be made later.
async fn nobody_ever_was(server: &TestServer, layout: Layout, limit: usize) -> Client {
    let client = crate::support::client(server).await;
    let semaphore = layout.semaphore(&client, limit);
    let lease = crate::support::soon(semaphore.acquire()).await.unwrap();
    crate::support::soon(lease.release()).await.unwrap();
    layout.until(&client, 0, 0).await;
    client
}
