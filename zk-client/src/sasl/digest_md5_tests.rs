//! The client's side of DIGEST-MD5 against what servers say, and what they should not.

use super::*;

const CHALLENGE: &str = "realm=\"zk-sasl-md5\",nonce=\"OA6MG9tEQGm2hh\",charset=utf-8,\
                         algorithm=md5-sess";

fn start(config: &DigestMd5) -> Box<dyn Exchange> {
    let mut exchange = config.start("zk1.example.com", 7);
    assert_eq!(exchange.step(None), Ok(Step::Send(Vec::new())), "the server begins");
    exchange
}

fn bob() -> DigestMd5 {
    DigestMd5::new("bob", "builder")
}

fn token(step: Result<Step, SaslError>) -> Vec<u8> {
    match step {
        Ok(Step::Send(token)) => token,
        other => panic!("{other:?}"),
    }
}

fn reason(step: Result<Step, SaslError>) -> String {
    match step {
        Err(SaslError::Refused(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

/// As Apache ZooKeeper 3.8 takes it.
#[test]
fn the_response_is_javas() {
    let token = token(start(&bob()).step(Some(CHALLENGE.as_bytes())));
    let expected = "charset=utf-8,username=\"bob\",realm=\"zk-sasl-md5\",nonce=\"OA6MG9tEQGm2hh\",\
        nc=00000001,cnonce=\"00000000000000000000000000000007\",\
        digest-uri=\"zookeeper/zk-sasl-md5\",maxbuf=65536,response=";
    let token = String::from_utf8(token).unwrap();
    let response = token.strip_prefix(expected).expect(&token);
    assert_eq!(response.len(), 32 + ",qop=auth".len());
}

#[test]
fn the_example_of_the_rfc_goes_through() {
    let chris = DigestMd5::new("chris", "secret").service("imap").host("elwood.innosoft.com");
    let mut exchange = DigestExchange {
        config: chris,
        cnonce: "OA6MHXh6VqTrRk".to_owned(),
        stage: Stage::Challenged,
    };
    let challenge = "realm=\"elwood.innosoft.com\",nonce=\"OA6MG9tEQGm2hh\",qop=\"auth\",\
                     algorithm=md5-sess,charset=utf-8";
    let token = token(exchange.step(Some(challenge.as_bytes())));
    let token = String::from_utf8(token).unwrap();
    assert!(token.contains("response=d388dad90d4bbd760a152321f2143af7"), "{token}");
    let proof = b"rspauth=ea40f60335c427b5527b84dbabcdfffd";
    assert_eq!(exchange.step(Some(proof)), Ok(Step::Done));
}

#[test]
fn a_server_has_to_prove_itself() {
    let answer = |answer: &[u8]| {
        let mut exchange = start(&bob());
        token(exchange.step(Some(CHALLENGE.as_bytes())));
        reason(exchange.step(Some(answer)))
    };
    assert!(answer(b"rspauth=00000000000000000000000000000000").contains("not the right one"));
    assert!(answer(b"").contains("allowSaslFailedClients"));
    assert!(answer(b"\xff\0").contains("not a list"));
    assert!(answer(CHALLENGE.as_bytes()).contains("has not proved"));
}

#[test]
fn a_challenge_that_asks_for_less_or_makes_no_sense_is_refused() {
    let cases = [
        ("realm=\"x\",charset=utf-8,algorithm=md5-sess", "no nonce"),
        ("nonce=\"\",algorithm=md5-sess", "no nonce"),
        ("nonce=\"n\"", "md5-sess"),
        ("nonce=\"n\",algorithm=md5", "md5-sess"),
        ("nonce=\"n\",qop=\"auth-int,auth-conf\",algorithm=md5-sess", "quality of protection"),
        ("nonce=\"n\",nonce=\"m\",algorithm=md5-sess", "twice"),
        ("rspauth=x", "no nonce"),
        ("hello", "not a list"),
    ];
    for (challenge, why) in cases {
        let reason = reason(start(&bob()).step(Some(challenge.as_bytes())));
        assert!(reason.contains(why), "{challenge}: {reason}");
    }
    let long = vec![b','; 5000];
    assert!(reason(start(&bob()).step(Some(&long))).contains("over the limit"));
    let several = "nonce=\"n\",qop=\"auth-int, auth\",algorithm=md5-sess";
    token(start(&bob()).step(Some(several.as_bytes())));
}

#[test]
fn text_is_written_as_the_server_reads_it() {
    let sent = |user: &str, challenge: &str| {
        token(start(&DigestMd5::new(user, "x")).step(Some(challenge.as_bytes())))
    };
    let has = |token: &[u8], part: &[u8]| token.windows(part.len()).any(|window| window == part);
    let latin1 = "nonce=\"n\",algorithm=md5-sess";
    assert!(has(&sent("ünï", CHALLENGE), "username=\"ünï\"".as_bytes()));
    assert!(has(&sent("ünï", latin1), b"username=\"\xfcn\xef\""));
    assert!(!has(&sent("ünï", latin1), b"charset"));
    assert!(has(&sent("a\"\\", CHALLENGE), br#"username="a\"\\""#));
    let foreign = start(&DigestMd5::new("日本", "x")).step(Some(latin1.as_bytes()));
    assert!(reason(foreign).contains("8859-1"));
    let odd = "nonce=\"a\\\"b\\\\\",algorithm=md5-sess";
    assert!(has(&sent("u", odd), br#"nonce="a\"b\\""#));
    let long = start(&DigestMd5::new(&"u".repeat(5000), "x")).step(Some(CHALLENGE.as_bytes()));
    assert!(reason(long).contains("longer"));
}

#[test]
fn the_realm_is_the_servers_unless_it_is_set() {
    let token = token(start(&bob().realm("here")).step(Some(CHALLENGE.as_bytes())));
    assert!(String::from_utf8(token).unwrap().contains("realm=\"here\""));
}

#[test]
fn the_password_never_shows() {
    let shown = format!("{:?} {:?}", bob(), Sasl::from(bob()));
    assert!(shown.contains("bob") && !shown.contains("builder"), "{shown}");
}
