//! The keys that say how much clients may ask for.

use super::ConfigError;
use super::properties::Property;
use super::zoo_cfg::ConfigReader;
use crate::storage::format::RECORD_LEN_MAX;

/// Bytes by which a transaction may be longer than its request.
const TXN_OVERHEAD_MAX: usize = 64 << 10;

/// The largest `jute.maxbuffer`: of what is longer the log could not be read again.
const FRAME_LEN_MAX: usize = RECORD_LEN_MAX - TXN_OVERHEAD_MAX;

/// The least `jute.maxbuffer`: an ordinary client can still connect.
const FRAME_LEN_MIN: usize = 1 << 10;

impl ConfigReader<'_> {
    /// Takes a key that is about limits; false if it is about something else.
    pub(super) fn set_limits(&mut self, property: &Property) -> Result<bool, ConfigError> {
        match property.key.as_str() {
            "enforceQuota" => self.config.enforce_quota = self.boolean(property)?,
            "digest.enabled" => self.config.digest_enabled = self.boolean(property)?,
            "jute.maxbuffer" => self.config.limits.frame_len = self.frame_len(property)?,
            "connection_throttle_tokens" => {
                self.config.limits.connection_throttle.tokens =
                    self.number(property, "a number of connections, 0 for no limit", 0)?;
            }
            "connection_throttle_fill_time" => {
                self.config.limits.connection_throttle.fill_time = self.millis(property, 1)?;
            }
            "connection_throttle_fill_count" => {
                self.config.limits.connection_throttle.fill_count =
                    self.number(property, "a number of connections above 0", 1)?;
            }
            "largeRequestThreshold" => {
                let expected = "a number of bytes, -1 for no limit";
                let threshold: i32 = self.number(property, expected, i32::MIN)?;
                // 0 and less turn it off, as in Apache.
                self.config.limits.large_request_threshold =
                    usize::try_from(threshold).ok().filter(|threshold| *threshold > 0);
            }
            "largeRequestMaxBytes" => {
                self.config.limits.large_request_max_bytes =
                    self.number(property, "a number of bytes above 0", 1)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Apache takes it from a property of the JVM only; who moves here has it in a start script and
    /// can write it into the file.
    fn frame_len(&self, property: &Property) -> Result<usize, ConfigError> {
        let expected = format!("a number of bytes from {FRAME_LEN_MIN} to {FRAME_LEN_MAX}");
        let len = self.number(property, &expected, FRAME_LEN_MIN)?;
        if len > FRAME_LEN_MAX { Err(self.bad_value(property, &expected)) } else { Ok(len) }
    }
}
