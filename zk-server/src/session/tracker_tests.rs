use super::*;

const TICK: Duration = Duration::from_millis(2000);
const CONN: ConnectionId = ConnectionId(1);

#[allow(clippy::disallowed_methods, reason = "one origin for a clock that the test moves")]
fn clock() -> Instant {
    Instant::now()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn a_session_ends_at_the_first_boundary_strictly_after_its_timeout() {
    let start = clock();
    for (touched, timeout, ends) in [(0, 4000, 6000), (1, 4000, 6000), (1999, 4000, 6000)] {
        let mut tracker = SessionTracker::new(SessionId(1), TICK, start);
        tracker.open(SessionId(1), timeout, Some(CONN), start + ms(touched));
        assert_eq!(tracker.next_deadline(), Some(start + ms(ends)), "touched at {touched}");
        assert!(tracker.expire(start + ms(ends - 1), |_| 0).is_empty());
        assert_eq!(tracker.expire(start + ms(ends), |_| 0), [SessionId(1)]);
        assert!(tracker.expire(start + ms(ends), |_| 0).is_empty(), "given out once");
    }
}

#[test]
fn a_touch_moves_the_end_and_a_closing_session_cannot_be_touched() {
    let start = clock();
    let mut tracker = SessionTracker::new(SessionId(1), TICK, start);
    tracker.open(SessionId(1), 4000, Some(CONN), start);
    assert!(tracker.touch(SessionId(1), start + ms(5000)));
    assert_eq!(tracker.next_deadline(), Some(start + ms(10_000)));
    assert!(tracker.close(SessionId(1)));
    assert!(!tracker.close(SessionId(1)), "closes once");
    assert!(!tracker.touch(SessionId(1), start + ms(5000)));
    assert!(!tracker.touch(SessionId(2), start), "unknown");
    assert_eq!(tracker.next_deadline(), None);
    assert_eq!(tracker.remove(SessionId(1)), Some(CONN));
    assert!(tracker.is_empty());
}

#[test]
fn a_resumed_session_has_the_new_timeout_even_if_it_is_shorter() {
    let start = clock();
    let mut tracker = SessionTracker::new(SessionId(1), TICK, start);
    tracker.open(SessionId(1), 40_000, Some(CONN), start);
    assert_eq!(tracker.take_over(SessionId(1), 4000, ConnectionId(2), start), Some(CONN));
    assert_eq!(tracker.next_deadline(), Some(start + ms(6000)));
    tracker.disown(SessionId(1), CONN);
    assert_eq!(tracker.remove(SessionId(1)), Some(ConnectionId(2)), "only an owner disowns");
}

#[test]
fn a_flood_of_ended_sessions_comes_in_batches() {
    let start = clock();
    let mut tracker = SessionTracker::new(SessionId(1), TICK, start);
    let count = EXPIRY_BATCH + 10;
    for _ in 0..count {
        let id = tracker.next_id();
        tracker.open(id, 4000, None, start);
    }
    let end = start + ms(6000);
    assert_eq!(tracker.expire(end, |_| 0).len(), EXPIRY_BATCH);
    assert_eq!(tracker.next_deadline(), Some(end), "the rest is due at once");
    assert_eq!(tracker.expire(end, |_| 0).len(), 10);
}

#[test]
fn renewal_counts_the_full_timeout_from_now() {
    let start = clock();
    let mut tracker = SessionTracker::new(SessionId(1), TICK, start);
    tracker.open(SessionId(1), 4000, None, start);
    tracker.open(SessionId(2), 4000, None, start);
    tracker.close(SessionId(2));
    tracker.renew_all(start + ms(100_000));
    assert_eq!(tracker.next_deadline(), Some(start + ms(106_000)));
    assert_eq!(tracker.expire(start + ms(106_000), |_| 0), [SessionId(1)]);
}

#[test]
fn what_is_due_is_postponed_once_unless_it_is_heard() {
    let start = clock();
    let mut tracker = SessionTracker::new(SessionId(1), TICK, start);
    for (id, timeout_ms) in [(1, 4000), (2, 8000), (3, 40_000)] {
        tracker.open(SessionId(id), timeout_ms, None, start);
    }
    tracker.postpone(start + ms(5999), 3000);
    assert_eq!(tracker.next_deadline(), Some(start + ms(6000)), "nothing was due");
    tracker.postpone(start + ms(10_000), 3000);
    assert!(tracker.expire(start + ms(13_999), |_| 0).is_empty());
    assert!(tracker.touch(SessionId(2), start + ms(13_999)));
    tracker.postpone(start + ms(14_000), 3000);
    assert_eq!(tracker.expire(start + ms(14_000), |_| 0), [SessionId(1)]);
    tracker.postpone(start + ms(100_000), 3000);
    assert_eq!(tracker.next_deadline(), Some(start + ms(104_000)), "these two were heard");
    assert_eq!(tracker.expire(start + ms(104_000), |_| 0).len(), 2);
}

#[test]
fn ids_from_the_log_are_not_given_out_again() {
    let first = ids::first_session_id(1000, 1);
    let mut tracker = SessionTracker::new(first, TICK, clock());
    let later = SessionId(first.0 + 500);
    tracker.remember_id(later);
    tracker.remember_id(ids::first_session_id(9_000_000, 2));
    assert_eq!(tracker.next_id(), SessionId(later.0 + 1));
    tracker.open(SessionId(later.0 + 2), 4000, None, clock());
    assert_eq!(tracker.next_id(), SessionId(later.0 + 3));
}

#[test]
fn sessions_with_many_nodes_end_in_smaller_batches() {
    let start = clock();
    let mut tracker = SessionTracker::new(SessionId(1), TICK, start);
    for _ in 0..5 {
        let id = tracker.next_id();
        tracker.open(id, 4000, None, start);
    }
    let nodes_of = |id| match id {
        SessionId(3) => 2 * EXPIRY_BATCH,
        _ => EXPIRY_BATCH / 2 - 1,
    };
    let end = start + ms(6000);
    let batches: Vec<_> = std::iter::repeat_with(|| tracker.expire(end, nodes_of).len())
        .take_while(|len| *len > 0)
        .collect();
    assert_eq!(batches, [2, 1, 2], "the one that is larger than a batch comes alone");
}
