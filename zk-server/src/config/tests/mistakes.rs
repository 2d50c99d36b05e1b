//! What is wrong with a file, and how it is told.

use super::*;

#[test]
fn a_bad_line_is_named_with_what_was_expected() {
    let cases = [
        ("tickTime=2s", "zoo.cfg:3: tickTime is `2s`: expected a time in milliseconds above 0"),
        ("tickTime=0", "zoo.cfg:3: tickTime is `0`"),
        ("flushDelay=3600001", "zoo.cfg:3: flushDelay is `3600001`: expected a time in millis"),
        ("snapshot.compression.method=zip", "is `zip`: expected gz, or nothing"),
        ("tickTime=3000000000", "zoo.cfg:3: tickTime is `3000000000`"),
        ("clientPort=70000", "zoo.cfg:3: clientPort is `70000`: expected a port from 1 to 65535"),
        ("maxClientCnxns=many", "expected a number of connections, 0 for no limit"),
        (
            "\n\nextendedTypesEnabled=yes",
            "zoo.cfg:5: extendedTypesEnabled is `yes`: expected true or false",
        ),
        ("skipACL=true", "expected yes or no"),
        ("clientPortAddress=", "clientPortAddress is ``: expected an address or host name"),
        ("=x", "zoo.cfg:3: this is no `key=value` line: expected a key"),
        (
            "tickTime=\\u12",
            "zoo.cfg:3: this is no `key=value` line: expected four hexadecimal digits",
        ),
        ("minSessionTimeout=9\nmaxSessionTimeout=8", "zoo.cfg:3: minSessionTimeout is 9 ms"),
        (
            "maxSessionTimeout=8",
            "zoo.cfg:3: minSessionTimeout is 6000 ms and maxSessionTimeout 8 ms",
        ),
    ];
    for (lines, expected) in cases {
        let error = refused(lines);
        assert!(error.contains(expected), "{lines:?} gave {error:?}");
    }
}

#[test]
fn a_missing_key_is_shown_by_example() {
    let error = parse("conf/zoo.cfg", "clientPort=2181").unwrap_err().to_string();
    let expected = "conf/zoo.cfg: dataDir is missing: \
                    expected a line such as `dataDir=/var/lib/zookeeper`";
    assert_eq!(error, expected);
    assert!(parse("zoo.cfg", "dataDir=/data").is_err());
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let text = "dataDir=/d\r\ntickTime=x  \r\n# fine\r\nclientPort=0 \r\n";
    let errors = parse_all("zoo.cfg", text, &mut |_| Ok(String::new())).unwrap_err();
    let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("zoo.cfg:2: tickTime is `x`: "), "{lines:?}");
    assert!(lines[1].starts_with("zoo.cfg:4: clientPort is `0`: "), "{lines:?}");
}

#[test]
fn a_relative_directory_is_worth_a_warning() {
    let messages = warned("dataLogDir=../logs");
    assert!(messages[0].contains("`dataLogDir` `../logs` is relative"), "{messages:?}");
}

#[test]
fn lines_without_effect_are_warnings() {
    assert_eq!(
        warned("commitLogCount=1"),
        ["zoo.cfg:3: `commitLogCount` has no effect on this server"]
    );
    for (line, instead) in [
        ("request_throttle_max_requests=100", "`globalOutstandingLimit`"),
        ("connection_throttle_weight_enabled=true", "counts as one"),
        ("throttled_op_wait_time=5", "age drops no request"),
        ("clientPortListenBacklog=50", "the system says"),
    ] {
        let warnings = warned(line);
        assert!(warnings[0].contains(instead), "{warnings:?}");
    }
    assert_eq!(warned("netty.advancedFlowControl.enabled=true").len(), 1);
    assert_eq!(
        warned("tickTme=1"),
        ["zoo.cfg:3: unknown key `tickTme`, did you mean `tickTime`? It has no effect"]
    );
    assert_eq!(
        warned("zookeeper.snapCount=100"),
        [
            "zoo.cfg:3: unknown key `zookeeper.snapCount`, did you mean `snapCount`? It has no effect"
        ]
    );
    assert_eq!(warned("colour=red"), ["zoo.cfg:3: unknown key `colour` has no effect"]);
    assert_eq!(
        warned("clientPort=2182"),
        ["zoo.cfg:3: `clientPort` replaces line 2, which has no effect"]
    );
    assert_eq!(
        warned("4lw.commands.whitelist=stat,stats"),
        ["zoo.cfg:3: `stats` is no four-letter word"]
    );
}

#[test]
fn secrets_and_control_characters_do_not_reach_messages() {
    let error = refused("DigestAuthenticationProvider.superDigest=supr:planted-secret");
    assert!(!error.contains("planted"), "{error}");
    let config = parsed("DigestAuthenticationProvider.superDigest=super:planted-secret").config;
    assert!(!format!("{config:?}").contains("planted"));
    let warning = &warned("a\\u001b[31m=1")[0];
    assert!(warning.contains("\\u{1b}"), "{warning}");
}

#[test]
fn a_file_of_something_else_is_not_warned_of_line_by_line() {
    let lines: String = (0..1000).map(|i| format!("key{i}=1\n")).collect();
    let warnings = warned(&lines);
    assert_eq!(warnings.len(), 100);
    assert!(warnings[99].ends_with("(further warnings are left out)"), "{}", warnings[99]);
    let words = vec!["nope"; 1000].join(",");
    assert!(warned(&format!("4lw.commands.whitelist={words}")).len() <= 100);
    assert_eq!(warned(&"a".repeat(1 << 20)).len(), 1, "and not compared with every key");
}
