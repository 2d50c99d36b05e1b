//! Credentials: shown to each connection, before anything else.

use std::time::Duration;

use zk_proto::OpCode;

use super::pair::{Pair, Told};
use crate::session::auth::CREDENTIALS_MAX;
use crate::session::{Failure, SessionState, WatchKind};

#[test]
fn credentials_come_before_watches_and_watches_before_requests_on_each_connection() {
    let mut pair = Pair::new(2);
    pair.ensemble.set("/a", b"");
    let early = pair.read("/a");
    pair.auth("first:1");
    pair.auth("second:2");
    pair.settle();
    let first = [(OpCode::Auth, ""), (OpCode::Auth, ""), (OpCode::GetData, "/a")];
    assert_eq!(pair.ensemble.asked(1), first);
    assert!(pair.outcome(early).is_ok());
    pair.set_watch(WatchKind::Data, "/a");
    for connection in 2..4 {
        pair.cut();
        let queued = pair.read("/a");
        pair.run(Duration::from_secs(1));
        let asked = [
            (OpCode::Auth, ""),
            (OpCode::Auth, ""),
            (OpCode::SetWatches, ""),
            (OpCode::GetData, "/a"),
        ];
        assert_eq!(pair.ensemble.asked(connection), asked);
        assert!(pair.outcome(queued).is_ok());
    }
}

#[test]
fn a_credential_added_later_goes_out_before_the_requests_after_it() {
    let mut pair = Pair::established();
    let auth = pair.auth("me:secret");
    pair.read("/a");
    pair.settle();
    assert_eq!(pair.ensemble.asked(1), [(OpCode::Auth, ""), (OpCode::GetData, "/a")]);
    assert!(pair.outcome(auth).is_ok());
}

#[test]
fn who_waits_for_a_credential_hears_of_it_once_even_across_connections() {
    let mut pair = Pair::established();
    pair.stalled_to_client = true;
    let auth = pair.auth("me:secret");
    pair.settle();
    let again = pair.auth("me:secret");
    pair.cut();
    assert_eq!(pair.outcomes(auth).len(), 0);
    pair.stalled_to_client = false;
    pair.run(Duration::from_secs(1));
    assert!(pair.outcome(auth).is_ok() && pair.outcome(again).is_ok());
    let known = pair.auth("me:secret");
    assert!(pair.outcome(known).is_ok(), "this server knows it already");
    assert_eq!(pair.ensemble.asked(2), [(OpCode::Auth, "")]);
}

#[test]
fn a_refused_credential_is_the_end() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    let watcher = pair.set_watch(WatchKind::Data, "/a");
    let auth = pair.auth("wrong");
    let read = pair.read("/a");
    pair.settle();
    let refused = pair.failure(auth);
    assert!(matches!(&refused, Failure::AuthFailed(why) if why.contains("digest")), "{refused}");
    assert_eq!(pair.failure(read), refused);
    assert_eq!(pair.notices(watcher).len(), 1);
    assert_eq!(pair.states(), [(SessionState::AuthFailed, 1)]);
    assert_eq!(pair.told.last().map(|told| &told.1), Some(&Told::Finished(refused.clone())));
    let late = pair.read("/a");
    assert_eq!(pair.failure(late), refused);
    pair.run(Duration::from_secs(60));
    assert_eq!(pair.ensemble.connections, 1, "it is not tried again");
}

#[test]
fn credentials_outlive_the_session() {
    let mut pair = Pair::established();
    pair.auth("me:secret");
    pair.settle();
    pair.ensemble.expire_sessions();
    pair.cut();
    pair.run(Duration::from_secs(2));
    assert_eq!(pair.session.epoch(), 2);
    assert_eq!(pair.ensemble.asked(3), [(OpCode::Auth, "")]);
}

#[test]
fn there_is_a_limit_to_credentials() {
    let mut pair = Pair::established();
    let secrets = ('a'..='z').chain('A'..='Z').chain('0'..='9').chain("+-*/".chars());
    let numbers: Vec<_> = secrets.map(|secret| pair.auth(String::from(secret).leak())).collect();
    pair.settle();
    for (at, number) in numbers.iter().enumerate() {
        let outcome = pair.outcome(*number);
        let limit = Err(Failure::TooManyCredentials);
        assert!(if at < CREDENTIALS_MAX { outcome.is_ok() } else { *outcome == limit });
    }
}
