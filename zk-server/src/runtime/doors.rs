//! The ports that clients come in by.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::Poll;

use tokio::net::{TcpListener, TcpStream};

use super::StartError;
use crate::config::ServerConfig;

/// What is spoken at a port.
#[derive(Clone)]
pub(super) enum Door {
    /// The protocol as it is.
    Plain,
    /// The protocol under TLS.
    #[cfg(feature = "tls")]
    Tls(super::tls::TlsDoor),
    /// Either: the first byte tells which.
    #[cfg(feature = "tls")]
    Either(super::tls::TlsDoor),
}

/// All the ports of a server: a plain one, a secure one, or both.
pub(super) struct Doors {
    plain: Option<(TcpListener, Door)>,
    secure: Option<(TcpListener, Door)>,
    /// Which port is looked at first. It changes with each connection, so that a flood at one does
    /// not keep the other shut.
    secure_first: bool,
}

impl Doors {
    /// Reads the certificates and listens.
    pub(super) async fn open(config: &ServerConfig) -> Result<Self, StartError> {
        let (plain_door, secure_door) = kinds(config)?;
        let mut doors = Self { plain: None, secure: None, secure_first: false };
        if let Some(port) = config.client_port {
            let listener = listen(config.client_port_address.as_deref(), port).await?;
            doors.plain = Some((listener, plain_door));
        }
        if let (Some(port), Some(door)) = (config.secure_client_port, secure_door) {
            let listener = listen(config.secure_client_port_address.as_deref(), port).await?;
            doors.secure = Some((listener, door));
        }
        Ok(doors)
    }

    /// Where plain clients come in.
    pub(super) fn plain_address(&self) -> Option<SocketAddr> {
        self.plain.as_ref().and_then(|(listener, _)| listener.local_addr().ok())
    }

    /// Where TLS is needed.
    pub(super) fn secure_address(&self) -> Option<SocketAddr> {
        self.secure.as_ref().and_then(|(listener, _)| listener.local_addr().ok())
    }

    /// The next client.
    pub(super) async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr, Door)> {
        let mut order = [&self.plain, &self.secure];
        if self.secure_first {
            order.reverse();
        }
        let accepted = poll_fn(|cx| {
            for (listener, door) in order.into_iter().flatten() {
                if let Poll::Ready(accepted) = listener.poll_accept(cx) {
                    return Poll::Ready(
                        accepted.map(|(socket, peer)| (socket, peer, door.clone())),
                    );
                }
            }
            Poll::Pending
        });
        let accepted = accepted.await;
        self.secure_first = !self.secure_first;
        accepted
    }
}

/// Reads the stores of keys and certificates, as a start does.
///
/// # Errors
///
/// [`StartError::Tls`] says which store is not as it should be, and what to do.
pub fn check_stores(config: &ServerConfig) -> Result<(), StartError> {
    kinds(config).map(|_| ())
}

#[cfg(feature = "tls")]
fn kinds(config: &ServerConfig) -> Result<(Door, Option<Door>), StartError> {
    use super::tls::TlsDoor;

    if config.secure_client_port.is_none() && !config.port_unification {
        return Ok((Door::Plain, None));
    }
    let Some(tls) = &config.tls else {
        let reason = "there is no key store: set `ssl.keyStore.location`".to_owned();
        return Err(StartError::Tls { reason });
    };
    let door =
        TlsDoor::new(tls.clone(), &config.limits).map_err(|reason| StartError::Tls { reason })?;
    let plain = if config.port_unification { Door::Either(door.clone()) } else { Door::Plain };
    Ok((plain, Some(Door::Tls(door))))
}

#[cfg(not(feature = "tls"))]
fn kinds(config: &ServerConfig) -> Result<(Door, Option<Door>), StartError> {
    if config.secure_client_port.is_none() && !config.port_unification {
        return Ok((Door::Plain, None));
    }
    let reason = "this program was built without TLS: build it with the feature `tls`".to_owned();
    Err(StartError::Tls { reason })
}

/// All addresses of the machine, unless the configuration names one: IPv6 and IPv4 with one
/// socket, or IPv4 alone where there is no IPv6.
pub(super) async fn listen(host: Option<&str>, port: u16) -> Result<TcpListener, StartError> {
    if let Some(host) = host {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let listener = TcpListener::bind((host, port)).await;
        // It comes from a file and goes to a terminal or a log.
        let host = host.escape_debug().to_string();
        let shown =
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        return listener.map_err(|error| StartError::bind(shown, error));
    }
    match TcpListener::bind(("::", port)).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            Err(StartError::bind(format!("[::]:{port}"), error))
        }
        Err(_) => {
            let address = TcpListener::bind(("0.0.0.0", port)).await;
            address.map_err(|error| StartError::bind(format!("0.0.0.0:{port}"), error))
        }
    }
}
