//! The rules of style that a machine can check.
// It reads the repository's files: that is what it is for.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod rules;
mod sources;

use rules::{Finding, RULES};
use sources::sources;

#[test]
fn the_sources_keep_the_rules() {
    let sources = sources();
    assert!(sources.len() > 50, "only {} source files: where is the repository?", sources.len());
    let findings: Vec<String> = RULES
        .iter()
        .flat_map(|rule| sources.iter().flat_map(|source| (rule.check)(source)))
        .map(|Finding { place, message }| format!("{place}: {message}"))
        .collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn each_rule_finds_what_it_is_for() {
    for rule in RULES {
        let found = (rule.check)(&(rule.example)());
        assert_eq!(found.len(), 1, "{}: {found:?}", rule.name);
    }
}
