//! Setting a node's data.

use zk_proto::{ANY_VERSION, OpCode, SetDataRequest, SetDataResponse, Stat};

use super::create::ATTEMPTS_MAX;
use super::{Call, Limits, Pending, request};
use crate::client::Client;
use crate::driver::Pauses;
use crate::error::{Error, Result};

/// Sets a node's data; made by [`Client::set`](crate::Client::set).
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct Set<'a> {
    call: Call<'a>,
    data: &'a [u8],
    version: i32,
    idempotent: bool,
}

impl<'a> Set<'a> {
    pub(crate) fn new(call: Call<'a>, data: &'a [u8]) -> Self {
        Self { call, data, version: ANY_VERSION, idempotent: false }
    }

    /// Sets the data only if it still has this version.
    pub fn version(mut self, version: i32) -> Self {
        self.version = version;
        self
    }

    /// Repeats the set when its outcome is unknown.
    ///
    /// With a [`version`](Self::version) it comes to the same as one set: it succeeds, too, if the
    /// node has the next version and just this data, and where that cannot be told any more the
    /// outcome stays unknown. Without one the data is set again, over what others may have set
    /// meanwhile.
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<Stat> {
        if self.idempotent {
            return self.send_again_and_again();
        }
        let path = self.call.server_path();
        let request = SetDataRequest { path: &path, data: Some(self.data), version: self.version };
        self.call.submit(OpCode::SetData, &request, |context, outcome| {
            context.decode(outcome).map(|SetDataResponse { stat }| stat)
        })
    }

    fn send_again_and_again(self) -> Pending<Stat> {
        let repeated = Repeated {
            client: self.call.client().clone(),
            path: self.call.path().to_owned(),
            data: self.data.to_vec(),
            version: self.version,
            limits: self.call.limits().started(),
        };
        let first = repeated.set();
        Pending::chained(async move { repeated.finish(first).await })
    }
}

/// A set that owns all it needs, for as many requests as it takes.
struct Repeated {
    client: Client,
    path: String,
    data: Vec<u8>,
    version: i32,
    limits: Limits,
}

impl Repeated {
    fn set(&self) -> Pending<Stat> {
        let set = self.client.set(&self.path, &self.data).version(self.version);
        set.limited(self.limits).send()
    }

    async fn finish(&self, mut attempt: Pending<Stat>) -> Result<Stat> {
        let mut pauses = Pauses::new();
        // The error of an attempt that may have been applied.
        let mut doubt: Option<Error> = None;
        let mut attempts = 1;
        loop {
            let error = match attempt.await {
                Err(error @ Error::BadVersion { .. }) => return self.compare(error, doubt).await,
                Err(error) => error,
                done => return done,
            };
            if error.is_outcome_unknown() {
                doubt = Some(error.clone());
            }
            match error {
                // Without a doubt this is for the caller to try again.
                error if error.is_passing() && doubt.is_some() => {
                    if attempts == ATTEMPTS_MAX || self.limits.are_exhausted() {
                        return Err(doubt.unwrap_or(error));
                    }
                }
                // Says that this attempt was not applied; another may have been.
                error @ (Error::SessionExpired | Error::Closed) => {
                    return Err(doubt.unwrap_or(error));
                }
                error => return Err(error),
            }
            pauses.pause(self.limits.deadline).await;
            attempts += 1;
            attempt = self.set();
        }
    }

    /// Whether the version is another because this set was applied.
    async fn compare(&self, refused: Error, doubt: Option<Error>) -> Result<Stat> {
        let (data, stat) = match self.client.get(&self.path).limited(self.limits).await {
            Ok(node) => node,
            // Gone since. Whether this set was applied before cannot be told.
            Err(Error::NoNode { .. }) => return Err(doubt.unwrap_or(refused)),
            Err(error) => return Err(doubt.unwrap_or(error)),
        };
        if stat.version == self.version.wrapping_add(1) {
            // Nobody but whoever set this data can have brought about this version.
            return if data == self.data { Ok(stat) } else { Err(refused) };
        }
        // It may have been applied, and the node changed since.
        Err(doubt.unwrap_or(refused))
    }
}

request!(Set => Stat);
