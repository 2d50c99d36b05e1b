//! How a request went.

use std::fmt;

use bytes::BytesMut;

use crate::codec::{Decode, DecodeError, Encode, Reader};

macro_rules! error_codes {
    ($($(#[$meta:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// How a request went: [`Ok`](Self::Ok) or why not.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$meta])* $name,)*
            /// A code this version does not know. Kept, since newer servers may have more.
            Other(i32),
        }

        impl ErrorCode {
            /// All codes that have a name.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The code with this number.
            #[must_use]
            pub fn from_code(code: i32) -> Self {
                match code {
                    $($code => Self::$name,)*
                    code => Self::Other(code),
                }
            }

            /// The number on the wire.
            #[must_use]
            pub fn code(self) -> i32 {
                match self {
                    $(Self::$name => $code,)*
                    Self::Other(code) => code,
                }
            }
        }

        impl fmt::Display for ErrorCode {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name => f.write_str($text),)*
                    Self::Other(code) => write!(f, "unknown error code {code}"),
                }
            }
        }
    };
}

error_codes! {
    /// It went well.
    Ok = 0, "ok";
    /// Something inside the server.
    SystemError = -1, "system error";
    /// In a multi: not tried, because an operation before it failed.
    RuntimeInconsistency = -2, "not tried, an operation before it failed";
    /// The server found its data inconsistent.
    DataInconsistency = -3, "data inconsistency";
    /// The connection was lost before the reply. Made by clients.
    ConnectionLoss = -4, "connection loss";
    /// The server could not read or carry out the request.
    MarshallingError = -5, "the server could not decode the request";
    /// The server does not have this operation, or it is switched off.
    Unimplemented = -6, "not implemented by this server";
    /// The C client's timeout.
    OperationTimeout = -7, "operation timeout";
    /// An argument is wrong.
    BadArguments = -8, "bad arguments";
    /// The C client's: the handle is in the wrong state.
    InvalidState = -9, "invalid state";
    /// The session is not known here. Between servers.
    UnknownSession = -12, "unknown session";
    /// The new members have no quorum that is up to date. Since 3.5.0.
    NewConfigNoQuorum = -13, "no quorum of the new configuration is connected and synced";
    /// Another reconfiguration is under way. Since 3.5.0.
    ReconfigInProgress = -14, "another reconfiguration is in progress";
    /// The C client's: TLS failed.
    SslConnectionError = -15, "TLS connection error";
    /// Marks the range of the errors below.
    ApiError = -100, "API error";
    /// The node does not exist.
    NoNode = -101, "the node does not exist";
    /// The ACL does not allow it.
    NoAuth = -102, "not permitted by the ACL";
    /// The node has another version.
    BadVersion = -103, "the node has another version";
    /// An ephemeral node cannot have children.
    NoChildrenForEphemerals = -108, "an ephemeral node cannot have children";
    /// The node exists.
    NodeExists = -110, "the node exists already";
    /// The node has children.
    NotEmpty = -111, "the node has children";
    /// The session has expired.
    SessionExpired = -112, "the session has expired";
    /// The C client's: a callback was not given.
    InvalidCallback = -113, "invalid callback";
    /// The ACL is not valid.
    InvalidAcl = -114, "the ACL is not valid";
    /// Authentication failed.
    AuthFailed = -115, "authentication failed";
    /// The C client's: the handle is closing.
    Closing = -116, "closing";
    /// The C client's: no events to process.
    Nothing = -117, "nothing to process";
    /// The session moved to another connection. Servers close rather than send it.
    SessionMoved = -118, "the session moved to another connection";
    /// A write to a read-only server.
    NotReadOnly = -119, "a read-only server takes no writes";
    /// An ephemeral node needs a global session. Since 3.5.0.
    EphemeralOnLocalSession = -120, "a local session cannot own an ephemeral node";
    /// No such watch. Since 3.5.0.
    NoWatcher = -121, "no such watch";
    /// A client's own timeout of a request. Since 3.5.5.
    RequestTimeout = -122, "the request timed out";
    /// Reconfiguration is switched off. Since 3.5.3.
    ReconfigDisabled = -123, "reconfiguration is disabled";
    /// The server insists on SASL. Since 3.6.0.
    SessionClosedRequireSaslAuth = -124, "the server requires authentication";
    /// A quota would be exceeded. Since 3.7.0.
    QuotaExceeded = -125, "a quota would be exceeded";
    /// The server is too busy and did not try. Since 3.7.0.
    ThrottledOp = -127, "not tried: the server is throttling";
}

impl ErrorCode {
    /// Whether it went well.
    #[must_use]
    pub fn is_ok(self) -> bool {
        self == Self::Ok
    }
}

impl Encode for ErrorCode {
    fn encode(&self, out: &mut BytesMut) {
        self.code().encode(out);
    }
}

impl<'a> Decode<'a> for ErrorCode {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        i32::decode(reader).map(Self::from_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_errors_are_one_to_one() {
        for error in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_code(error.code()), *error);
        }
        assert_eq!(ErrorCode::from_code(-126), ErrorCode::Other(-126));
        assert_eq!(ErrorCode::Other(-126).code(), -126);
    }
}
