//! Who a client is by its certificate.

use rcgen::{CertificateParams, DnType, DnValue};
use tests::{SecureServer, SecureSettings, TestCa, within};
use zk_client::{Acl, Client, CreateMode, Error, Permissions};

use crate::clients::{builder, connected, refusal, tls};

async fn x509_ids(client: &Client) -> Vec<String> {
    let identities = within("whoAmI", client.who_am_i()).await.unwrap();
    let x509 = identities.into_iter().filter(|identity| identity.scheme == "x509");
    x509.map(|identity| identity.user).collect()
}

#[tokio::test]
async fn a_client_is_the_subject_of_its_certificate() {
    let ca = TestCa::new("ca");
    let server = SecureServer::start(SecureSettings::of(&ca)).await;
    let client = connected(builder(&server, tls(&ca, Some(&ca.client("app"))))).await;
    client.create("/a", b"1", CreateMode::Persistent).await.unwrap();
    assert_eq!(&client.get("/a").await.unwrap().0[..], b"1");
    assert_eq!(x509_ids(&client).await, ["CN=app"]);
    client.close().await.unwrap();
}

#[tokio::test]
async fn acls_mean_the_subject() {
    let ca = TestCa::new("ca");
    let server = SecureServer::start(SecureSettings::of(&ca)).await;
    let app = connected(builder(&server, tls(&ca, Some(&ca.client("app"))))).await;
    let other = connected(builder(&server, tls(&ca, Some(&ca.client("other"))))).await;
    let only = |id: &str| Acl { perms: Permissions::ALL, scheme: "x509".into(), id: id.into() };

    app.create("/mine", b"", CreateMode::Persistent).acl([only("CN=app")]).await.unwrap();
    app.get("/mine").await.unwrap();
    let refused = other.get("/mine").await.unwrap_err();
    assert!(matches!(refused, Error::NoAuth { .. }), "{refused}");

    // The creator is whom the certificate names.
    other.create("/others", b"", CreateMode::Persistent).acl(Acl::creator_all()).await.unwrap();
    assert_eq!(other.get_acl("/others").await.unwrap().0, [only("CN=other")]);
    assert!(matches!(app.get("/others").await.unwrap_err(), Error::NoAuth { .. }));

    // The same name in other words is another id, and what is no name is none.
    app.set_acl("/mine", [only("cn=app"), only("CN=other")]).await.unwrap();
    other.get("/mine").await.unwrap();
    assert!(matches!(app.get("/mine").await.unwrap_err(), Error::NoAuth { .. }));
    let nobody = other.set_acl("/mine", [only("app")]).await.unwrap_err();
    assert!(matches!(nobody, Error::InvalidAcl { .. }), "{nobody}");

    // An auth packet asks only whether there is a certificate.
    app.add_auth("x509", b"").await.unwrap();
}

#[tokio::test]
async fn the_super_user_passes_every_acl() {
    let ca = TestCa::new("ca");
    let settings = SecureSettings { super_user: Some("CN=root"), ..SecureSettings::of(&ca) };
    let server = SecureServer::start(settings).await;
    let app = connected(builder(&server, tls(&ca, Some(&ca.client("app"))))).await;
    let root = connected(builder(&server, tls(&ca, Some(&ca.client("root"))))).await;
    app.create("/mine", b"", CreateMode::Persistent).acl(Acl::creator_all()).await.unwrap();
    root.get("/mine").await.unwrap();
    root.delete("/mine").await.unwrap();
}

/// `DnType`s that rcgen has no word for.
const EMAIL: &[u64] = &[1, 2, 840, 113_549, 1, 9, 1];
const USER_ID: &[u64] = &[0, 9, 2342, 19_200_300, 100, 1, 1];
const SURNAME: &[u64] = &[2, 5, 4, 4];

/// What a BMP string is depends on how old Java is, so none is among them.
#[tokio::test]
async fn odd_subjects_are_written_as_java_writes_them() {
    let utf8 = |text: &str| DnValue::Utf8String(text.to_owned());
    let ia5 = |text: &str| DnValue::Ia5String(text.try_into().unwrap());
    let of = |oid: &[u64]| DnType::CustomDnType(oid.to_vec());
    let cases = [
        (vec![(DnType::CommonName, utf8("a, b+c=d;e<f>"))], "CN=a\\, b\\+c\\=d\\;e\\<f\\>"),
        (vec![(DnType::CommonName, utf8("say \"hi\" \\o/"))], "CN=say \\\"hi\\\" \\\\o/"),
        (vec![(DnType::CommonName, utf8(" #1 "))], "CN=\\ \\#1\\ "),
        (vec![(DnType::CommonName, utf8("Zoë 動物園"))], "CN=Zoë 動物園"),
        (
            vec![
                (DnType::CountryName, utf8("DE")),
                (DnType::OrganizationName, utf8("Acme, Inc.")),
                (DnType::CommonName, utf8("app")),
            ],
            "CN=app,O=Acme\\, Inc.,C=DE",
        ),
        (
            vec![(of(EMAIL), ia5("a@b.c")), (DnType::CommonName, utf8("app"))],
            "CN=app,1.2.840.113549.1.9.1=#16056140622e63",
        ),
        (vec![(of(USER_ID), utf8("u1")), (of(SURNAME), utf8("x"))], "2.5.4.4=#0c0178,UID=u1"),
        (vec![], ""),
    ];
    let ca = TestCa::new("ca");
    let server = SecureServer::start(SecureSettings::of(&ca)).await;
    for (subject, expected) in cases {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, value) in subject {
            params.distinguished_name.push(kind, value);
        }
        let certificate = ca.issue(params);
        let client = connected(builder(&server, tls(&ca, Some(&certificate)))).await;
        assert_eq!(x509_ids(&client).await, [expected]);
        client.close().await.unwrap();
    }
}

#[tokio::test]
async fn who_has_no_certificate_is_turned_away_where_one_is_needed() {
    let ca = TestCa::new("ca");
    let server = SecureServer::start(SecureSettings::of(&ca)).await;
    refusal(builder(&server, tls(&ca, None)), &["client's certificate", "client certificate"])
        .await;
}

#[tokio::test]
async fn who_has_no_certificate_is_nobody_where_one_is_wanted() {
    let ca = TestCa::new("ca");
    let settings = SecureSettings { client_auth: "want", ..SecureSettings::of(&ca) };
    let server = SecureServer::start(settings).await;
    let nobody = connected(builder(&server, tls(&ca, None))).await;
    assert_eq!(x509_ids(&nobody).await, [""; 0]);
    let refused = nobody.add_auth("x509", b"").await.unwrap_err();
    assert!(matches!(refused, Error::AuthFailed { .. }), "{refused}");
    let somebody = connected(builder(&server, tls(&ca, Some(&ca.client("app"))))).await;
    assert_eq!(x509_ids(&somebody).await, ["CN=app"]);
    // One that is shown must be in order all the same.
    let stranger = TestCa::new("another").client("app");
    refusal(builder(&server, tls(&ca, Some(&stranger))), &["client's certificate"]).await;
}

#[tokio::test]
async fn nobody_is_asked_where_no_certificate_is_wanted() {
    let ca = TestCa::new("ca");
    let settings = SecureSettings { client_auth: "none", ..SecureSettings::of(&ca) };
    let server = SecureServer::start(settings).await;
    let client = connected(builder(&server, tls(&ca, Some(&ca.client("app"))))).await;
    assert_eq!(x509_ids(&client).await, [""; 0]);
}
