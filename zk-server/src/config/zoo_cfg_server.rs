//! The keys that are about the server as a whole.

use std::time::Duration;

use super::ConfigError;
use super::properties::Property;
use super::zoo_cfg::ConfigReader;

/// How Apache's servers take up connections. There is one way here, and it speaks TLS, too.
const CONNECTION_FACTORIES: [&str; 2] = [
    "org.apache.zookeeper.server.NIOServerCnxnFactory",
    "org.apache.zookeeper.server.NettyServerCnxnFactory",
];

impl ConfigReader<'_> {
    /// Takes a key that is about the server as a whole; false if it is about something else.
    pub(super) fn set_server(&mut self, property: &Property) -> Result<bool, ConfigError> {
        match property.key.as_str() {
            // As with `jute.maxbuffer`, Apache takes these three from properties of the JVM only.
            "znode.container.checkIntervalMs" => {
                self.config.container_check_interval = self.millis(property, 1)?;
            }
            "znode.container.maxPerMinute" => {
                self.config.container_max_per_minute =
                    self.number(property, "a number of nodes above 0", 1)?;
            }
            // 0 and less turn it off, as in Apache.
            "znode.container.maxNeverUsedIntervalMs" => {
                let expected = "a time in milliseconds, 0 for no limit";
                let ms: i64 = self.number(property, expected, i64::MIN)?;
                self.config.container_never_used_max =
                    u64::try_from(ms).ok().filter(|ms| *ms > 0).map(Duration::from_millis);
            }
            "ensembleAuthName" if property.value.is_empty() => {}
            "ensembleAuthName" => {
                let why = "clients cannot say by the scheme `ensemble` which servers they mean";
                return Err(self.refused(property, why));
            }
            "serverCnxnFactory" if CONNECTION_FACTORIES.contains(&property.value.as_str()) => {}
            "serverCnxnFactory" => self.warn_without_effect(property),
            _ => return Ok(false),
        }
        Ok(true)
    }
}
