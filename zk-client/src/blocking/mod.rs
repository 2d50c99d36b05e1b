//! The client for programs without a runtime: the same calls, waited for by the thread that makes
//! them.
//!
//! One rule gives the whole API: **where async code has `.await`, write `.wait()`**, and where it
//! loops over a stream, loop over `.iter()`. [`Client`] connects and closes; everything else is a
//! method of the [async client](crate::Client), which it derefs to, so its documentation holds.
//!
//! ```
//! use std::time::Duration;
//! use zk_client::blocking::{Client, Wait, WaitNext};
//! use zk_client::{CreateMode, WatchMode};
//!
//! # let runtime = tokio::runtime::Runtime::new()?;
//! # let server = runtime.block_on(zk_server::testing::TestServer::start())?;
//! # let servers = &server.connect_string();
//! let client = Client::connect(servers)?;
//! let mut events = client.watch("/", WatchMode::PersistentRecursive).wait()?;
//!
//! client.create("/greeting", b"hello", CreateMode::Ephemeral).wait()?;
//! let (data, stat, watch) = client.get("/greeting").watch().wait()?;
//! assert_eq!(data, "hello");
//!
//! let written = client.set("/greeting", b"hello, world").version(stat.version).send();
//! println!("the one-shot watch saw {:?}", watch.wait_timeout(Duration::from_secs(5))??);
//! println!("it is version {} now", written.wait()?.version);
//!
//! for event in events.iter().take(2) {
//!     println!("{:?} {}", event.kind, event.path);
//! }
//! client.close()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Time limits
//!
//! A request ends by itself when its session does; [`timeout`](crate::ops::Get::timeout) bounds it
//! more closely and says what became of it. [`wait_timeout`](Wait::wait_timeout) bounds the wait for
//! anything, a watch for instance: `(&mut watch).wait_timeout(limit)` leaves it to be waited for
//! again.
//!
//! # Threads
//!
//! A waiting thread sleeps until it is woken, and costs nothing meanwhile. The clients' work is
//! done by **one thread in the background**, shared by all blocking clients of the process. It
//! starts with the first and ends when the last one was closed or dropped and none of its clones,
//! requests, watches and streams is left. Nothing else starts threads, but for the resolution of
//! host names, which takes one for a few seconds.
//!
//! A client is closed in the background when its last clone is dropped, also inside of a runtime.
//! A program that ends at once does not wait for that: [`close`](Client::close) before.
//!
//! # Inside of a runtime
//!
//! All of this works in async code, too: a blocking client neither panics nor waits for itself,
//! whatever kind of runtime it is called in. But it does block the thread, so nothing else runs
//! there meanwhile; where you can write `.await`, use the async client.
//!
//! The other way around: requests of an *async* client may be waited for by threads that its
//! runtime does without, such as those of `tokio::task::spawn_blocking`. On a thread that runs its
//! tasks, the wait may never end, since the task that would end it cannot run.
//!
//! # Recipes
//!
//! [`Wait`] is there for every future, so locks, elections and the rest of `zk-recipes` can be
//! waited for as they are: `Lock::acquire(&client, "/locks/x").wait()`.

mod background;
mod bell;
mod wait;
mod wait_next;

pub use wait::{TimedOut, Wait};
pub use wait_next::{Iter, WaitNext};

pub(crate) use background::Background;

use std::ops::Deref;

use crate::builder::ClientBuilder;
use crate::error::Result;

/// A client whose work is done in the background, so that threads can wait for it.
///
/// It is an [async client](crate::Client) otherwise, and derefs to it: see there for all calls but
/// those below. Clones are cheap and are the same client.
#[derive(Clone, Debug)]
pub struct Client(crate::Client);

impl Client {
    /// Opens a session with the default settings; see [`Client::connect`](crate::Client::connect).
    ///
    /// # Errors
    ///
    /// As [`ClientBuilder::connect`].
    pub fn connect(servers: &str) -> Result<Self> {
        Self::builder(servers).connect_blocking()
    }

    /// Settings for a client of these servers;
    /// [`connect_blocking`](ClientBuilder::connect_blocking) makes use of them.
    pub fn builder(servers: &str) -> ClientBuilder {
        crate::Client::builder(servers)
    }

    /// The same client with another root; see
    /// [`Client::in_chroot`](crate::Client::in_chroot).
    ///
    /// # Errors
    ///
    /// [`Error::InvalidPath`](crate::Error::InvalidPath).
    pub fn in_chroot(&self, path: &str) -> Result<Self> {
        self.0.in_chroot(path).map(Self)
    }

    /// Closes the client; see [`Client::close`](crate::Client::close). It takes at most twice the
    /// [`close_timeout`](ClientBuilder::close_timeout), whatever the servers do.
    ///
    /// # Errors
    ///
    /// When no server confirmed the end of the session: its ephemeral nodes then stay until its
    /// timeout. The client is closed all the same.
    pub fn close(&self) -> Result<()> {
        self.0.close().wait()
    }
}

impl Deref for Client {
    type Target = crate::Client;

    fn deref(&self) -> &crate::Client {
        &self.0
    }
}

/// For what takes an async client by value. It keeps its place in the background.
impl From<Client> for crate::Client {
    fn from(client: Client) -> Self {
        client.0
    }
}

impl ClientBuilder {
    /// Opens a session, for a client to wait with: see [`blocking`](crate::blocking).
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    ///
    /// # Panics
    ///
    /// When the operating system refuses the first blocking client a thread, or the means for its
    /// I/O, as [`std::thread::spawn`] does.
    pub fn connect_blocking(self) -> Result<Client> {
        self.connect().wait().map(Client)
    }

    /// Makes a client without waiting for a server, to wait with later.
    ///
    /// # Errors
    ///
    /// As [`connect_lazily`](Self::connect_lazily).
    ///
    /// # Panics
    ///
    /// As [`connect_blocking`](Self::connect_blocking).
    pub fn connect_lazily_blocking(self) -> Result<Client> {
        async { self.connect_lazily() }.wait().map(Client)
    }
}
