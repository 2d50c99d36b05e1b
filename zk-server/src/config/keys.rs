//! The keys of `zoo.cfg` that mean something to an Apache server.

/// Keys this server acts on.
pub(super) const HONOURED: &[&str] = &[
    "dataDir",
    "dataLogDir",
    "autopurge.snapRetainCount",
    "autopurge.purgeInterval",
    "datadir.autocreate",
    "snapCount",
    "txnLogSizeLimitInKb",
    "preAllocSize",
    "forceSync",
    "fsync.warningthresholdms",
    "maxBatchSize",
    "flushDelay",
    "maxWriteQueuePollTime",
    "snapSizeLimitInKb",
    "snapshot.compression.method",
    "snapshot.trust.empty",
    "clientPort",
    "clientPortAddress",
    "secureClientPort",
    "secureClientPortAddress",
    "client.portUnification",
    "client.certReload",
    "ssl.keyStore.location",
    "ssl.keyStore.type",
    "ssl.keyStore.password",
    "ssl.keyStore.passwordPath",
    "ssl.trustStore.location",
    "ssl.trustStore.type",
    "ssl.trustStore.password",
    "ssl.trustStore.passwordPath",
    "ssl.clientAuth",
    "ssl.protocol",
    "ssl.enabledProtocols",
    "ssl.ciphersuites",
    "ssl.authProvider",
    "ssl.context.supplier.class",
    "ssl.crl",
    "ssl.ocsp",
    "ssl.clientHostnameVerification",
    "X509AuthenticationProvider.superUser",
    "netty.server.outstandingHandshake.limit",
    "tickTime",
    "minSessionTimeout",
    "maxSessionTimeout",
    "maxClientCnxns",
    "maxCnxns",
    "globalOutstandingLimit",
    "4lw.commands.whitelist",
    "admin.enableServer",
    "admin.serverAddress",
    "admin.serverPort",
    "admin.idleTimeout",
    "admin.commandURL",
    "admin.snapshot.enabled",
    "admin.restore.enabled",
    "admin.rateLimiterIntervalInMS",
    "admin.forceHttps",
    "admin.needClientAuth",
    "admin.portUnification",
    "audit.enable",
    "metricsProvider.className",
    "metricsProvider.httpHost",
    "metricsProvider.httpPort",
    "metricsProvider.exportJvmInfo",
    "extendedTypesEnabled",
    "enforceQuota",
    "digest.enabled",
    "jute.maxbuffer",
    "jute.maxbuffer.extrasize",
    "connection_throttle_tokens",
    "connection_throttle_fill_time",
    "connection_throttle_fill_count",
    "connection_throttle_freeze_time",
    "connection_throttle_drop_increase",
    "connection_throttle_drop_decrease",
    "connection_throttle_decrease_ratio",
    "largeRequestThreshold",
    "largeRequestMaxBytes",
    "reconfigEnabled",
    "skipACL",
    "DigestAuthenticationProvider.superDigest",
    "DigestAuthenticationProvider.enabled",
    "DigestAuthenticationProvider.digestAlg",
    "fips-mode",
    "security.auth_to_local",
    "nio.sessionlessCnxnTimeout",
    "java.security.auth.login.config",
    "sasl.serverconfig",
    "SASLAuthenticationProvider.superPassword",
    "superUser",
    "letAnySaslUserDoX",
    "allowSaslFailedClients",
    "sessionRequireClientSASLAuth",
    "enforce.auth.enabled",
    "enforce.auth.schemes",
    "kerberos.removeHostFromPrincipal",
    "kerberos.removeRealmFromPrincipal",
    "znode.container.checkIntervalMs",
    "znode.container.maxPerMinute",
    "znode.container.maxNeverUsedIntervalMs",
    "ensembleAuthName",
    "serverCnxnFactory",
    // Without them Apache starts as if an ensemble was meant to come; standalone has no use for them.
    "initLimit",
    "syncLimit",
];

/// Keys of Apache that have no effect here (yet).
pub(super) const WITHOUT_EFFECT: &[&str] = &[
    "clientPortListenBacklog",
    "connectToLearnerMasterLimit",
    "forceSnapshotSync",
    "forward_learner_requests_to_commit_processor_disabled",
    "leaderConnectDelayDuringRetryMs",
    "observerMaster.sizeLimit",
    "serializeLastProcessedZxid.enabled",
    "readonlymode.enabled",
    "IPAuthenticationProvider.usexforwardedfor",
    "electionAlg",
    "peerType",
    "observerMasterPort",
    "quorumListenOnAllIPs",
    "localSessionsEnabled",
    "localSessionsUpgradingEnabled",
    "syncEnabled",
    "sslQuorum",
    "portUnification",
    "sslQuorumReloadCertFiles",
    "jvm.pause.monitor",
    "jvm.pause.sleep.time.ms",
    "jvm.pause.info-threshold.ms",
    "jvm.pause.warn-threshold.ms",
    "multiAddress.enabled",
    "multiAddress.reachabilityCheckEnabled",
    "multiAddress.reachabilityCheckTimeoutMs",
    "oraclePath",
    "version",
    "commitLogCount",
    "snapshotSizeFactor",
    "closeSessionTxn.enabled",
    "enableEagerACLCheck",
    "emulate353TTLNodes",
    "clientTcpKeepAlive",
    "tcpKeepAlive",
    "maxResponseCacheSize",
    "maxGetChildrenResponseCacheSize",
    "watchManagerName",
    "watcherCleanThreadsNum",
    "watcherCleanThreshold",
    "watcherCleanIntervalInSeconds",
    "maxInProcessingDeadWatchers",
    "bitHashCacheSize",
    // The first two have no effect on Apache's servers either, however often they are recommended.
    "requireClientAuthScheme",
    "jaasLoginRenew",
    "requireKerberosConfig",
    "leaderServes",
    "cnxTimeout",
    "quorumCnxnTimeoutMs",
    "electionPortBindRetry",
    "intBufferStartingSizeBytes",
    "throttled_op_wait_time",
];

/// Families of keys of Apache that have no effect here (yet).
pub(super) const PREFIXES_WITHOUT_EFFECT: &[&str] = &[
    "admin.",
    "audit.",
    "client.",
    "commitProcessor.",
    "connection_throttle_",
    "datadir.",
    "db.",
    "fastleader.",
    "follower.",
    "leader.",
    "learner.",
    "messageTracker.",
    "metricsProvider.",
    "netty.",
    "nio.",
    "observer.",
    "pathStats.",
    "quorum.",
    "request_",
    "snapshot.",
    "ssl.",
    "znode.container.",
];

/// What holds instead, where the name of a key does not tell: for keys that begin so.
const INSTEAD: &[(&str, &str)] = &[
    ("request_", THROTTLED_OTHERWISE),
    ("throttled_op_wait_time", THROTTLED_OTHERWISE),
    ("connection_throttle_", "each session counts as one of `connection_throttle_tokens`"),
    ("clientPortListenBacklog", "the system says how many connections may wait"),
    ("maxResponseCacheSize", NO_CACHE),
    ("maxGetChildrenResponseCacheSize", NO_CACHE),
    ("readonlymode.enabled", "a server on its own always takes writes"),
    ("localSessions", "each session is a global one, as on any standalone server"),
    ("closeSessionTxn.enabled", "the log always says what the end of a session removes"),
    ("emulate353TTLNodes", "TTL nodes are those of 3.5.4 and later"),
    ("IPAuthenticationProvider.usexforwardedfor", "a client has the address it connects from"),
    ("jvm.pause.", "there is no Java machine"),
    ("enableEagerACLCheck", "an ACL is checked where the change is decided"),
];
const THROTTLED_OTHERWISE: &str =
    "`globalOutstandingLimit` bounds what is in progress, and age drops no request";
const NO_CACHE: &str = "answers are not cached";

/// What holds instead of a key that has no effect; `None` if there is nothing to say.
pub(super) fn instead(key: &str) -> Option<&'static str> {
    INSTEAD.iter().find(|(prefix, _)| key.starts_with(prefix)).map(|(_, instead)| *instead)
}

/// Families of keys this server acts on.
pub(super) const PREFIXES_HONOURED: &[&str] = &["authProvider.", "sasl.user.", "superUser."];

/// Keys that describe an ensemble.
pub(super) const ENSEMBLE: &[&str] = &["dynamicConfigFile", "standaloneEnabled"];
pub(super) const ENSEMBLE_PREFIXES: &[&str] = &["server.", "group.", "weight."];

/// Edits that a misspelt key may be away from the one that was meant.
const DISTANCE_MAX: usize = 3;

/// What sort of key this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    Honoured,
    WithoutEffect,
    Ensemble,
    Unknown,
}

pub(super) fn kind(key: &str) -> KeyKind {
    if HONOURED.contains(&key) || starts_with_any(key, PREFIXES_HONOURED) {
        KeyKind::Honoured
    } else if ENSEMBLE.contains(&key) || starts_with_any(key, ENSEMBLE_PREFIXES) {
        KeyKind::Ensemble
    } else if WITHOUT_EFFECT.contains(&key) || starts_with_any(key, PREFIXES_WITHOUT_EFFECT) {
        KeyKind::WithoutEffect
    } else {
        KeyKind::Unknown
    }
}

/// The key that was probably meant.
pub(super) fn suggestion(unknown: &str) -> Option<&'static str> {
    let all = || HONOURED.iter().chain(WITHOUT_EFFECT).chain(ENSEMBLE);
    let longest = all().map(|key| key.len()).max()?;
    if unknown.len() > longest + DISTANCE_MAX {
        return None;
    }
    let unknown = unknown.to_lowercase();
    let (distance, key) = all()
        .map(|key| (edit_distance(&unknown, &key.to_lowercase()), *key))
        .min_by_key(|(distance, _)| *distance)?;
    (distance <= DISTANCE_MAX && distance < key.len() / 2).then_some(key)
}

fn starts_with_any(key: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| key.starts_with(prefix))
}

/// Levenshtein's distance in bytes, one row at a time.
fn edit_distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, b) in other.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_finds_its_neighbour() {
        assert_eq!(suggestion("dataDirectory"), None);
        assert_eq!(suggestion("datadir"), Some("dataDir"));
        assert_eq!(suggestion("clientport"), Some("clientPort"));
        assert_eq!(suggestion("maxClientConnxns"), Some("maxClientCnxns"));
        assert_eq!(suggestion("colour"), None);
    }

    /// Section by section as Apache's manual has them.
    #[test]
    fn every_key_of_apaches_servers_is_known() {
        let keys = "dataDir dataLogDir tickTime clientPort clientPortAddress secureClientPort \
            secureClientPortAddress clientPortListenBacklog maxClientCnxns minSessionTimeout \
            maxSessionTimeout initLimit syncLimit connectToLearnerMasterLimit electionAlg peerType \
            observerMasterPort quorumListenOnAllIPs localSessionsEnabled \
            localSessionsUpgradingEnabled syncEnabled standaloneEnabled reconfigEnabled \
            dynamicConfigFile autopurge.snapRetainCount autopurge.purgeInterval sslQuorum \
            portUnification sslQuorumReloadCertFiles quorum.auth.enableSasl \
            quorum.cnxn.threads.size jvm.pause.monitor jvm.pause.sleep.time.ms \
            metricsProvider.className metricsProvider.httpPort multiAddress.enabled \
            multiAddress.reachabilityCheckTimeoutMs oraclePath server.1 group.1 weight.1 version \
            globalOutstandingLimit snapCount snapSizeLimitInKb txnLogSizeLimitInKb preAllocSize \
            forceSync fsync.warningthresholdms commitLogCount snapshotSizeFactor \
            snapshot.compression.method snapshot.trust.empty serializeLastProcessedZxid.enabled \
            digest.enabled closeSessionTxn.enabled datadir.autocreate db.autocreate flushDelay \
            maxWriteQueuePollTime maxBatchSize enforceQuota skipACL enableEagerACLCheck \
            extendedTypesEnabled emulate353TTLNodes maxCnxns clientTcpKeepAlive tcpKeepAlive \
            serverCnxnFactory 4lw.commands.whitelist admin.enableServer admin.serverPort \
            connection_throttle_tokens request_throttle_max_requests request_stale_latency_check \
            throttled_op_wait_time largeRequestThreshold largeRequestMaxBytes \
            request_throttler.shutdownTimeout maxResponseCacheSize maxGetChildrenResponseCacheSize \
            watchManagerName watcherCleanThreadsNum bitHashCacheSize authProvider.1 \
            ssl.keyStore.location ssl.quorum.keyStore.location ssl.handshakeDetectionTimeoutMillis \
            DigestAuthenticationProvider.superDigest X509AuthenticationProvider.superUser superUser \
            enforce.auth.enabled enforce.auth.schemes sessionRequireClientSASLAuth \
            allowSaslFailedClients letAnySaslUserDoX ensembleAuthName \
            kerberos.removeHostFromPrincipal IPAuthenticationProvider.usexforwardedfor \
            client.portUnification client.certReload netty.advancedFlowControl.enabled fips-mode \
            leaderServes cnxTimeout quorumCnxnTimeoutMs electionPortBindRetry \
            fastleader.minNotificationInterval leader.maxConcurrentSnapSyncs \
            learner.closeSocketAsync observer.reconnectDelayMs commitProcessor.numWorkerThreads \
            nio.numSelectorThreads nio.sessionlessCnxnTimeout audit.enable pathStats.enabled \
            sasl.serverconfig SASLAuthenticationProvider.superPassword security.auth_to_local \
            requireKerberosConfig forceSnapshotSync leaderConnectDelayDuringRetryMs \
            observerMaster.sizeLimit forward_learner_requests_to_commit_processor_disabled \
            follower.skipLearnerRequestToNextProcessor intBufferStartingSizeBytes \
            messageTracker.Enabled readonlymode.enabled znode.container.checkIntervalMs \
            znode.container.maxPerMinute znode.container.maxNeverUsedIntervalMs \
            admin.forceHttps admin.needClientAuth admin.portUnification";
        for key in keys.split_whitespace() {
            assert_ne!(kind(key), KeyKind::Unknown, "{key}");
        }
    }

    #[test]
    fn keys_are_sorted_by_what_happens_to_them() {
        assert_eq!(kind("tickTime"), KeyKind::Honoured);
        assert_eq!(kind("server.1"), KeyKind::Ensemble);
        assert_eq!(kind("admin.forceHttps"), KeyKind::Honoured, "refused");
        assert_eq!(kind("netty.advancedFlowControl.enabled"), KeyKind::WithoutEffect);
        assert_eq!(kind("datadir.autocreate"), KeyKind::Honoured);
        assert_eq!(kind("nio.sessionlessCnxnTimeout"), KeyKind::Honoured);
        assert_eq!(kind("tikTime"), KeyKind::Unknown);
    }
}
