//! A lock that many readers or one writer hold at a time.
//!
//! ```no_run
//! # async fn example(client: zk_client::Client) -> zk_recipes::Result<()> {
//! use zk_recipes::RwLock;
//!
//! let lock = RwLock::new(&client, "/locks/catalogue");
//! let writer = lock.write().await?;
//! write_catalogue(writer.fencing_token()).await;
//! let reader = writer.downgrade().await?; // nobody wrote in between
//! check_catalogue().await;
//! reader.release().await?;
//! # Ok(()) }
//! # async fn write_catalogue(token: zk_recipes::FencingToken) {}
//! # async fn check_catalogue() {}
//! ```
//!
//! # Znodes
//!
//! The path given is the directory (a container, made on demand). Each contender has one ephemeral
//! sequential child: `_c_<uuid>-__READ__<number>` a reader, `_c_<uuid>-__WRIT__<number>` a writer.
//! This is the layout of Curator's `InterProcessReadWriteLock`, and its contenders and these stand
//! in one line. [`RwLock::kazoo`] writes `<32 hex>__rlock__<number>` and `<32 hex>__lock__<number>`,
//! as kazoo's `ReadLock` and `WriteLock` do; there the directory is no container, and stays behind
//! (delete it when nobody uses the lock any more). Other children block nobody. Do not point a
//! [`Lock`](crate::Lock) at the same path: it would not wait for the readers.
//!
//! # What it guarantees
//!
//! - While a [`WriteGuard`] is held *and its session lives*, no other guard is; while a
//!   [`ReadGuard`] is, no write guard is.
//! - First come, first served: a reader waits for the writers before it, a writer for everybody
//!   before it. So a writer that waits holds up the readers who come later, and nobody starves.
//! - [`WriteGuard::downgrade`] turns a writer into a reader in one transaction: nobody writes
//!   between the two, also no writer that waited all the time.
//! - A create whose reply is lost is found again or removed; a waiter or guard that is dropped at
//!   any point leaves no node behind for longer than the client needs to tell the server.
//!
//! # What it does not
//!
//! **A lock is a lease**: see [`lock`](crate::lock) for why, and pass
//! [`WriteGuard::fencing_token`] with every write to what the lock protects. The tokens of readers
//! are in order with those of writers: a writer's is larger than those of all readers before it.
//!
//! A reader cannot become a writer: two who tried would wait for each other for ever. Release, and
//! get in line for writing. The lock is not re-entrant either: a reader that reads again in the same
//! task waits for a writer that came in between, which waits for it.
//!
//! # When things go wrong
//!
//! | what happens | a waiter | a holder | a downgrade |
//! | --- | --- | --- | --- |
//! | connection breaks | stays in line | [`HoldState::Unsure`](crate::HoldState), still held | goes on with the next connection |
//! | it comes back in time | looks at the line once | held again | finds out whether it was done, does it if not |
//! | session expires | starts over at the tail, in the next session | lost | [`Error::NotHeld`] |
//! | no answer for the session timeout | keeps waiting | lost, without being told | goes on until the session is known to be over |
//! | own node deleted by somebody | starts over at the tail | lost | [`Error::NotHeld`] |
//! | future or guard dropped | node deleted in the background | node deleted in the background | both nodes deleted in the background |
//! | the server refuses | error | - | error, and the lock is released |
//! | client closed | `Error::Client(Closed)` | lost | [`Error::NotHeld`] |
//!
//! Lost is final: a guard never comes back, and a guard of an earlier session never passes as held.
//! If the runtime is gone before the client could tell the server, the session timeout frees the
//! lock.
//!
//! # Cost
//!
//! As a [`Lock`](crate::lock)'s: one round trip to get in where nobody has to go first (three for
//! the first time, which makes the directory), one to release, two for each wait. A downgrade is
//! one.
//!
//! A reader watches the nearest writer before it, a writer the nearest contender before it. So a
//! writer that leaves wakes the readers right behind it, who can all go on, or the next writer. A
//! reader that leaves wakes at most one writer, and in vain only if readers that came earlier are
//! still in. A downgrade wakes the same as a release: readers go on, a writer waits again.

mod guard;

pub use guard::{ReadGuard, WriteGuard};

use std::time::Duration;

use bytes::Bytes;
use zk_client::Client;

use crate::contest::{Contest, Held, Options};
use crate::error::{Error, Result};
use crate::lock::{Contender, contenders};
use crate::options::NodeOptions;
use crate::runtime;
use crate::sequence::Mark;

/// A lock for many readers or one writer. A cheap handle; see the [module](self).
#[derive(Clone, Debug)]
pub struct RwLock {
    client: Client,
    path: String,
    reader: Mark,
    writer: Mark,
    data: Bytes,
    options: Options,
    limit: Option<Duration>,
}

impl RwLock {
    /// The lock at `path`, as Curator's `InterProcessReadWriteLock` lays it out. Asks the server
    /// nothing.
    #[must_use]
    pub fn new(client: &Client, path: &str) -> Self {
        Self::of(client, path, Mark::CURATOR_READ, Mark::CURATOR_WRITE)
    }

    /// As kazoo's `ReadLock` and `WriteLock`. The directory is made to stay, since an object of
    /// kazoo's makes it once in its life, and fails for good if the server sweeps it away.
    #[must_use]
    pub fn kazoo(client: &Client, path: &str) -> Self {
        Self::of(client, path, Mark::KAZOO_READ, Mark::KAZOO_WRITE)
    }

    fn of(client: &Client, path: &str, reader: Mark, writer: Mark) -> Self {
        let (client, path) = (client.clone(), path.to_owned());
        let (data, options) = (Bytes::new(), Options::default());
        Self { client, path, reader, writer, data, options, limit: None }
    }

    /// The ACL of the nodes, and what to do about missing parents. Whoever else stands in line must
    /// be allowed to read the nodes; deleting is a right on the parent.
    #[must_use]
    pub fn options(mut self, options: NodeOptions) -> Self {
        self.options.nodes = options;
        self
    }

    /// The data of the contender's node, for people who look: a host name, say. Default: empty.
    #[must_use]
    pub fn data(mut self, data: impl Into<Bytes>) -> Self {
        self.data = data.into();
        self
    }

    /// Whether a wait whose session ends starts over at the tail in the next session (default), or
    /// ends with [`Error::SessionLost`].
    #[must_use]
    pub fn across_sessions(mut self, across: bool) -> Self {
        self.options.across_sessions = across;
        self
    }

    /// Whether guards are lost as soon as the connection breaks. Default: no, they are held until
    /// the session may be over.
    #[must_use]
    pub fn let_go_when_suspended(mut self, let_go: bool) -> Self {
        self.options.let_go_when_suspended = let_go;
        self
    }

    /// The longest wait of [`read`](Self::read) and [`write`](Self::write), which then give up
    /// their place and fail with [`Error::TimedOut`]. Default: none.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// The path of the lock.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Waits until every writer that came earlier is gone.
    ///
    /// Disconnects and expired sessions do not end the wait. Cancel-safe: dropped, the place in
    /// line is given up in the background.
    pub async fn read(&self) -> Result<ReadGuard> {
        Ok(ReadGuard::new(self.win(self.reader).await?))
    }

    /// Waits until everybody who came earlier is gone, readers and writers. Otherwise as
    /// [`read`](Self::read).
    pub async fn write(&self) -> Result<WriteGuard> {
        Ok(WriteGuard::new(self.win(self.writer).await?, self.contest(self.reader)))
    }

    /// Reads if no writer holds the lock or waits for it, else `None`.
    ///
    /// The answer is exact at the moment of asking, since the caller gets in line to ask. Cost: one
    /// round trip, one more to leave the line again. [`timeout`](Self::timeout) plays no part.
    pub async fn try_read(&self) -> Result<Option<ReadGuard>> {
        Ok(self.contest(self.reader).try_win().await?.map(ReadGuard::new))
    }

    /// Writes if nobody holds the lock or waits for it, else `None`. Otherwise as
    /// [`try_read`](Self::try_read).
    pub async fn try_write(&self) -> Result<Option<WriteGuard>> {
        let held = self.contest(self.writer).try_win().await?;
        Ok(held.map(|held| WriteGuard::new(held, self.contest(self.reader))))
    }

    /// Who holds the lock and who waits for it, in the order of the line: readers in front of the
    /// first [writer](Contender::is_reader) hold it together, or that writer holds it. One who goes
    /// while it is being read is left out. Cost: two round trips.
    pub async fn contenders(&self) -> Result<Vec<Contender>> {
        // A writer waits for everybody.
        contenders::of(&self.client, &self.path, self.writer).await
    }

    async fn win(&self, mark: Mark) -> Result<Held> {
        let contest = self.contest(mark);
        let Some(limit) = self.limit else {
            return contest.win().await;
        };
        match runtime::within(limit, contest.win()).await {
            Some(held) => held,
            None => Err(Error::TimedOut { path: self.path.clone(), after: limit }),
        }
    }

    fn contest(&self, mark: Mark) -> Contest {
        Contest {
            client: self.client.clone(),
            directory: self.path.clone(),
            mark,
            data: self.data.clone(),
            options: self.options.among(mark),
        }
    }
}
