//! What Apache's own class says, and where this server stops instead.

use super::*;

/// Rules, a principal, and what Apache's `KerberosName` makes of it in the realm `R`: a short name,
/// `none` if no rule applies, `fails` if it finds a fault only when a client comes, `invalid` if it
/// does not start.
const APACHES: &str = include_str!("apaches.txt");

/// Expressions that mean something else to the crate `regex`, or nothing. The server does not start.
const NOT_FOLLOWED: [&str; 14] = [
    r"(b++ob)",
    r"(b*+ob)",
    r"(.*+b)",
    r"(b{1}+ob)",
    r"(\p{Lower}+)",
    r"(\p{L}+)",
    r"([a-z&&[^b]]+)",
    r"([b[o]]+)",
    r"([[:alpha:]]+)",
    r"([^]]+)",
    r"(bob\Z)",
    r"(\Qbob\E)",
    r"(\h)",
    r"s/(?i)B/x/",
];

fn parts(principal: &str) -> Option<Parts<'_>> {
    let (names, realm) = principal.split_once('@')?;
    let (first, second) = match names.split_once('/') {
        Some((first, second)) => (first, Some(second)),
        None => (names, None),
    };
    Some(Parts { realm, first, second })
}

#[test]
fn each_rule_makes_what_apaches_makes_or_is_refused_at_the_start() {
    let (mut followed, mut refused) = (0, 0);
    for line in APACHES.lines() {
        let [text, principal, expected] = line.splitn(3, '\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let not_followed = NOT_FOLLOWED.iter().any(|part| text.contains(part));
        let rules = match LocalNames::parse(text) {
            Ok(rules) => rules,
            Err(error) => {
                // A fault that shows when a client comes is one that an operator wants to know of.
                assert!(
                    not_followed || ["invalid", "fails"].contains(&expected),
                    "{line}: {error}"
                );
                refused += 1;
                continue;
            }
        };
        assert!(!not_followed && expected != "invalid", "{line}");
        // Names without a realm, or with too much in them, do not come this far.
        let Some(parts) = parts(principal) else { continue };
        if principal.matches(['@', '/']).count() > 2 || parts.realm.contains('@') {
            continue;
        }
        let short = rules.short_name(&parts, Some("R"));
        let short = short.map_or("none".to_owned(), |name| format!("name {name}"));
        assert_eq!(short, expected, "{line}");
        followed += 1;
    }
    assert!(followed >= 60 && refused >= 35, "{followed} and {refused}");
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (text, number, at, rule, problem) in [
        ("nonsense", 1, 1, "nonsense", "neither DEFAULT nor RULE"),
        ("DEFAULT  RULE:[x:$1]", 2, 10, "RULE:[x:$1]", "neither DEFAULT nor RULE"),
        ("RULE:[1:$2] DEFAULT", 1, 1, "RULE:[1:$2]", "$2 in the format \"$2\""),
        ("RULE:[1:$1](bob", 2, 12, "(bob", "neither DEFAULT nor RULE"),
        ("RULE:[2:$1]s/a/$1/g", 1, 1, "RULE:[2:$1]s/a/$1/g", "`$` names no group"),
        ("RULE:[1:$1](\u{fc}) RULE:[1:$1](*)", 2, 16, "RULE:[1:$1](*)", "the expression \"*\""),
    ] {
        let error = LocalNames::parse(text).unwrap_err();
        assert_eq!((error.number, error.at, error.rule.as_str()), (number, at, rule), "{text}");
        assert!(error.problem.contains(problem), "{text}: {error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

/// In Java they end lines, which a dot does not match and before which a line may end.
#[test]
fn names_with_control_characters_have_no_short_ones() {
    let rules = LocalNames::parse("RULE:[1:$1](bob.*)").unwrap();
    for (principal, short) in
        [("bob@R", Some("bob")), ("bob\n@R", None), ("bob\u{2028}@R", None), ("bob@R\r", None)]
    {
        let made = rules.short_name(&parts(principal).unwrap(), None);
        assert_eq!(made.as_deref(), short, "{principal:?}");
    }
}

#[test]
fn an_expression_that_would_take_much_memory_is_refused() {
    let error = LocalNames::parse("RULE:[1:$1](((a{100}){100}){100}").unwrap_err();
    assert_eq!(error.number, 1, "{error}");
    let error = LocalNames::parse("RULE:[1:$1](a{1000000})").unwrap_err();
    assert!(error.problem.contains("a{1000000}"), "{error}");
}
