//! Creating nodes.

mod careful;
mod ensure;
mod parents;
mod protected;

pub use ensure::EnsurePath;

pub(super) use careful::ATTEMPTS_MAX;

use std::time::Duration;

use zk_proto::path::{validate, validate_sequential};
use zk_proto::{
    Acl, Create2Response, CreateMode, CreateRequest, CreateResponse, CreateTtlRequest, OpCode, Stat,
};

use self::careful::Care;
use self::parents::Parents;
use self::protected::Tag;
use super::pending::Context;
use super::{Call, Pending, request};
use crate::error::{Error, Result};
use crate::features::Support;
use crate::session::Outcome;

/// The longest time to live the protocol has room for: 2^40 - 1 ms, about 35 years.
pub const TTL_MAX: Duration = Duration::from_millis((1 << 40) - 1);

/// How many digits a sequential mode appends.
const SEQUENCE_LEN: usize = 10;

/// A node that was created.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Created {
    /// The node's path, with its sequence number if the mode is sequential.
    pub path: String,
    /// The new node's metadata.
    pub stat: Stat,
}

impl Created {
    /// The number that a sequential mode gave the node, unless the parent has seen more than 2^31
    /// creates. Only of a node that was created as sequential does it mean anything.
    #[must_use]
    pub fn sequence(&self) -> Option<i32> {
        let digits = self.path.get(self.path.len().checked_sub(SEQUENCE_LEN)?..)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    }
}

/// Creates a node; made by [`Client::create`](crate::Client::create).
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct Create<'a> {
    call: Call<'a>,
    data: &'a [u8],
    mode: CreateMode,
    acl: Option<Vec<Acl>>,
    ttl: Option<Duration>,
    care: Care,
}

impl<'a> Create<'a> {
    pub(crate) fn new(call: Call<'a>, data: &'a [u8], mode: CreateMode) -> Self {
        Self { call, data, mode, acl: None, ttl: None, care: Care::default() }
    }

    /// The node's ACL. Without it the client's
    /// [`default_acl`](crate::ClientBuilder::default_acl).
    pub fn acl(mut self, acl: impl IntoIterator<Item = Acl>) -> Self {
        self.acl = Some(acl.into_iter().collect());
        self
    }

    /// How long the node stays without children and without changes, in whole milliseconds from
    /// 1 ms to [`TTL_MAX`]. For the modes with a time to live, and required by them.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Finds the node again if the reply is lost, so that the create happens exactly once.
    ///
    /// The name gets a random tag in front, `_c_<uuid>-`, as in Curator; [`Created::path`] has it.
    /// When the connection breaks, the client waits for the next one, looks for the tag behind a
    /// [`sync`](crate::Client::sync), and takes the node or creates it anew. An ephemeral node of a
    /// former session is never taken: the create fails with
    /// [`Error::SessionExpired`](crate::Error::SessionExpired). If the future is dropped or fails
    /// before the outcome is known, the client removes in the background what may have been
    /// created.
    ///
    /// One round trip, and two more if the reply was lost.
    pub fn protected(mut self) -> Self {
        self.care.protected = Some(Tag::Curator);
        self
    }

    /// As [`protected`](Self::protected), but the tag is 32 hexadecimal digits and nothing else, as
    /// kazoo's recipes write it.
    pub fn protected_hex(mut self) -> Self {
        self.care.protected = Some(Tag::Hex);
        self
    }

    /// Creates missing parents, as persistent nodes, with the client's
    /// [`default_acl`](crate::ClientBuilder::default_acl). They are created only after the node was
    /// refused for the lack of them, all in one more round trip.
    pub fn with_parents(mut self) -> Self {
        self.parents().containers = false;
        self
    }

    /// Creates missing parents as containers, which the server deletes once their last child is
    /// gone. Servers before 3.5.1 have none: there the parents are persistent. A container that is
    /// swept away between its creation and the node's is created again.
    pub fn with_container_parents(mut self) -> Self {
        self.parents().containers = true;
        self
    }

    /// The ACL of parents that are created, unless they get the client's default; they are
    /// persistent unless [`with_container_parents`](Self::with_container_parents) is asked for.
    pub fn parents_acl(mut self, acl: impl IntoIterator<Item = Acl>) -> Self {
        self.parents().acl = Some(acl.into_iter().collect());
        self
    }

    fn parents(&mut self) -> &mut Parents {
        self.care.parents.get_or_insert(Parents { containers: false, acl: None })
    }

    /// Sets the data instead if the node exists; [`Created::stat`] then tells a version above 0.
    /// Mode and ACL of an existing node stay. The two steps are repeated when somebody deletes the
    /// node in between. Not for sequential modes.
    #[doc(alias("create_or_set", "upsert"))]
    pub fn or_set(mut self) -> Self {
        self.care.or_set = true;
        self
    }

    /// Takes a node for its own that is there already, if it is just what the create would have
    /// made: same data, never set, persistent, or ephemeral in this session. Hence the create can be
    /// repeated, and is, when its outcome is unknown. With [`or_set`](Self::or_set) the data of the
    /// node does not matter, it is set. Not for sequential modes: they have
    /// [`protected`](Self::protected).
    pub fn idempotent(mut self) -> Self {
        self.care.idempotent = true;
        self
    }

    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<Created> {
        if self.care.is_needed() {
            return match self.validated() {
                Ok(_) => careful::send(self),
                Err(error) => Pending::failed(error),
            };
        }
        let ttl_ms = match self.validated() {
            Ok(ttl_ms) => ttl_ms,
            Err(error) => return Pending::failed(error),
        };
        if let Some(ttl_ms) = ttl_ms {
            return self.send_with_ttl(ttl_ms);
        }
        if self.mode.is_container() {
            return self.send_as(OpCode::CreateContainer, created);
        }
        match self.call.client().shared().features.create2.get() {
            Support::Yes => self.send_as(OpCode::Create2, created),
            Support::Unknown => self.send_as_first(),
            Support::No => self.send_to_old_server(),
        }
    }

    /// The time to live in milliseconds, if the mode has one.
    fn validated(&self) -> Result<Option<i64>> {
        let path = self.call.path();
        let rules = if self.mode.is_sequential() { validate_sequential } else { validate };
        rules(path).map_err(|reason| self.call.invalid_path(&reason))?;
        let unfit = |reason| Err(Error::InvalidRequest { path: path.to_owned(), reason });
        if let Some(reason) = self.care.misfit(self.mode) {
            return unfit(reason);
        }
        match self.ttl {
            None if self.mode.is_ttl() => {
                unfit("the mode needs a time to live: set one with ttl()")
            }
            None => Ok(None),
            Some(_) if !self.mode.is_ttl() => unfit("the mode has no time to live: leave it out"),
            Some(ttl) if ttl > TTL_MAX => unfit("the time to live is longer than TTL_MAX"),
            Some(ttl) => match i64::try_from(ttl.as_millis()) {
                Ok(ms @ 1..) => Ok(Some(ms)),
                _ => unfit("the time to live is shorter than a millisecond"),
            },
        }
    }

    fn send_with_ttl(self, ttl_ms: i64) -> Pending<Created> {
        let path = self.call.server_path();
        let request = CreateTtlRequest {
            path: &path,
            data: Some(self.data),
            acl: self.acl.unwrap_or_else(|| self.call.client().default_acl(&path)),
            flags: self.mode.flags(),
            ttl_ms,
        };
        self.call.submit_unchecked(OpCode::CreateTtl, &request, created)
    }

    fn send_as<T: 'static>(
        self,
        op: OpCode,
        decode: impl FnOnce(&Context, Outcome) -> Result<T> + Send + Sync + 'static,
    ) -> Pending<T> {
        let path = self.call.server_path();
        let acl = self.acl.unwrap_or_else(|| self.call.client().default_acl(&path));
        let request = create_request(&path, self.data, self.mode, acl);
        self.call.submit_unchecked(op, &request, decode)
    }

    /// Nothing is known of the server yet: keeps the request until its answer shows whether the
    /// server has `create2`, and repeats it as `create` if not. That is safe: a server that does
    /// not know an operation has not carried it out.
    fn send_as_first(self) -> Pending<Created> {
        let client = self.call.client().clone();
        let (path, data) = (self.call.path().to_owned(), self.data.to_vec());
        let (mode, acl, limits) = (self.mode, self.acl.clone(), self.call.limits().started());
        let first = self.send_as(OpCode::Create2, created);
        Pending::chained(async move {
            let result = first.await;
            let features = &client.shared().features;
            match &result {
                Err(Error::Unimplemented { .. }) => features.create2.set(Support::No),
                // Not a server's word on the operation.
                Err(Error::SessionExpired | Error::AuthFailed { .. }) => return result,
                Err(error) if error.code().is_none() => return result,
                _ => features.create2.set(Support::Yes),
            }
            if features.create2.get() != Support::No {
                return result;
            }
            let call = Call::new(&client, &path).with_limits(limits);
            Create { acl, ..Create::new(call, &data, mode) }.send_to_old_server().await
        })
    }

    /// Servers before 3.5 do not tell the metadata of what they created: it is read afterwards.
    fn send_to_old_server(self) -> Pending<Created> {
        let client = self.call.client().clone();
        let limits = self.call.limits().started();
        let created = self.send_as(OpCode::Create, |context, outcome| {
            let CreateResponse { path } = context.decode(outcome)?;
            Ok(context.chroot.to_client(&path).to_owned())
        });
        Pending::chained(async move {
            let path = created.await?;
            let call = Call::new(&client, &path).with_limits(limits);
            // The node was created, so no error may say that nothing was.
            let stat = super::Exists { call }.send().await.map_err(|error| {
                tracing::debug!(path, %error, "a node was created and cannot be looked at");
                Error::ConnectionLoss { op: OpCode::Create.name(), path: path.clone() }
            })?;
            match stat {
                Some(stat) => Ok(Created { path, stat }),
                // Created, and gone before it could be looked at.
                None => Err(Error::NoNode { path }),
            }
        })
    }
}

/// The record of a create without a time to live.
pub(super) fn create_request<'a>(
    path: &'a str,
    data: &'a [u8],
    mode: CreateMode,
    acl: Vec<Acl>,
) -> CreateRequest<'a> {
    CreateRequest { path, data: Some(data), acl, flags: mode.flags() }
}

fn created(context: &Context, outcome: Outcome) -> Result<Created> {
    let Create2Response { path, stat } = context.decode(outcome)?;
    Ok(Created { path: context.chroot.to_client(&path).to_owned(), stat })
}

request!(Create => Created);
