//! TLS on the client ports: certificates, handshakes and their bounds.
//!
//! It all happens in the task of the connection, which the server knows already, so that the limits
//! of connections hold; the server's lock is not taken in the meantime.

mod failure;
mod identity;
mod material;
mod pem;
mod stores;

use std::sync::{Arc, Mutex, PoisonError};

use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::{Limits, TlsConfig};

pub(super) use failure::HandshakeFailure;
use material::Material;

/// What every TLS handshake begins with. No frame and no four-letter word does: as the length of a
/// frame it would be 369 MB.
const HANDSHAKE_RECORD: u8 = 0x16;

/// Lets clients in by TLS. Clones are the same door.
#[derive(Clone)]
pub(super) struct TlsDoor(Arc<Inner>);

struct Inner {
    config: TlsConfig,
    latest: Mutex<(Material, Arc<ServerConfig>)>,
    /// The last stores that could not be used: to open them costs many rounds of hashing, which
    /// each client would wait for again.
    refused: Mutex<Option<Material>>,
    /// One permit for each handshake that may be in progress.
    handshakes: Semaphore,
    limits: Limits,
}

impl TlsDoor {
    /// Reads the stores. Fails with what is wrong with them.
    pub(super) fn new(config: TlsConfig, limits: &Limits) -> Result<Self, String> {
        let material = Material::read(&config)?;
        let rustls = material.config(&config)?;
        Ok(Self(Arc::new(Inner {
            config,
            latest: Mutex::new((material, rustls)),
            refused: Mutex::default(),
            handshakes: Semaphore::new(limits.tls_handshakes.min(Semaphore::MAX_PERMITS)),
            limits: *limits,
        })))
    }

    /// Shakes hands with a client, in bounded time.
    pub(super) async fn accept(
        &self,
        socket: TcpStream,
    ) -> Result<TlsStream<TcpStream>, HandshakeFailure> {
        let Ok(_permit) = self.0.handshakes.try_acquire() else {
            return Err(HandshakeFailure::TooMany { limit: self.0.limits.tls_handshakes });
        };
        let after = self.0.limits.tls_handshake_timeout;
        let shaken = timeout(after, async {
            let acceptor = TlsAcceptor::from(self.current().await);
            acceptor.accept(socket).into_fallible().await
        });
        match shaken.await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err((error, socket))) => Err(HandshakeFailure::refused(&error, socket)),
            Err(_) => Err(HandshakeFailure::TimedOut { after }),
        }
    }

    /// The certificates as they are now.
    async fn current(&self) -> Arc<ServerConfig> {
        if self.0.config.reload {
            let inner = Arc::clone(&self.0);
            // Files may be on a slow disk. A panic in there is no reason to shut the door.
            let renewed = tokio::task::spawn_blocking(move || inner.renew()).await;
            if let Ok(Err(reason)) = renewed {
                tracing::warn!(
                    reason,
                    "the TLS stores have changed and cannot be used as they are"
                );
            }
        }
        Arc::clone(&self.0.latest().1)
    }
}

impl Inner {
    fn latest(&self) -> std::sync::MutexGuard<'_, (Material, Arc<ServerConfig>)> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn renew(&self) -> Result<(), String> {
        // One at a time, from the reading on: others would do the same work, and one that has read
        // what was there before must not put it in place of what is there now.
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let material = Material::read(&self.config)?;
        if material == self.latest().0 || refused.as_ref() == Some(&material) {
            return Ok(());
        }
        let config = material.config(&self.config).inspect_err(|_| {
            *refused = Some(material.clone());
        })?;
        *self.latest() = (material, config);
        tracing::info!("the TLS stores have changed: new connections use them");
        Ok(())
    }
}

/// Whether a client begins with a TLS handshake. Waits for its first byte, and leaves it there.
pub(super) async fn begins_with_tls(socket: &TcpStream) -> std::io::Result<bool> {
    let mut first = [0];
    let seen = socket.peek(&mut first).await?;
    Ok(seen == 1 && first[0] == HANDSHAKE_RECORD)
}
