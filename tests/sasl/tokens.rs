//! Tokens that no client of good will sends, to any server: the answers are those of Apache's.

use zk_proto::ErrorCode;
use zk_proto::digest_md5::{Directives, HOST, Proof};

use crate::raw::{Answer, REFUSED, RawConnection};
use crate::server::{Kind, Server};

/// Directives of a response with other values than the usual ones.
type Replaced<'a> = &'a [(&'a str, &'a str)];

/// A response of bob's, with some of it replaced and something behind it.
fn response(challenge: &[u8], replaced: Replaced<'_>, behind: &str) -> Vec<u8> {
    let challenge = Directives::parse(challenge).expect("a challenge");
    let nonce = challenge.text("nonce").expect("a nonce");
    let of = |name: &str, usual: &str| {
        let replaced = replaced.iter().find(|(replaced, _)| *replaced == name);
        replaced.map_or(usual, |(_, value)| value).to_owned()
    };
    let user = of("username", "bob");
    let (realm, nonce) = (of("realm", HOST), of("nonce", &nonce));
    let (nc, qop) = (of("nc", "00000001"), of("qop", "auth"));
    let uri = of("digest-uri", "zookeeper/zk-sasl-md5");
    let authzid = of("authzid", "");
    let proof = Proof {
        user: &user,
        realm: &realm,
        password: &of("password", "builder"),
        nonce: nonce.as_bytes(),
        cnonce: b"cnonce",
        digest_uri: uri.as_bytes(),
        authzid: (!authzid.is_empty()).then_some(authzid.as_bytes()),
    };
    let acting_for =
        if authzid.is_empty() { String::new() } else { format!(",authzid=\"{authzid}\"") };
    format!(
        "charset=utf-8,username=\"{user}\",realm=\"{realm}\",nonce=\"{nonce}\",nc={nc},\
         cnonce=\"cnonce\",digest-uri=\"{uri}\",maxbuf=65536,response={},qop={qop}{acting_for}{behind}",
        proof.response()
    )
    .into_bytes()
}

async fn answer_to(server: &Server, replaced: Replaced<'_>, behind: &str) -> Answer {
    let mut connection = RawConnection::open(server.address()).await;
    let challenge = connection.token(b"").await.token();
    connection.token(&response(&challenge, replaced, behind)).await
}

#[tokio::test]
async fn a_response_may_be_untidy_but_not_wrong() {
    let server = Server::start(Kind::Login).await;
    let long = format!(",foo=\"{}\"", "x".repeat(5000));
    let cases: [(Replaced<'_>, &str, bool); 17] = [
        (&[], "", true),
        (&[], ",", true),
        (&[], ",foo=bar", true),
        (&[], ",cipher=rc4", true),
        (&[("digest-uri", "ZooKeeper/ZK-sasl-md5")], "", true),
        (&[("authzid", "super")], "", true),
        (&[("password", "guess")], "", false),
        // Not with bob's password: Apache 3.8.0 takes the password of whoever came last for that of
        // a user it does not know.
        (&[("username", "eve"), ("password", "guess")], "", false),
        (&[("realm", "elsewhere")], "", false),
        (&[("realm", "")], "", false),
        (&[("nonce", "another")], "", false),
        (&[("qop", "auth-int")], "", false),
        (&[("digest-uri", "imap/zk-sasl-md5")], "", false),
        (&[("digest-uri", "zookeeper/elsewhere")], "", false),
        (&[], ",username=\"bob\"", false),
        (&[], ",charset=utf-8", false),
        (&[], &long, false),
    ];
    for (replaced, behind, taken) in cases {
        let answer = answer_to(&server, replaced, behind).await;
        if taken {
            assert!(answer.token().starts_with(b"rspauth="), "{replaced:?} {behind}");
        } else {
            assert_eq!(answer, REFUSED, "{replaced:?} {behind}");
        }
    }
}

#[tokio::test]
async fn what_is_no_response_is_refused_and_the_connection_closed() {
    let server = Server::start(Kind::Login).await;
    let tokens: [&[u8]; 7] =
        [b"", b"hello", b"\xff\0\xfe", b"username=\"bob\"", b"a=\"", b"rspauth=x", &[b','; 4095]];
    for token in tokens {
        let mut connection = RawConnection::open(server.address()).await;
        connection.token(b"").await.token();
        assert_eq!(connection.token(token).await, REFUSED, "{token:?}");
        assert!(connection.is_closed().await, "{token:?}");
    }
}

#[tokio::test]
async fn what_is_no_token_closes_the_connection() {
    let server = Server::start(Kind::Login).await;
    for body in [&b""[..], &[0xff; 4], &[0, 0, 3, 0xe8], &[0x7f, 0xff, 0xff, 0xff]] {
        let mut connection = RawConnection::open(server.address()).await;
        assert_eq!(connection.body(body).await, Answer::Closed, "{body:?}");
    }
}

#[tokio::test]
async fn the_first_token_may_say_anything() {
    let server = Server::start(Kind::Login).await;
    for token in [&b"hello"[..], b"\xff\0", &[7; 4095]] {
        let mut connection = RawConnection::open(server.address()).await;
        let challenge = connection.token(token).await.token();
        connection.token(&response(&challenge, &[], "")).await.token();
    }
    for token in [&[7; 5000][..], &[7; 100_000]] {
        let mut connection = RawConnection::open(server.address()).await;
        assert_eq!(connection.token(token).await, REFUSED, "but not at any length");
    }
}

#[tokio::test]
async fn there_is_one_exchange_in_a_connection() {
    let server = Server::start(Kind::Login).await;
    for again in [true, false] {
        let mut connection = RawConnection::open(server.address()).await;
        let challenge = connection.token(b"").await.token();
        let token = response(&challenge, &[], "");
        connection.token(&token).await.token();
        let answer = connection.token(if again { &token } else { b"" }).await;
        assert_eq!(answer, REFUSED);
        assert!(connection.is_closed().await);
    }
}

#[tokio::test]
async fn a_response_is_of_no_use_to_another_connection() {
    let server = Server::start(Kind::Login).await;
    let mut connection = RawConnection::open(server.address()).await;
    let challenge = connection.token(b"").await.token();
    let token = response(&challenge, &[], "");
    connection.token(&token).await.token();
    let mut other = RawConnection::open(server.address()).await;
    assert_ne!(other.token(b"").await.token(), challenge);
    assert_eq!(other.token(&token).await, REFUSED);
}

#[tokio::test]
async fn a_server_that_insists_says_so() {
    let server = Server::start(Kind::Insists).await;
    let mut connection = RawConnection::open(server.address()).await;
    connection.token(b"").await.token();
    let refused = Answer::Token(ErrorCode::SessionClosedRequireSaslAuth, None);
    assert_eq!(connection.token(b"hello").await, refused);
    assert!(connection.is_closed().await);
}

#[tokio::test]
async fn a_server_without_sasl_ends_each_exchange_at_once() {
    let server = Server::start(Kind::Without).await;
    let mut connection = RawConnection::open(server.address()).await;
    for token in [&b""[..], b"hello", &[7; 100_000]] {
        assert_eq!(connection.token(token).await, Answer::Token(ErrorCode::Ok, None));
    }
}
