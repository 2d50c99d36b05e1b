//! The keys that say how much clients may ask for.

use super::ConfigError;
use super::properties::Property;
use super::zoo_cfg::ConfigReader;

impl ConfigReader<'_> {
    /// Takes a key that is about limits; false if it is about something else.
    pub(super) fn set_limits(&mut self, property: &Property) -> Result<bool, ConfigError> {
        match property.key.as_str() {
            "enforceQuota" => self.config.enforce_quota = self.boolean(property)?,
            "digest.enabled" => self.config.digest_enabled = self.boolean(property)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}
