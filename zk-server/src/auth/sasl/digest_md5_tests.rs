//! What Java's server takes and refuses, as Apache 3.8 was seen to.

use super::*;

const NONCE: &str = "3aRlZgCEzsFc9ubNTddPKz3uDWlHtTV34LwOBJ4X";

fn users() -> Users {
    let mut users = Users::default();
    for (user, password) in
        [("bob", "builder"), ("qu\"ote", "pa\"ss\\word"), ("ünï", "pässwörd"), ("日本", "暗号")]
    {
        users.insert(user, password);
    }
    users
}

/// A response in the making.
#[derive(Clone)]
struct Response {
    user: &'static str,
    password: &'static str,
    realm: &'static str,
    nonce: &'static str,
    nc: &'static str,
    uri: &'static str,
    authzid: Option<&'static str>,
    qop: &'static str,
    extra: String,
}

fn bob() -> Response {
    Response {
        user: "bob",
        password: "builder",
        realm: HOST,
        nonce: NONCE,
        nc: NONCE_COUNT,
        uri: "zookeeper/zk-sasl-md5",
        authzid: None,
        qop: QOP,
        extra: String::new(),
    }
}

impl Response {
    fn verify(&self) -> Result<String, SaslFailure> {
        let proof = Proof {
            user: self.user,
            realm: self.realm,
            password: self.password,
            nonce: self.nonce.as_bytes(),
            cnonce: b"abc",
            digest_uri: self.uri.as_bytes(),
            authzid: self.authzid.map(str::as_bytes),
        };
        let authzid = self.authzid.map(|id| format!(",authzid=\"{id}\"")).unwrap_or_default();
        let token = format!(
            "charset=utf-8,username={},realm=\"{}\",nonce=\"{}\",nc={},cnonce=\"abc\",\
             digest-uri=\"{}\",maxbuf=65536,response={},qop={}{authzid}{}",
            zk_proto::digest_md5::quoted(self.user),
            self.realm,
            self.nonce,
            self.nc,
            self.uri,
            proof.response(),
            self.qop,
            self.extra,
        );
        let verified = verify(token.as_bytes(), NONCE, &users())?;
        assert_eq!(verified.answer, format!("rspauth={}", proof.rspauth()).into_bytes());
        Ok(verified.user)
    }
}

#[test]
fn who_knows_the_password_is_who_it_says() {
    let taken = [
        bob(),
        Response { user: "qu\"ote", password: "pa\"ss\\word", ..bob() },
        Response { user: "ünï", password: "pässwörd", ..bob() },
        Response { user: "日本", password: "暗号", ..bob() },
        Response { uri: "ZooKeeper/ZK-sasl-md5", ..bob() },
        Response { extra: ",foo=bar".to_owned(), ..bob() },
        Response { extra: ",cipher=rc4,".to_owned(), ..bob() },
        // Whom it wants to be does not matter.
        Response { authzid: Some("super"), ..bob() },
    ];
    for response in taken {
        assert_eq!(response.verify().as_deref(), Ok(response.user));
    }
}

#[test]
fn all_else_is_refused() {
    let unknown = Response { user: "eve", ..bob() };
    assert_eq!(unknown.verify(), Err(SaslFailure::UnknownUser("eve".to_owned())));
    let wrong = Response { password: "guess", ..bob() };
    assert_eq!(wrong.verify(), Err(SaslFailure::WrongPassword("bob".to_owned())));
    let mismatches = [
        ("realm", Response { realm: "elsewhere", ..bob() }),
        ("realm", Response { realm: "", ..bob() }),
        ("nonce", Response { nonce: "replayed", ..bob() }),
        ("nc", Response { nc: "00000002", ..bob() }),
        ("qop", Response { qop: "auth-int", ..bob() }),
        ("digest-uri", Response { uri: "imap/zk-sasl-md5", ..bob() }),
        ("digest-uri", Response { uri: "zookeeper/other", ..bob() }),
        ("digest-uri", Response { uri: "zookeeper/zk-sasl-md5/zk-sasl-md5", ..bob() }),
        ("username", Response { user: "", ..bob() }),
    ];
    for (what, response) in mismatches {
        assert_eq!(response.verify(), Err(SaslFailure::Mismatch(what)));
    }
    for extra in [",username=\"bob\"".to_owned(), format!(",foo=\"{}\"", "x".repeat(5000))] {
        let refused = Response { extra, ..bob() }.verify();
        assert!(matches!(refused, Err(SaslFailure::Token(_))), "{refused:?}");
    }
    for token in ["", "hello", "username=\"bob\"", "charset=iso-8859-1", "charset=UTF-8"] {
        verify(token.as_bytes(), NONCE, &users()).unwrap_err();
    }
}

#[test]
fn a_proof_that_is_cut_short_is_none() {
    assert!(is_same(b"abc", b"abc"));
    for other in [&b"abd"[..], b"ab", b"abcd", b""] {
        assert!(!is_same(b"abc", other));
    }
}
