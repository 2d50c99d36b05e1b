//! The handle through which everything is asked.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use zk_proto::ensemble::CONFIG_NODE;
use zk_proto::{Acl, CreateMode, SessionId};

use crate::builder::ClientBuilder;
use crate::chroot::Chroot;
use crate::driver;
use crate::error::{Error, Result};
use crate::ops::{
    AddAuth, AllChildrenNumber, Call, Children, Create, Delete, DeleteRecursive, EnsurePath,
    Ephemerals, Exists, Get, GetAcl, GetConfig, Guarded, Multi, MultiRead, Pending, Reconfig, Set,
    SetAcl, Sync, WhoAmI,
};
use crate::session::SessionState;
use crate::shared::Shared;
use crate::states::{SessionEnded, SessionStates};
use crate::watch::{Observe, OneshotWatch, Watch, WatchMode, WatchStream};

/// A client of a ZooKeeper ensemble: a session, kept alive over whatever connections that takes.
///
/// Clones are cheap and are the same client. Requests of all clones take effect in the order in
/// which they were sent. When the last clone is dropped the client closes in the background;
/// [`close`](Self::close) does it in the open.
///
/// # What failures mean
///
/// - A **read** is sent again when its connection breaks, up to ten times; its caller notices a
///   delay.
/// - A **write** that was on its way fails with
///   [`Error::ConnectionLoss`](crate::Error::ConnectionLoss): nobody can tell whether it was
///   applied. One that had not left yet stays in line.
/// - When the **session expires**, everything that waits fails with
///   [`Error::SessionExpired`](crate::Error::SessionExpired), ephemeral nodes and one-shot watches
///   are gone, and the client opens a new session (unless
///   [told not to](ClientBuilder::renew_expired_session)).
///   [`session_epoch`](Self::session_epoch) tells one session from another.
///
/// Dropping a future of this crate at any moment is safe: replies still find their requests.
///
/// A client goes by the machine's clock, as its servers do. Under a paused tokio clock
/// (`tokio::time::pause`) it works and keeps its session, but keeps a core busy; in a
/// [`simulation`](crate::simulation) it goes by that clock.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    /// The root of this handle's paths; clones may have another.
    chroot: Chroot,
}

/// Closes the client when the last handle goes.
struct Inner {
    shared: Arc<Shared>,
}

const _: () = {
    const fn assert_handle<T: Clone + Send + std::marker::Sync + 'static>() {}
    const fn assert_shareable<T: Send + std::marker::Sync + Unpin + 'static>() {}
    assert_handle::<Client>();
    assert_handle::<ClientBuilder>();
    assert_handle::<Error>();
    assert_shareable::<Pending<()>>();
    assert_shareable::<OneshotWatch>();
    assert_shareable::<WatchStream>();
    assert_shareable::<Observe>();
    assert_shareable::<SessionStates>();
    assert_shareable::<SessionEnded>();
};

impl Client {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let chroot = shared.chroot.clone();
        Self { inner: Arc::new(Inner { shared }), chroot }
    }

    pub(crate) fn chroot(&self) -> &Chroot {
        &self.chroot
    }

    /// The same client, whose paths are those of the server.
    pub(crate) fn unrooted(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), chroot: Chroot::default() }
    }

    /// The ACL of a new node whose create names none.
    pub(crate) fn default_acl(&self, server_path: &str) -> Vec<Acl> {
        let shared = self.shared();
        shared.acl_policy.acl(shared.chroot.to_client(server_path))
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.inner.shared
    }

    /// Opens a session with the default settings.
    ///
    /// `servers` is a connect string: `host:port[,host:port...][/chroot]`. The port is 2181 unless
    /// given; an IPv6 address stands in brackets; with a chroot, which must exist, all paths are
    /// below it. Names are resolved at each attempt, and all their addresses tried.
    ///
    /// # Errors
    ///
    /// As [`ClientBuilder::connect`].
    pub async fn connect(servers: &str) -> Result<Self> {
        Self::builder(servers).connect().await
    }

    /// Settings for a client of these servers.
    pub fn builder(servers: &str) -> ClientBuilder {
        ClientBuilder::new(servers)
    }

    /// The same client, seen from another root: all paths of the handle returned are below `path`,
    /// which is itself below this handle's root. The session, its order and its limits are shared.
    ///
    /// The node need not exist yet; [`ensure_path`](Self::ensure_path) makes it.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidPath`](crate::Error::InvalidPath).
    pub fn in_chroot(&self, path: &str) -> Result<Self> {
        zk_proto::path::validate(path).map_err(|reason| Error::InvalidPath {
            path: path.to_owned(),
            reason: reason.to_string(),
        })?;
        Ok(Self { inner: Arc::clone(&self.inner), chroot: self.chroot.below(path) })
    }

    /// Creates a node.
    ///
    /// Sequential modes append ten digits to `path`, which may then end with a slash; the result
    /// has the name. [`CreateMode::Container`] takes servers from 3.5.1 on, the modes with a time
    /// to live from 3.5.3 on, where `extendedTypesEnabled` is set.
    ///
    /// Notable errors: [`NodeExists`](crate::Error::NodeExists);
    /// [`NoNode`](crate::Error::NoNode), the parent is missing;
    /// [`NoChildrenForEphemerals`](crate::Error::NoChildrenForEphemerals).
    pub fn create<'a>(
        &'a self,
        path: &'a str,
        data: &'a (impl AsRef<[u8]> + ?Sized),
        mode: CreateMode,
    ) -> Create<'a> {
        Create::new(Call::new(self, path), data.as_ref(), mode)
    }

    /// Makes a path exist: creates the node and everything above it, as empty persistent nodes,
    /// except what is there already. Of `/` it makes the client's own root.
    ///
    /// One round trip if the path is there, two if not, however deep it is. Whatever others create
    /// or delete at the same time, and when a reply is lost, it is tried again.
    pub fn ensure_path<'a>(&'a self, path: &'a str) -> EnsurePath<'a> {
        EnsurePath::new(Call::new(self, path))
    }

    /// Deletes a node without children.
    ///
    /// Notable errors: [`NoNode`](crate::Error::NoNode), [`NotEmpty`](crate::Error::NotEmpty),
    /// [`BadVersion`](crate::Error::BadVersion).
    pub fn delete<'a>(&'a self, path: &'a str) -> Delete<'a> {
        Delete::new(Call::new(self, path))
    }

    /// Reads a node's data and metadata.
    ///
    /// A read is answered by the server the client is connected to, which may lag behind others;
    /// [`sync`](Self::sync) first where that matters. It never lags behind what this session saw.
    ///
    /// Notable errors: [`NoNode`](crate::Error::NoNode), also where a watch was asked for: watch
    /// [`exists`](Self::exists) for a node to appear.
    pub fn get<'a>(&'a self, path: &'a str) -> Get<'a> {
        Get { call: Call::new(self, path) }
    }

    /// Sets a node's data.
    ///
    /// Notable errors: [`NoNode`](crate::Error::NoNode),
    /// [`BadVersion`](crate::Error::BadVersion).
    pub fn set<'a>(&'a self, path: &'a str, data: &'a (impl AsRef<[u8]> + ?Sized)) -> Set<'a> {
        Set::new(Call::new(self, path), data.as_ref())
    }

    /// Asks whether a node exists: its metadata, or `None`.
    pub fn exists<'a>(&'a self, path: &'a str) -> Exists<'a> {
        Exists { call: Call::new(self, path) }
    }

    /// Lists the names of a node's children, in no particular order, with the node's metadata.
    ///
    /// Notable errors: [`NoNode`](crate::Error::NoNode);
    /// [`ReplyTooLarge`](crate::Error::ReplyTooLarge) for tens of thousands of children. Where
    /// hundreds are listed often, [`packed`](Children::packed) costs less.
    pub fn children<'a>(&'a self, path: &'a str) -> Children<'a> {
        Children { call: Call::new(self, path) }
    }

    /// Reads a node's ACL. Without the right to administrate it, servers from 3.4.14 and 3.5.5 on
    /// blank the digests in it.
    pub fn get_acl<'a>(&'a self, path: &'a str) -> GetAcl<'a> {
        GetAcl { call: Call::new(self, path) }
    }

    /// Sets a node's ACL.
    ///
    /// Notable errors: [`InvalidAcl`](crate::Error::InvalidAcl),
    /// [`BadVersion`](crate::Error::BadVersion) of the ACL, not the data.
    pub fn set_acl<'a>(&'a self, path: &'a str, acl: impl IntoIterator<Item = Acl>) -> SetAcl<'a> {
        SetAcl::new(Call::new(self, path), acl.into_iter().collect())
    }

    /// Lets the server catch up with all that the leader has committed by now. Reads sent after it
    /// see at least that. The path does not matter and need not exist.
    pub fn sync<'a>(&'a self, path: &'a str) -> Sync<'a> {
        Sync { call: Call::new(self, path) }
    }

    /// Deletes a node and everything below it; that there is nothing is no error.
    ///
    /// Notable errors: [`NotEmpty`](crate::Error::NotEmpty), others keep adding nodes;
    /// [`NoAuth`](crate::Error::NoAuth). What was deleted before an error stays deleted.
    pub fn delete_recursive<'a>(&'a self, path: &'a str) -> DeleteRecursive<'a> {
        DeleteRecursive::new(Call::new(self, path))
    }

    /// Writes that take effect only while the node at `guard` exists, such as that of a lock.
    pub fn guarded_by<'a>(&'a self, guard: &'a str) -> Guarded<'a> {
        Guarded::new(self, guard)
    }

    /// Several writes, applied together or not at all.
    pub fn multi(&self) -> Multi<'_> {
        Multi::new(Call::new(self, ""))
    }

    /// Several reads in one round trip. Servers from 3.6 on.
    pub fn multi_read(&self) -> MultiRead<'_> {
        MultiRead::new(Call::new(self, ""))
    }

    /// Lists the session's ephemeral nodes whose paths start with `prefix`, letter by letter:
    /// `/a` finds `/ab`, too. Servers from 3.6 on.
    pub fn ephemerals<'a>(&'a self, prefix: &'a str) -> Ephemerals<'a> {
        Ephemerals { call: Call::new(self, prefix) }
    }

    /// Counts everything below a node, itself left out. Servers from 3.6 on.
    pub fn all_children_number<'a>(&'a self, path: &'a str) -> AllChildrenNumber<'a> {
        AllChildrenNumber { call: Call::new(self, path) }
    }

    /// Asks who the server takes this client for. Servers from 3.7 on.
    pub fn who_am_i(&self) -> WhoAmI<'_> {
        WhoAmI { call: Call::new(self, "") }
    }

    /// Reads who belongs to the ensemble, from `/zookeeper/config`, whatever the client's root. A
    /// standalone server has no members. Servers from 3.5 on.
    ///
    /// Addresses in it are as the servers see them: look at them before passing them on to
    /// [`update_servers`](Self::update_servers).
    pub fn config(&self) -> GetConfig<'_> {
        GetConfig { call: Call::new(self, CONFIG_NODE) }
    }

    /// Changes the members of the ensemble. Servers from 3.5 on, where `reconfigEnabled` is set.
    pub fn reconfig(&self) -> Reconfig<'_> {
        Reconfig::new(Call::new(self, CONFIG_NODE))
    }

    /// Adds an identity, now and on each later connection. Refused credentials end the client with
    /// [`Error::AuthFailed`](crate::Error::AuthFailed): the server closes the connection, and would
    /// do so again.
    pub fn add_auth<'a>(&'a self, scheme: &'a str, credentials: &'a [u8]) -> AddAuth<'a> {
        AddAuth::new(Call::new(self, ""), scheme, credentials)
    }

    /// Watches a node, or everything below it, until the stream is dropped. The watch is set when
    /// the stream is there; the node need not exist. Servers from 3.6 on; see
    /// [`observe`](Self::observe) for a way that works on all.
    ///
    /// ```no_run
    /// # use zk_client::{Client, Error, EventType, WatchMode};
    /// use futures_util::StreamExt;
    ///
    /// # async fn example(client: &Client) -> Result<(), Error> {
    /// let mut events = client.watch("/app", WatchMode::PersistentRecursive).await?;
    /// while let Some(event) = events.next().await {
    ///     match event.kind {
    ///         EventType::Resync => println!("read everything anew"),
    ///         kind => println!("{kind:?} {}", event.path),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn watch<'a>(&'a self, path: &'a str, mode: WatchMode) -> Watch<'a> {
        Watch::new(Call::new(self, path), mode)
    }

    /// Follows what a node is: a stream of its states, the current one first.
    pub fn observe(&self, path: &str) -> Observe {
        Observe::new(self.clone(), path)
    }

    /// What the session is doing at the moment.
    #[must_use]
    pub fn state(&self) -> SessionState {
        self.shared().snapshot().state
    }

    /// The session's states, beginning with the current one: what happens from now on is in it,
    /// whenever it is polled first.
    pub fn states(&self) -> SessionStates {
        SessionStates::new(self.shared().snapshot.subscribe())
    }

    /// Whether a server is answering at the moment.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.state().is_connected()
    }

    /// The session's id; `None` while there is no session.
    #[must_use]
    pub fn session_id(&self) -> Option<SessionId> {
        self.shared().snapshot().session
    }

    /// The session timeout that the server granted; `None` while there is no session.
    #[must_use]
    pub fn session_timeout(&self) -> Option<Duration> {
        self.shared().snapshot().timeout
    }

    /// The number of the session: 1 for the client's first, one more as soon as a session is over.
    /// Two equal numbers mean the same session, still alive as far as the client knows.
    #[must_use]
    pub fn session_epoch(&self) -> u64 {
        self.shared().snapshot().epoch
    }

    /// When the session must be presumed lost unless a server is heard meanwhile: the time the
    /// last answered request was sent, plus the session timeout. `None` while there is no session.
    #[must_use]
    pub fn session_deadline(&self) -> Option<Instant> {
        self.shared().deadline()
    }

    /// Resolves when the session of this number is over, at once if it is already. Everything that
    /// lives and dies with a session waits for this.
    pub fn session_ended(&self, epoch: u64) -> SessionEnded {
        SessionEnded::new(self.shared().snapshot.subscribe(), epoch)
    }

    /// Runs a task in the background that tidies up after something, such as the removal of a
    /// dropped lock's node. Closing the client waits for such tasks, within its bound. May be
    /// called anywhere, also in `drop`; a task that comes after the close finds all its requests
    /// refused.
    pub fn spawn_cleanup(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.shared().spawn_cleanup(task);
    }

    /// The runtime that does the client's work, for tasks that are to live as long as the client
    /// does, whoever starts them: the caller may be in another runtime, or be a thread that waits
    /// ([`blocking`](crate::blocking)).
    #[must_use]
    pub fn runtime(&self) -> &Handle {
        self.shared().executor.runtime()
    }

    /// Runs a task in the background where the client's own tasks run: in its
    /// [`runtime`](Self::runtime), or wherever its [`spawner`](ClientBuilder::spawner) says. For
    /// tasks that live as long as a recipe does; nothing waits for them.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.shared().executor.spawn(task);
    }

    /// Whether the client was closed, or came to its end otherwise.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared().has_ended()
    }

    /// Closes the client: waits for background tidying, refuses new requests, waits for those that
    /// were sent, and ends the session, so that its ephemeral nodes go at once.
    ///
    /// It takes at most twice the [`close_timeout`](ClientBuilder::close_timeout), whatever the
    /// servers do. Closing again waits for the same end.
    ///
    /// # Errors
    ///
    /// When no server confirmed the end of the session: its ephemeral nodes then stay until its
    /// timeout. The client is closed all the same.
    pub async fn close(&self) -> Result<()> {
        driver::close(Arc::clone(self.shared())).await
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if !self.shared.has_ended() {
            let shared = Arc::clone(&self.shared);
            // If the runtime is gone, so is the connection; the servers end the session in time.
            self.shared.executor.spawn(async move {
                if let Err(error) = driver::close(shared).await {
                    tracing::debug!(%error, "the session of a dropped client was not ended");
                }
            });
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let snapshot = self.shared().snapshot();
        f.debug_struct("Client")
            .field("state", &snapshot.state)
            .field("session", &snapshot.session)
            .field("epoch", &snapshot.epoch)
            .finish_non_exhaustive()
    }
}
