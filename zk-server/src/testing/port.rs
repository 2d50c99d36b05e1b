//! A port that stays ours while the server is down.

use std::net::SocketAddr;

use tokio::net::TcpSocket;

use crate::runtime::StartError;

/// Keeps a port from being given to somebody else between `stop` and `restart`.
///
/// A client that keeps trying to connect to a free port of the ephemeral range can be given that
/// very port as its own, and then talks to itself. A socket that is bound but does not listen
/// prevents it, and still lets the server bind the same address.
#[derive(Debug)]
pub(super) struct PortReservation {
    address: SocketAddr,
    /// Only Linux lets two sockets of one address be bound while at most one listens.
    _socket: Option<TcpSocket>,
}

impl PortReservation {
    /// Reserves a port of the loopback interface; 0 for any.
    pub(super) fn new(port: u16) -> Result<Self, StartError> {
        let wanted = SocketAddr::from(([127, 0, 0, 1], port));
        let error = |error| StartError::Bind { address: wanted.to_string(), error };
        let socket = TcpSocket::new_v4().map_err(error)?;
        socket.set_reuseaddr(true).map_err(error)?;
        socket.bind(wanted).map_err(error)?;
        let address = socket.local_addr().map_err(error)?;
        let keep = cfg!(target_os = "linux");
        Ok(Self { address, _socket: keep.then_some(socket) })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}
