//! Keys and what they set.

use zk_proto::four_letter::Word;

use super::*;
use crate::config::ConnectionThrottle;
use crate::storage::format::Packing;

#[test]
fn every_honoured_key_reaches_the_config() {
    let parsed = parsed(
        "clientPortAddress=127.0.0.1\ntickTime=2000\nminSessionTimeout=1000\n\
         maxSessionTimeout=90000\nmaxClientCnxns=7\nmaxCnxns=8\nglobalOutstandingLimit=9\n\
         4lw.commands.whitelist=stat, mntr\nextendedTypesEnabled=true\nskipACL=yes\n\
         DigestAuthenticationProvider.superDigest=super:abc=\nnio.sessionlessCnxnTimeout=50\n\
         initLimit=5\nsyncLimit=2\ndataLogDir=/log\npreAllocSize=2\nsnapCount=9\n\
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
    assert_eq!((storage.log.preallocation, storage.log.file_len_max), (2 << 10, 3 << 10));
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
         connection_throttle_fill_count=7\nconnection_throttle_freeze_time=100\n\
         connection_throttle_drop_increase=0.5\nconnection_throttle_drop_decrease=0.25\n\
         connection_throttle_decrease_ratio=1\nlargeRequestThreshold=8\nlargeRequestMaxBytes=9\n",
    );
    assert!(limits.warnings.is_empty());
    let limits = limits.config.limits;
    assert_eq!(limits.frame_len, 2_000_000);
    let throttle = limits.connection_throttle;
    assert_eq!((throttle.tokens, throttle.fill_count), (5, 7));
    assert_eq!(throttle.fill_time, Duration::from_millis(6));
    assert_eq!(throttle.freeze_time, Some(Duration::from_millis(100)));
    let shares = (throttle.drop_increase, throttle.drop_decrease, throttle.decrease_ratio);
    assert_eq!(shares, (500_000, 250_000, 1_000_000));
    let off = parsed("connection_throttle_freeze_time=-1\n").config.limits.connection_throttle;
    assert_eq!(off, ConnectionThrottle::default());
    assert_eq!((limits.large_request_threshold, limits.large_request_max_bytes), (Some(8), 9));
    assert_eq!(parsed("largeRequestThreshold=-1").config.limits.large_request_threshold, None);
    for unusable in [
        "jute.maxbuffer=1073741825",
        "jute.maxbuffer.extrasize=-1",
        "jute.maxbuffer=0",
        "largeRequestMaxBytes=0",
    ] {
        assert!(refused(unusable).contains("bytes"), "{unusable}");
    }
    for unusable in ["drop_increase=1.1", "decrease_ratio=NaN", "drop_decrease=-0.1"] {
        let told = refused(&format!("connection_throttle_{unusable}"));
        assert!(told.contains("a share from 0 to 1"), "{unusable}: {told}");
    }
}

/// As in Apache, and as Solr's documentation writes it.
#[test]
fn the_longest_request_can_be_said_in_hexadecimal_digits() {
    for value in ["0xa00000", "0XA00000", "#a00000", "10485760"] {
        let limits = parsed(&format!("jute.maxbuffer={value}")).config.limits;
        assert_eq!(limits.frame_len, 10 << 20, "{value}");
    }
    let extra = parsed("jute.maxbuffer.extrasize=0x1000").config.limits.record_extra_len;
    assert_eq!(extra, Some(4096));
    for value in ["0x", "#", "0x+10", "0xfffffffffffffffff", "a00000"] {
        assert!(refused(&format!("jute.maxbuffer={value}")).contains("bytes"), "{value}");
    }
}

#[test]
fn sweeps_are_as_often_and_as_large_as_the_file_says() {
    let config = parsed("").config;
    assert_eq!(config.container_check_interval, Duration::from_secs(60));
    assert_eq!((config.container_max_per_minute, config.container_never_used_max), (10_000, None));
    let parsed = parsed(
        "znode.container.checkIntervalMs=250\nznode.container.maxPerMinute=7\n\
         znode.container.maxNeverUsedIntervalMs=9000\n",
    );
    assert!(parsed.warnings.is_empty(), "{:?}", parsed.warnings);
    assert_eq!(parsed.config.container_check_interval, Duration::from_millis(250));
    assert_eq!(parsed.config.container_max_per_minute, 7);
    assert_eq!(parsed.config.container_never_used_max, Some(Duration::from_secs(9)));
    let kept = |value: &str| {
        let text = format!("{LEAST}znode.container.maxNeverUsedIntervalMs={value}");
        parse("zoo.cfg", &text).unwrap().config.container_never_used_max
    };
    assert_eq!((kept("0"), kept("-1")), (None, None));
    assert!(refused("znode.container.checkIntervalMs=0").contains("a time in milliseconds above"));
    assert!(refused("znode.container.maxPerMinute=0").contains("a number of nodes above 0"));
}

#[test]
fn the_ways_to_take_up_connections_are_not_warned_of() {
    for class in ["NIOServerCnxnFactory", "NettyServerCnxnFactory"] {
        let line = format!("serverCnxnFactory=org.apache.zookeeper.server.{class}");
        assert!(warned(&line).is_empty(), "{class}");
    }
    assert_eq!(
        warned("serverCnxnFactory=org.example.Mine"),
        ["zoo.cfg:3: `serverCnxnFactory` has no effect on this server"]
    );
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
fn what_is_written_can_be_read_again_whatever_the_extra_size() {
    let longest = |lines: &str| parsed(lines).config.limits.record_len();
    let (apache, frame) = (0xf_ffff, 8 << 20);
    // What a request may grow by at most: a quarter, ACLs, and the rest.
    let written = |frame: usize| frame + frame / 4 + 0xf_ffff + (64 << 10);
    assert_eq!(longest(""), written(apache));
    assert_eq!(longest("jute.maxbuffer=8388608\n"), 2 * frame);
    assert_eq!(
        longest("jute.maxbuffer=8388608\njute.maxbuffer.extrasize=4194304\n"),
        frame + (4 << 20)
    );
    let least = longest("jute.maxbuffer=8388608\njute.maxbuffer.extrasize=0\n");
    assert_eq!(least, written(frame));
    assert_eq!(longest("jute.maxbuffer=4096\njute.maxbuffer.extrasize=0\n"), 2 * apache);
}
