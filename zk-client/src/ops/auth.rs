//! Who this client is to the server.

use zk_proto::{OpCode, WhoAmIResponse};

use super::{Call, Pending, request};

/// An identity the server knows this client by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Identity {
    /// The scheme that proved it: `ip`, `digest`, `x509`, `sasl`, ...
    pub scheme: String,
    /// The user, or the address; never a password.
    pub user: String,
}

/// Asks who this client is; made by [`Client::who_am_i`](crate::Client::who_am_i).
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct WhoAmI<'a> {
    pub(crate) call: Call<'a>,
}

impl WhoAmI<'_> {
    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<Vec<Identity>> {
        self.call.submit_unchecked(OpCode::WhoAmI, &super::Nothing, |context, outcome| {
            let WhoAmIResponse { clients } = context.decode(outcome)?;
            let identity = |client: zk_proto::ClientInfo| Identity {
                scheme: client.scheme,
                user: client.user,
            };
            Ok(clients.into_iter().map(identity).collect())
        })
    }
}

/// Adds an identity; made by [`Client::add_auth`](crate::Client::add_auth).
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct AddAuth<'a> {
    call: Call<'a>,
    scheme: &'a str,
    auth: &'a [u8],
}

impl<'a> AddAuth<'a> {
    pub(crate) fn new(call: Call<'a>, scheme: &'a str, auth: &'a [u8]) -> Self {
        Self { call, scheme, auth }
    }

    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<()> {
        self.call.authenticate(self.scheme, self.auth)
    }
}

/// The credentials stay out of it.
impl std::fmt::Debug for AddAuth<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AddAuth").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

request!(WhoAmI => Vec<Identity>);
request!(AddAuth => ());
