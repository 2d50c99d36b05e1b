use super::*;

#[test]
fn a_word_that_may_not_be_used_is_named() {
    let refusal = not_whitelisted(Word::Mntr);
    assert_eq!(refusal, "mntr is not executed because it is not in the whitelist.\n");
}

#[test]
fn averages_are_printed_as_java_does() {
    assert_eq!([0.0, 4.0 / 3.0, 12.0].map(double), ["0.0", "1.3333", "12.0"]);
}

#[test]
fn the_version_has_the_form_that_clients_parse() {
    let version = version();
    let (number, rest) = version.split_once('-').unwrap();
    assert_eq!(number.split('.').filter(|part| part.parse::<u32>().is_ok()).count(), 3);
    assert!(rest.contains(", built on "), "{version}");
}
