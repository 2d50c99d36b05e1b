use zk_proto::four_letter::Word;

use super::*;

const LEAST: &str = "dataDir=/data\nclientPort=2181\n";

fn parsed(lines: &str) -> ParsedConfig {
    parse("zoo.cfg", &format!("{LEAST}{lines}")).unwrap()
}

fn refused(lines: &str) -> String {
    parse("zoo.cfg", &format!("{LEAST}{lines}")).unwrap_err().to_string()
}

fn warned(lines: &str) -> Vec<String> {
    parsed(lines).warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn every_honoured_key_reaches_the_config() {
    let parsed = parsed(
        "clientPortAddress=127.0.0.1\ntickTime=2000\nminSessionTimeout=1000\n\
         maxSessionTimeout=90000\nmaxClientCnxns=7\nmaxCnxns=8\nglobalOutstandingLimit=9\n\
         4lw.commands.whitelist=stat, mntr\nextendedTypesEnabled=true\nskipACL=yes\n\
         DigestAuthenticationProvider.superDigest=super:abc=\nnio.sessionlessCnxnTimeout=50\n\
         initLimit=5\nsyncLimit=2\n",
    );
    assert!(parsed.warnings.is_empty(), "{:?}", parsed.warnings);
    let config = parsed.config;
    assert_eq!(config.data_dir, PathBuf::from("/data"));
    assert_eq!(config.client_port, 2181);
    assert_eq!(config.client_port_address.as_deref(), Some("127.0.0.1"));
    assert_eq!(config.tick_time, Duration::from_secs(2));
    assert_eq!(config.session_timeout_min, Some(Duration::from_secs(1)));
    assert_eq!(config.session_timeout_max, Some(Duration::from_secs(90)));
    assert_eq!((config.max_client_cnxns, config.max_cnxns), (7, 8));
    assert_eq!(config.global_outstanding_limit, 9);
    assert!(config.four_letter_whitelist.allows(Word::Mntr));
    assert!(config.extended_types_enabled && config.auth.skip_acl);
    assert_eq!(config.auth.super_digest.as_deref(), Some("super:abc="));
    assert_eq!(config.limits.sessionless_timeout, Duration::from_millis(50));
}

#[test]
fn a_bad_line_is_named_with_what_was_expected() {
    let cases = [
        ("tickTime=2s", "zoo.cfg:3: tickTime is `2s`: expected a time in milliseconds above 0"),
        ("tickTime=0", "zoo.cfg:3: tickTime is `0`"),
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
fn an_ensemble_is_refused_with_a_way_out() {
    for line in ["server.1=a:2888:3888", "dynamicConfigFile=x", "group.1=1:2", "weight.1=1"] {
        let error = refused(line);
        assert!(
            error.contains("zoo.cfg:3: ") && error.contains("replication is not built yet"),
            "{error}"
        );
    }
}

#[test]
fn lines_without_effect_are_warnings() {
    assert_eq!(
        warned("autopurge.purgeInterval=1"),
        ["zoo.cfg:3: `autopurge.purgeInterval` has no effect on this server"]
    );
    assert_eq!(warned("admin.serverPort=8080").len(), 1);
    assert_eq!(
        warned("tickTme=1"),
        ["zoo.cfg:3: unknown key `tickTme`, did you mean `tickTime`? It has no effect"]
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
