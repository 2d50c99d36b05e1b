//! Certificates that are renewed while clients and servers run.

use std::fs;

use tests::{PATIENCE, TestCa, TestCertificate, eventually, within};
use zk_client::tls::Tls;
use zk_client::{Client, ClientBuilder, Error};
use zk_server::config::{Store, TlsConfig};
use zk_server::testing::TestServer;

use crate::clients::{connected, refusal, tls};

struct Files {
    directory: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    /// Whole or not at all, as certificates should be put in place.
    fn write(&self, name: &str, text: &str) {
        let fresh = self.path("fresh");
        fs::write(&fresh, text).unwrap();
        fs::rename(&fresh, self.path(name)).unwrap();
    }
}

async fn server(files: &Files, ca: &TestCa, certificate: &TestCertificate) -> TestServer {
    files.write("server.pem", &certificate.key_store());
    files.write("trust.pem", ca.pem());
    let stores = [files.path("server.pem"), files.path("trust.pem")].map(Store::file);
    let [keys, trust] = stores;
    let mut config = TlsConfig::new(keys, Some(trust));
    config.reload = true;
    TestServer::builder().tls(config).start().await.unwrap()
}

fn to(server: &TestServer, tls: Tls) -> ClientBuilder {
    let servers = format!("localhost:{}", server.secure_addr().port());
    Client::builder(&servers).tls(tls).connect_timeout(PATIENCE)
}

#[tokio::test]
async fn a_server_uses_the_stores_as_they_are_now() {
    let (files, old, new) = (Files::new(), TestCa::new("old"), TestCa::new("new"));
    let server = server(&files, &old, &old.server(&["localhost"])).await;
    let of = |ca: &TestCa| tls(ca, Some(&ca.client("app"))).build().unwrap();
    let veteran = connected(to(&server, of(&old))).await;
    refusal(to(&server, of(&new)), &["not signed by any root"]).await;

    files.write("server.pem", &new.server(&["localhost"]).key_store());
    files.write("trust.pem", new.pem());
    connected(to(&server, of(&new))).await;
    refusal(to(&server, of(&old)), &["not signed by any root"]).await;
    veteran.get("/").await.unwrap();

    // A store that makes no sense changes nothing.
    files.write("server.pem", &old.server(&["localhost"]).cert);
    connected(to(&server, of(&new))).await;
    fs::remove_file(files.path("server.pem")).unwrap();
    connected(to(&server, of(&new))).await;
}

#[tokio::test]
async fn a_client_uses_the_files_as_they_are_now() {
    let (files, old, new) = (Files::new(), TestCa::new("old"), TestCa::new("new"));
    let server_files = Files::new();
    let server = server(&server_files, &old, &old.server(&["localhost"])).await;
    let put = |name: &str, ca: &TestCa| {
        let app = ca.client(name);
        files.write("ca.pem", ca.pem());
        files.write("app.pem", &app.cert);
        files.write("app.key", &app.key);
    };
    put("app", &old);
    let tls = Tls::builder()
        .roots_file(files.path("ca.pem"))
        .identity_files(files.path("app.pem"), files.path("app.key"))
        .build()
        .unwrap();
    let client = connected(to(&server, tls.clone())).await;

    server_files.write("server.pem", &new.server(&["localhost"]).key_store());
    server_files.write("trust.pem", new.pem());
    put("renewed", &new);
    // The same client, with the session it has.
    let session = client.session_id();
    server.drop_connections();
    eventually("the new certificate counts", async || {
        let who = within("whoAmI", client.who_am_i()).await.unwrap_or_default();
        who.iter().any(|identity| identity.user == "CN=renewed")
    })
    .await;
    assert_eq!(client.session_id(), session);
    tls.reload().unwrap();

    // A certificate whose key is still to come: what was in order goes on.
    files.write("app.pem", &new.client("half").cert);
    let refused = tls.reload().unwrap_err();
    assert!(matches!(&refused, Error::InvalidConfig { setting: "tls", .. }), "{refused}");
    assert!(refused.to_string().contains("app.key"), "{refused}");
    connected(to(&server, tls)).await;
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named_with_what_is_wrong() {
    let (files, ca) = (Files::new(), TestCa::new("ca"));
    let app = ca.client("app");
    files.write("ca.pem", ca.pem());
    files.write("app.pem", &app.cert);
    files.write("app.key", &app.key);
    files.write("empty", "");
    files.write(
        "locked.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    files.write("other.key", &ca.client("other").key);
    let told = |roots: &str, cert: &str, key: &str| {
        let identity = (files.path(cert), files.path(key));
        let tls =
            Tls::builder().roots_file(files.path(roots)).identity_files(identity.0, identity.1);
        match tls.build() {
            Ok(_) => "fine".to_owned(),
            Err(error) => error.to_string(),
        }
    };
    let cases = [
        ("ca.pem", "app.pem", "app.key", "fine"),
        ("none.pem", "app.pem", "app.key", "none.pem cannot be read"),
        ("empty", "app.pem", "app.key", "empty holds no certificate"),
        ("app.key", "app.pem", "app.key", "app.key holds no certificate"),
        ("ca.pem", "app.pem", "app.pem", "app.pem holds no private key"),
        ("ca.pem", "app.pem", "locked.key", "is encrypted"),
        ("ca.pem", "app.pem", "other.key", "does not hold the key"),
    ];
    for (roots, cert, key, expected) in cases {
        let told = told(roots, cert, key);
        assert!(told.contains(expected), "{roots} {cert} {key}: {told}");
    }
    let nobody = Tls::builder().build().unwrap_err().to_string();
    assert!(nobody.contains("no root certificate"), "{nobody}");
    let named = Tls::builder().roots_pem(ca.pem()).server_name("a b").build().unwrap_err();
    assert!(named.to_string().contains("a b"), "{named}");
}

#[test]
fn keys_never_show() {
    let ca = TestCa::new("ca");
    let app = ca.client("app");
    let builder = tls(&ca, Some(&app));
    let secret = app.key.lines().nth(1).unwrap();
    let shown = format!("{builder:?} {:?}", builder.clone().build().unwrap());
    assert!(!shown.contains(secret) && shown.contains("identity"), "{shown}");
    let config = TlsConfig::new(Store::pem(app.key_store()), None);
    assert!(!format!("{config:?}").contains(secret));
}

#[tokio::test]
async fn a_server_with_unusable_stores_does_not_start_and_says_why() {
    let (files, ca) = (Files::new(), TestCa::new("ca"));
    let certificate = ca.server(&["localhost"]);
    files.write("good.pem", &certificate.key_store());
    files.write("cert.pem", &certificate.cert);
    files.write("mixed.pem", &format!("{}{}", certificate.cert, ca.client("other").key));
    files.write("store.p12", "not PEM at all");
    let trust = || Some(Store::pem(ca.pem()));
    let file = |name: &str| Store::file(files.path(name));
    let cases = [
        (file("none.pem"), trust(), "cannot be read"),
        (file("cert.pem"), trust(), "holds no private key"),
        (file("mixed.pem"), trust(), "not that of the first certificate"),
        (file("store.p12"), trust(), "no JKS or PKCS#12 store"),
        (file("good.pem"), None, "ssl.trustStore.location"),
        (file("good.pem"), Some(Store::pem("")), "holds no certificate"),
    ];
    for (keys, trust, expected) in cases {
        let shown = format!("{keys:?}");
        let started = TestServer::builder().tls(TlsConfig::new(keys, trust)).start().await;
        let told = started.unwrap_err().to_string();
        assert!(told.contains(expected), "{shown}: {told}");
    }
}
