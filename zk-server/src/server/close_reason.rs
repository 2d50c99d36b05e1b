//! Why a server closes a connection.

use zk_proto::codec::{DecodeError, FrameError};

use crate::auth::sasl::SaslFailure;

/// Why the server closes a connection; its text goes into the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// A four-letter word was answered.
    #[error("an operator's command was answered")]
    CommandAnswered,
    /// The client asked for it.
    #[error("the client closed its session")]
    SessionClosed,
    /// The session timed out, or somebody expired it.
    #[error("the session expired")]
    SessionExpired,
    /// The session to resume has ended, never was, or has another password.
    #[error("the client named a session that has expired or whose password differs")]
    SessionRefused,
    /// The session goes on over another connection.
    #[error("the session moved to another connection")]
    SessionMoved,
    /// The client has seen writes that this server does not have.
    #[error("the client has seen later transactions than this server has; it must try another")]
    ClientAhead,
    /// `auth` failed.
    #[error("authentication failed")]
    AuthFailed,
    /// SASL failed.
    #[error("authentication by SASL failed: {0}")]
    SaslFailed(SaslFailure),
    /// `enforce.auth.enabled`, and the client is nobody yet.
    #[error("the client asked for something before it had authenticated by a required scheme")]
    AuthRequired,
    /// An op code that clients cannot ask for.
    #[error("op code {0} is not known")]
    UnknownOpCode(i32),
    /// A frame length that cannot be.
    #[error("malformed frame: {0}")]
    BadFrame(FrameError),
    /// A connect request, header or auth packet that cannot be read.
    #[error("malformed {what}: {error}")]
    Malformed {
        /// The record.
        what: &'static str,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// `maxClientCnxns` of the address are used up.
    #[error("the address has {limit} connections already (maxClientCnxns)")]
    TooManyFromAddress {
        /// The limit.
        limit: usize,
    },
    /// `maxCnxns` are used up.
    #[error("the server has {limit} connections already (maxCnxns)")]
    TooManyConnections {
        /// The limit.
        limit: usize,
    },
    /// `connection_throttle_tokens` are used up.
    #[error("sessions are asked for too fast (connection_throttle_tokens)")]
    Throttled,
    /// `largeRequestMaxBytes` are used up.
    #[error("large requests hold {limit} bytes already (largeRequestMaxBytes)")]
    LargeRequests {
        /// The limit in bytes.
        limit: usize,
    },
    /// No session within the time for it.
    #[error("no session was set up in time")]
    Sessionless,
    /// An operator has put other data in place of those that the client knew.
    #[error("the data were restored from a snapshot, and all sessions of before have ended")]
    Restored,
    /// The client does not read, and more and more waits for it.
    #[error("more than {cap} bytes wait for the client to read them")]
    OutputOverflow {
        /// The limit in bytes.
        cap: usize,
    },
}

impl CloseReason {
    /// Whether what is still buffered is dropped: nobody reads it, or nobody should.
    #[must_use]
    pub fn is_abrupt(&self) -> bool {
        !matches!(
            self,
            Self::CommandAnswered
                | Self::SessionClosed
                | Self::SessionExpired
                | Self::SessionRefused
                | Self::AuthFailed
                | Self::SaslFailed(_)
                | Self::AuthRequired
                | Self::UnknownOpCode(_)
        )
    }

    /// Whether the peer broke the protocol, which an operator should see.
    #[must_use]
    pub fn is_peers_fault(&self) -> bool {
        matches!(self, Self::BadFrame(_) | Self::Malformed { .. } | Self::UnknownOpCode(_))
    }

    /// Whether somebody is going to ask why.
    #[must_use]
    pub fn is_of_interest(&self) -> bool {
        matches!(
            self,
            Self::SessionExpired | Self::SessionRefused | Self::SaslFailed(_) | Self::AuthRequired
        )
    }

    /// Whether a limit was reached, which an operator may want to raise.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::TooManyFromAddress { .. }
                | Self::TooManyConnections { .. }
                | Self::Throttled
                | Self::LargeRequests { .. }
                | Self::OutputOverflow { .. }
        )
    }
}
