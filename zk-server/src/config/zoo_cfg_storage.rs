//! The keys that say how data is kept.

use std::time::Duration;

use super::ConfigError;
use super::properties::Property;
use super::zoo_cfg::ConfigReader;
use crate::storage::format::Packing;
use crate::storage::purge::RETAINED_MIN;

/// No client waits longer than that for an answer.
const FLUSH_DELAY_MAX_MS: u64 = 3_600_000;

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
            "datadir.autocreate" => changed.autocreate = self.boolean(property)?,
            // As in Apache, 0 or less is no limit but that of the requests in flight.
            "maxBatchSize" => {
                let max: i64 = self.number(property, "a number of transactions", i64::MIN)?;
                let max = usize::try_from(max).unwrap_or(0);
                changed.flush.batch_len_max = if max == 0 { usize::MAX } else { max };
            }
            "flushDelay" => changed.flush.delay = self.wait(property)?,
            "maxWriteQueuePollTime" => changed.flush.poll_time = Some(self.wait(property)?),
            "snapCount" => {
                changed.snapshots.txns =
                    self.number(property, "a number of transactions above 1", 2)?;
            }
            "snapSizeLimitInKb" => changed.snapshots.log_len = self.kib(property)?,
            "snapshot.compression.method" => changed.packing = self.packing(property)?,
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
            "snapshot.trust.empty" => changed.trust_empty = self.boolean(property)?,
            _ => return Ok(false),
        }
        self.config.storage = changed;
        Ok(true)
    }

    /// A time in ms; 0 or less is none, as in Apache.
    fn wait(&self, property: &Property) -> Result<Duration, ConfigError> {
        let expected = "a time in milliseconds below an hour, 0 for none";
        let ms: i64 = self.number(property, expected, i64::MIN)?;
        match u64::try_from(ms).unwrap_or(0) {
            ms if ms <= FLUSH_DELAY_MAX_MS => Ok(Duration::from_millis(ms)),
            _ => Err(self.bad_value(property, expected)),
        }
    }

    fn packing(&mut self, property: &Property) -> Result<Packing, ConfigError> {
        match property.value.as_str() {
            "" => Ok(Packing::Plain),
            "gz" => Ok(Packing::Gzip),
            "snappy" => {
                let message = "snapshots are read but not written by snappy, and are not packed; \
                               `gz` packs them";
                self.warn(property.line, message.to_owned());
                Ok(Packing::Plain)
            }
            _ => Err(self.bad_value(property, "gz, or nothing")),
        }
    }

    pub(super) fn finish_storage(&mut self) {
        let retained = self.retain_count.or(self.config.storage.snap_retain_count);
        self.config.storage.snap_retain_count = retained.filter(|_| !self.keeps_everything);
        self.weigh_log_against_room();
    }

    /// A log keeps the room that was taken for it, although it is left early.
    fn weigh_log_against_room(&mut self) {
        let log = &self.config.storage.log;
        let (room, limit) = (log.preallocation / 1024, log.file_len_max / 1024);
        if limit > 0 && limit < room {
            let line = self.seen.get("txnLogSizeLimitInKb").copied().unwrap_or(1);
            let message = format!(
                "a log is left after {limit} KiB, and takes {room} KiB of the disk (`preAllocSize`): \
                 set `preAllocSize` to {limit} at most"
            );
            self.warn(line, message);
        }
    }

    fn kib(&self, property: &Property) -> Result<u64, ConfigError> {
        let kib: i64 = self.number(property, "a number of KiB", i64::MIN)?;
        Ok(u64::try_from(kib).unwrap_or(0).saturating_mul(1024))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::parse;

    #[test]
    fn who_leaves_logs_early_is_told_of_the_room_that_they_keep() {
        let warnings = |lines: &str| {
            let text = format!("dataDir=/d\nclientPort=1\n{lines}");
            parse("zoo.cfg", &text).unwrap().warnings
        };
        for apart in ["txnLogSizeLimitInKb=1024", "preAllocSize=2048\ntxnLogSizeLimitInKb=1024"] {
            let [warning] = &warnings(apart)[..] else { panic!("{apart}") };
            assert_eq!(warning.line, 2 + apart.lines().count());
            assert!(warning.message.contains("`preAllocSize` to 1024 at most"), "{warning}");
        }
        for fine in [
            "txnLogSizeLimitInKb=65536",
            "txnLogSizeLimitInKb=0",
            "preAllocSize=0\ntxnLogSizeLimitInKb=1",
            "txnLogSizeLimitInKb=1024\npreAllocSize=1024",
        ] {
            assert_eq!(warnings(fine), [], "{fine}");
        }
    }

    #[test]
    fn directories_are_made_and_nothing_is_trusted_unless_the_file_says_otherwise() {
        let storage = |lines: &str| {
            let parsed = parse("zoo.cfg", &format!("dataDir=/d\nclientPort=1\n{lines}")).unwrap();
            assert_eq!(parsed.warnings, []);
            (parsed.config.storage.autocreate, parsed.config.storage.trust_empty)
        };
        assert_eq!(storage(""), (true, false));
        assert_eq!(storage("datadir.autocreate=false\nsnapshot.trust.empty=true"), (false, true));
        assert_eq!(storage("datadir.autocreate=true\nsnapshot.trust.empty=false"), (true, false));
        let unclear = parse("zoo.cfg", "dataDir=/d\nclientPort=1\ndatadir.autocreate=no");
        assert!(unclear.unwrap_err().to_string().contains("expected true or false"));
    }
}
