//! The keys that say how data is kept.

use std::time::Duration;

use super::ConfigError;
use super::properties::Property;
use super::zoo_cfg::ConfigReader;
use crate::storage::purge::RETAINED_MIN;

impl ConfigReader<'_> {
    /// Takes a key that is about storage; false if it is about something else.
    pub(super) fn set_storage(&mut self, property: &Property) -> Result<bool, ConfigError> {
        let storage = &self.config.storage;
        let mut changed = *storage;
        match property.key.as_str() {
            "dataLogDir" => {
                self.config.data_log_dir = Some(self.directory(property)?);
                return Ok(true);
            }
            // A size of 0 or less turns it off, as in Apache.
            "preAllocSize" => changed.log.preallocation = self.kib(property)?,
            "txnLogSizeLimitInKb" => changed.log.file_len_max = self.kib(property)?,
            "forceSync" => changed.log.force_sync = self.yes_no(property)?,
            "maxBatchSize" => {
                changed.max_batch_size = self.number(property, "a number above 0", 1)?;
            }
            "snapCount" => {
                changed.snap_count =
                    self.number(property, "a number of transactions above 1", 2)?;
            }
            "fsync.warningthresholdms" => {
                let ms: u32 = self.number(property, "a time in milliseconds", 0)?;
                changed.fsync_warning_threshold = Duration::from_millis(ms.into());
            }
            "autopurge.snapRetainCount" => {
                let count = self.number::<usize>(property, "a number of snapshots above 2", 0)?;
                if count < RETAINED_MIN {
                    self.warn(property.line, format!("at least {RETAINED_MIN} snapshots are kept"));
                }
                self.retain_count = Some(count.max(RETAINED_MIN));
            }
            // Files are removed whenever a snapshot makes them superfluous, so any other interval
            // comes to the same.
            "autopurge.purgeInterval" => {
                self.keeps_everything = property.value.trim_start_matches('-') == "0"
                    || property.value.starts_with('-');
            }
            _ => return Ok(false),
        }
        self.config.storage = changed;
        Ok(true)
    }

    pub(super) fn finish_storage(&mut self) {
        let retained = self.retain_count.or(self.config.storage.snap_retain_count);
        self.config.storage.snap_retain_count = retained.filter(|_| !self.keeps_everything);
    }

    fn kib(&self, property: &Property) -> Result<u64, ConfigError> {
        let kib: i64 = self.number(property, "a number of KiB", i64::MIN)?;
        Ok(u64::try_from(kib).unwrap_or(0).saturating_mul(1024))
    }
}
