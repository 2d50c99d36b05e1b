//! Writes that take effect only while a node exists.

use zk_proto::{ANY_VERSION, Acl, CreateMode, Stat};

use super::{Call, Multi, MultiResult, Pending, request};
use crate::client::Client;
use crate::error::{Error, Result};

/// Writes that take effect only while a node exists; made by
/// [`Client::guarded_by`](crate::Client::guarded_by). Servers from 3.4 on.
///
/// Guard and write are one transaction: when the guard is gone, nothing is written and the write
/// fails with [`Error::GuardFailed`], so that it can be told from a write that failed by itself.
///
/// A guard is a path, and a version if one is given; servers can check nothing else. So it must be
/// a node whose name nobody takes again, such as one of a
/// [protected](super::Create::protected) create: the node of a lock, say.
///
/// ```no_run
/// # use zk_client::{Client, CreateMode, Error};
/// # async fn example(client: &Client, lock: &str) -> Result<(), Error> {
/// let mine = client.guarded_by(lock);
/// match mine.set("/config/size", b"7").version(3).await {
///     Ok(stat) => println!("version {}", stat.version),
///     Err(Error::GuardFailed { .. }) => println!("no longer the holder"),
///     Err(error) => return Err(error),
/// }
/// mine.multi().delete("/jobs/7").create("/done/7", b"", CreateMode::Persistent).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a guard does nothing by itself"]
pub struct Guarded<'a> {
    client: &'a Client,
    guard: &'a str,
    version: i32,
    epoch: Option<u64>,
}

impl<'a> Guarded<'a> {
    pub(crate) fn new(client: &'a Client, guard: &'a str) -> Self {
        Self { client, guard, version: ANY_VERSION, epoch: None }
    }

    /// Insists that the guard's data has this version.
    pub fn version(mut self, version: i32) -> Self {
        self.version = version;
        self
    }

    /// Sends the writes only in the session of this number; once that session is over they fail
    /// with [`Error::SessionExpired`] and are not carried out.
    pub fn in_session(mut self, epoch: u64) -> Self {
        self.epoch = Some(epoch);
        self
    }

    /// Creates a node; the result is its path. As [`Client::create`](crate::Client::create), but
    /// without a time to live.
    pub fn create(
        self,
        path: &'a str,
        data: &'a (impl AsRef<[u8]> + ?Sized),
        mode: CreateMode,
    ) -> GuardedCreate<'a> {
        let (call, data) = (self.call(path), data.as_ref());
        GuardedCreate { call, guarded: self, data, mode, acl: None }
    }

    /// Sets a node's data. As [`Client::set`](crate::Client::set).
    pub fn set(self, path: &'a str, data: &'a (impl AsRef<[u8]> + ?Sized)) -> GuardedSet<'a> {
        let (call, data) = (self.call(path), data.as_ref());
        GuardedSet { call, guarded: self, data, version: ANY_VERSION }
    }

    /// Deletes a node. As [`Client::delete`](crate::Client::delete).
    pub fn delete(self, path: &'a str) -> GuardedDelete<'a> {
        GuardedDelete { call: self.call(path), guarded: self, version: ANY_VERSION }
    }

    /// Several writes, all or none. As [`Client::multi`](crate::Client::multi); the guard does not
    /// count among the operations and results.
    pub fn multi(self) -> Multi<'a> {
        self.multi_of(self.call(""))
    }

    fn multi_of(self, call: Call<'a>) -> Multi<'a> {
        Multi::guarded(call, self.guard, self.version)
    }

    fn call(&self, path: &'a str) -> Call<'a> {
        let mut call = Call::new(self.client, path);
        if let Some(epoch) = self.epoch {
            call.set_epoch(epoch);
        }
        call
    }
}

/// Creates a node while the guard exists; made by [`Guarded::create`].
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct GuardedCreate<'a> {
    call: Call<'a>,
    guarded: Guarded<'a>,
    data: &'a [u8],
    mode: CreateMode,
    acl: Option<Vec<Acl>>,
}

impl GuardedCreate<'_> {
    /// The node's ACL. Without it the client's
    /// [`default_acl`](crate::ClientBuilder::default_acl).
    pub fn acl(mut self, acl: impl IntoIterator<Item = Acl>) -> Self {
        self.acl = Some(acl.into_iter().collect());
        self
    }

    /// Sends the request now; the result, the new node's path, is awaited later.
    pub fn send(self) -> Pending<String> {
        let (path, data, mode) = (self.call.path(), self.data, self.mode);
        let multi = self.guarded.multi_of(self.call);
        let multi = match self.acl {
            None => multi.create(path, data, mode),
            Some(acl) => multi.create_with_acl(path, data, mode, acl),
        };
        single(multi, |result| match result {
            MultiResult::Created { path } => Some(path),
            _ => None,
        })
    }
}

/// Sets a node's data while the guard exists; made by [`Guarded::set`].
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct GuardedSet<'a> {
    call: Call<'a>,
    guarded: Guarded<'a>,
    data: &'a [u8],
    version: i32,
}

impl GuardedSet<'_> {
    /// Sets the data only if it still has this version.
    pub fn version(mut self, version: i32) -> Self {
        self.version = version;
        self
    }

    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<Stat> {
        let (path, data, version) = (self.call.path(), self.data, self.version);
        let multi = self.guarded.multi_of(self.call).set_version(path, data, version);
        single(multi, |result| match result {
            MultiResult::Set { stat } => Some(stat),
            _ => None,
        })
    }
}

/// Deletes a node while the guard exists; made by [`Guarded::delete`].
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct GuardedDelete<'a> {
    call: Call<'a>,
    guarded: Guarded<'a>,
    version: i32,
}

impl GuardedDelete<'_> {
    /// Deletes only if the data still has this version.
    pub fn version(mut self, version: i32) -> Self {
        self.version = version;
        self
    }

    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<()> {
        let (path, version) = (self.call.path(), self.version);
        let multi = self.guarded.multi_of(self.call).delete_version(path, version);
        single(multi, |result| matches!(result, MultiResult::Deleted).then_some(()))
    }
}

/// The result of a multi of one operation, as if it had been sent alone.
fn single<T: 'static>(
    multi: Multi<'_>,
    typed: impl FnOnce(MultiResult) -> Option<T> + Send + Sync + 'static,
) -> Pending<T> {
    let pending = multi.send();
    Pending::chained(async move {
        let results: Result<Vec<MultiResult>> = pending.await;
        match results {
            Ok(mut results) => results.pop().and_then(typed).ok_or_else(|| Error::Protocol {
                op: "multi",
                path: String::new(),
                reason: "the result of another operation".to_owned(),
            }),
            Err(Error::Multi { source, .. }) => Err(*source),
            Err(error) => Err(error),
        }
    })
}

request!(GuardedCreate => String);
request!(GuardedSet => Stat);
request!(GuardedDelete => ());
