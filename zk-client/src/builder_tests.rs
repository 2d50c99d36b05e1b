//! What a builder refuses, and what it does not show.

use super::*;

fn setting_refused(builder: ClientBuilder) -> &'static str {
    match builder.validate() {
        Err(Error::InvalidConfig { setting, .. }) => setting,
        other => panic!("{other:?}"),
    }
}

#[test]
fn settings_out_of_range_are_named() {
    let builder = || Client::builder("localhost");
    assert!(builder().validate().is_ok());
    let short = builder().session_timeout(Duration::from_micros(1));
    assert_eq!(setting_refused(short), "session_timeout");
    let long = builder().session_timeout(Duration::from_secs(1 << 32));
    assert_eq!(setting_refused(long), "session_timeout");
    assert_eq!(setting_refused(builder().connect_timeout(Duration::ZERO)), "connect_timeout");
    assert_eq!(setting_refused(builder().max_outstanding(0)), "max_outstanding");
    assert_eq!(setting_refused(builder().max_frame_len(7)), "max_frame_len");
    assert_eq!(setting_refused(builder().auth("", b"x")), "auth");
}

#[test]
fn credentials_never_show() {
    let shown = format!("{:?}", Client::builder("localhost").auth_digest("u", "hush"));
    assert!(shown.contains("digest") && !shown.contains("hush"), "{shown}");
}

#[test]
fn a_wrong_connect_string_is_quoted_with_the_reason() {
    let error = Client::builder("host:port").parsed().unwrap_err().to_string();
    assert!(error.contains("host:port") && error.contains("expected"), "{error}");
}
