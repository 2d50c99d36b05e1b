//! TLS on a fresh connection, and the files it needs.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::tls::{Tls, trouble};

/// Longest file of certificates or keys, in bytes. A bundle of every public root has a quarter.
const FILE_LEN_MAX: u64 = 1 << 20;

/// Bytes of a file of certificates or keys.
pub(crate) fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more shows that there is more. Devices and pipes can be without an end.
    File::open(path)?.take(FILE_LEN_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_LEN_MAX {
        let reason = format!("it is longer than {FILE_LEN_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
    }
    Ok(bytes)
}

/// What one attempt needs, looked up before the first address is tried.
pub(super) struct Handshake {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Handshake {
    /// With the certificates as they are now.
    pub(super) async fn with(tls: &Tls, host: &str) -> Result<Self, String> {
        let name = tls.name_of(host)?;
        let config = if tls.has_files() {
            let tls = tls.clone();
            // They may be on a disk that does not answer; the attempt's limit holds all the same.
            let config = tokio::task::spawn_blocking(move || tls.current()).await;
            config.map_err(|error| format!("reading the certificates failed: {error}"))?
        } else {
            tls.current()
        };
        Ok(Self { connector: TlsConnector::from(config), name })
    }

    /// Does it.
    pub(super) async fn on(&self, socket: TcpStream) -> Result<TlsStream<TcpStream>, String> {
        let connected = self.connector.connect(self.name.clone(), socket).await;
        connected.map_err(|error| trouble::of_handshake(&error))
    }
}

/// Why a connection under TLS broke.
///
/// In TLS 1.3 the client's side of the handshake is over before the server has looked at the
/// client's certificate. If it refuses, its word may stand in the socket while writing fails already.
pub(super) fn explain_loss(stream: &mut TlsStream<TcpStream>, error: &io::Error) -> String {
    let mut nobody = Context::from_waker(Waker::noop());
    let mut spare = [0; 64];
    let last_word = Pin::new(stream).poll_read(&mut nobody, &mut ReadBuf::new(&mut spare));
    match last_word {
        Poll::Ready(Err(word)) if trouble::is_of_tls(&word) => trouble::of_connection(&word),
        _ => trouble::of_connection(error),
    }
}
