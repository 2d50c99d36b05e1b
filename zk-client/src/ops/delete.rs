//! Deleting a node.

use zk_proto::{ANY_VERSION, DeleteRequest, OpCode};

use super::create::ATTEMPTS_MAX;
use super::{Call, Limits, Pending, request};
use crate::client::Client;
use crate::driver::Pauses;
use crate::error::{Error, Result};

/// Deletes a node; made by [`Client::delete`](crate::Client::delete).
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct Delete<'a> {
    call: Call<'a>,
    version: i32,
    idempotent: bool,
    guaranteed: bool,
}

impl<'a> Delete<'a> {
    pub(crate) fn new(call: Call<'a>) -> Self {
        Self { call, version: ANY_VERSION, idempotent: false, guaranteed: false }
    }

    /// Deletes only if the data still has this version.
    pub fn version(mut self, version: i32) -> Self {
        self.version = version;
        self
    }

    /// Succeeds, too, if there is no node. Hence the delete can be repeated, and is, when its
    /// outcome is unknown; so it may delete a node that was created again meanwhile.
    #[doc(alias("quietly"))]
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Goes on until the delete is decided: through disconnects, through a server's overload, and
    /// in the background when the future is dropped. That ends with the client, or with the session
    /// that [`in_session`](Self::in_session) names, and does not heed a timeout. As the delete is
    /// repeated when its outcome is unknown, it is for names that nobody takes again.
    pub fn guaranteed(mut self) -> Self {
        self.guaranteed = true;
        self
    }

    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<()> {
        if self.guaranteed {
            return self.send_in_background();
        }
        if self.idempotent {
            return self.send_again_and_again();
        }
        let path = self.call.server_path();
        let request = DeleteRequest { path: &path, version: self.version };
        self.call.submit(OpCode::Delete, &request, |context, outcome| context.done(outcome))
    }

    /// The delete, as the first of a row.
    fn repeated(self, limits: Limits, patient: bool) -> (Repeated, Pending<()>) {
        let client = self.call.client().clone();
        let (path, version) = (self.call.path().to_owned(), self.version);
        let repeated = Repeated { client, path, version, limits, patient };
        let first = repeated.delete();
        (repeated, first)
    }

    fn send_again_and_again(self) -> Pending<()> {
        let limits = self.call.limits().started();
        let (repeated, first) = self.repeated(limits, false);
        Pending::chained(async move {
            match repeated.finish(first).await {
                Err(Error::NoNode { .. }) => Ok(()),
                done => done,
            }
        })
    }

    fn send_in_background(self) -> Pending<()> {
        let idempotent = self.idempotent;
        let limits = Limits { epoch: self.call.limits().epoch, ..Limits::NONE };
        let (repeated, first) = self.repeated(limits, true);
        let client = repeated.client.clone();
        let (done, outcome) = tokio::sync::oneshot::channel();
        client.spawn_cleanup(async move {
            let result = repeated.finish_in_any_session(first).await;
            match done.send(result) {
                Ok(()) | Err(Ok(())) => {}
                Err(Err(Error::NoNode { .. } | Error::SessionExpired | Error::Closed)) => {}
                Err(Err(error)) => {
                    tracing::warn!(path = repeated.path, %error, "could not delete a node in the background");
                }
            }
        });
        Pending::chained(async move {
            match outcome.await.unwrap_or(Err(Error::Closed)) {
                Err(Error::NoNode { .. }) if idempotent => Ok(()),
                result => result,
            }
        })
    }
}

/// A delete that owns all it needs, for as many requests as it takes.
struct Repeated {
    client: Client,
    path: String,
    version: i32,
    limits: Limits,
    /// Whether to wait until a server takes it, for as long as that takes.
    patient: bool,
}

impl Repeated {
    fn delete(&self) -> Pending<()> {
        self.client.delete(&self.path).version(self.version).limited(self.limits).send()
    }

    /// Repeats until the outcome is known. After an attempt that may have worked, a missing node is
    /// what was wanted.
    async fn finish(&self, mut attempt: Pending<()>) -> Result<()> {
        let mut pauses = Pauses::new();
        let mut doubt = None;
        let mut attempts = 1;
        loop {
            match attempt.await {
                Err(Error::NoNode { .. }) if doubt.is_some() => return Ok(()),
                Err(error) if error.is_passing() => {
                    if error.is_outcome_unknown() {
                        doubt = Some(error.clone());
                    }
                    let is_last = !self.patient && (attempts == ATTEMPTS_MAX || doubt.is_none());
                    if is_last || self.limits.are_exhausted() {
                        return Err(doubt.unwrap_or(error));
                    }
                }
                // Says that this attempt was not carried out; another may have been.
                Err(error @ (Error::SessionExpired | Error::Closed)) => {
                    return Err(doubt.unwrap_or(error));
                }
                done => return done,
            }
            pauses.pause(self.limits.deadline).await;
            attempts += 1;
            attempt = self.delete();
        }
    }

    /// The same in every session of the client, unless there is only one to do it in.
    async fn finish_in_any_session(&self, mut attempt: Pending<()>) -> Result<()> {
        let mut doubt = false;
        loop {
            match self.finish(attempt).await {
                Err(Error::NoNode { .. }) if doubt => return Ok(()),
                Err(error)
                    if self.limits.epoch.is_none()
                        && !self.client.is_closed()
                        && (error == Error::SessionExpired || error.is_outcome_unknown()) =>
                {
                    doubt |= error.is_outcome_unknown();
                    attempt = self.delete();
                }
                done => return done,
            }
        }
    }
}

/// Deletes a node of a name that nobody takes again, through any number of disconnects. That there
/// is none is an error unless this call may have removed it.
pub(super) async fn delete_for_certain(client: &Client, path: &str, limits: Limits) -> Result<()> {
    let (client, path) = (client.clone(), path.to_owned());
    let repeated = Repeated { client, path, version: ANY_VERSION, limits, patient: true };
    repeated.finish(repeated.delete()).await
}

request!(Delete => ());
