//! SASL as Apache 3.8 was seen to do it: answers, refusals, and what is not looked at meanwhile.

use zk_proto::digest_md5::{Directives, HOST, Proof};
use zk_proto::{AuthPacket, OpCode, SaslRequest, SaslResponse, WhoAmIResponse};

use super::*;
use crate::auth::sasl::{KerberosLogin, Login, MechanismAnswer, SaslFailure, Users};

fn digest_config() -> ServerConfig {
    let mut users = Users::default();
    users.insert("bob", "builder");
    users.insert("super", "adminsecret");
    let mut config = config();
    config.auth.sasl.login = Some(Login::DigestMd5(users));
    config
}

fn kerberos_config() -> ServerConfig {
    let mut config = config();
    config.auth.sasl.login = Some(Login::Kerberos(KerberosLogin::default()));
    config
}

fn world(config: ServerConfig) -> World {
    let mut world = World::with(config);
    world.server.offer_sasl([7; 16]);
    world
}

impl World {
    fn token(&mut self, conn: ConnectionId, token: &[u8]) -> Reply {
        self.call(conn, &Request::Sasl(SaslRequest { token: Some(token) }))
    }

    fn challenge(&mut self, conn: ConnectionId) -> Bytes {
        let answer = self.token(conn, b"").record::<SaslResponse>();
        answer.token.expect("a challenge")
    }

    fn who(&mut self, conn: ConnectionId) -> Vec<(String, String)> {
        let who: WhoAmIResponse = self.call(conn, &Request::WhoAmI).record();
        who.clients.into_iter().map(|client| (client.scheme, client.user)).collect()
    }
}

fn response(challenge: &[u8], user: &str, password: &str) -> String {
    let challenge = Directives::parse(challenge).unwrap();
    let nonce = challenge.get("nonce").unwrap();
    let uri = "zookeeper/zk-sasl-md5";
    let proof = Proof {
        user,
        realm: HOST,
        password,
        nonce,
        cnonce: b"c",
        digest_uri: uri.as_bytes(),
        authzid: None,
    };
    format!(
        "username=\"{user}\",realm=\"{HOST}\",nonce=\"{}\",nc=00000001,cnonce=\"c\",\
         digest-uri=\"{uri}\",response={}",
        std::str::from_utf8(nonce).unwrap(),
        proof.response()
    )
}

fn log_in(world: &mut World, user: &str, password: &str) -> (ConnectionId, Reply) {
    let (conn, _) = world.session(10_000);
    let challenge = world.challenge(conn);
    let reply = world.token(conn, response(&challenge, user, password).as_bytes());
    (conn, reply)
}

fn token_of(reply: &Reply) -> Option<Bytes> {
    SaslResponse::decode(&mut Reader::of(&reply.body)).unwrap().token
}

#[test]
fn who_knows_the_password_has_its_name() {
    let mut world = world(digest_config());
    let (conn, reply) = log_in(&mut world, "bob", "builder");
    assert_eq!((reply.header.xid, reply.header.zxid), (77, Zxid::ZERO));
    assert!(reply.record::<SaslResponse>().token.unwrap().starts_with(b"rspauth="));
    let expected = [("ip", "10.0.0.1"), ("sasl", "bob")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(world.who(conn), expected);
}

#[test]
fn a_refusal_has_a_code_and_a_null_token_and_closes() {
    for (user, password) in [("bob", "guess"), ("eve", "builder")] {
        let mut world = world(digest_config());
        let (conn, reply) = log_in(&mut world, user, password);
        assert_eq!(reply.err(), ErrorCode::AuthFailed);
        assert_eq!(token_of(&reply), None);
        let closed = world.closed(conn);
        assert!(matches!(closed, Some(CloseReason::SaslFailed(_))), "{closed:?}");
        assert!(!closed.unwrap().to_string().contains("builder"));
    }
}

#[test]
fn tokens_that_make_no_sense_are_refused() {
    // The first may say anything.
    let mut world = world(digest_config());
    let (conn, _) = world.session(10_000);
    assert!(token_of(&world.token(conn, b"hello")).is_some());
    for token in [&[7; 5000][..], &vec![0; 200 << 10]] {
        let (conn, _) = world.session(10_000);
        assert_eq!(world.token(conn, token).err(), ErrorCode::AuthFailed, "unless it is long");
    }
    for token in [&b""[..], b"\xff\0garbage", &[b','; 5000], &vec![0; 200 << 10]] {
        let (conn, _) = world.session(10_000);
        world.challenge(conn);
        let reply = world.token(conn, token);
        assert_eq!((reply.err(), token_of(&reply)), (ErrorCode::AuthFailed, None));
        assert!(world.closed(conn).is_some());
    }
    // No token at all, or a length that lies.
    for body in [&b""[..], &[0xff; 4], &[0, 0, 3, 0xe8]] {
        let (conn, _) = world.session(10_000);
        let request = frame(|out| {
            RequestHeader { xid: 1, op: OpCode::Sasl.code() }.encode(out);
            out.extend_from_slice(body);
        });
        world.send_bytes(conn, &request);
        assert!(world.replies(conn).is_empty());
        assert!(matches!(world.closed(conn), Some(CloseReason::Malformed { .. })));
    }
}

#[test]
fn there_is_one_exchange_in_a_connection() {
    let mut world = world(digest_config());
    for again in ["", "x"] {
        let (conn, _) = log_in(&mut world, "bob", "builder");
        let reply = world.token(conn, again.as_bytes());
        assert_eq!(reply.err(), ErrorCode::AuthFailed);
        assert_eq!(world.closed(conn), Some(CloseReason::SaslFailed(SaslFailure::OutOfTurn)));
    }
}

#[test]
fn a_response_is_good_for_its_own_connection_and_once() {
    let mut world = world(digest_config());
    let (conn, _) = world.session(10_000);
    let challenge = world.challenge(conn);
    let token = response(&challenge, "bob", "builder");
    world.token(conn, token.as_bytes()).record::<SaslResponse>();
    let (other, _) = world.session(10_000);
    assert_ne!(world.challenge(other), challenge);
    assert_eq!(world.token(other, token.as_bytes()).err(), ErrorCode::AuthFailed);
    let mut elsewhere = super::sasl::world(digest_config());
    elsewhere.server.offer_sasl([8; 16]);
    let (conn, _) = elsewhere.session(10_000);
    assert_ne!(elsewhere.challenge(conn), challenge, "nor does another key make it again");
}

#[test]
fn requests_may_come_before_and_in_between() {
    let mut world = world(digest_config());
    let (conn, _) = world.session(10_000);
    world.call(conn, &get("/", false));
    let challenge = world.challenge(conn);
    assert_eq!(world.call(conn, &get("/", false)).err(), ErrorCode::Ok);
    let token = response(&challenge, "bob", "builder");
    assert_eq!(world.token(conn, token.as_bytes()).err(), ErrorCode::Ok);
}

#[test]
fn acls_hold_for_who_is_not_meant() {
    let mut world = world(digest_config());
    let (bob, _) = log_in(&mut world, "bob", "builder");
    let acl = |id: &str| {
        vec![Acl { perms: zk_proto::Permissions::ALL, scheme: "sasl".into(), id: id.into() }]
    };
    let create = |path, acl| Request::Create(CreateRequest { path, data: None, acl, flags: 0 });
    assert_eq!(world.call(bob, &create("/bobs", acl("bob"))).err(), ErrorCode::Ok);
    assert_eq!(world.call(bob, &create("/eves", acl("eve"))).err(), ErrorCode::Ok);
    assert_eq!(world.call(bob, &create("/odd", acl("a@b@c"))).err(), ErrorCode::InvalidAcl);
    assert_eq!(world.call(bob, &get("/bobs", false)).err(), ErrorCode::Ok);
    assert_eq!(world.call(bob, &get("/eves", false)).err(), ErrorCode::NoAuth);
    let (nobody, _) = world.session(10_000);
    assert_eq!(world.call(nobody, &get("/bobs", false)).err(), ErrorCode::NoAuth);
    let (root, _) = log_in(&mut world, "super", "adminsecret");
    assert_eq!(world.call(root, &get("/eves", false)).err(), ErrorCode::Ok);
    // `auth` is who the writer is.
    let own =
        vec![Acl { id: String::new(), scheme: "auth".into(), perms: zk_proto::Permissions::ALL }];
    assert_eq!(world.call(bob, &create("/own", own)).err(), ErrorCode::Ok);
    assert_eq!(world.call(nobody, &get("/own", false)).err(), ErrorCode::NoAuth);
}

#[test]
fn a_name_can_pass_every_check_and_a_password_can_be_replaced() {
    let mut config = digest_config();
    config.auth.sasl.super_users = vec!["bob".to_owned()];
    config.auth.sasl.super_password = Some("other".to_owned());
    let mut world = world(config);
    let (bob, _) = log_in(&mut world, "bob", "builder");
    assert!(world.who(bob).contains(&("super".to_owned(), String::new())));
    assert_eq!(log_in(&mut world, "super", "adminsecret").1.err(), ErrorCode::AuthFailed);
    assert_eq!(log_in(&mut world, "super", "other").1.err(), ErrorCode::Ok);
}

#[test]
fn without_a_login_the_exchange_ends_at_once() {
    let mut world = world(config());
    let (conn, _) = world.session(10_000);
    for token in [&b""[..], b"x", &vec![0; 200 << 10]] {
        assert_eq!(world.token(conn, token).record::<SaslResponse>().token, None);
    }
    assert_eq!(world.call(conn, &get("/", false)).err(), ErrorCode::Ok);
    let acl =
        vec![Acl { perms: zk_proto::Permissions::ALL, scheme: "sasl".into(), id: "bob".into() }];
    let create = Request::Create(CreateRequest { path: "/a", data: None, acl, flags: 0 });
    assert_eq!(world.call(conn, &create).err(), ErrorCode::InvalidAcl);
}

#[test]
fn who_fails_may_stay_where_that_is_allowed() {
    let mut config = digest_config();
    config.auth.sasl.failed_clients_stay = true;
    let mut world = world(config.clone());
    let (conn, reply) = log_in(&mut world, "bob", "guess");
    assert_eq!(reply.record::<SaslResponse>().token, None);
    assert_eq!(world.who(conn).len(), 1);
    config.auth.required_schemes = vec!["sasl".to_owned()];
    let mut world = super::sasl::world(config);
    let (conn, reply) = log_in(&mut world, "bob", "guess");
    assert_eq!(reply.err(), ErrorCode::SessionClosedRequireSaslAuth);
    assert!(world.closed(conn).is_some());
}

#[test]
fn nothing_is_done_for_who_has_not_authenticated_where_that_is_required() {
    let mut config = digest_config();
    config.auth.required_schemes = vec!["sasl".to_owned()];
    let mut world = world(config);
    let (bob, _) = log_in(&mut world, "bob", "builder");
    assert_eq!(world.call(bob, &get("/", false)).err(), ErrorCode::Ok);
    let requests = [
        get("/", false),
        create("/a", CreateMode::Persistent),
        Request::Ping,
        Request::CloseSession,
        Request::WhoAmI,
    ];
    for request in requests {
        let (conn, _) = world.session(10_000);
        let reply = world.call(conn, &request);
        assert_eq!(reply.header.xid, 77);
        assert_eq!(reply.header.zxid, Zxid::ZERO);
        assert_eq!(reply.err(), ErrorCode::SessionClosedRequireSaslAuth, "{request:?}");
        assert_eq!(world.closed(conn), Some(CloseReason::AuthRequired));
    }
    // Another scheme is not enough, but may be shown.
    let (conn, _) = world.session(10_000);
    let packet = AuthPacket { kind: 0, scheme: "digest", auth: b"a:b" };
    assert_eq!(world.call(conn, &Request::Auth(packet)).err(), ErrorCode::Ok);
    let refused = world.call(conn, &get("/", false));
    assert_eq!(refused.err(), ErrorCode::SessionClosedRequireSaslAuth);
}

#[test]
fn an_auth_packet_is_no_way_into_the_scheme() {
    let mut world = world(digest_config());
    let (conn, _) = world.session(10_000);
    let packet = AuthPacket { kind: 0, scheme: "sasl", auth: b"bob" };
    assert_eq!(world.call(conn, &Request::Auth(packet)).err(), ErrorCode::AuthFailed);
    assert_eq!(world.closed(conn), Some(CloseReason::AuthFailed));
}

#[test]
fn a_mechanism_that_takes_its_time_holds_up_its_own_connection_only() {
    let mut world = world(kerberos_config());
    let (conn, _) = world.session(10_000);
    let (other, _) = world.session(10_000);
    world.send(conn, 1, &Request::Sasl(SaslRequest { token: Some(b"ticket") }));
    world.send(conn, 2, &get("/", false));
    assert_eq!(world.asked, [(conn, Bytes::from_static(b"ticket"))]);
    assert!(!world.server.wants_input(conn));
    assert!(world.replies(conn).is_empty());
    assert_eq!(world.call(other, &get("/", false)).err(), ErrorCode::Ok);
    let answer = MechanismAnswer::Challenge(Bytes::from_static(b"more"));
    world.handle(Event::MechanismAnswered { conn, answer });
    assert_eq!(world.xids(conn), [1, 2]);
    world.send(conn, 3, &Request::Sasl(SaslRequest { token: Some(b"and more") }));
    let done = MechanismAnswer::Done { token: None, principal: "bob/h@R".to_owned() };
    world.handle(Event::MechanismAnswered { conn, answer: done.clone() });
    assert_eq!(world.reply(conn).record::<SaslResponse>().token, None);
    assert!(world.who(conn).contains(&("sasl".to_owned(), "bob/h@R".to_owned())));
    // What nobody has asked changes nothing.
    world.handle(Event::MechanismAnswered { conn: other, answer: done.clone() });
    assert_eq!(world.who(other).len(), 1);
    world.disconnect(other);
    world.handle(Event::MechanismAnswered { conn: other, answer: done });
}

#[test]
fn a_mechanism_that_refuses_is_obeyed() {
    let mut world = world(kerberos_config());
    let failed = MechanismAnswer::Failed("clock skew".to_owned());
    let odd = MechanismAnswer::Done { token: None, principal: "a/b/c@R".to_owned() };
    let long = MechanismAnswer::Done { token: None, principal: "x".repeat(5000) };
    for answer in [failed, odd, long] {
        let (conn, _) = world.session(10_000);
        world.send(conn, 1, &Request::Sasl(SaslRequest { token: Some(b"ticket") }));
        world.handle(Event::MechanismAnswered { conn, answer });
        let reply = world.reply(conn);
        assert_eq!((reply.err(), token_of(&reply)), (ErrorCode::AuthFailed, None));
        assert!(matches!(world.closed(conn), Some(CloseReason::SaslFailed(_))));
    }
}
