//! Opening a connection to a server by name.

use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};
use zk_proto::HostPort;

/// How many addresses of one name are tried in one attempt.
const ADDRESSES_MAX: usize = 16;

/// Resolves the name anew and tries its addresses one after the other, each with an equal share of
/// the time that is left. Fails with what went wrong, address by address.
pub(super) async fn connect(host: HostPort, within: Duration) -> Result<TcpStream, String> {
    let deadline = Instant::now() + within;
    let addresses = match timeout_at(deadline, lookup_host((host.host.as_str(), host.port))).await {
        Ok(Ok(addresses)) => addresses.take(ADDRESSES_MAX).collect::<Vec<_>>(),
        Ok(Err(error)) => return Err(format!("the name cannot be resolved: {error}")),
        Err(_) => return Err("the name was not resolved in time".to_owned()),
    };
    let mut troubles = Vec::new();
    for (tried, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let shares = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        match timeout_at(Instant::now() + left / shares, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Requests are small and somebody waits for each. A socket that cannot be told so
                // is slower, not wrong.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => troubles.push(format!("{address}: {error}")),
            Err(_) => troubles.push(format!("{address}: no answer in time")),
        }
    }
    if troubles.is_empty() {
        return Err("the name has no addresses".to_owned());
    }
    Err(troubles.join(", "))
}
