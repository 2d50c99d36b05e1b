//! From an accepted socket to a connection that carries the protocol.

use std::net::SocketAddr;

use tokio::net::TcpStream;

use super::doors::Door;
use super::shared::Shared;
use super::stream::Stream;

/// A client that is in.
pub(super) struct Entered {
    pub(super) stream: Stream,
    /// Who it is by its certificate, if it has shown one.
    pub(super) subject: Option<String>,
}

/// A client that is not in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "in the clear everybody gets in"))]
pub(super) enum NotEntered {
    /// It went before it had said in which way it wants to come.
    Gone,
    /// There was no place for its TLS handshake.
    NoPlace,
    /// Its TLS handshake failed.
    Refused,
}

/// Lets a client in, or turns it away and says so in the log.
#[cfg(feature = "tls")]
pub(super) async fn enter(
    shared: &Shared,
    door: Door,
    socket: TcpStream,
    peer: SocketAddr,
) -> Result<Entered, NotEntered> {
    use super::tls::begins_with_tls;

    let tls = match door {
        Door::Plain => None,
        Door::Tls(tls) => Some(tls),
        Door::Either(tls) => match begins_with_tls(&socket).await {
            Ok(is_tls) => is_tls.then_some(tls),
            Err(error) => {
                tracing::debug!(%peer, %error, "lost the connection");
                return Err(NotEntered::Gone);
            }
        },
    };
    match tls {
        // The handshake's state is large, and a connection in the clear would keep room for it.
        Some(tls) => Box::pin(enter_by_tls(shared, tls, socket, peer)).await,
        None => Ok(Entered { stream: Stream::Plain(socket), subject: None }),
    }
}

/// Lets a client in.
#[cfg(not(feature = "tls"))]
pub(super) async fn enter(
    _: &Shared,
    _: Door,
    socket: TcpStream,
    _: SocketAddr,
) -> Result<Entered, NotEntered> {
    Ok(Entered { stream: Stream::Plain(socket), subject: None })
}

#[cfg(feature = "tls")]
async fn enter_by_tls(
    shared: &Shared,
    tls: super::tls::TlsDoor,
    socket: TcpStream,
    peer: SocketAddr,
) -> Result<Entered, NotEntered> {
    use super::tls::HandshakeFailure;

    let stream = match tls.accept(socket).await {
        Ok(stream) => stream,
        Err(failure) => {
            shared.report(&format_args!("closed the connection of {peer}: {failure}"));
            return Err(match failure {
                HandshakeFailure::TooMany { .. } => NotEntered::NoPlace,
                HandshakeFailure::TimedOut { .. } => NotEntered::Refused,
                HandshakeFailure::Refused { mut socket, .. } => {
                    super::connection::linger(&mut socket).await;
                    NotEntered::Refused
                }
            });
        }
    };
    let certificates = stream.get_ref().1.peer_certificates();
    let subject = match certificates.and_then(<[_]>::first) {
        None => None,
        Some(certificate) => {
            let subject = crate::auth::subject_of(certificate);
            if subject.is_none() {
                shared.report(&format_args!(
                    "closed the connection of {peer}: the subject of the client's certificate \
                     cannot be read"
                ));
                return Err(NotEntered::Refused);
            }
            subject
        }
    };
    Ok(Entered { stream: Stream::Tls(Box::new(stream)), subject })
}
