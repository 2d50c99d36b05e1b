//! What happened: a fingerprint always, the words on demand.

use std::fmt::{self, Write};

/// Two runs with the same fingerprint went the same way.
pub(crate) struct Trace {
    fingerprint: u64,
    lines: Option<Vec<String>>,
    count: usize,
}

impl Trace {
    pub(crate) fn new(keeps_lines: bool) -> Self {
        Self { fingerprint: 0xcbf2_9ce4_8422_2325, lines: keeps_lines.then(Vec::new), count: 0 }
    }

    pub(crate) fn note(&mut self, at_ms: u64, what: fmt::Arguments<'_>) {
        self.count += 1;
        let _ = writeln!(self, "{at_ms} {what}");
        if self.lines.is_some() {
            self.line(at_ms, what);
        }
    }

    /// Bytes that were moved: they count, and are shown decoded.
    pub(crate) fn moved(
        &mut self,
        at_ms: u64,
        what: fmt::Arguments<'_>,
        bytes: &[u8],
        to_server: bool,
    ) {
        self.count += 1;
        let _ = writeln!(self, "{at_ms} {what}");
        bytes.iter().for_each(|byte| self.mix(*byte));
        if self.lines.is_some() {
            let frames = super::wire::describe(bytes, to_server);
            self.line(at_ms, format_args!("{what}: {frames}"));
        }
    }

    fn line(&mut self, at_ms: u64, what: fmt::Arguments<'_>) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:>4}.{:03} s  {what}", at_ms / 1000, at_ms % 1000));
        }
    }

    /// The fingerprint of what happened, words aside that are for people only.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or_default()
    }

    fn mix(&mut self, byte: u8) {
        self.fingerprint = (self.fingerprint ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
}

impl Write for Trace {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(|byte| self.mix(byte));
        Ok(())
    }
}
