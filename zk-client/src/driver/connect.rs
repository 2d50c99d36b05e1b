//! Opening a connection to a server by name.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};
use zk_proto::HostPort;

use super::connector::{OwnConnector, OwnStream};
use super::stream::Stream;

/// How many addresses of one name are tried in one attempt.
const ADDRESSES_MAX: usize = 16;

/// How connections are made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transport {
    /// By TLS, if this is set.
    #[cfg(feature = "__tls")]
    pub(crate) tls: Option<crate::tls::Tls>,
    /// By this instead of TCP, if it is set.
    pub(crate) connector: Option<OwnConnector>,
}

/// How far an attempt has come: what it was doing is all that can be said of one that is given up.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress(Arc<AtomicU8>);

impl Progress {
    const RESOLVING: u8 = 0;
    const CONNECTING: u8 = 1;
    #[cfg(feature = "__tls")]
    const SHAKING_HANDS: u8 = 2;

    fn reach(&self, stage: u8) {
        self.0.store(stage, Ordering::Relaxed);
    }

    /// What it is waiting for.
    pub(super) fn waits_for(&self) -> &'static str {
        match self.0.load(Ordering::Relaxed) {
            Self::RESOLVING => "its name was not resolved",
            Self::CONNECTING => "it did not take the connection",
            _ => "it did not finish the TLS handshake: does it speak TLS on this port?",
        }
    }
}

/// Resolves the name anew and tries its addresses one after the other, each with an equal share of
/// the time that is left. Fails with what went wrong, for a name address by address.
pub(super) async fn connect(
    host: HostPort,
    within: Duration,
    transport: Transport,
    progress: Progress,
) -> Result<Stream, String> {
    let deadline = Instant::now() + within;
    if let Some(connector) = &transport.connector {
        return connect_by(connector, &host, deadline, &progress).await;
    }
    let dialer = match timeout_at(deadline, Dialer::new(&transport, &host, progress)).await {
        Ok(dialer) => dialer?,
        Err(_) => return Err("the files of TLS were not read in time".to_owned()),
    };
    let addresses = match timeout_at(deadline, lookup_host((host.host.as_str(), host.port))).await {
        Ok(Ok(addresses)) => addresses.take(ADDRESSES_MAX).collect::<Vec<_>>(),
        Ok(Err(error)) => return Err(format!("the name cannot be resolved: {error}")),
        Err(_) => return Err("the name was not resolved in time".to_owned()),
    };
    // The trouble is told of the server: where that was given by its address, nothing is to be added.
    let is_name = host.host.parse::<IpAddr>().is_err();
    let trouble_of = |address: &SocketAddr, what: String| {
        if is_name { format!("{address}: {what}") } else { what }
    };
    let mut troubles = Vec::new();
    for (tried, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let shares = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        match timeout_at(Instant::now() + left / shares, dialer.dial(*address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => troubles.push(trouble_of(address, error)),
            Err(_) => {
                let waited = dialer.progress.waits_for();
                troubles.push(trouble_of(address, format!("no answer in time ({waited})")));
            }
        }
    }
    if troubles.is_empty() {
        return Err("the name has no addresses".to_owned());
    }
    Err(troubles.join(", "))
}

/// Connects by the user's connector.
async fn connect_by(
    OwnConnector(connector): &OwnConnector,
    host: &HostPort,
    deadline: Instant,
    progress: &Progress,
) -> Result<Stream, String> {
    progress.reach(Progress::CONNECTING);
    match timeout_at(deadline, connector.connect(&host.host, host.port)).await {
        Ok(Ok(connection)) => Ok(Stream::Own(OwnStream::new(connection))),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the connector gave no connection in time".to_owned()),
    }
}

/// Connects to one address after the other.
struct Dialer {
    #[cfg(feature = "__tls")]
    handshake: Option<super::handshake::Handshake>,
    progress: Progress,
}

impl Dialer {
    #[cfg(feature = "__tls")]
    async fn new(
        transport: &Transport,
        host: &HostPort,
        progress: Progress,
    ) -> Result<Self, String> {
        let handshake = match &transport.tls {
            Some(tls) => Some(super::handshake::Handshake::with(tls, &host.host).await?),
            None => None,
        };
        Ok(Self { handshake, progress })
    }

    #[cfg(not(feature = "__tls"))]
    async fn new(_: &Transport, _: &HostPort, progress: Progress) -> Result<Self, String> {
        Ok(Self { progress })
    }

    async fn dial(&self, address: SocketAddr) -> Result<Stream, String> {
        self.progress.reach(Progress::CONNECTING);
        let socket = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        // Requests are small and somebody waits for each. A socket that cannot be told so is
        // slower, not wrong.
        let _ = socket.set_nodelay(true);
        #[cfg(feature = "__tls")]
        if let Some(handshake) = &self.handshake {
            self.progress.reach(Progress::SHAKING_HANDS);
            return handshake.on(socket).await.map(Box::new).map(Stream::Tls);
        }
        Ok(Stream::Plain(socket))
    }
}
