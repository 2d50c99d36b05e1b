//! Which server is tried when, and which ones are left again.

use std::collections::BTreeSet;
use std::time::Duration;

use zk_proto::{SessionId, Zxid};

use super::greeting::Host;
use super::pair::{Pair, TIMEOUT, Told, config};
use crate::session::{Config, Failure, Loss, SessionState};

fn ports(pair: &Pair) -> Vec<u16> {
    pair.attempts().iter().map(|(_, port)| *port).collect()
}

#[test]
fn a_session_moves_to_the_next_server() {
    let mut pair = Pair::new(3);
    pair.ensemble.set("/a", b"");
    let read = pair.read("/a");
    pair.settle();
    assert!(pair.outcome(read).is_ok());
    let (first, id) = (ports(&pair)[0], pair.session.session_id().expect("a session"));
    pair.ensemble.hosts.insert(first, Host::Down);
    pair.cut();
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.session.session_id(), Some(id));
    assert_eq!(pair.session.connections(), 2);
    assert_ne!(ports(&pair)[1], first);
    let greeting = pair.ensemble.greetings.last().expect("a greeting");
    assert_eq!(greeting.session_id, id);
    assert_eq!(greeting.last_zxid_seen, Zxid(pair.ensemble.zxid));
    assert_eq!(greeting.password, pair.ensemble.sessions[&id.0].password);
    assert_eq!((pair.session.epoch(), pair.ensemble.sessions.len()), (1, 1));
}

#[test]
fn every_server_is_tried_before_one_is_tried_again() {
    let mut pair = Pair::new(5);
    pair.ensemble.hosts.values_mut().for_each(|host| *host = Host::Down);
    pair.run(Duration::from_secs(5));
    let ports = ports(&pair);
    assert!(ports.len() > 8, "{ports:?}");
    for round in ports.chunks_exact(5) {
        assert_eq!(round.iter().collect::<BTreeSet<_>>().len(), 5, "{ports:?}");
    }
}

#[test]
fn pauses_between_attempts_grow_and_are_capped() {
    let mut config = config(2);
    config.connect_timeout = Duration::from_secs(600);
    let mut pair = Pair::with(config, 3);
    pair.ensemble.hosts.values_mut().for_each(|host| *host = Host::Down);
    pair.run(Duration::from_secs(120));
    let at: Vec<_> = pair.attempts().iter().map(|(at, _)| *at).collect();
    let pauses: Vec<_> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses[..2].iter().all(|pause| *pause <= Duration::from_millis(50)), "{pauses:?}");
    let capped = Duration::from_secs(1)..=Duration::from_secs(2);
    assert!(pauses[8..].iter().all(|pause| capped.contains(pause)), "{pauses:?}");
}

#[test]
fn pauses_leave_a_short_session_time_to_be_saved() {
    let mut pair = Pair::new(1);
    pair.ensemble.timeout_max_ms = 1000;
    pair.settle();
    pair.ensemble.hosts.insert(2181, Host::Down);
    pair.cut();
    pair.run(Duration::from_millis(1300));
    assert_eq!(pair.session.epoch(), 1);
    let at: Vec<_> = pair.attempts().iter().map(|(at, _)| *at).collect();
    let longest = at[1..].windows(2).map(|pair| pair[1] - pair[0]).max();
    assert_eq!(longest, Some(Duration::from_millis(250)));
}

#[test]
fn a_bare_connect_does_not_reset_the_pauses() {
    for host in [Host::NotServing, Host::Mute, Host::Flaky, Host::Down] {
        let mut pair = Pair::new(1);
        pair.ensemble.hosts.insert(2181, host);
        pair.run(Duration::from_secs(14));
        let at: Vec<_> = pair.attempts().iter().map(|(at, _)| *at).collect();
        let last = at[at.len() - 1] - at[at.len() - 2];
        assert!(at.len() < 25, "{host:?}: {} attempts", at.len());
        assert!(host == Host::Mute || last >= Duration::from_secs(1), "{host:?}: {last:?}");
    }
}

#[test]
fn an_answered_request_resets_the_pauses() {
    let mut pair = Pair::new(1);
    pair.ensemble.hosts.insert(2181, Host::Down);
    pair.run(Duration::from_secs(10));
    pair.ensemble.hosts.insert(2181, Host::Up);
    pair.read("/a");
    pair.run(Duration::from_secs(3));
    assert_eq!(pair.session.state(), SessionState::Connected);
    let (attempts, cut_at) = (pair.attempts().len(), pair.now);
    pair.cut();
    pair.run_until(|pair| pair.attempts().len() > attempts);
    assert!(pair.now - cut_at <= Duration::from_millis(50), "{:?}", pair.now - cut_at);
}

#[test]
fn clients_of_a_dead_server_do_not_come_back_all_at_once() {
    let mut buckets = [0; 5];
    for seed in 0..500 {
        let mut pair = Pair::with(config(1), seed);
        pair.settle();
        let cut_at = pair.now;
        pair.cut();
        pair.run_until(|pair| pair.attempts().len() == 2);
        let after = (pair.now - cut_at).as_millis();
        buckets[usize::try_from(after).expect("ms") / 10] += 1;
    }
    // Between 25 and 50 ms.
    assert_eq!(buckets[..2], [0, 0]);
    assert!(buckets[2..].iter().all(|count| *count > 50), "{buckets:?}");
}

#[test]
fn a_server_that_does_not_answer_is_left_for_the_next() {
    for host in [Host::Hangs, Host::Mute] {
        let mut pair = Pair::new(3);
        pair.ensemble.hosts.insert(first_port(), host);
        let start = pair.now;
        pair.run_until(|pair| pair.session.state() == SessionState::Connected);
        // Each of three servers has a third of the session timeout.
        assert_eq!(pair.losses(), [&Loss::AttemptTimedOut(TIMEOUT / 3)], "{host:?}");
        let took = pair.now - start;
        assert!(took >= TIMEOUT / 3 && took < TIMEOUT / 3 + Duration::from_millis(60), "{took:?}");
    }
}

#[test]
fn one_mute_server_does_not_use_up_a_short_connect_timeout() {
    let mut pair = Pair::with(Config { connect_timeout: TIMEOUT / 2, ..config(3) }, 7);
    pair.ensemble.hosts.insert(first_port(), Host::Mute);
    pair.run_until(|pair| pair.session.state() == SessionState::Connected);
    assert_eq!(pair.losses(), [&Loss::AttemptTimedOut(TIMEOUT / 6)]);
}

/// Where a machine with three hosts goes first.
fn first_port() -> u16 {
    let mut twin = Pair::new(3);
    twin.settle();
    ports(&twin)[0]
}

#[test]
fn a_server_that_is_not_serving_or_behind_is_left_for_one_that_is_not() {
    let mut pair = Pair::new(3);
    pair.ensemble.set("/a", b"");
    let read = pair.read("/a");
    pair.settle();
    assert!(pair.outcome(read).is_ok());
    let used = ports(&pair);
    let others: Vec<_> = (2181..2184).filter(|port| *port != used[0]).collect();
    pair.ensemble.hosts.insert(used[0], Host::NotServing);
    pair.ensemble.hosts.insert(others[0], Host::Behind(100));
    pair.cut();
    pair.run(Duration::from_secs(2));
    assert_eq!(pair.session.state(), SessionState::Connected);
    assert_eq!(*ports(&pair).last().expect("an attempt"), others[1]);
    assert_eq!((pair.session.epoch(), pair.session.connections()), (1, 2));
}

#[test]
fn an_ensemble_that_lost_its_data_refuses_for_no_longer_than_the_session_may_live() {
    let mut pair = Pair::new(3);
    pair.ensemble.set("/a", b"");
    let read = pair.read("/a");
    pair.settle();
    assert!(pair.outcome(read).is_ok());
    pair.ensemble.hosts.values_mut().for_each(|host| *host = Host::Behind(7));
    pair.cut();
    let start = pair.now;
    pair.run_until(|pair| pair.session.epoch() > 1);
    assert!(pair.now - start <= TIMEOUT * 4 / 3);
    assert!(pair.attempts().len() < 40, "{} attempts", pair.attempts().len());
    pair.run(Duration::from_secs(3));
    assert_eq!(pair.session.state(), SessionState::Connected, "a new session starts from zero");
    assert_eq!(pair.ensemble.greetings.last().expect("a greeting").last_zxid_seen, Zxid::ZERO);
}

#[test]
fn the_loss_of_a_session_names_the_refusals() {
    let mut pair = Pair::established();
    pair.ensemble.hosts.insert(2181, Host::NotServing);
    pair.cut();
    pair.run_until(|pair| pair.session.epoch() > 1);
    let Loss::ExpiredByClock { after, last } = &pair.session.last_loss else {
        panic!("{:?}", pair.session.last_loss);
    };
    assert_eq!((*after, &**last), (TIMEOUT * 4 / 3, &Loss::Refused));
}

#[test]
fn no_server_within_the_connect_timeout_is_the_end_of_a_machine_that_never_had_one() {
    for host in [Host::Down, Host::Hangs, Host::Mute, Host::NotServing] {
        let mut pair = Pair::new(2);
        pair.ensemble.hosts.values_mut().for_each(|every| *every = host);
        let start = pair.now;
        let request = pair.read("/a");
        let auth = pair.auth("me:secret");
        pair.run_until(|pair| pair.session.finished().is_some());
        assert_eq!(pair.now - start, Duration::from_secs(15), "{host:?}");
        assert_eq!(pair.failure(request), Failure::Unreachable);
        assert_eq!(pair.failure(auth), Failure::Unreachable);
        assert_eq!(
            pair.told.last().map(|told| &told.1),
            Some(&Told::Finished(Failure::Unreachable))
        );
        assert_eq!(pair.session.next_deadline(), None);
        let attempts = pair.attempts().len();
        pair.run(Duration::from_secs(60));
        assert_eq!(pair.attempts().len(), attempts);
    }
}

#[test]
fn a_slow_ensemble_within_the_connect_timeout_is_waited_for() {
    let mut pair = Pair::new(2);
    pair.ensemble.hosts.values_mut().for_each(|every| *every = Host::NotServing);
    pair.run(Duration::from_secs(12));
    pair.ensemble.hosts.values_mut().for_each(|every| *every = Host::Up);
    pair.run(Duration::from_secs(2));
    assert_eq!(pair.session.state(), SessionState::Connected);
    pair.run(Duration::from_secs(60));
    assert_eq!(pair.session.finished(), None);
}

#[test]
fn a_machine_without_servers_ends_at_once() {
    let mut pair = Pair::new(0);
    pair.settle();
    assert_eq!(pair.session.finished(), Some(&Failure::Unreachable));
}

#[test]
fn the_whole_run_follows_from_the_seed() {
    let run = |seed| {
        let mut pair = Pair::with(config(4), seed);
        let start = pair.now;
        pair.ensemble.hosts.values_mut().for_each(|host| *host = Host::Down);
        pair.run(Duration::from_secs(14));
        pair.attempts().iter().map(|(at, port)| (*at - start, *port)).collect::<Vec<_>>()
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

#[test]
fn the_first_session_is_asked_for_with_nothing() {
    let pair = Pair::established();
    let greeting = &pair.ensemble.greetings[0];
    assert_eq!((greeting.session_id, greeting.last_zxid_seen), (SessionId::NONE, Zxid::ZERO));
    assert_eq!(greeting.password, zk_proto::Password::NONE);
    assert_eq!(greeting.read_only, Some(false));
}
