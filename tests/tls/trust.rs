//! Whom a client trusts, and whom a server.

use rcgen::{CertificateParams, date_time_ymd};
use tests::{SecureServer, SecureSettings, TestCa, server_params};
use zk_client::Client;
use zk_client::tls::Tls;

use crate::clients::{builder, connected, refusal, tls};

async fn server(certificate: impl FnOnce(&TestCa) -> CertificateParams) -> (TestCa, SecureServer) {
    let ca = TestCa::new("ca");
    let certificate = ca.issue(certificate(&ca));
    let server =
        SecureServer::start(SecureSettings { certificate, ..SecureSettings::of(&ca) }).await;
    (ca, server)
}

#[tokio::test]
async fn a_server_of_another_authority_is_not_trusted() {
    let ca = TestCa::new("ca");
    let server = SecureServer::start(SecureSettings::of(&ca)).await;
    let stranger = TestCa::new("ca");
    refusal(builder(&server, tls(&stranger, Some(&ca.client("app")))), &["not signed by any root"])
        .await;
    // Not even if its name does not matter.
    let careless = tls(&stranger, None).danger_accept_certificates_of_other_hosts();
    refusal(builder(&server, careless), &["not signed by any root"]).await;
}

#[tokio::test]
async fn a_client_of_another_authority_is_not_trusted() {
    let ca = TestCa::new("ca");
    let server = SecureServer::start(SecureSettings::of(&ca)).await;
    let stranger = TestCa::new("another").client("app");
    refusal(builder(&server, tls(&ca, Some(&stranger))), &["refuses this client's certificate"])
        .await;
}

#[tokio::test]
async fn the_host_must_be_in_the_certificate() {
    let (ca, server) = server(|_| server_params(&["zk1.example.com", "10.0.0.1"])).await;
    let app = ca.client("app");
    let told = refusal(builder(&server, tls(&ca, Some(&app))), &["for another host"]).await;
    assert!(told.contains("zk1.example.com"), "{told}");

    let named = tls(&ca, Some(&app)).server_name("zk1.example.com");
    connected(builder(&server, named)).await;
    let named = tls(&ca, Some(&app)).server_name("no").server_name_for("localhost", "10.0.0.1");
    connected(builder(&server, named)).await;
    let careless = tls(&ca, Some(&app)).danger_accept_certificates_of_other_hosts();
    connected(builder(&server, careless)).await;
}

#[tokio::test]
async fn an_address_must_be_in_the_certificate_as_an_address() {
    let connect = |server: &SecureServer, ca: &TestCa| {
        let servers = format!("127.0.0.1:{}", server.secure_address().port());
        let tls = tls(ca, Some(&ca.client("app"))).build().unwrap();
        Client::builder(&servers).tls(tls)
    };
    let (ca, by_address) = server(|_| server_params(&["127.0.0.1"])).await;
    connected(connect(&by_address, &ca)).await;
    let (ca, by_name) = server(|_| server_params(&["localhost"])).await;
    refusal(connect(&by_name, &ca), &["for another host"]).await;
}

#[tokio::test]
async fn certificates_count_from_their_first_day_to_their_last() {
    let (ca, expired) = server(|_| {
        let mut params = server_params(&["localhost"]);
        params.not_after = date_time_ymd(2020, 1, 1);
        params
    })
    .await;
    refusal(builder(&expired, tls(&ca, Some(&ca.client("app")))), &["has expired"]).await;
    let (ca, early) = server(|_| {
        let mut params = server_params(&["localhost"]);
        params.not_before = date_time_ymd(3000, 1, 1);
        params
    })
    .await;
    refusal(builder(&early, tls(&ca, Some(&ca.client("app")))), &["not valid yet"]).await;
}

#[tokio::test]
async fn an_expired_client_is_turned_away() {
    let ca = TestCa::new("ca");
    let server = SecureServer::start(SecureSettings::of(&ca)).await;
    let mut params = CertificateParams::default();
    params.not_after = date_time_ymd(2020, 1, 1);
    refusal(
        builder(&server, tls(&ca, Some(&ca.issue(params)))),
        &["refuses this client's certificate"],
    )
    .await;
}

#[tokio::test]
async fn a_chain_may_have_links_in_between() {
    let root = TestCa::new("root");
    let between = root.intermediate("between");
    let server = SecureServer::start(SecureSettings {
        certificate: between.server(&["localhost"]),
        ..SecureSettings::of(&root)
    })
    .await;
    connected(builder(&server, tls(&root, Some(&between.client("app"))))).await;
}

/// What most operators of Apache's servers have.
#[cfg(feature = "containers")]
#[tokio::test]
async fn stores_in_pkcs12_make_no_difference() {
    let ca = TestCa::new("ca");
    let server = SecureServer::start_with_pkcs12(SecureSettings::of(&ca)).await;
    connected(builder(&server, tls(&ca, Some(&ca.client("app"))))).await;
    let stranger = TestCa::new("another").client("app");
    refusal(builder(&server, tls(&ca, Some(&stranger))), &[""]).await;
}

#[tokio::test]
async fn tls_and_plain_meet_with_a_word_of_explanation() {
    let ca = TestCa::new("ca");
    let server = SecureServer::start(SecureSettings::of(&ca)).await;
    let secure = tls(&ca, Some(&ca.client("app"))).build().unwrap();
    let on_plain = Client::builder(&format!("localhost:{}", server.address().port())).tls(secure);
    refusal(on_plain, &["TLS on this port"]).await;
    let on_secure = Client::builder(&server.secure_address().to_string());
    refusal(on_secure, &[""]).await;
}

#[tokio::test]
async fn rustls_can_be_set_up_by_hand() {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    use std::sync::Arc;
    use zk_client::tls::rustls;

    let ca = TestCa::new("ca");
    let settings = SecureSettings { client_auth: "none", ..SecureSettings::of(&ca) };
    let server = SecureServer::start(settings).await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let servers = format!("localhost:{}", server.secure_address().port());
    connected(Client::builder(&servers).tls(Tls::from_rustls(Arc::new(config)))).await;
}
