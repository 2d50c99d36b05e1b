//! Clients that speak TLS.

use std::time::Duration;

use tests::{PATIENCE, SecureServer, TestCa, TestCertificate, within};
use zk_client::tls::{Tls, TlsBuilder};
use zk_client::{Client, ClientBuilder, Error};

/// How long a connect may take that is to fail, at first.
const SHORT: Duration = Duration::from_millis(1500);

/// Trusts this authority, and shows this certificate.
pub(crate) fn tls(ca: &TestCa, identity: Option<&TestCertificate>) -> TlsBuilder {
    let tls = Tls::builder().roots_pem(ca.pem());
    match identity {
        Some(identity) => tls.identity_pem(identity.cert.clone(), identity.key.clone()),
        None => tls,
    }
}

/// A client of the secure port by a name that is in the certificate.
pub(crate) fn builder(server: &SecureServer, tls: TlsBuilder) -> ClientBuilder {
    let servers = format!("localhost:{}", server.secure_address().port());
    let builder = Client::builder(&servers).connect_timeout(PATIENCE).close_timeout(PATIENCE);
    builder.tls(tls.build().unwrap())
}

pub(crate) async fn connected(builder: ClientBuilder) -> Client {
    within("a session", builder.connect()).await.unwrap()
}

/// What a client is told that cannot connect, which has to be one of `expected`.
///
/// Where the machine is so busy that a first bound is over before a handshake is, a longer one
/// tells.
pub(crate) async fn refusal(builder: ClientBuilder, expected: &[&str]) -> String {
    let mut told = String::new();
    for times in [1, 4, 16] {
        let connecting = builder.clone().connect_timeout(SHORT * times).connect();
        told = match within("a refusal", connecting).await.unwrap_err() {
            Error::NoServerReachable { attempts, .. } => attempts,
            other => panic!("{other}"),
        };
        if expected.iter().any(|expected| told.contains(expected)) {
            return told;
        }
    }
    panic!("none of {expected:?}: {told}");
}
