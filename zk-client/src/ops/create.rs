//! Creating nodes.

use std::time::Duration;

use zk_proto::path::{validate, validate_sequential};
use zk_proto::{
    Acl, Create2Response, CreateMode, CreateRequest, CreateResponse, CreateTtlRequest, OpCode, Stat,
};

use super::pending::Context;
use super::{Call, Pending, request};
use crate::error::{Error, Result};
use crate::features::Support;
use crate::session::Outcome;

/// The longest time to live the protocol has room for: 2^40 - 1 ms, about 35 years.
pub const TTL_MAX: Duration = Duration::from_millis((1 << 40) - 1);

/// A node that was created.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Created {
    /// The node's path, with its sequence number if the mode is sequential.
    pub path: String,
    /// The new node's metadata.
    pub stat: Stat,
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
}

impl<'a> Create<'a> {
    pub(crate) fn new(call: Call<'a>, data: &'a [u8], mode: CreateMode) -> Self {
        Self { call, data, mode, acl: None, ttl: None }
    }

    /// The node's ACL. [`Acl::open`] without it: everybody may do everything.
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

    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<Created> {
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
            acl: self.acl.unwrap_or_else(Acl::open),
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
        let request = create_request(&path, self.data, self.mode, self.acl);
        self.call.submit_unchecked(op, &request, decode)
    }

    /// Nothing is known of the server yet: keeps the request until its answer shows whether the
    /// server has `create2`, and repeats it as `create` if not. That is safe: a server that does
    /// not know an operation has not carried it out.
    fn send_as_first(self) -> Pending<Created> {
        let client = self.call.client().clone();
        let (path, data) = (self.call.path().to_owned(), self.data.to_vec());
        let (mode, acl, limits) = (self.mode, self.acl.clone(), self.call.limits());
        let first = self.send_as(OpCode::Create2, created);
        Pending::chained(async move {
            let result = first.await;
            let features = &client.shared().features;
            match &result {
                Err(Error::Unimplemented { .. }) => features.create2.set(Support::No),
                // Not a server's word on the operation.
                Err(Error::SessionExpired | Error::AuthFailed) => return result,
                Err(error) if error.code().is_none() => return result,
                _ => features.create2.set(Support::Yes),
            }
            if features.create2.get() != Support::No {
                return result;
            }
            let call = Call::new(&client, &path).with_limits(limits);
            Create { call, data: &data, mode, acl, ttl: None }.send_to_old_server().await
        })
    }

    /// Servers before 3.5 do not tell the metadata of what they created: it is read afterwards.
    fn send_to_old_server(self) -> Pending<Created> {
        let client = self.call.client().clone();
        let limits = self.call.limits();
        let created = self.send_as(OpCode::Create, |context, outcome| {
            let CreateResponse { path } = context.decode(outcome)?;
            Ok(context.shared.chroot.to_client(&path).to_owned())
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
    acl: Option<Vec<Acl>>,
) -> CreateRequest<'a> {
    CreateRequest {
        path,
        data: Some(data),
        acl: acl.unwrap_or_else(Acl::open),
        flags: mode.flags(),
    }
}

fn created(context: &Context, outcome: Outcome) -> Result<Created> {
    let Create2Response { path, stat } = context.decode(outcome)?;
    Ok(Created { path: context.shared.chroot.to_client(&path).to_owned(), stat })
}

request!(Create => Created);
