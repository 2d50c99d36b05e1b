//! A certificate authority that lives as long as a test.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, SanType,
};

/// Issues certificates, all in PEM.
#[derive(Debug)]
pub struct TestCa {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    /// What must be sent along with each certificate.
    chain: String,
}

/// A certificate and its key.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests take it apart")]
pub struct TestCertificate {
    /// The certificate.
    pub cert: String,
    /// Its private key, PKCS#8.
    pub key: String,
}

impl TestCertificate {
    /// Both in one text, as ZooKeeper's PEM key stores have them.
    #[must_use]
    pub fn key_store(&self) -> String {
        format!("{}{}", self.cert, self.key)
    }
}

impl TestCa {
    /// An authority of its own.
    ///
    /// # Panics
    ///
    /// If the machine cannot make keys.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let params = authority(name);
        let key = KeyPair::generate().expect("a key can be made");
        let pem = params.self_signed(&key).expect("a root can sign itself").pem();
        Self { issuer: Issuer::new(params, key), pem, chain: String::new() }
    }

    /// Another authority that this one vouches for. What it issues comes with its own certificate.
    ///
    /// # Panics
    ///
    /// If the machine cannot make keys.
    #[must_use]
    pub fn intermediate(&self, name: &str) -> Self {
        let params = authority(name);
        let key = KeyPair::generate().expect("a key can be made");
        let cert = params.signed_by(&key, &self.issuer).expect("the certificate can be signed");
        let chain = format!("{}{}", cert.pem(), self.chain);
        Self { issuer: Issuer::new(params, key), pem: cert.pem(), chain }
    }

    /// Its own certificate: what the other side has to trust.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// For a server that is reached by these names or addresses.
    #[must_use]
    pub fn server(&self, names: &[&str]) -> TestCertificate {
        self.issue(server_params(names))
    }

    /// For a client of this common name; to ACLs it is `CN=name`.
    #[must_use]
    pub fn client(&self, name: &str) -> TestCertificate {
        let mut params = CertificateParams::default();
        params.distinguished_name = named(name);
        self.issue(params)
    }

    /// For anything else.
    ///
    /// # Panics
    ///
    /// If what is asked for makes no certificate.
    #[must_use]
    pub fn issue(&self, params: CertificateParams) -> TestCertificate {
        let key = KeyPair::generate().expect("a key can be made");
        let cert = params.signed_by(&key, &self.issuer).expect("the certificate can be signed");
        TestCertificate { cert: cert.pem() + &self.chain, key: key.serialize_pem() }
    }
}

/// What [`TestCa::server`] issues, to be changed before [`TestCa::issue`].
///
/// # Panics
///
/// If one of the names is neither a host name nor an address.
#[must_use]
pub fn server_params(names: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(names.first().copied().unwrap_or("server"));
    params.subject_alt_names = names
        .iter()
        .map(|name| match name.parse() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName((*name).try_into().expect("a host name is ASCII")),
        })
        .collect();
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name = named(name);
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    subject
}
