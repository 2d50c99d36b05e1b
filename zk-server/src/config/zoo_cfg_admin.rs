//! The keys that say what operators are offered.

use std::time::Duration;

use super::properties::Property;
use super::zoo_cfg::ConfigReader;
use super::{AdminConfig, ConfigError, MetricsConfig};

/// Apache's name for the provider that this server has.
const PROMETHEUS: &str = "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider";

/// Apache's providers that only fill `mntr`, which is filled anyway.
const OTHERS: [&str; 2] = [
    "org.apache.zookeeper.metrics.impl.DefaultMetricsProvider",
    "org.apache.zookeeper.metrics.impl.NullMetricsProvider",
];

/// What an operator has asked for that the AdminServer does not do. Whoever asks for it must not be
/// offered less.
const NOT_OFFERED: [(&str, &str); 3] = [
    ("admin.forceHttps", "the AdminServer speaks HTTP without TLS only"),
    ("admin.needClientAuth", "the AdminServer asks nobody for a certificate"),
    ("admin.portUnification", "the AdminServer speaks HTTP without TLS only"),
];

/// The keys for operators as far as they are read. Whether there is a port at all may be said
/// behind what is said about it.
#[derive(Debug, Default)]
pub(super) struct OperatorsKeys {
    admin_enabled: bool,
    admin: AdminConfig,
    prometheus: bool,
    metrics: MetricsConfig,
}

impl ConfigReader<'_> {
    /// Takes a key that is about operators; false if it is about something else.
    pub(super) fn set_operators(&mut self, property: &Property) -> Result<bool, ConfigError> {
        match property.key.as_str() {
            "admin.enableServer" => self.operators.admin_enabled = self.boolean(property)?,
            "admin.serverAddress" => {
                let address = self.not_empty(property, "an address or host name")?;
                self.operators.admin.address = address.to_owned();
            }
            "admin.serverPort" => self.operators.admin.port = self.port(property)?,
            "admin.idleTimeout" => {
                let ms: u32 = self.number(property, "a time in milliseconds above 0", 1)?;
                self.operators.admin.idle_timeout = Duration::from_millis(ms.into());
            }
            "admin.commandURL" => {
                let url = self.not_empty(property, "a path such as /commands")?;
                if !url.starts_with('/') {
                    return Err(self.bad_value(property, "a path that begins with a slash"));
                }
                self.operators.admin.command_url = url.to_owned();
            }
            "admin.snapshot.enabled" => {
                self.operators.admin.snapshot_enabled = self.boolean(property)?;
            }
            "admin.restore.enabled" => {
                self.operators.admin.restore_enabled = self.boolean(property)?;
            }
            "admin.rateLimiterIntervalInMS" => {
                let ms: u32 = self.number(property, "a time in milliseconds", 0)?;
                self.operators.admin.rate_limit_interval = Duration::from_millis(ms.into());
            }
            "metricsProvider.className" => match property.value.as_str() {
                PROMETHEUS => self.operators.prometheus = true,
                class if OTHERS.contains(&class) => self.operators.prometheus = false,
                _ => return Err(self.bad_value(property, PROMETHEUS)),
            },
            "metricsProvider.httpHost" => {
                let host = self.not_empty(property, "an address or host name")?;
                self.operators.metrics.host = host.to_owned();
            }
            "metricsProvider.httpPort" => self.operators.metrics.port = self.port(property)?,
            "metricsProvider.exportJvmInfo" => {
                if self.boolean(property)? && self.operators.prometheus {
                    let message = "there is no Java machine, so none of its figures".to_owned();
                    self.warn(property.line, message);
                }
            }
            "audit.enable" => self.config.operators.audit = self.boolean(property)?,
            _ => return self.set_not_offered(property),
        }
        Ok(true)
    }

    fn set_not_offered(&self, property: &Property) -> Result<bool, ConfigError> {
        match NOT_OFFERED.iter().find(|(key, _)| *key == property.key) {
            None => Ok(false),
            Some((_, why)) if self.boolean(property)? => Err(self.refused(property, why)),
            Some(_) => Ok(true),
        }
    }

    pub(super) fn finish_operators(&mut self, text: &str) {
        let keys = std::mem::take(&mut self.operators);
        let operators = &mut self.config.operators;
        operators.admin = keys.admin_enabled.then_some(keys.admin);
        operators.metrics = keys.prometheus.then_some(keys.metrics);
        operators.initial_configuration = text.lines().map(redacted).collect();
    }
}

/// A line that may be shown to whoever reaches a port: without the values of secrets.
fn redacted(line: &str) -> String {
    const SECRETS: [&str; 3] = ["password", "digest", "sasl.user"];
    let key_end = line.find(['=', ':']).unwrap_or(line.len());
    let key = line[..key_end].to_ascii_lowercase();
    if SECRETS.iter().any(|secret| key.contains(secret)) && key_end < line.len() {
        return format!("{}=…\n", &line[..key_end]);
    }
    format!("{line}\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::config::{AdminConfig, MetricsConfig, parse};

    fn operators(lines: &str) -> crate::config::OperatorsConfig {
        let text = format!("dataDir=/tmp/zk\nclientPort=2181\n{lines}");
        parse("zoo.cfg", &text).unwrap().config.operators
    }

    #[test]
    fn there_is_no_port_unless_one_is_asked_for() {
        let nothing = operators("admin.serverPort=9090\nmetricsProvider.httpPort=7001\n");
        assert_eq!((nothing.admin, nothing.metrics, nothing.audit), (None, None, false));
    }

    #[test]
    fn ports_have_apaches_keys() {
        let both = operators(
            "admin.serverPort=9090\nadmin.enableServer=true\nadmin.commandURL=/zk\n\
             admin.idleTimeout=1000\nadmin.restore.enabled=false\naudit.enable=true\n\
             admin.snapshot.enabled=false\nadmin.rateLimiterIntervalInMS=500\n\
             metricsProvider.httpHost=::1\n\
             metricsProvider.className=\
             org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider\n",
        );
        let admin = AdminConfig {
            port: 9090,
            command_url: "/zk".to_owned(),
            idle_timeout: Duration::from_secs(1),
            snapshot_enabled: false,
            restore_enabled: false,
            rate_limit_interval: Duration::from_millis(500),
            ..AdminConfig::default()
        };
        assert_eq!((both.admin, both.audit), (Some(admin), true));
        assert_eq!(both.metrics, Some(MetricsConfig { host: "::1".to_owned(), port: 7000 }));
        assert_eq!(AdminConfig::default().address, "127.0.0.1");
    }

    #[test]
    fn what_an_operator_is_shown_has_no_secret() {
        let shown = operators(
            "ssl.keyStore.password=hush\n\
             DigestAuthenticationProvider.superDigest=super:aHVzaA==\ntickTime=2000\n",
        )
        .initial_configuration;
        assert!(!shown.contains("hush") && !shown.contains("aHVzaA"), "{shown}");
        assert!(shown.contains("ssl.keyStore.password=…\n") && shown.contains("tickTime=2000\n"));
    }
}
