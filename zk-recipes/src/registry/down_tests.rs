//! When instances are hidden, on a clock of the tests' own.
#![allow(clippy::disallowed_methods, reason = "a clock has to start somewhere")]

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn instance(id: &str) -> ServiceInstance {
    ServiceInstance::new("api", "10.0.0.1", 80).with_id(id)
}

#[test]
fn two_errors_within_half_a_minute_hide_until_half_a_minute_after_the_first() {
    let (mut down, start, a) = (DownList::default(), Instant::now(), instance("a"));
    down.note(&a, start);
    assert!(!down.is_down(&a, start), "one may happen");
    down.note(&a, start + 29 * SECOND);
    assert!(down.is_down(&a, start + 29 * SECOND));
    assert!(!down.is_down(&instance("b"), start + 29 * SECOND));
    assert!(!down.is_down(&a, start + 30 * SECOND), "as good as new");
    down.note(&a, start + 31 * SECOND);
    assert!(!down.is_down(&a, start + 31 * SECOND), "counted from 0 again");
}

#[test]
fn errors_far_apart_hide_nothing() {
    let (mut down, start, a) = (DownList::default(), Instant::now(), instance("a"));
    for round in 0..10 {
        down.note(&a, start + round * 30 * SECOND);
        assert!(!down.is_down(&a, start + round * 30 * SECOND));
    }
}

#[test]
fn an_instance_that_registers_anew_is_up_and_one_with_a_new_payload_is_not() {
    let (mut down, start, a) =
        (DownList::new(DownPolicy::new(0, SECOND)), Instant::now(), instance("a"));
    down.note(&a, start);
    assert!(down.is_down(&a, start), "0 errors means 1");
    assert!(down.is_down(&a.clone().with_payload("v2"), start));
    let again = ServiceInstance { registration_time_ms: a.registration_time_ms + 1, ..a.clone() };
    assert!(!down.is_down(&again, start));
    assert!(!down.is_down(&ServiceInstance { port: Some(81), ..a }, start));
}

#[test]
fn never_is_never() {
    let (mut down, start, a) = (DownList::new(DownPolicy::never()), Instant::now(), instance("a"));
    for _ in 0..100 {
        down.note(&a, start);
    }
    assert!(!down.is_down(&a, start));
}

#[test]
fn no_more_is_remembered_than_there_is_room_for() {
    let (mut down, start) = (DownList::new(DownPolicy::new(1, 1000 * SECOND)), Instant::now());
    let limit = u32::try_from(NOTED_MAX).unwrap();
    for number in 0..limit + 10 {
        let age = Duration::from_millis(u64::from(number));
        down.noted.insert(
            Identity::of(&instance(&number.to_string())),
            Noted { first: start + age, errors: 1 },
        );
    }
    down.noted.retain(|_, noted| noted.first >= start + Duration::from_millis(10));
    assert_eq!(down.noted.len(), NOTED_MAX);
    let new = instance("new");
    down.note(&new, start + 500 * SECOND);
    assert_eq!(down.noted.len(), NOTED_MAX);
    assert!(down.is_down(&new, start + 500 * SECOND));
}
