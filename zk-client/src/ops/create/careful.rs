//! Creates that may take more than one request.

use std::time::Duration;

use zk_proto::{Acl, CreateMode, SessionId};

use super::parents::{Ancestors, Parents};
use super::protected::{Found, Tag, Unsettled};
use super::{Create, Created};
use crate::client::Client;
use crate::driver::Pauses;
use crate::error::{Error, Result};
use crate::ops::{Limits, Pending};

/// How often a write is tried before its last error stands: enough for any row of accidents, and
/// an end if the request itself is what breaks the connection.
pub(crate) const ATTEMPTS_MAX: usize = 10;

/// What a create is to take care of.
#[derive(Clone, Debug, Default)]
pub(super) struct Care {
    pub(super) protected: Option<Tag>,
    pub(super) idempotent: bool,
    pub(super) or_set: bool,
    pub(super) parents: Option<Parents>,
}

impl Care {
    pub(super) fn is_needed(&self) -> bool {
        self.protected.is_some() || self.idempotent || self.or_set || self.parents.is_some()
    }

    /// What does not fit together.
    pub(super) fn misfit(&self, mode: CreateMode) -> Option<&'static str> {
        let by_name = self.idempotent || self.or_set;
        if by_name && self.protected.is_some() {
            return Some(
                "a protected create has a new name each time: it cannot be idempotent or set",
            );
        }
        if by_name && mode.is_sequential() {
            return Some("a sequential create has a new name each time: use protected()");
        }
        None
    }
}

/// A create that owns all it needs, for as many requests as it takes.
struct Careful {
    client: Client,
    path: String,
    data: Vec<u8>,
    mode: CreateMode,
    acl: Option<Vec<Acl>>,
    ttl: Option<Duration>,
    care: Care,
    limits: Limits,
}

/// One create on its way.
struct Attempt {
    /// The creates of its parents, sent before it.
    ancestors: Option<Ancestors>,
    pending: Pending<Created>,
    unsettled: Option<Unsettled>,
}

/// What follows from an attempt that failed.
enum Next {
    Done(Created),
    /// Another attempt; the error stands if there is to be none.
    Again(Error),
}

/// Sends the first request now.
pub(super) fn send(create: Create<'_>) -> Pending<Created> {
    let client = create.call.client().clone();
    let mut limits = create.call.limits().started();
    if create.care.protected.is_some() && create.mode.is_ephemeral() {
        // A node of another session than the one that was there when the caller asked is no use.
        limits.epoch.get_or_insert_with(|| client.session_epoch());
    }
    let careful = Careful {
        client,
        path: create.call.path().to_owned(),
        data: create.data.to_vec(),
        mode: create.mode,
        acl: create.acl,
        ttl: create.ttl,
        care: create.care,
        limits,
    };
    let first = careful.attempt(None);
    Pending::chained(async move { careful.finish(first).await })
}

impl Careful {
    fn attempt(&self, ancestors: Option<Ancestors>) -> Attempt {
        let (unsettled, path) = if let Some(tag) = self.care.protected {
            let epoch = self.limits.epoch.filter(|_| self.mode.is_ephemeral());
            let (unsettled, path) = Unsettled::new(&self.client, &self.path, tag, epoch);
            (Some(unsettled), path)
        } else {
            (None, self.path.clone())
        };
        let mut create = self.client.create(&path, &self.data, self.mode).limited(self.limits);
        (create.acl, create.ttl) = (self.acl.clone(), self.ttl);
        Attempt { ancestors, pending: create.send(), unsettled }
    }

    /// An attempt right behind the creates of all its parents, where nothing speaks against it.
    async fn attempt_with_parents(&self, parents: &Parents) -> Result<Attempt> {
        let ancestors = parents.send(&self.client, &self.path, self.limits);
        if parents.are_supported(&self.client) {
            return Ok(self.attempt(Some(ancestors)));
        }
        match ancestors.settle().await {
            Err(Error::Unimplemented { .. }) => {
                let ancestors = parents.send(&self.client, &self.path, self.limits);
                Ok(self.attempt(Some(ancestors)))
            }
            // Why there is no parent shows when the create fails for it.
            refused => refused.map(|()| self.attempt(None)),
        }
    }

    async fn finish(self, mut attempt: Attempt) -> Result<Created> {
        let mut pauses = Pauses::new();
        // The error of an attempt that may have been applied.
        let mut doubt = None;
        let mut attempts = 1;
        loop {
            let Attempt { ancestors, pending, unsettled } = attempt;
            let refused = match ancestors {
                Some(ancestors) => ancestors.settle().await.err(),
                None => None,
            };
            let error = match pending.await {
                Ok(created) => {
                    if let Some(unsettled) = unsettled {
                        unsettled.settle();
                    }
                    return Ok(created);
                }
                // The parents' error is the reason for this one.
                Err(Error::NoNode { path }) => match refused {
                    Some(refused) if !is_race(&refused) => return Err(refused),
                    _ => Error::NoNode { path },
                },
                Err(error) => error,
            };
            let is_missing = matches!(error, Error::NoNode { .. });
            let last = match self.next(error, unsettled, &mut doubt).await? {
                Next::Done(created) => return Ok(created),
                Next::Again(error) => error,
            };
            if attempts == ATTEMPTS_MAX || self.limits.are_exhausted() {
                return Err(doubt.unwrap_or(last));
            }
            if attempts > 1 || !is_missing {
                pauses.pause(self.limits.deadline).await;
            }
            attempts += 1;
            attempt = match &self.care.parents {
                Some(parents) if is_missing => self.attempt_with_parents(parents).await?,
                _ => self.attempt(None),
            };
        }
    }

    /// What to do about a failed attempt.
    async fn next(
        &self,
        error: Error,
        unsettled: Option<Unsettled>,
        doubt: &mut Option<Error>,
    ) -> Result<Next> {
        if error.is_outcome_unknown() {
            if let Some(unsettled) = unsettled {
                return self.find(unsettled, error).await;
            }
            if self.care.idempotent {
                *doubt = Some(error.clone());
                return Ok(Next::Again(error));
            }
            return Err(error);
        }
        // An answer that cannot be read may well say that the node was created.
        let is_answer_known =
            !matches!(error, Error::Protocol { .. } | Error::ReplyTooLarge { .. });
        if let (Some(unsettled), true) = (unsettled, is_answer_known) {
            unsettled.settle();
        }
        match error {
            Error::NoNode { .. } if self.care.parents.is_some() => Ok(Next::Again(error)),
            Error::NodeExists { .. } if self.care.or_set => self.set(error, doubt).await,
            Error::NodeExists { .. } if self.care.idempotent => self.compare(error, doubt).await,
            error if doubt.is_some() && error.is_passing() => Ok(Next::Again(error)),
            // Says that this attempt was not applied; another may have been.
            Error::SessionExpired | Error::Closed => Err(doubt.take().unwrap_or(error)),
            error => Err(error),
        }
    }

    /// Looks for the node of a protected create without an answer.
    async fn find(&self, unsettled: Unsettled, error: Error) -> Result<Next> {
        match unsettled.find(self.limits).await {
            Ok(Found::Ours(created)) => {
                tracing::debug!(
                    path = created.path,
                    "found the node of a create whose reply was lost"
                );
                unsettled.settle();
                Ok(Next::Done(created))
            }
            Ok(Found::Nothing) => {
                unsettled.settle();
                Ok(Next::Again(error))
            }
            // What is left of `unsettled` has the stray removed.
            Ok(Found::OfAnotherSession) => Err(Error::SessionExpired),
            Err(Error::SessionExpired) if self.mode.is_ephemeral() => Err(Error::SessionExpired),
            // The question stays open, whatever went wrong with asking it.
            Err(_) => Err(error),
        }
    }

    /// Sets the data of the node that is there.
    async fn set(&self, exists: Error, doubt: &mut Option<Error>) -> Result<Next> {
        match self.client.set(&self.path, &self.data).limited(self.limits).await {
            Ok(stat) => Ok(Next::Done(Created { path: self.path.clone(), stat })),
            // Deleted in between.
            Err(Error::NoNode { .. }) => Ok(Next::Again(exists)),
            Err(error) if self.care.idempotent && error.is_passing() => {
                if error.is_outcome_unknown() {
                    *doubt = Some(error.clone());
                }
                Ok(Next::Again(error))
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the node that is there is what the create would have made.
    async fn compare(&self, exists: Error, doubt: &mut Option<Error>) -> Result<Next> {
        let (data, stat) = match self.client.get(&self.path).limited(self.limits).await {
            Ok(node) => node,
            // Deleted in between.
            Err(Error::NoNode { .. }) => return Ok(Next::Again(exists)),
            Err(error) => return Err(doubt.take().unwrap_or(error)),
        };
        let is_ours = if self.mode.is_ephemeral() {
            self.client.session_id() == Some(stat.ephemeral_owner)
        } else {
            stat.ephemeral_owner == SessionId::NONE
        };
        if is_ours && stat.version == 0 && data == self.data {
            return Ok(Next::Done(Created { path: self.path.clone(), stat }));
        }
        // It may have been made by an attempt of ours, and changed since.
        let undecided = doubt.take().filter(|_| is_ours && stat.version > 0);
        Err(undecided.unwrap_or(exists))
    }
}

/// Whether a missing parent is all there is to it: somebody deletes what this client creates.
fn is_race(error: &Error) -> bool {
    matches!(error, Error::NoNode { .. }) || error.is_passing()
}
