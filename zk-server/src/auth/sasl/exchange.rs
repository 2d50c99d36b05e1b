//! Whose turn it is in the exchange of one connection.

use std::fmt;

use bytes::Bytes;
use sha1::{Digest as _, Sha1};
use zk_proto::digest_md5::{self as wire, TokenError};

use super::{Login, SaslConfig, Users, digest_md5};
use crate::auth::{AuthFailure, Identities, Identity};

/// Longest token that a client may send, in bytes. A ticket of Kerberos has at most 64 KiB.
pub const TOKEN_LEN_MAX: usize = 128 << 10;

/// Where the exchange of one connection stands.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum Exchange {
    /// Nothing was said.
    #[default]
    Idle,
    /// The client has a challenge of DIGEST-MD5 with this nonce.
    Challenged(String),
    /// The runtime's mechanism has the client's token.
    Asking {
        /// The xid of the token.
        xid: i32,
    },
    /// The client has to answer the runtime's mechanism.
    Answered,
    /// It is over, for good or ill: there is one exchange in a connection.
    Over,
}

/// What becomes of a token.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "the server must decide about each")]
pub enum SaslAnswer {
    /// Send this.
    Reply(Bytes),
    /// Ask the runtime's mechanism; nothing else of this connection is looked at meanwhile.
    Ask,
    /// This is who the client is; send the token, or null.
    Done(Option<Bytes>),
    /// The client has shown nothing.
    Failed(SaslFailure),
}

/// What the runtime's mechanism says to a token.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MechanismAnswer {
    /// The client has to answer this.
    Challenge(Bytes),
    /// The client is this principal.
    Done {
        /// What the client still has to get.
        token: Option<Bytes>,
        /// Who it is.
        principal: String,
    },
    /// The client has shown nothing. Why, for the log.
    Failed(String),
}

/// Shows no token.
impl fmt::Debug for MechanismAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Challenge(_) => f.write_str("Challenge(..)"),
            Self::Done { principal, .. } => {
                f.debug_struct("Done").field("principal", principal).finish_non_exhaustive()
            }
            Self::Failed(reason) => f.debug_tuple("Failed").field(reason).finish(),
        }
    }
}

/// Why a client could not authenticate. The text goes into the log; the client is told nothing but
/// that it failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SaslFailure {
    /// A token that is none.
    #[error("{0}")]
    Token(#[from] TokenError),
    /// A token longer than [`TOKEN_LEN_MAX`].
    #[error("its token has {0} bytes")]
    TooLong(usize),
    /// Something is not there.
    #[error("its response has no {0}, or one that is no text")]
    Missing(&'static str),
    /// Something is not what it has to be.
    #[error("the {0} in its response is not what this server has, or takes")]
    Mismatch(&'static str),
    /// Nobody of that name.
    #[error("there is no user {0:?}")]
    UnknownUser(String),
    /// Another password.
    #[error("the password of user {0:?} is another one")]
    WrongPassword(String),
    /// A token when none was due.
    #[error("it sent a token behind the end of its exchange")]
    OutOfTurn,
    /// A name that no ACL could mean.
    #[error("its principal {0:?} is no name of Kerberos with at most two parts")]
    Principal(String),
    /// The mechanism's reason.
    #[error("{0}")]
    Mechanism(String),
    /// There is no room for its identity.
    #[error(transparent)]
    Identity(#[from] AuthFailure),
}

/// Answers tokens.
pub struct SaslServer {
    config: SaslConfig,
    /// What nonces are made from: they cannot be guessed by who has not got it.
    key: [u8; 16],
    nonces: u64,
}

impl SaslServer {
    /// A server with this login; `None` if there is none. `key` is random and secret.
    #[must_use]
    pub fn new(mut config: SaslConfig, key: [u8; 16]) -> Option<Self> {
        let login = config.login.as_mut()?;
        // As Apache has it: the user must be there, whatever its password.
        if let (Login::DigestMd5(users), Some(password)) = (login, &config.super_password)
            && users.password("super").is_some()
        {
            users.insert("super", password);
        }
        Some(Self { config, key, nonces: 0 })
    }

    /// Whether who fails to authenticate may stay.
    #[must_use]
    pub fn failed_clients_stay(&self) -> bool {
        self.config.failed_clients_stay
    }

    /// Decides about a client's token. Who has authenticated has a new identity afterwards.
    pub fn answer(
        &mut self,
        exchange: &mut Exchange,
        xid: i32,
        token: &[u8],
        identities: &mut Identities,
    ) -> SaslAnswer {
        if token.len() > TOKEN_LEN_MAX {
            return fail(exchange, SaslFailure::TooLong(token.len()));
        }
        match (&self.config.login, &*exchange) {
            (Some(Login::DigestMd5(_)), _) if token.len() > wire::TOKEN_LEN_MAX => {
                fail(exchange, TokenError::TooLong(token.len()).into())
            }
            // What the first token says does not matter, as in Java.
            (Some(Login::DigestMd5(_)), Exchange::Idle) => {
                let nonce = self.nonce();
                let challenge = digest_md5::challenge(&nonce).into();
                *exchange = Exchange::Challenged(nonce);
                SaslAnswer::Reply(challenge)
            }
            (Some(Login::DigestMd5(users)), Exchange::Challenged(nonce)) => {
                match self.verified(token, nonce, users, identities) {
                    Ok(answer) => {
                        *exchange = Exchange::Over;
                        SaslAnswer::Done(Some(answer))
                    }
                    Err(failure) => fail(exchange, failure),
                }
            }
            (Some(Login::Kerberos(_)), Exchange::Idle | Exchange::Answered) => {
                *exchange = Exchange::Asking { xid };
                SaslAnswer::Ask
            }
            _ => fail(exchange, SaslFailure::OutOfTurn),
        }
    }

    /// Decides about what the runtime's mechanism has said.
    pub fn mechanism_answered(
        &self,
        exchange: &mut Exchange,
        answer: MechanismAnswer,
        identities: &mut Identities,
    ) -> SaslAnswer {
        match answer {
            MechanismAnswer::Challenge(token) => {
                *exchange = Exchange::Answered;
                SaslAnswer::Reply(token)
            }
            MechanismAnswer::Done { token, principal } => {
                let id = self.config.principals.id(&principal);
                let id = id.ok_or(SaslFailure::Principal(principal));
                match id.and_then(|id| self.identify(id, identities)) {
                    Ok(()) => {
                        *exchange = Exchange::Over;
                        SaslAnswer::Done(token)
                    }
                    Err(failure) => fail(exchange, failure),
                }
            }
            MechanismAnswer::Failed(reason) => fail(exchange, SaslFailure::Mechanism(reason)),
        }
    }

    fn verified(
        &self,
        token: &[u8],
        nonce: &str,
        users: &Users,
        identities: &mut Identities,
    ) -> Result<Bytes, SaslFailure> {
        let verified = digest_md5::verify(token, nonce, users)?;
        if !super::principal::is_valid(&verified.user) {
            return Err(SaslFailure::Principal(verified.user));
        }
        self.identify(verified.user, identities)?;
        Ok(verified.answer.into())
    }

    fn identify(&self, id: String, identities: &mut Identities) -> Result<(), SaslFailure> {
        let is_super = self.config.super_users.contains(&id);
        identities.add(Identity::new(super::SCHEME, id))?;
        if is_super {
            identities.add(Identity::new(Identity::SUPER, ""))?;
        }
        Ok(())
    }

    /// Never the same again: what a client has answered to one is of no use with another.
    fn nonce(&mut self) -> String {
        self.nonces += 1;
        let hash = Sha1::new_with_prefix(self.key).chain_update(self.nonces.to_be_bytes());
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn fail(exchange: &mut Exchange, failure: SaslFailure) -> SaslAnswer {
    *exchange = Exchange::Over;
    SaslAnswer::Failed(failure)
}

/// Shows what is configured, and no key.
impl fmt::Debug for SaslServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaslServer").field("config", &self.config).finish_non_exhaustive()
    }
}
