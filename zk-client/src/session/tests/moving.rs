//! Another list of servers, at any moment of a session's life.

use std::time::Duration;

use zk_proto::HostPort;

use super::greeting::Host;
use super::pair::{PORT, Pair, TIMEOUT, config};
use crate::session::{Config, Failure, Loss, SessionState, WatchKind};

fn hosts(ports: impl IntoIterator<Item = u16>) -> Vec<HostPort> {
    ports.into_iter().map(|port| HostPort { host: "zk".to_owned(), port }).collect()
}

impl Pair {
    /// Gives the client this list, of servers that are all there.
    fn update(&mut self, ports: impl IntoIterator<Item = u16> + Clone) {
        for port in ports.clone() {
            self.ensemble.hosts.entry(port).or_insert(Host::Up);
        }
        self.session.update_hosts(self.now, hosts(ports));
        self.settle();
    }

    fn last_port(&self) -> u16 {
        self.attempts().last().expect("an attempt").1
    }
}

#[test]
fn a_server_that_is_gone_from_the_list_is_left_with_the_session() {
    let mut pair = Pair::established();
    let id = pair.session.session_id();
    pair.update([3000, 3001]);
    pair.run(Duration::from_secs(1));
    assert!([3000, 3001].contains(&pair.last_port()));
    assert_eq!(pair.session.session_id(), id);
    assert_eq!(pair.losses(), [&Loss::Moving]);
    assert_eq!(pair.states(), [(SessionState::Suspended, 1), (SessionState::Connected, 1)]);
}

#[test]
fn a_server_that_stays_in_a_list_that_shrinks_is_kept() {
    let mut pair = Pair::new(5);
    pair.settle();
    let used = pair.last_port();
    pair.told.clear();
    pair.update([used, 2999]);
    pair.run(Duration::from_secs(60));
    assert!(pair.attempts().is_empty() && pair.losses().is_empty(), "{:?}", pair.told);
    pair.cut();
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.last_port(), 2999, "the new list holds from then on");
}

#[test]
fn clients_spread_over_servers_that_are_added() {
    let mut moved = 0;
    for seed in 0..600 {
        let mut pair = Pair::with(config(3), seed);
        pair.settle();
        pair.update(PORT..PORT + 6);
        pair.run(Duration::from_secs(1));
        if pair.attempts().len() > 1 {
            assert!(pair.last_port() >= PORT + 3, "to a new one");
            moved += 1;
        }
    }
    assert!((250..350).contains(&moved), "half of them: {moved}");
}

#[test]
fn what_was_sent_is_answered_before_the_move_and_the_rest_goes_to_the_next_server() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    pair.stalled_to_client = true;
    let sent = [pair.write("/a"), pair.read("/a")];
    pair.settle();
    pair.update([3000]);
    let later = [pair.write("/a"), pair.read("/a")];
    pair.settle();
    assert_eq!(pair.attempts().len(), 0, "it waits for its answers");
    pair.stalled_to_client = false;
    pair.run(Duration::from_secs(1));
    assert!(sent.iter().chain(&later).all(|request| pair.outcome(*request).is_ok()));
    assert_eq!(pair.ensemble.asked(1).len(), 2);
    assert_eq!(pair.ensemble.asked(2).len(), 2);
    assert_eq!(pair.last_port(), 3000);
}

#[test]
fn a_server_that_does_not_answer_is_left_in_the_end() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    pair.stalled_to_client = true;
    let write = pair.write("/a");
    pair.settle();
    pair.update([3000]);
    let start = pair.now;
    pair.run_until(|pair| !pair.outcomes(write).is_empty());
    assert_eq!(pair.failure(write), Failure::ConnectionLoss);
    assert_eq!(pair.now - start, TIMEOUT / 3);
    pair.stalled_to_client = false;
    pair.run(Duration::from_secs(1));
    assert_eq!((pair.session.state(), pair.session.epoch()), (SessionState::Connected, 1));
}

#[test]
fn an_attempt_at_a_server_that_is_gone_is_given_up() {
    for host in [Host::Hangs, Host::Mute] {
        let mut pair = Pair::new(1);
        pair.ensemble.hosts.insert(PORT, host);
        pair.settle();
        pair.update([3000]);
        pair.run(Duration::from_millis(100));
        assert_eq!(pair.session.state(), SessionState::Connected, "{host:?}");
        assert_eq!(pair.last_port(), 3000);
    }
}

#[test]
fn a_session_that_is_being_opened_is_moved_not_left_behind() {
    // Every seed that moves finds the server still in the list.
    let mut moved = 0;
    for seed in (0..100_u64).map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15)) {
        let mut pair = Pair::with(config(1), seed);
        pair.stalled_to_client = true;
        pair.settle();
        pair.update([PORT, 3000, 3001]);
        pair.stalled_to_client = false;
        pair.run(Duration::from_secs(1));
        assert_eq!(pair.session.state(), SessionState::Connected);
        assert_eq!(pair.ensemble.sessions.len(), 1, "one session was opened");
        moved += usize::from(pair.last_port() != PORT);
    }
    assert!((50..85).contains(&moved), "two thirds: {moved}");
}

#[test]
fn a_list_that_comes_while_there_is_no_connection_holds_for_the_next_attempt() {
    let mut pair = Pair::established();
    pair.cut();
    pair.ensemble.hosts.insert(PORT, Host::Down);
    pair.update([3000, 3001]);
    pair.run(Duration::from_secs(1));
    assert!(pair.last_port() >= 3000);
    assert_eq!(pair.session.epoch(), 1);
}

#[test]
fn closing_and_leaving_are_not_held_up_by_a_move() {
    for detach in [false, true] {
        let mut pair = Pair::established();
        pair.ensemble.set("/a", b"");
        pair.stalled_to_client = true;
        let write = pair.write("/a");
        pair.settle();
        pair.update([3000]);
        if detach {
            pair.session.detach(pair.now);
        } else {
            pair.close();
        }
        pair.update([3001]);
        pair.stalled_to_client = false;
        pair.run(Duration::from_secs(2));
        assert!(pair.outcome(write).is_ok());
        assert_eq!(pair.session.finished(), Some(&Failure::Closed));
        assert_eq!(pair.ensemble.sessions.values().all(|session| session.closed), !detach);
    }
}

#[test]
fn a_list_after_the_end_and_an_empty_one_change_nothing() {
    let mut pair = Pair::established();
    pair.session.update_hosts(pair.now, Vec::new());
    pair.settle();
    assert!(pair.told.is_empty());
    pair.close();
    pair.settle();
    pair.told.clear();
    pair.update([3000]);
    assert!(pair.told.is_empty());
}

#[test]
fn a_list_amid_a_hop_from_a_read_only_server_holds() {
    let config = Config { read_only: true, ..config(2) };
    let mut pair = Pair::with(config, 1);
    pair.ensemble.hosts.values_mut().for_each(|host| *host = Host::ReadOnly);
    pair.settle();
    let used = pair.last_port();
    let other = if used == PORT { PORT + 1 } else { PORT };
    pair.ensemble.hosts.insert(other, Host::Hangs);
    pair.run_until(|pair| !pair.probes().is_empty());
    // The server that is being asked leaves the list before its answer.
    pair.ensemble.hosts.insert(3000, Host::Up);
    pair.session.update_hosts(pair.now, hosts([used, 3000]));
    pair.ensemble.hosts.insert(other, Host::Up);
    pair.run(Duration::from_secs(3));
    assert_eq!(pair.session.state(), SessionState::Connected);
    assert_eq!(pair.last_port(), 3000);
}

#[test]
fn watches_and_their_events_survive_moves() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    let watcher = pair.set_watch(WatchKind::Data, "/a");
    for round in 0..5 {
        pair.update([4000 + round]);
        pair.run(Duration::from_secs(1));
    }
    assert!(pair.notices(watcher).is_empty());
    pair.ensemble.set("/a", b"changed");
    pair.settle();
    assert_eq!(pair.notices(watcher).len(), 1);
    assert_eq!(pair.ensemble.sessions.len(), 1);
}
