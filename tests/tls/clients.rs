//! Clients that speak TLS.

use std::time::Duration;

use tests::{SecureServer, TestCa, TestCertificate, within};
use zk_client::tls::{Tls, TlsBuilder};
use zk_client::{Client, ClientBuilder, Error};

/// How long a connect may take that is to fail.
pub(crate) const SHORT: Duration = Duration::from_millis(1500);

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
    Client::builder(&servers).tls(tls.build().unwrap())
}

pub(crate) async fn connected(builder: ClientBuilder) -> Client {
    within("a session", builder.connect()).await.unwrap()
}

/// What a client is told that cannot connect.
pub(crate) async fn refusal(builder: ClientBuilder) -> String {
    let refused = within("a refusal", builder.connect_timeout(SHORT).connect()).await;
    match refused.unwrap_err() {
        Error::NoServerReachable { attempts, .. } => attempts,
        other => panic!("{other}"),
    }
}
