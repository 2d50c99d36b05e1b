//! How TLS is set up.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::material::{Identity, Material, Pem};
use super::names::{self, Names};
use super::{Renewable, Source, Tls};
use crate::driver::read_file;
use crate::error::{Error, Result};

/// Settings of [`Tls`], made by [`Tls::builder`].
#[derive(Clone, Default)]
#[must_use = "nothing happens until it is built"]
pub struct TlsBuilder {
    roots: Vec<PemSource>,
    identity: Option<(PemSource, PemSource)>,
    name: Option<String>,
    names_by_host: Vec<(String, String)>,
    any_name: bool,
}

/// Where a PEM text comes from.
#[derive(Clone)]
pub(super) enum PemSource {
    Bytes(&'static str, Vec<u8>),
    File(PathBuf),
}

impl PemSource {
    fn read(&self) -> Result<Pem, String> {
        let (origin, bytes) = match self {
            Self::Bytes(origin, bytes) => ((*origin).to_owned(), bytes.clone()),
            Self::File(path) => {
                let bytes = read_file(path)
                    .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
                (path.display().to_string(), bytes)
            }
        };
        Ok(Pem { origin, bytes })
    }
}

/// What is read again when files change.
pub(super) struct Sources {
    roots: Vec<PemSource>,
    identity: Option<(PemSource, PemSource)>,
    pub(super) any_name: bool,
}

impl Sources {
    pub(super) fn read(&self) -> Result<Material, String> {
        let roots = self.roots.iter().map(PemSource::read).collect::<Result<_, _>>()?;
        let identity = match &self.identity {
            Some((chain, key)) => Some(Identity { chain: chain.read()?, key: key.read()? }),
            None => None,
        };
        Ok(Material { roots, identity })
    }

    /// Whether anything can change.
    pub(super) fn has_files(&self) -> bool {
        let identity = self.identity.iter().flat_map(|(chain, key)| [chain, key]);
        self.roots.iter().chain(identity).any(|source| matches!(source, PemSource::File(_)))
    }
}

impl TlsBuilder {
    /// Trusts servers whose certificates one of these has signed: PEM, one certificate or many.
    /// Adds to those given before. No root is trusted that was not given: see [the page about
    /// TLS](super#the-systems-roots) for the roots of the system.
    pub fn roots_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(PemSource::Bytes("the root certificate", pem.into()));
        self
    }

    /// The same from a file, which is [read again](super#certificates-that-are-renewed) when it
    /// changes.
    pub fn roots_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.roots.push(PemSource::File(path.into()));
        self
    }

    /// Shows this certificate to servers that ask for one: the certificate itself first, then those
    /// that signed it, and its private key (PKCS#8, PKCS#1 or SEC1, not encrypted). All PEM; both
    /// may be the same text. To the server the client is then also who the certificate is for,
    /// under the scheme `x509`.
    pub fn identity_pem(mut self, chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.identity = Some((
            PemSource::Bytes("the client certificate", chain.into()),
            PemSource::Bytes("the client's private key", key.into()),
        ));
        self
    }

    /// The same from files, which are [read again](super#certificates-that-are-renewed) when they
    /// change.
    pub fn identity_files(mut self, chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.identity = Some((PemSource::File(chain.into()), PemSource::File(key.into())));
        self
    }

    /// The name, or IP address, that the certificate of every server must carry, instead of the
    /// host that the connect string names. It is also what the server is asked for (SNI).
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same for one host of the connect string, written as it is there (IPv6 without brackets).
    pub fn server_name_for(mut self, host: impl Into<String>, name: impl Into<String>) -> Self {
        self.names_by_host.push((host.into(), name.into()));
        self
    }

    /// Accepts any server with a certificate that a root has signed, whoever it was issued to.
    ///
    /// # Danger
    ///
    /// Everybody who has any certificate from the same authority can then stand between this
    /// client and its servers, read and change everything, and take its passwords. Where
    /// certificates carry other names than the connect string, say which, by
    /// [`server_name_for`](Self::server_name_for).
    pub fn danger_accept_certificates_of_other_hosts(mut self) -> Self {
        self.any_name = true;
        self
    }

    /// Reads the files and checks everything that can be checked without a server.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidConfig`]: no root, a file that cannot be read or is no PEM, a key that does
    /// not belong to its certificate, a name that cannot be one.
    pub fn build(self) -> Result<Tls> {
        let invalid = |reason| Error::InvalidConfig { setting: "tls", reason };
        let all = self.name.as_deref().map(names::parse).transpose().map_err(invalid)?;
        let mut names = Names { all, ..Names::default() };
        for (host, name) in self.names_by_host {
            names.by_host.insert(host, names::parse(&name).map_err(invalid)?);
        }
        let sources =
            Sources { roots: self.roots, identity: self.identity, any_name: self.any_name };
        let renewable = Renewable::new(sources).map_err(invalid)?;
        Ok(Tls { names: Arc::new(names), source: Source::Pem(Arc::new(renewable)) })
    }
}

/// Keys never show, nor do certificates.
impl fmt::Debug for TlsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsBuilder")
            .field("roots", &self.roots)
            .field("identity", &self.identity)
            .field("server_name", &self.name)
            .field("server_names_by_host", &self.names_by_host)
            .field("any_name", &self.any_name)
            .finish()
    }
}

impl fmt::Debug for PemSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(..) => f.write_str("(PEM)"),
            Self::File(path) => path.fmt(f),
        }
    }
}
