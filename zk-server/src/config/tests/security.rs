//! TLS and authentication.

use super::*;
use crate::auth::sasl::LocalNames;
use crate::config::{ClientAuth, Store, StoreFormat, StorePassword, TlsProtocol};

const STORES: &str = "ssl.keyStore.location=/k.pem\nssl.trustStore.location=/t.p12\n";

#[test]
fn protection_that_is_not_offered_stops_the_start() {
    for (key, why) in [
        ("admin.forceHttps", "HTTP without TLS"),
        ("admin.needClientAuth", "nobody for a certificate"),
        ("admin.portUnification", "HTTP without TLS"),
    ] {
        for value in ["true", "TRUE"] {
            let error = refused(&format!("{key}={value}"));
            assert!(error.starts_with(&format!("zoo.cfg:3: `{key}` asks for what")), "{error}");
            assert!(error.contains(why), "{error}");
        }
        assert!(warned(&format!("{key}=false")).is_empty(), "{key}");
        assert!(refused(&format!("{key}=yes")).contains("true or false"));
    }
    let error = refused("ensembleAuthName=mine");
    assert!(error.contains("zoo.cfg:3: `ensembleAuthName`") && error.contains("scheme"), "{error}");
    assert!(warned("ensembleAuthName=").is_empty());
}

#[test]
fn a_secure_port_needs_its_stores() {
    let secure = "dataDir=/data\nsecureClientPort=2281\n";
    let config = parse("zoo.cfg", &format!("{secure}{STORES}")).unwrap().config;
    assert_eq!((config.client_port, config.secure_client_port), (None, Some(2281)));
    assert!(config.auth.x509_enabled);
    let tls = config.tls.unwrap();
    assert_eq!(tls.client_auth, ClientAuth::Need);
    assert!(matches!(tls.trust_store, Some(Store::File { format: StoreFormat::Pkcs12, .. })));
    for (lines, missing) in [
        ("", "ssl.keyStore.location is missing"),
        ("ssl.keyStore.location=/k.pem\n", "ssl.trustStore.location is missing"),
    ] {
        let error = parse("zoo.cfg", &format!("{secure}{lines}")).unwrap_err().to_string();
        assert!(error.contains(missing), "{error}");
    }
    let one_sided = format!("{secure}ssl.keyStore.location=/k.pem\nssl.clientAuth=none\n");
    assert!(parse("zoo.cfg", &one_sided).unwrap().config.tls.unwrap().trust_store.is_none());
}

#[test]
fn every_key_of_tls_reaches_the_config() {
    let parsed = parsed(&format!(
        "{STORES}client.portUnification=true\nclient.certReload=true\nssl.clientAuth=want\n\
         X509AuthenticationProvider.superUser=CN=root\nssl.ciphersuites=TLS_AES_128_GCM_SHA256\n\
         netty.server.outstandingHandshake.limit=7\nssl.keyStore.passwordPath=/secret\n\
         ssl.protocol=TLSv1.3\nsecureClientPortAddress=127.0.0.1\n"
    ));
    assert!(parsed.warnings.is_empty(), "{:?}", parsed.warnings);
    let config = parsed.config;
    assert!(config.port_unification && config.auth.x509_enabled);
    assert_eq!(config.auth.x509_super_user.as_deref(), Some("CN=root"));
    assert_eq!(config.limits.tls_handshakes, 7);
    let tls = config.tls.unwrap();
    assert!(tls.reload);
    assert_eq!(tls.client_auth, ClientAuth::Want);
    assert_eq!(tls.protocols, [TlsProtocol::V1_3]);
    assert_eq!(tls.cipher_suites, ["TLS_AES_128_GCM_SHA256"]);
    let Store::File { password, .. } = tls.key_store else { panic!("a file was named") };
    assert!(matches!(password, Some(StorePassword::File(_))));
}

#[test]
fn what_tls_cannot_do_is_not_passed_over() {
    let error = refused("ssl.crl=true");
    assert!(error.contains("zoo.cfg:3: `ssl.crl`") && error.contains("revocation"), "{error}");
    assert_eq!(
        warned(STORES),
        ["zoo.cfg:3: `ssl.keyStore.location` has no effect without `secureClientPort` or \
          `client.portUnification`"]
    );
}

#[test]
fn authentication_is_set_as_on_apaches_servers() {
    let text = "dataDir=/d\nclientPort=1\n\
        authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider\n\
        java.security.auth.login.config=/etc/zk/jaas.conf\nsasl.serverconfig=Mine\n\
        sessionRequireClientSASLAuth=true\nsuperUser=alice\nsuperUser.2=carol\n\
        letAnySaslUserDoX=anyone\nallowSaslFailedClients=true\n\
        SASLAuthenticationProvider.superPassword=hush\n\
        kerberos.removeHostFromPrincipal=true\nkerberos.removeRealmFromPrincipal=true\n";
    let parsed = parse("zoo.cfg", text).unwrap();
    assert_eq!(parsed.warnings, []);
    let auth = parsed.config.auth;
    assert!(!format!("{auth:?}").contains("hush"));
    assert_eq!(auth.required_schemes, ["sasl"]);
    let sasl = auth.sasl;
    assert_eq!(sasl.login_file.as_deref(), Some(std::path::Path::new("/etc/zk/jaas.conf")));
    assert_eq!(sasl.login_section, "Mine");
    assert_eq!(sasl.super_users, ["alice", "carol"]);
    assert_eq!(sasl.any_user.as_deref(), Some("anyone"));
    assert!(sasl.failed_clients_stay && sasl.scheme_enabled);
    assert!(sasl.principals.remove_host && sasl.principals.remove_realm);
}

#[test]
fn rules_for_names_of_kerberos_are_taken_or_named() {
    let rules = "RULE:[1:$1@$0](.*@EXAMPLE)s/@.*// DEFAULT";
    let parsed = |rules: &str| {
        let text = format!("dataDir=/d\nclientPort=1\nsecurity.auth_to_local={rules}\n");
        parse("zoo.cfg", &text).map(|parsed| {
            assert_eq!(parsed.warnings, []);
            parsed.config.auth.sasl.principals
        })
    };
    let taken = parsed(rules).unwrap();
    assert_eq!(taken.local_names, Some(LocalNames::parse(rules).unwrap()));
    assert_eq!(parsed("DEFAULT").unwrap().local_names, None);
    let error = parsed("DEFAULT RULE:[1:$1](a(?=b)) DEFAULT").unwrap_err().to_string();
    for part in ["zoo.cfg:3: ", "rule 2, at character 9, ", "look around"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[test]
fn what_is_not_done_about_clients_is_said() {
    assert!(warned("fips-mode=true")[0].contains("forbids logins by DIGEST-MD5"));
    for fine in ["fips-mode=false", "DigestAuthenticationProvider.digestAlg=SHA1"] {
        assert!(warned(fine).is_empty(), "{fine}");
    }
    let users = "sasl.user.bob=hush\nfips-mode=false";
    assert!(warned(users).is_empty());
}

#[test]
fn users_can_stand_in_the_file_itself() {
    let text = "dataDir=/d\nclientPort=1\nsasl.user.bob=hush\\\\\nsasl.user.a\\ b=c\n\
        enforce.auth.enabled=true\nenforce.auth.schemes=sasl, digest\n";
    let auth = parse("zoo.cfg", text).unwrap().config.auth;
    let Some(crate::auth::sasl::Login::DigestMd5(users)) = &auth.sasl.login else { panic!() };
    assert_eq!(users.password("bob"), Some("hush\\"));
    assert_eq!(users.password("a b"), Some("c"));
    assert_eq!(auth.required_schemes, ["sasl", "digest"]);
}

#[test]
fn authentication_that_nobody_could_pass_is_refused() {
    let cases = [
        ("sessionRequireClientSASLAuth=true", "nobody could"),
        ("enforce.auth.enabled=true\nenforce.auth.schemes=sasl", "nobody could"),
        ("enforce.auth.enabled=true", "no scheme is named"),
        ("enforce.auth.enabled=yes", "true or false"),
        ("sasl.user.=hush", "without a name"),
        ("sasl.user.hush=", "without a name"),
        ("sasl.user.bob=hush\njava.security.auth.login.config=/x", "besides"),
        ("superUser=", "the id of a user"),
        ("sasl.user.bob=hush\nfips-mode=true", "users of DIGEST-MD5"),
        ("fips-mode=yes", "true or false"),
        ("DigestAuthenticationProvider.digestAlg=SHA-256", "the only one that this server has"),
    ];
    for (lines, problem) in cases {
        let text = format!("dataDir=/d\nclientPort=1\n{lines}\n");
        let error = parse("zoo.cfg", &text).unwrap_err().to_string();
        assert!(error.contains(problem) && !error.contains("hush"), "{lines}: {error}");
    }
    let harmless = "dataDir=/d\nclientPort=1\nenforce.auth.schemes=sasl\n";
    assert!(parse("zoo.cfg", harmless).unwrap().config.auth.required_schemes.is_empty());
}
