//! Deadlines and limits of requests.

use std::time::Duration;

use super::pair::{Pair, TIMEOUT, config, get, set};
use crate::session::pending::READ_RESENDS_MAX;
use crate::session::{Failure, Request, SessionState, WatchKind};

const SECOND: Duration = Duration::from_secs(1);

fn due(pair: &Pair, after: Duration, request: Request<u32, u64>) -> Request<u32, u64> {
    Request { deadline: Some(pair.now + after), ..request }
}

#[test]
fn an_unsent_request_fails_at_its_deadline_and_never_goes_out() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    pair.ensemble.hosts.insert(2181, super::greeting::Host::Down);
    pair.cut();
    let write = pair.submit(due(&pair, SECOND, set("/a", b"late")));
    let submitted = pair.now;
    pair.run_until(|pair| !pair.outcomes(write).is_empty());
    assert_eq!(pair.failure(write), Failure::TimedOut { in_flight: false });
    assert_eq!(pair.now, submitted + SECOND);
    pair.ensemble.hosts.insert(2181, super::greeting::Host::Up);
    pair.run(3 * SECOND);
    assert_eq!(pair.session.state(), SessionState::Connected);
    assert!(pair.ensemble.applied.is_empty());
}

#[test]
fn a_request_past_its_deadline_is_not_sent_even_if_the_timer_comes_too_late() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    let write = pair.submit(due(&pair, SECOND, set("/a", b"late")));
    pair.pause(SECOND);
    pair.settle();
    assert_eq!(pair.failure(write), Failure::TimedOut { in_flight: false });
    assert!(pair.ensemble.applied.is_empty());
}

#[test]
fn the_reply_to_a_request_that_timed_out_in_flight_is_swallowed() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    pair.stalled_to_client = true;
    let before = pair.read("/a");
    let write = pair.submit(due(&pair, SECOND, set("/a", b"slow")));
    let after = pair.read("/a");
    pair.run(2 * SECOND);
    assert_eq!(pair.failure(write), Failure::TimedOut { in_flight: true });
    assert_eq!((pair.outcomes(before).len(), pair.outcomes(after).len()), (0, 0));
    pair.stalled_to_client = false;
    pair.settle();
    assert!(pair.outcome(before).is_ok() && pair.outcome(after).is_ok());
    pair.outcome(write);
    assert_eq!(pair.session.request_count(), 0);
    assert_eq!(pair.losses(), [] as [&crate::session::Loss; 0]);
}

#[test]
fn a_read_that_timed_out_is_not_sent_again() {
    let mut pair = Pair::established();
    pair.stalled_to_client = true;
    let read = pair.submit(due(&pair, SECOND, get("/a")));
    pair.run(2 * SECOND);
    pair.cut();
    pair.stalled_to_client = false;
    pair.run(2 * SECOND);
    assert_eq!(pair.failure(read), Failure::TimedOut { in_flight: true });
    assert_eq!(pair.ensemble.asked(2), []);
}

#[test]
fn a_deadline_goes_on_over_a_reconnect() {
    let mut pair = Pair::established();
    pair.stalled_to_client = true;
    let read = pair.submit(due(&pair, 5 * SECOND, get("/a")));
    pair.settle();
    pair.ensemble.hosts.insert(2181, super::greeting::Host::Down);
    pair.cut();
    let cut_at = pair.now;
    pair.run_until(|pair| !pair.outcomes(read).is_empty());
    assert_eq!(pair.failure(read), Failure::TimedOut { in_flight: false });
    assert_eq!(pair.now, cut_at + 5 * SECOND);
}

#[test]
fn a_watch_of_a_request_that_timed_out_is_not_set() {
    for kind in [WatchKind::Exist, WatchKind::Persistent] {
        let mut pair = Pair::established();
        pair.stalled_to_client = true;
        let deadline = pair.now + SECOND;
        let (request, _) = pair.watch_until(kind, "/a", Some(deadline));
        pair.run(2 * SECOND);
        assert_eq!(pair.failure(request), Failure::TimedOut { in_flight: true });
        pair.stalled_to_client = false;
        pair.settle();
        assert_eq!(pair.session.watches.len(), 0);
        assert_eq!(pair.ensemble.watches()[2], 0, "what would stay is removed");
    }
}

#[test]
fn an_unsent_read_may_wait_through_any_number_of_connections() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    pair.cut();
    let read = pair.read("/a");
    for connection in 2..2 + 3 * u64::from(READ_RESENDS_MAX) {
        // The connect request, and a little of the read.
        pair.cut_to_server_after = Some(49 + 5);
        pair.run_until(|pair| pair.session.connections() == connection);
        assert_eq!(pair.session.state(), SessionState::Suspended);
    }
    assert_eq!(pair.outcomes(read).len(), 0);
    pair.run(3 * SECOND);
    assert!(pair.outcome(read).is_ok());
}

#[test]
fn the_line_is_bounded_in_requests_and_in_bytes() {
    let mut config = config(1);
    (config.requests_max, config.request_bytes_max) = (3, 1000);
    let mut pair = Pair::with(config, 1);
    pair.ensemble.set("/a", b"");
    let small: Vec<_> = (0..4).map(|_| pair.read("/a")).collect();
    assert!(!pair.session.can_accept());
    assert_eq!(pair.failure(small[3]), Failure::QueueFull);
    pair.settle();
    assert!(pair.session.can_accept());
    assert!(small[..3].iter().all(|read| pair.outcome(*read).is_ok()));
    let large = pair.submit(set("/a", &[0; 5000]));
    let refused = pair.read("/a");
    assert_eq!(pair.failure(refused), Failure::QueueFull);
    pair.settle();
    assert!(pair.outcome(large).is_ok(), "one is let in, however large");
}

#[test]
fn a_request_longer_than_servers_accept_fails_alone() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    let long = pair.submit(set("/a", &[0; 0x10_0000]));
    let read = pair.read("/a");
    pair.settle();
    assert!(matches!(pair.failure(long), Failure::RequestTooLong { limit: 0xf_ffff, .. }));
    assert!(pair.outcome(read).is_ok());
    assert_eq!(pair.session.state(), SessionState::Connected);
}

#[test]
fn ten_thousand_requests_travel_at_once() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    pair.stalled_to_client = true;
    let requests: Vec<_> =
        (0..10_000).map(|_| pair.submit(due(&pair, TIMEOUT, get("/a")))).collect();
    pair.settle();
    assert_eq!(pair.session.request_count(), 10_000);
    assert_eq!(pair.ensemble.seen.len(), 10_000);
    pair.stalled_to_client = false;
    pair.settle();
    assert!(requests.is_sorted());
    let completed: Vec<_> = pair
        .told
        .iter()
        .filter_map(|(_, told)| match told {
            super::pair::Told::Complete(number, Ok(_)) => Some(*number),
            _ => None,
        })
        .collect();
    assert_eq!(completed, requests);
}

#[test]
fn deadlines_of_answered_requests_do_not_pile_up() {
    let mut pair = Pair::established();
    for _ in 0..2_000 {
        pair.submit(due(&pair, TIMEOUT, get("/a")));
        pair.settle();
    }
    assert!(pair.session.pending.books().1 <= 200);
    let wakes = std::iter::from_fn(|| {
        pair.step(TIMEOUT);
        Some(pair.now)
    });
    assert!(wakes.take(10).count() == 10, "and wake nobody for long");
}

#[test]
fn a_slow_connection_leaves_requests_in_line_rather_than_in_a_buffer() {
    let mut pair = Pair::established();
    pair.ensemble.set("/a", b"");
    pair.stalled_to_server = true;
    let writes: Vec<_> = (0..40).map(|_| pair.submit(set("/a", &[1; 10_000]))).collect();
    pair.settle();
    pair.counts_unwritten = false;
    pair.cut();
    let lost = writes.iter().filter(|write| !pair.outcomes(**write).is_empty()).count();
    assert_eq!(lost, 7, "64 KiB had been handed out");
    pair.stalled_to_server = false;
    pair.run(SECOND);
    assert!(writes[7..].iter().all(|write| pair.outcome(*write).is_ok()));
}
