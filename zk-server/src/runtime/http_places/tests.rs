//! On a clock that is moved by hand.

use super::*;

fn take(places: &mut Places, now: Instant) -> Option<Arc<Place>> {
    match places.take(now, now) {
        Taking::Place(place) => Some(place),
        Taking::Later(_) => None,
    }
}

fn full(places: &mut Places, now: Instant) -> Vec<Arc<Place>> {
    (0..CONNECTIONS_MAX).map(|_| take(places, now).unwrap()).collect()
}

fn later(places: &mut Places, came: Instant, now: Instant) -> Option<Instant> {
    match places.take(came, now) {
        Taking::Place(_) => panic!("there is a place"),
        Taking::Later(at) => at,
    }
}

fn has_left(place: &Place) -> bool {
    place.leave.is_cancelled()
}

#[test]
fn who_asks_for_nothing_leaves_once_it_could_be_heard() {
    let (mut places, start) = (Places::default(), Instant::now());
    let all = full(&mut places, start);
    assert_eq!(later(&mut places, start, start), Some(start + HEARING));
    let answers: Vec<_> = all[..10].iter().map(Place::answer).collect();
    let heard = start + HEARING;
    let mut others = Vec::new();
    for leaving in &all[10..] {
        others.push(take(&mut places, heard).unwrap());
        assert!(has_left(leaving));
    }
    assert!(take(&mut places, heard).is_none(), "the others have just come");
    assert!(!all[..10].iter().any(|place| has_left(place)));
    drop(answers);
    assert!(all[0].exchange().waits_since.is_some(), "it may ask for something else");
}

#[test]
fn who_does_not_read_leaves_and_who_reads_stays() {
    let (mut places, start) = (Places::default(), Instant::now());
    let all = full(&mut places, start);
    let _answers: Vec<_> = all.iter().map(Place::answer).collect();
    let stalled = &all[20..23];
    for (place, ms) in stalled.iter().zip([30, 10, 20]) {
        place.note_blocked(start + Duration::from_millis(ms));
    }
    let first = start + Duration::from_millis(10) + STALLED_MAX;
    assert_eq!(later(&mut places, start, start), Some(first));
    // A drop moves, and another one reads on.
    stalled[1].note_sent(1, false, first);
    stalled[2].note_sent(PROGRESS_LEN, false, first);
    stalled[2].note_blocked(first);
    let _other = take(&mut places, first).unwrap();
    assert_eq!(
        stalled.iter().map(|place| has_left(place)).collect::<Vec<_>>(),
        [false, true, false]
    );
    let _another = take(&mut places, first + Duration::from_millis(20)).unwrap();
    assert!(has_left(&stalled[0]) && !has_left(&stalled[2]));
    stalled[2].note_sent(1, true, first);
    assert!(!stalled[2].is_stalled(first + FULL_MAX), "it has all that there is");
}

/// Whether what does not go on is a request's body, or what is left of an answer that is made.
#[test]
fn bodies_and_ends_of_answers_stall_as_well() {
    let (mut places, start) = (Places::default(), Instant::now());
    let all = full(&mut places, start);
    let mut answers: Vec<_> = all.iter().map(Place::answer).collect();
    answers[7].awaits_body(start);
    answers[7].received(PROGRESS_LEN - 1, start);
    answers[8].awaits_body(start);
    answers[8].received(PROGRESS_LEN, start);
    answers[9].awaits_body(start);
    answers[9].awaits_server(start);
    all[49].note_blocked(start);
    answers.pop();
    // It asks for the next thing, and has not read the last one.
    answers.push(all[49].answer());
    let mut others = Vec::new();
    for leaving in [7, 49] {
        others.push(take(&mut places, start + STALLED_MAX).unwrap());
        assert!(has_left(&all[leaving]), "{leaving}");
    }
    assert!(take(&mut places, start + STALLED_MAX).is_none());
}

#[test]
fn where_nobody_is_slow_the_oldest_leaves_in_the_end() {
    let (mut places, start) = (Places::default(), Instant::now());
    let all = full(&mut places, start);
    let _answers: Vec<_> = all.iter().map(Place::answer).collect();
    assert_eq!(later(&mut places, start, start), Some(start + FULL_MAX));
    assert!(matches!(places.take(start, start + FULL_MAX), Taking::Place(_)));
    assert!(has_left(&all[0]) && !has_left(&all[1]));
}

#[test]
fn a_backup_keeps_its_place_while_it_gets_on() {
    let (mut places, start) = (Places::default(), Instant::now());
    let all = full(&mut places, start);
    let mut answers: Vec<_> = all.iter().map(Place::answer).collect();
    answers[0].stay();
    let full = start + FULL_MAX;
    let Taking::Place(other) = places.take(start, full) else { panic!("one of them leaves") };
    assert!(!has_left(&all[0]) && has_left(&all[1]));
    answers.push(other.answer());
    all[0].note_blocked(full);
    let _another = take(&mut places, full + STALLED_MAX).unwrap();
    assert!(has_left(&all[0]), "it stands still");
    answers.remove(0);
    assert!(!all[0].exchange().stays, "what it asks for next is no backup yet");
}

#[test]
fn only_so_many_backups_keep_their_places() {
    let (mut places, start) = (Places::default(), Instant::now());
    let all = full(&mut places, start);
    let answers: Vec<_> = all.iter().map(Place::answer).collect();
    answers.iter().for_each(Answering::stay);
    assert!(matches!(places.take(start, start + FULL_MAX), Taking::Place(_)));
    let left: Vec<_> = (0..all.len()).filter(|index| has_left(&all[*index])).collect();
    assert_eq!(left, [STAYING_MAX]);
}

#[test]
fn those_who_leave_are_bounded_and_forgotten_when_they_have_left() {
    let (mut places, mut now) = (Places::default(), Instant::now());
    let mut all = full(&mut places, now);
    now += HEARING;
    all.extend(full(&mut places, now));
    now += HEARING;
    assert!(later(&mut places, now, now).is_none(), "until one of them has left");
    all.remove(0);
    all.push(take(&mut places, now).unwrap());
    all.clear();
    let free = full(&mut places, now);
    assert!(!free.iter().any(|place| has_left(place)));
}
