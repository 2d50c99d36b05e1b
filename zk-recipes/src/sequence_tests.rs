//! Names of contenders as the peers write them, and the order they stand in.

use proptest::prelude::*;

use super::*;

#[test]
fn reads_the_number_of_every_peer_that_shares_the_line() {
    let cases = [
        ("_c_5aa0d8f8-4d4b-4a5c-9d5e-0123456789ab-lock-0000000007", 7),
        ("_c_5aa0d8f84d4b4a5c9d5e0123456789ab-lock-0000000008", 8),
        ("lock-0000000009", 9),
        ("_c_5aa0d8f8-4d4b-4a5c-9d5e-0123456789ab-lock-2147483647", 2_147_483_647),
        ("_c_5aa0d8f8-4d4b-4a5c-9d5e-0123456789ab-lock--2147483648", -2_147_483_648),
        ("_c_x-lock--000000001", -1),
        // The last mark counts.
        ("lock-0000000001-lock-0000000002", 2),
    ];
    for (name, sequence) in cases {
        assert_eq!(Mark::LOCK.sequence(name), Some(sequence), "{name}");
    }
}

#[test]
fn passes_over_children_that_are_no_contenders() {
    let strangers = [
        "",
        "note-from-the-operator",
        "lock-",
        "lock--",
        "lock-12a",
        "lock-+12",
        "lock-000000000012",
        "lock-0000000001 ",
        "5aa0d8f84d4b4a5c9d5e0123456789ab__lock__0000000003",
        "_c_5aa0d8f8-4d4b-4a5c-9d5e-0123456789ab-latch-0000000007",
        "lock-１２",
    ];
    for name in strangers {
        assert_eq!(Mark::LOCK.sequence(name), None, "{name}");
    }
}

#[test]
fn readers_and_writers_of_both_layouts_are_told_apart() {
    let numbers = |name: &str| {
        [Mark::CURATOR_READ, Mark::CURATOR_WRITE, Mark::KAZOO_READ, Mark::KAZOO_WRITE, Mark::LOCK]
            .map(|mark| mark.sequence(name))
    };
    let tag = "_c_5aa0d8f8-4d4b-4a5c-9d5e-0123456789ab";
    let hex = "5aa0d8f84d4b4a5c9d5e0123456789ab";
    let is = |place: usize| std::array::from_fn(|index| (index == place).then_some(7));
    assert_eq!(numbers(&format!("{tag}-__READ__0000000007")), is(0));
    assert_eq!(numbers(&format!("{tag}-__WRIT__0000000007")), is(1));
    assert_eq!(numbers(&format!("{hex}__rlock__0000000007")), is(2));
    assert_eq!(numbers(&format!("{hex}__lock__0000000007")), is(3));
    assert_eq!(numbers(&format!("{tag}-lock-0000000007")), is(4));
}

#[test]
fn a_contender_watches_the_one_right_before_it() {
    let children = ["b-lock-0000000010", "!", "a-lock-0000000002", "c-lock-0000000009"];
    let behind =
        |predecessor: &str, ahead| Place::Behind { predecessor: predecessor.into(), ahead };
    assert_eq!(place(Mark::LOCK, &[], "a-lock-0000000002", children), Place::First);
    assert_eq!(
        place(Mark::LOCK, &[], "c-lock-0000000009", children),
        behind("a-lock-0000000002", 1)
    );
    assert_eq!(
        place(Mark::LOCK, &[], "b-lock-0000000010", children),
        behind("c-lock-0000000009", 2)
    );
    assert_eq!(place(Mark::LOCK, &[], "d-lock-0000000011", children), Place::Missing);
}

#[test]
fn refuses_before_the_counter_wraps_and_after() {
    let end = i64::from(i32::MAX);
    assert_eq!(headroom(0), Headroom::Ample);
    assert_eq!(headroom(SEQUENCE_WARNING - 1), Headroom::Ample);
    assert_eq!(headroom(SEQUENCE_WARNING), Headroom::Low);
    assert_eq!(headroom(end - SEQUENCE_MARGIN), Headroom::Low);
    assert_eq!(headroom(end - SEQUENCE_MARGIN + 1), Headroom::Exhausted);
    assert_eq!(headroom(end), Headroom::Exhausted);
    assert_eq!(headroom(-1), Headroom::Exhausted);
    assert_eq!(headroom(i64::from(i32::MIN)), Headroom::Exhausted);
}

/// The rule as Curator has it, at any cost.
fn by_the_last_mark(mark: &str, name: &str) -> Option<i64> {
    let text = &name[name.rfind(mark)? + mark.len()..];
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && text.len() <= SEQUENCE_TEXT_MAX { text.parse().ok() } else { None }
}

proptest! {
    #[test]
    fn reads_back_what_a_server_would_write(tag in "[a-z0-9_-]{0,40}", sequence: i32) {
        let name = format!("{tag}-{}{sequence:010}", Mark::LATCH.text);
        prop_assert_eq!(Mark::LATCH.sequence(&name), Some(i64::from(sequence)));
    }

    #[test]
    fn the_last_mark_counts_whatever_stands_around_it(
        mark in "[a1-]{0,3}", name in "[a1-]{0,16}", longer in "[a-]{0,4}[0-9a-]{8,13}",
        digits in "[a-]{0,4}[0-9]{9,12}",
    ) {
        for name in [name, longer, digits] {
            prop_assert_eq!(number_behind(&mark, &name), by_the_last_mark(&mark, &name), "{}", name);
        }
    }

    #[test]
    fn any_name_is_read_without_a_panic(name in "\\PC*") {
        let _ = Mark::LOCK.sequence(&name);
    }

    #[test]
    fn the_line_is_in_order_of_numbers_whatever_the_tags(
        tags in prop::collection::vec("[a-f0-9]{8}", 1..20), mut sequences: Vec<i32>,
    ) {
        sequences.truncate(tags.len());
        let names: Vec<String> = tags
            .iter()
            .zip(&sequences)
            .map(|(tag, sequence)| format!("{tag}-lock-{sequence:010}"))
            .collect();
        let numbers: Vec<i64> =
            line(Mark::LOCK, names.iter().map(String::as_str)).into_iter().map(|contender| contender.sequence).collect();
        sequences.sort_unstable();
        prop_assert_eq!(numbers, sequences.into_iter().map(i64::from).collect::<Vec<_>>());
    }

    #[test]
    fn exactly_one_contender_is_first_and_each_other_watches_another(
        sequences in prop::collection::btree_set(0..10_000i32, 1..50),
    ) {
        let names: Vec<String> =
            sequences.iter().rev().map(|n| format!("_c_{}-lock-{n:010}", n * 7 % 11)).collect();
        let mut watched = std::collections::BTreeSet::new();
        let mut first = 0;
        for name in &names {
            match place(Mark::LOCK, &[], name, names.iter().map(String::as_str)) {
                Place::First => first += 1,
                Place::Behind { predecessor, .. } => prop_assert!(watched.insert(predecessor)),
                Place::Missing => prop_assert!(false, "own name is listed"),
            }
        }
        prop_assert_eq!(first, 1);
    }
}
