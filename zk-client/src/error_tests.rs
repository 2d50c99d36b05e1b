use super::*;

fn path() -> String {
    "/a".to_owned()
}

#[test]
fn a_code_survives_the_way_into_an_error_and_back() {
    for number in (-130..0).filter(|number| *number != -4) {
        let code = ErrorCode::from_code(number);
        let error = Error::from_code(code, "get", "/a");
        assert_eq!(error.code(), Some(code), "{error}");
    }
}

#[test]
fn only_what_was_in_flight_has_an_unknown_outcome() {
    let timeout = |in_flight| Error::Timeout {
        op: "set",
        path: path(),
        after: Duration::from_secs(1),
        in_flight,
    };
    assert!(timeout(true).is_outcome_unknown());
    assert!(!timeout(false).is_outcome_unknown());
    assert!(Error::ConnectionLoss { op: "set", path: path() }.is_outcome_unknown());
    assert!(!Error::SessionExpired.is_outcome_unknown());
    assert!(!Error::NoNode { path: path() }.is_outcome_unknown());
}

#[test]
fn a_multi_is_as_retryable_as_the_operation_that_failed() {
    let multi = |source| Error::Multi { index: 1, path: path(), source: Box::new(source) };
    assert!(multi(Error::Throttled { path: path() }).is_retryable());
    assert_eq!(multi(Error::NoNode { path: path() }).code(), Some(ErrorCode::NoNode));
}

#[test]
fn sentences_name_the_path_and_the_next_step() {
    let error = Error::BadVersion { path: path() }.to_string();
    assert!(error.contains("/a") && error.contains("read it again"), "{error}");
    let error = Error::ConnectionLoss { op: "multi", path: String::new() }.to_string();
    assert!(error.contains("while multi was in flight"), "{error}");
}
