//! Handshakes that failed.

use std::io;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError, Error};
use tokio::net::TcpStream;

/// Why a client is not let in.
#[derive(Debug, thiserror::Error)]
pub(in crate::runtime) enum HandshakeFailure {
    /// The server is busy with others.
    #[error(
        "{limit} other TLS handshakes are in progress (netty.server.outstandingHandshake.limit)"
    )]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// The client takes too long.
    #[error("the TLS handshake was not finished within {after:?}")]
    TimedOut {
        /// The limit.
        after: Duration,
    },
    /// One side does not accept the other.
    #[error("{reason}")]
    Refused {
        /// Who and why.
        reason: String,
        /// The connection, with the word to the client on its way.
        socket: TcpStream,
    },
}

impl HandshakeFailure {
    pub(super) fn refused(error: &io::Error, socket: TcpStream) -> Self {
        Self::Refused { reason: reason_of(error), socket }
    }
}

fn reason_of(error: &io::Error) -> String {
    let Some(fault) = error.get_ref().and_then(|error| error.downcast_ref::<Error>()) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                "the client went away in the TLS handshake: it may not trust this server".to_owned()
            }
            _ => format!("in the TLS handshake: {error}"),
        };
    };
    match fault {
        Error::InvalidMessage(_) => "the client does not speak TLS on the secure port".to_owned(),
        Error::NoCertificatesPresented => {
            "the client showed no certificate, and ssl.clientAuth is `need`".to_owned()
        }
        // A root of the same name with another key says the latter.
        Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => "the client's certificate is not signed by any in the trust store".to_owned(),
        Error::InvalidCertificate(fault) => format!("the client's certificate: {fault}"),
        Error::AlertReceived(
            alert @ (AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired),
        ) => format!("the client does not accept this server's certificate ({alert:?})"),
        Error::PeerIncompatible(why) => {
            format!("the client and this server have no way of TLS in common ({why:?})")
        }
        other => format!("the TLS handshake failed: {other}"),
    }
}
