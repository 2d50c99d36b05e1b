use zk_proto::four_letter::Word;

use super::*;
use crate::config::{ClientAuth, Store, StoreFormat, StorePassword, TlsProtocol};
use crate::storage::format::Packing;

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
         initLimit=5\nsyncLimit=2\ndataLogDir=/log\npreAllocSize=64\nsnapCount=9\n\
         txnLogSizeLimitInKb=3\nforceSync=no\nmaxBatchSize=5\nfsync.warningthresholdms=20\n\
         autopurge.snapRetainCount=7\nautopurge.purgeInterval=1\nflushDelay=30\n\
         maxWriteQueuePollTime=4\nsnapSizeLimitInKb=6\nsnapshot.compression.method=gz\n",
    );
    assert!(parsed.warnings.is_empty(), "{:?}", parsed.warnings);
    let config = parsed.config;
    assert_eq!(config.data_dir, PathBuf::from("/data"));
    assert_eq!(config.client_port, Some(2181));
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
    assert_eq!(config.data_log_dir, Some(PathBuf::from("/log")));
    let storage = config.storage;
    assert_eq!((storage.log.preallocation, storage.log.file_len_max), (64 << 10, 3 << 10));
    assert!(!storage.log.force_sync);
    assert_eq!((storage.flush.batch_len_max, storage.packing), (5, Packing::Gzip));
    assert_eq!(storage.flush.delay, Duration::from_millis(30));
    assert_eq!(storage.flush.poll_time, Some(Duration::from_millis(4)));
    assert_eq!((storage.snapshots.txns, storage.snapshots.log_len), (9, 6 << 10));
    assert_eq!(storage.fsync_warning_threshold, Duration::from_millis(20));
    assert_eq!(storage.snap_retain_count, Some(7));
}

/// As in Apache, where each of them is compared with 0.
#[test]
fn sizes_and_waits_of_storage_of_0_or_less_are_none() {
    for value in ["0", "-1"] {
        let keys = ["preAllocSize", "txnLogSizeLimitInKb", "snapSizeLimitInKb", "maxBatchSize"];
        let keys = keys.into_iter().chain(["flushDelay", "maxWriteQueuePollTime"]);
        let lines: Vec<_> = keys.map(|key| format!("{key}={value}")).collect();
        let storage = parsed(&lines.join("\n")).config.storage;
        assert_eq!((storage.log.preallocation, storage.log.file_len_max), (0, 0));
        assert_eq!((storage.snapshots.log_len, storage.flush.batch_len_max), (0, usize::MAX));
        assert_eq!(storage.flush.delay, Duration::ZERO);
        assert_eq!(storage.flush.poll_time, Some(Duration::ZERO));
    }
}

#[test]
fn snapshots_that_are_asked_for_by_snappy_are_plain_and_the_operator_is_told() {
    let packing = |lines: &str| parsed(lines).config.storage.packing;
    assert_eq!(packing("snapshot.compression.method="), Packing::Plain);
    assert_eq!(packing("snapshot.compression.method=snappy"), Packing::Plain);
    let warnings = warned("snapshot.compression.method=snappy");
    assert!(warnings[0].contains("not written by snappy"), "{warnings:?}");
}

#[test]
fn keys_of_limits_reach_the_config() {
    assert!(!parsed("").config.enforce_quota);
    assert!(parsed("enforceQuota=true").config.enforce_quota);
    assert!(parsed("").config.digest_enabled);
    assert!(!parsed("digest.enabled=false").config.digest_enabled);
    let limits = parsed(
        "jute.maxbuffer=2000000\nconnection_throttle_tokens=5\nconnection_throttle_fill_time=6\n\
         connection_throttle_fill_count=7\nlargeRequestThreshold=8\nlargeRequestMaxBytes=9\n",
    );
    assert!(limits.warnings.is_empty());
    let limits = limits.config.limits;
    assert_eq!(limits.frame_len, 2_000_000);
    let throttle = limits.connection_throttle;
    assert_eq!((throttle.tokens, throttle.fill_count), (5, 7));
    assert_eq!(throttle.fill_time, Duration::from_millis(6));
    assert_eq!((limits.large_request_threshold, limits.large_request_max_bytes), (Some(8), 9));
    assert_eq!(parsed("largeRequestThreshold=-1").config.limits.large_request_threshold, None);
    for unusable in ["jute.maxbuffer=4194304", "jute.maxbuffer=0", "largeRequestMaxBytes=0"] {
        assert!(refused(unusable).contains("bytes"), "{unusable}");
    }
}

/// As on Apache's standalone server, where each session is in the log whatever they say.
#[test]
fn local_sessions_have_no_effect_and_are_warned_of() {
    for key in ["localSessionsEnabled", "localSessionsUpgradingEnabled"] {
        let warnings = warned(&format!("{key}=true"));
        assert!(warnings.len() == 1 && warnings[0].contains("no effect"), "{warnings:?}");
    }
}

#[test]
fn old_files_are_removed_unless_the_interval_says_never() {
    let retained = |lines: &str| parsed(lines).config.storage.snap_retain_count;
    assert_eq!(retained(""), Some(3));
    assert_eq!(retained("autopurge.purgeInterval=24"), Some(3));
    assert_eq!(retained("autopurge.snapRetainCount=9\nautopurge.purgeInterval=0"), None);
    assert_eq!(retained("autopurge.snapRetainCount=1"), Some(3));
    let few = warned("autopurge.snapRetainCount=1");
    assert_eq!(few, ["zoo.cfg:3: at least 3 snapshots are kept"]);
}

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
fn an_ensemble_is_refused_with_a_way_out() {
    let two = "server.1=a:2888:3888\nserver.2=b:2888:3888:observer";
    for lines in [two, "server.1=a:2888:3888:observer"] {
        let error = refused(lines);
        assert!(error.contains("zoo.cfg:3: the ") && error.contains("not built yet"), "{error}");
    }
    assert!(refused("server.1=a:2888").contains("expected host:port:port"));
    assert!(refused("dynamicConfigFile=x").contains("`x`: it is not read here"));
}

#[test]
fn a_server_that_is_alone_runs_standalone() {
    let only = "dataDir=/d\nserver.7=localhost:2888:3888;127.0.0.1:2999\ngroup.1=7\n";
    let alone = parse("zoo.cfg", only).unwrap();
    assert_eq!(alone.config.client_port, Some(2999));
    assert_eq!(alone.config.client_port_address.as_deref(), Some("127.0.0.1"));
    assert_eq!(alone.warnings.len(), 2);
    assert!(alone.warnings[1].message.starts_with("`server.7` is the only server"));
    let anywhere = parse("zoo.cfg", "dataDir=/d\nserver.1=zk:2888:3888;2181").unwrap().config;
    assert_eq!((anywhere.client_port, anywhere.client_port_address), (Some(2181), None));
    let both = parsed("server.1=zk:2888:3888;2999\nstandaloneEnabled=false");
    assert_eq!(both.config.client_port, Some(2181), "the file's own");
    let messages: Vec<_> = both.warnings.iter().map(ToString::to_string).collect();
    assert!(messages[0].contains("`standaloneEnabled=false` has no effect"), "{messages:?}");
    assert!(messages[2].contains("2999 gives way to `clientPort`"), "{messages:?}");
    let error = parse("zoo.cfg", "dataDir=/d\nserver.1=zk:2888:3888\n").unwrap_err();
    assert!(error.to_string().contains("clientPort is missing"), "{error}");
}

#[test]
fn servers_can_be_named_in_a_file_of_their_own() {
    let text = "dataDir=/d\ndynamicConfigFile=/etc/zoo.cfg.dynamic.100000000\n";
    let read = |members: &'static str| {
        parse_all("zoo.cfg", text, &mut |path| {
            assert_eq!(path, "/etc/zoo.cfg.dynamic.100000000");
            Ok(members.to_owned())
        })
    };
    let one = "server.1=localhost:2888:3888:participant;0.0.0.0:2181\n";
    assert_eq!(read(one).unwrap().config.client_port, Some(2181));
    for (members, problem) in [
        ("", "names no server"),
        ("server.1=x", "is not a line"),
        ("server.1=a:1:2\nserver.2=b:1:2", "the 2 servers"),
    ] {
        let error = read(members).unwrap_err()[0].to_string();
        assert!(error.starts_with("zoo.cfg:2: ") && error.contains(problem), "{error}");
    }
    let both = format!("{text}server.1=a:1:2\n");
    let error = parse_all("zoo.cfg", &both, &mut |_| Ok(String::new())).unwrap_err();
    assert!(error[0].to_string().contains("zoo.cfg:3: `dynamicConfigFile` names"), "{error:?}");
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
    assert_eq!(warned("admin.forceHttps=true").len(), 1);
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

const STORES: &str = "ssl.keyStore.location=/k.pem\nssl.trustStore.location=/t.p12\n";

#[test]
fn a_secure_port_needs_its_stores() {
    let secure = "dataDir=/data\nsecureClientPort=2281\n";
    let config = parse("zoo.cfg", &format!("{secure}{STORES}")).unwrap().config;
    assert_eq!((config.client_port, config.secure_client_port), (None, Some(2281)));
    assert!(config.auth.x509_enabled);
    let tls = config.tls.unwrap();
    assert_eq!(tls.client_auth, ClientAuth::Need);
    assert!(matches!(tls.trust_store, Some(Store::File { format: StoreFormat::Pkcs12, .. })));
    for (lines, missing) in [
        ("", "ssl.keyStore.location is missing"),
        ("ssl.keyStore.location=/k.pem\n", "ssl.trustStore.location is missing"),
    ] {
        let error = parse("zoo.cfg", &format!("{secure}{lines}")).unwrap_err().to_string();
        assert!(error.contains(missing), "{error}");
    }
    let one_sided = format!("{secure}ssl.keyStore.location=/k.pem\nssl.clientAuth=none\n");
    assert!(parse("zoo.cfg", &one_sided).unwrap().config.tls.unwrap().trust_store.is_none());
}

#[test]
fn every_key_of_tls_reaches_the_config() {
    let parsed = parsed(&format!(
        "{STORES}client.portUnification=true\nclient.certReload=true\nssl.clientAuth=want\n\
         X509AuthenticationProvider.superUser=CN=root\nssl.ciphersuites=TLS_AES_128_GCM_SHA256\n\
         netty.server.outstandingHandshake.limit=7\nssl.keyStore.passwordPath=/secret\n\
         ssl.protocol=TLSv1.3\nsecureClientPortAddress=127.0.0.1\n"
    ));
    assert!(parsed.warnings.is_empty(), "{:?}", parsed.warnings);
    let config = parsed.config;
    assert!(config.port_unification && config.auth.x509_enabled);
    assert_eq!(config.auth.x509_super_user.as_deref(), Some("CN=root"));
    assert_eq!(config.limits.tls_handshakes, 7);
    let tls = config.tls.unwrap();
    assert!(tls.reload);
    assert_eq!(tls.client_auth, ClientAuth::Want);
    assert_eq!(tls.protocols, [TlsProtocol::V1_3]);
    assert_eq!(tls.cipher_suites, ["TLS_AES_128_GCM_SHA256"]);
    let Store::File { password, .. } = tls.key_store else { panic!("a file was named") };
    assert!(matches!(password, Some(StorePassword::File(_))));
}

#[test]
fn what_tls_cannot_do_is_not_passed_over() {
    let error = refused("ssl.crl=true");
    assert!(error.contains("zoo.cfg:3: `ssl.crl`") && error.contains("revocation"), "{error}");
    assert_eq!(
        warned(STORES),
        ["zoo.cfg:3: `ssl.keyStore.location` has no effect without `secureClientPort` or \
          `client.portUnification`"]
    );
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

#[test]
fn authentication_is_set_as_on_apaches_servers() {
    let text = "dataDir=/d\nclientPort=1\n\
        authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider\n\
        java.security.auth.login.config=/etc/zk/jaas.conf\nsasl.serverconfig=Mine\n\
        sessionRequireClientSASLAuth=true\nsuperUser=alice\nsuperUser.2=carol\n\
        letAnySaslUserDoX=anyone\nallowSaslFailedClients=true\n\
        SASLAuthenticationProvider.superPassword=hush\n\
        kerberos.removeHostFromPrincipal=true\nkerberos.removeRealmFromPrincipal=true\n";
    let parsed = parse("zoo.cfg", text).unwrap();
    assert_eq!(parsed.warnings, []);
    let auth = parsed.config.auth;
    assert!(!format!("{auth:?}").contains("hush"));
    assert_eq!(auth.required_schemes, ["sasl"]);
    let sasl = auth.sasl;
    assert_eq!(sasl.login_file.as_deref(), Some(std::path::Path::new("/etc/zk/jaas.conf")));
    assert_eq!(sasl.login_section, "Mine");
    assert_eq!(sasl.super_users, ["alice", "carol"]);
    assert_eq!(sasl.any_user.as_deref(), Some("anyone"));
    assert!(sasl.failed_clients_stay && sasl.scheme_enabled);
    assert!(sasl.principals.remove_host && sasl.principals.remove_realm);
}

#[test]
fn users_can_stand_in_the_file_itself() {
    let text = "dataDir=/d\nclientPort=1\nsasl.user.bob=hush\\\\\nsasl.user.a\\ b=c\n\
        enforce.auth.enabled=true\nenforce.auth.schemes=sasl, digest\n";
    let auth = parse("zoo.cfg", text).unwrap().config.auth;
    let Some(crate::auth::sasl::Login::DigestMd5(users)) = &auth.sasl.login else { panic!() };
    assert_eq!(users.password("bob"), Some("hush\\"));
    assert_eq!(users.password("a b"), Some("c"));
    assert_eq!(auth.required_schemes, ["sasl", "digest"]);
}

#[test]
fn authentication_that_nobody_could_pass_is_refused() {
    let cases = [
        ("sessionRequireClientSASLAuth=true", "nobody could"),
        ("enforce.auth.enabled=true\nenforce.auth.schemes=sasl", "nobody could"),
        ("enforce.auth.enabled=true", "no scheme is named"),
        ("enforce.auth.enabled=yes", "true or false"),
        ("sasl.user.=hush", "without a name"),
        ("sasl.user.hush=", "without a name"),
        ("sasl.user.bob=hush\njava.security.auth.login.config=/x", "besides"),
        ("superUser=", "the id of a user"),
    ];
    for (lines, problem) in cases {
        let text = format!("dataDir=/d\nclientPort=1\n{lines}\n");
        let error = parse("zoo.cfg", &text).unwrap_err().to_string();
        assert!(error.contains(problem) && !error.contains("hush"), "{lines}: {error}");
    }
    let harmless = "dataDir=/d\nclientPort=1\nenforce.auth.schemes=sasl\n";
    assert!(parse("zoo.cfg", harmless).unwrap().config.auth.required_schemes.is_empty());
}
