//! Which names a numbered node can have.

use super::is_numbered;

#[test]
fn numbers_past_the_end_are_numbers() {
    for name in ["/s/a0000000000", "/s/a2147483647", "/s/a-2147483648", "/s/a-0000000001"] {
        assert!(is_numbered(name, "/s/a"), "{name}");
    }
}

#[test]
fn what_has_no_number_is_another_node() {
    for name in ["/s/a", "/s/a1", "/s/ab0000000000", "/s/b0000000000", "/s/a--000000001"] {
        assert!(!is_numbered(name, "/s/a"), "{name}");
    }
}
