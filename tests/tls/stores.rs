//! A server with stores as Java has them, made by keytool and OpenSSL
//! (`zk-server/tests/fixtures/key-stores/make`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tests::{PATIENCE, TestCa};
use zk_client::tls::rustls::pki_types::CertificateDer;
use zk_client::tls::rustls::pki_types::pem::PemObject as _;
use zk_client::tls::rustls::{self, ClientConfig, RootCertStore};
use zk_client::tls::{Tls, TlsBuilder};
use zk_client::{Client, ClientBuilder};
use zk_server::config::{ClientAuth, Store, StoreFormat, StorePassword, TlsConfig};
use zk_server::testing::TestServer;

use crate::clients::{connected, refusal};

fn made(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join("zk-server/tests/fixtures/key-stores").join(name)
}

fn store(path: PathBuf, password: &str) -> Store {
    let format = StoreFormat::of_file(&path.to_string_lossy()).unwrap();
    let password = Some(StorePassword::Text(password.to_owned()));
    Store::File { path, format, password }
}

fn java(name: &str) -> Store {
    store(made(name), "changeit")
}

/// A client that trusts the root of the stores, and shows a certificate which that has signed.
fn tls() -> TlsBuilder {
    Tls::builder()
        .roots_file(made("authority.pem"))
        .identity_files(made("client.pem"), made("client.pem"))
}

fn to(server: &TestServer, tls: Tls) -> ClientBuilder {
    let servers = format!("localhost:{}", server.secure_addr().port());
    Client::builder(&servers).tls(tls).connect_timeout(PATIENCE)
}

async fn started(keys: Store, trust: Store) -> TestServer {
    let config = TlsConfig::new(keys, Some(trust));
    TestServer::builder().tls(config).start().await.unwrap()
}

#[tokio::test]
async fn a_server_has_its_certificates_from_stores_of_java() {
    let cases = [
        ("rsa.jks", "trust.jks"),
        ("rsa.p12", "trust.p12"),
        ("ec.jks", "open.p12"),
        ("ec.p12", "trust.jks"),
        ("legacy.p12", "trust.jks"),
        ("openssl.p12", "trust.jks"),
        ("ec.pem", "authority.pem"),
    ];
    for (keys, trust) in cases {
        let server = started(java(keys), java(trust)).await;
        let client = connected(to(&server, tls().build().unwrap())).await;
        let who = client.who_am_i().await.unwrap();
        assert!(who.iter().any(|identity| identity.user == "CN=rsa"), "{keys} {trust}: {who:?}");
        let ca = TestCa::new("stranger");
        let stranger = crate::clients::tls(&ca, Some(&ca.client("app")));
        let stranger = stranger.roots_file(made("authority.pem")).build().unwrap();
        refusal(to(&server, stranger), &["refuses this client's certificate"]).await;
    }
}

/// The type of a store is a hint: Java, too, opens either kind under either name.
#[tokio::test]
async fn the_first_bytes_say_what_a_store_is() {
    let under = |name, format| Store::File {
        path: made(name),
        format,
        password: Some(StorePassword::File(made("password"))),
    };
    let keys = under("rsa.jks", StoreFormat::Pkcs12);
    let server = started(keys, under("trust.p12", StoreFormat::Jks)).await;
    connected(to(&server, tls().build().unwrap())).await;
}

/// Of several keys each client gets one whose signature it can check.
#[tokio::test]
async fn a_store_of_several_keys_serves_clients_of_each_kind() {
    for name in ["several.jks", "several.p12"] {
        let mut config = TlsConfig::new(java(name), None);
        config.client_auth = ClientAuth::None;
        let server = TestServer::builder().tls(config).start().await.unwrap();
        for kind in ["RSA", "ECDSA"] {
            connected(to(&server, tls_by(kind))).await;
        }
    }
}

/// Can only check signatures of this kind.
fn tls_by(kind: &str) -> Tls {
    let mut provider = rustls::crypto::ring::default_provider();
    provider.cipher_suites.retain(|suite| format!("{:?}", suite.suite()).contains(kind));
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(made("authority.pem")).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(provider));
    let config = config.with_protocol_versions(&[&rustls::version::TLS12]).unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    Tls::from_rustls(Arc::new(config))
}

#[tokio::test]
async fn a_server_uses_the_stores_of_java_as_they_are_now() {
    let directory = tempfile::tempdir().unwrap();
    let (keys, trust) = (directory.path().join("keys.p12"), directory.path().join("trust.p12"));
    let put = |from: &str, to: &Path| {
        let fresh = directory.path().join("fresh");
        std::fs::copy(made(from), &fresh).unwrap();
        std::fs::rename(fresh, to).unwrap();
    };
    put("rsa.p12", &keys);
    put("empty.p12", &trust);
    let stores = || (store(keys.clone(), "changeit"), store(trust.clone(), "changeit"));
    let (key_store, trust_store) = stores();
    let refused = TestServer::builder().tls(TlsConfig::new(key_store, Some(trust_store)));
    let told = refused.start().await.unwrap_err().to_string();
    assert!(told.contains("ssl.trustStore") && told.contains("-importcert"), "{told}");

    put("trust.p12", &trust);
    let (key_store, trust_store) = stores();
    let mut config = TlsConfig::new(key_store, Some(trust_store));
    config.reload = true;
    let server = TestServer::builder().tls(config).start().await.unwrap();
    connected(to(&server, tls().build().unwrap())).await;
    // What cannot be used changes nothing, and what can be is used at once.
    put("key-password.jks", &keys);
    connected(to(&server, tls().build().unwrap())).await;
    put("ec.jks", &keys);
    put("openssl-trust.p12", &trust);
    connected(to(&server, tls().build().unwrap())).await;
    put("open.p12", &trust);
    connected(to(&server, tls().build().unwrap())).await;
}

#[tokio::test]
async fn a_store_that_cannot_be_used_is_named_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let written = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        store(path, "changeit")
    };
    let rsa = std::fs::read(made("rsa.jks")).unwrap();
    let huge = directory.path().join("huge.jks");
    std::fs::File::create(&huge).unwrap().set_len(100 << 20).unwrap();
    let none = |name| Store::file(made(name));
    let cases = [
        (store(made("rsa.jks"), "Changeit"), "ssl.keyStore.password"),
        (store(made("rsa.p12"), "Changeit"), "the password is wrong"),
        (none("rsa.jks"), "has a password: set ssl.keyStore.password"),
        (none("rsa.p12"), "ssl.keyStore.passwordPath"),
        (java("key-password.jks"), "keytool -keypasswd"),
        (java("trust.jks"), "holds no private key"),
        (java("empty.p12"), "holds no private key"),
        (java("openssl-rc4.p12"), "keytool -importkeystore"),
        (written("cut.jks", &rsa[..rsa.len() / 2]), "or the file is damaged"),
        (written("cut.p12", &[0x30, 0x82, 0x0d]), "it breaks off"),
        (written("pem.jks", &std::fs::read(made("client.pem")).unwrap()), "the type `PEM`"),
        (store(huge, "changeit"), "is longer than 1048576 bytes"),
        (store(made("rsa.bcfks"), "changeit"), "cannot be read"),
        (written("store.bcfks", b"0"), "BCFKS"),
    ];
    for (keys, expected) in cases {
        let shown = format!("{keys:?}");
        let config = TlsConfig::new(keys, Some(java("trust.jks")));
        let started = TestServer::builder().tls(config).start().await;
        let told = started.unwrap_err().to_string();
        assert!(told.contains(expected), "{shown}: {told}");
        assert!(!told.to_lowercase().contains("changeit"), "{told}");
    }
    let cases = [
        (java("rsa.p12"), "beside a private key"),
        (java("openssl-trust.p12"), "the mark that Java puts"),
        (java("empty.jks"), "holds no certificate that is trusted"),
        (store(made("trust.p12"), "no"), "ssl.trustStore.password"),
    ];
    for (trust, expected) in cases {
        let shown = format!("{trust:?}");
        let config = TlsConfig::new(java("rsa.jks"), Some(trust));
        let started = TestServer::builder().tls(config).start().await;
        let told = started.unwrap_err().to_string();
        assert!(told.contains(expected), "{shown}: {told}");
    }
}
