//! The rules of style that a machine can check.
// It reads the repository's files: that is what it is for.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod dependencies;
mod guide;
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

#[test]
fn the_readme_says_why_each_dependency_is_there() {
    let unexplained = dependencies::unexplained();
    assert!(unexplained.is_empty(), "no line in the README's table for {unexplained:?}");
}

#[test]
fn what_the_guide_claims_a_test_shows() {
    let unfounded = guide::unfounded(&sources());
    assert!(unfounded.is_empty(), "{}", unfounded.join("\n"));
}

#[test]
fn a_claim_without_its_test_is_found() {
    let page = "| f | here | test |\n| --- | --- | --- |\n| a | yes | `x::shown` |\n\
                | b | yes | |\n| c | no | too rare |\n\n| other | table |\n| `x::y` | z |\n";
    let claims = guide::claims("page", page);
    let needs = claims.iter().map(|claim| claim.needs_test).collect::<Vec<_>>();
    assert_eq!(needs, [true, true, false]);
    assert_eq!((&*claims[0].tests, claims[1].tests.len()), (&["x::shown".to_owned()][..], 0));
    let path = "tests/client/x.rs".to_owned();
    let source = sources::Source { path, text: "async fn shown() {}".to_owned() };
    assert!(guide::exists("x::shown", std::slice::from_ref(&source)));
    assert!(!guide::exists("x::hidden", &[source]));
}
