//! Where the tools print, and how names and times look there.

use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::Path;

use clap::Args;
use jiff::Timestamp;

use crate::fields::Fields;

/// Bytes that are printed at once.
const BUFFER_LEN: usize = 64 << 10;

/// How a dump looks.
#[derive(Debug, Args)]
pub(crate) struct DumpForm {
    /// JSON, one object a line; times are ms since 1970, data are base64
    #[arg(long)]
    pub(crate) json: bool,
    /// The data of nodes too, not only their lengths. They may be secret
    #[arg(long)]
    pub(crate) data: bool,
}

/// Prints one record a line, as text or as JSON.
pub(crate) struct Output {
    stdout: BufWriter<StdoutLock<'static>>,
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { stdout: BufWriter::with_capacity(BUFFER_LEN, io::stdout().lock()), json }
    }

    /// One record. As text, a record inside it has a line of its own.
    pub(crate) fn record(&mut self, fields: &Fields) -> io::Result<()> {
        if self.json {
            serde_json::to_writer(&mut self.stdout, fields)?;
            return self.stdout.write_all(b"\n");
        }
        writeln!(self.stdout, "{fields}")
    }

    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.stdout, "{text}")
    }

    /// Prints what is left. Errors would be lost otherwise.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.stdout.flush()
    }
}

/// A path as it can be shown on a terminal.
pub(crate) fn path(path: &Path) -> String {
    path.display().to_string().escape_debug().to_string()
}

/// Milliseconds since 1970 as a date and a time of day, in UTC. What is beyond the year 9999, as a
/// damaged file may have it, stays a number.
pub(crate) fn utc(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| format!("{ms} ms"), |time| format!("{time:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates() {
        assert_eq!(utc(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(utc(951_827_696_789), "2000-02-29T12:34:56.789Z");
        assert_eq!(utc(1_795_256_259_004), "2026-11-21T10:17:39.004Z");
        assert_eq!(utc(4_107_542_399_999), "2100-02-28T23:59:59.999Z");
        assert_eq!(utc(4_107_542_400_000), "2100-03-01T00:00:00.000Z");
        assert_eq!(utc(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(utc(i64::MIN), "-9223372036854775808 ms");
    }
}
