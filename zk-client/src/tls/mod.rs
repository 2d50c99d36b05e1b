//! Connecting by TLS. Needs the feature `tls` or `tls-aws-lc`.
//!
//! ```no_run
//! use zk_client::{Client, tls::Tls};
//!
//! # async fn example() -> Result<(), zk_client::Error> {
//! let tls = Tls::builder()
//!     .roots_file("/etc/zk/ca.pem")
//!     .identity_files("/etc/zk/client.pem", "/etc/zk/client.key")
//!     .build()?;
//! let client = Client::builder("zk1.example.com:2281,zk2.example.com:2281").tls(tls).connect().await?;
//! # Ok(())
//! # }
//! ```
//!
//! The port is the server's `secureClientPort`, or its `clientPort` where `client.portUnification`
//! is on. All connections of the client are then made by TLS; there is no falling back to plain
//! ones.
//!
//! # What is checked
//!
//! - **The chain**: a server must show a certificate that one of the roots given has signed, maybe
//!   over others in between that the server sends along.
//! - **The name**: the host, as the connect string names it, must be one of the `subjectAltName`s of
//!   the certificate: a DNS name, or an IP address where the connect string has an address. The
//!   common name of the subject does not count, and names are not looked up backwards.
//!   [`TlsBuilder::server_name`] and [`TlsBuilder::server_name_for`] set other names to expect.
//! - **The date**, and that the certificate is of version 3 and allowed to be a server's.
//!
//! TLS is 1.2 or 1.3, with forward secrecy and authenticated encryption, as Apache's servers have
//! them since 3.5. Revocation lists, FIPS modules and anything else that rustls can do come in by
//! [`Tls::from_rustls`].
//!
//! Who has a certificate asks the server for what it wants of it: with `ssl.clientAuth=need`, the
//! default of Apache's servers, a client without one is turned away. A client that has shown one is
//! its subject to ACLs of the scheme `x509`: `Acl { scheme: "x509", id: "CN=app,O=Acme", .. }`; what
//! [`Client::who_am_i`](crate::Client::who_am_i) answers is the text to use.
//!
//! # When it does not work
//!
//! [`Error::NoServerReachable`] tells for each server what was
//! wrong: who signed the certificate, which names it has, that it expired, that the port speaks no
//! TLS, or that the server wants a certificate. To see for yourself:
//!
//! ```sh
//! openssl s_client -connect zk1.example.com:2281 -CAfile ca.pem -cert client.pem -key client.key
//! ```
//!
//! Certificates of version 1, which `openssl x509 -req` makes unless it is given extensions, and
//! those without a `subjectAltName` are refused: have them issued again with
//! `-addext subjectAltName=DNS:zk1.example.com`, or `-ext san=dns:zk1.example.com` with keytool.
//!
//! # From Java's key stores
//!
//! PEM is what this client reads. The PKCS#12 and JKS files of a Java client become PEM with:
//!
//! ```sh
//! # JKS first becomes PKCS#12:
//! keytool -importkeystore -srckeystore client.jks -destkeystore client.p12 -deststoretype PKCS12
//! # The certificate with its chain, and the key:
//! openssl pkcs12 -in client.p12 -nokeys -out client.pem
//! openssl pkcs12 -in client.p12 -nocerts -nodes -out client.key
//! # The roots of a trust store:
//! keytool -exportcert -rfc -keystore trust.jks -alias ca -file ca.pem
//! ```
//!
//! # Certificates that are renewed
//!
//! Files are looked at again at each attempt to connect. If they have changed and are in order, the
//! new ones count from then on; otherwise the former ones go on being used, with a warning in the
//! log, so that a certificate without its new key yet does no harm. [`Tls::reload`] does it at once
//! and says what is wrong. Connections that exist are not touched.
//!
//! # The system's roots
//!
//! Servers of an ensemble mostly have certificates from an authority of their own, and trusting all
//! public ones for them would be a mistake. Who wants to, names the file: on Linux it is
//! `/etc/ssl/certs/ca-certificates.crt` or `/etc/pki/tls/certs/ca-bundle.crt`.
//!
//! # Cryptography
//!
//! The feature `tls` brings ring, `tls-aws-lc` brings aws-lc-rs, which also has P-521 and
//! post-quantum key exchange. With both, as happens when two crates of a program ask for one each,
//! aws-lc-rs is used.

mod builder;
mod material;
mod names;
pub(crate) mod trouble;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use crate::error::{Error, Result};
use builder::Sources;
pub use builder::TlsBuilder;
use material::Material;
use names::Names;

/// The version of rustls that [`Tls::from_rustls`] takes.
pub use rustls;

/// How to connect by TLS, for [`ClientBuilder::tls`](crate::ClientBuilder::tls). See [the
/// page](self) for all about it.
///
/// Cheap to clone; clones share the certificates, and [`reload`](Self::reload) reaches all of them.
#[derive(Clone)]
pub struct Tls {
    names: Arc<Names>,
    source: Source,
}

#[derive(Clone)]
enum Source {
    /// Made by the application.
    Rustls(Arc<ClientConfig>),
    /// Made of PEM.
    Pem(Arc<Renewable>),
}

impl Tls {
    /// Settings to start from: TLS 1.2 and 1.3, host names verified, nobody trusted yet.
    pub fn builder() -> TlsBuilder {
        TlsBuilder::default()
    }

    /// With a configuration of rustls's own: revocation lists, another provider of cryptography,
    /// another way to verify. It alone decides whom to trust and what to show; the name given to
    /// its verifier is the host of the connect string. It is never read again.
    #[must_use]
    pub fn from_rustls(config: Arc<ClientConfig>) -> Self {
        Self { names: Arc::default(), source: Source::Rustls(config) }
    }

    /// Reads the files again, for connections made from now on. Does nothing where there are none.
    /// Blocks as long as reading them takes.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidConfig`] as from [`TlsBuilder::build`]: what was read before stays in use.
    pub fn reload(&self) -> Result<()> {
        if let Source::Pem(renewable) = &self.source {
            renewable.renew().map_err(|reason| Error::InvalidConfig { setting: "tls", reason })?;
        }
        Ok(())
    }

    /// What to connect with now. Blocks as long as reading files takes.
    pub(crate) fn current(&self) -> Arc<ClientConfig> {
        match &self.source {
            Source::Rustls(config) => Arc::clone(config),
            Source::Pem(renewable) => renewable.renew().unwrap_or_else(|reason| {
                tracing::warn!(reason, "the TLS files cannot be used as they are now");
                renewable.latest()
            }),
        }
    }

    /// Whether [`current`](Self::current) blocks.
    pub(crate) fn has_files(&self) -> bool {
        matches!(&self.source, Source::Pem(renewable) if renewable.sources.has_files())
    }

    /// The name to expect of a host.
    pub(crate) fn name_of(&self, host: &str) -> Result<ServerName<'static>, String> {
        self.names.of(host)
    }
}

/// Shows neither keys nor certificates.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("names", &self.names).finish_non_exhaustive()
    }
}

/// A configuration made of PEM, and made anew when that changes.
struct Renewable {
    sources: Sources,
    latest: Mutex<(Material, Arc<ClientConfig>)>,
}

impl Renewable {
    fn new(sources: Sources) -> Result<Self, String> {
        let material = sources.read()?;
        let config = material.config(sources.any_name)?;
        Ok(Self { sources, latest: Mutex::new((material, config)) })
    }

    /// What was in order last.
    fn latest(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.latest.lock().unwrap_or_else(PoisonError::into_inner).1)
    }

    /// What the files say now.
    fn renew(&self) -> Result<Arc<ClientConfig>, String> {
        if !self.sources.has_files() {
            return Ok(self.latest());
        }
        let material = self.sources.read()?;
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        // The same configuration as long as nothing changes: it remembers sessions to resume.
        if material != latest.0 {
            let config = material.config(self.sources.any_name)?;
            *latest = (material, config);
        }
        Ok(Arc::clone(&latest.1))
    }
}
