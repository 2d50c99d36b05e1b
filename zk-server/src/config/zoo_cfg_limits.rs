//! The keys that say how much clients may ask for.

use super::ConfigError;
use super::properties::Property;
use super::zoo_cfg::ConfigReader;

/// The largest `jute.maxbuffer`: with what a transaction has beside its request it is still below
/// 2 GiB, which is all that a length in the log can say.
const FRAME_LEN_MAX: usize = 1 << 30;

/// The least `jute.maxbuffer.extrasize`; less counts as this, as in Apache.
const EXTRA_LEN_MIN: usize = 1 << 10;

/// The least `jute.maxbuffer`: an ordinary client can still connect.
const FRAME_LEN_MIN: usize = 1 << 10;

impl ConfigReader<'_> {
    /// Takes a key that is about limits; false if it is about something else.
    pub(super) fn set_limits(&mut self, property: &Property) -> Result<bool, ConfigError> {
        match property.key.as_str() {
            "enforceQuota" => self.config.enforce_quota = self.boolean(property)?,
            "digest.enabled" => self.config.digest_enabled = self.boolean(property)?,
            "jute.maxbuffer" => self.config.limits.frame_len = self.frame_len(property)?,
            "jute.maxbuffer.extrasize" => {
                let len = self.len(property, "a number of bytes", 0)?;
                self.config.limits.record_extra_len = Some(len.max(EXTRA_LEN_MIN));
            }
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
            "connection_throttle_freeze_time" if property.value == "-1" => {
                self.config.limits.connection_throttle.freeze_time = None;
            }
            "connection_throttle_freeze_time" => {
                let time = self.millis(property, 0)?;
                self.config.limits.connection_throttle.freeze_time = Some(time);
            }
            "connection_throttle_drop_increase" => {
                self.config.limits.connection_throttle.drop_increase = self.share(property)?;
            }
            "connection_throttle_drop_decrease" => {
                self.config.limits.connection_throttle.drop_decrease = self.share(property)?;
            }
            "connection_throttle_decrease_ratio" => {
                self.config.limits.connection_throttle.decrease_ratio = self.share(property)?;
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

    /// A number from 0 to 1, in millionths.
    fn share(&self, property: &Property) -> Result<u32, ConfigError> {
        let expected = "a share from 0 to 1, such as 0.02";
        let share: f64 = self.number(property, expected, 0.0)?;
        if share > 1.0 {
            return Err(self.bad_value(property, expected));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is from 0 to a million"
        )]
        Ok((share * 1e6).round() as u32)
    }

    /// Apache takes it from a property of the JVM only; who moves here has it in a start script and
    /// can write it into the file.
    /// A number of bytes, as Java decodes one: in hexadecimal digits behind `0x` or `#`, too.
    fn len(&self, property: &Property, expected: &str, least: usize) -> Result<usize, ConfigError> {
        let value = property.value.as_str();
        let Some(digits) = ["0x", "0X", "#"].iter().find_map(|start| value.strip_prefix(start))
        else {
            return self.number(property, expected, least);
        };
        let are_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let len = usize::from_str_radix(digits, 16).ok().filter(|len| are_digits && *len >= least);
        len.ok_or_else(|| self.bad_value(property, expected))
    }

    fn frame_len(&self, property: &Property) -> Result<usize, ConfigError> {
        let expected = format!("a number of bytes from {FRAME_LEN_MIN} to {FRAME_LEN_MAX}");
        let len = self.len(property, &expected, FRAME_LEN_MIN)?;
        if len > FRAME_LEN_MAX { Err(self.bad_value(property, &expected)) } else { Ok(len) }
    }
}
