//! What the files of a data directory are called.

use std::fmt;

use zk_proto::Zxid;

/// The directory of logs and snapshots, inside `dataDir` and `dataLogDir`.
pub const VERSION_DIR: &str = "version-2";

const LOG: &str = "log.";
const SNAPSHOT: &str = "snapshot.";
/// Neither Apache nor recovery takes a name that begins like this for anything.
const TEMPORARY: &str = "tmp.";

/// How a snapshot is packed, which its name tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Packing {
    /// Not at all.
    #[default]
    Plain,
    /// The whole of it by gzip.
    Gzip,
    /// In blocks by snappy, as Java's `SnappyOutputStream` frames them.
    Snappy,
}

/// The name of a file that belongs to the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileName {
    /// `log.<hex>`: transactions, the first of them with this zxid.
    Log(Zxid),
    /// `snapshot.<hex>`: all that was applied up to this zxid, and perhaps some of what came later.
    Snapshot(Zxid, Packing),
    /// A file that was being written: worthless.
    Temporary,
}

impl FileName {
    /// What a name means; `None` is not ours.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        if name.starts_with(TEMPORARY) {
            return Some(Self::Temporary);
        }
        if let Some(zxid) = name.strip_prefix(LOG) {
            return Some(Self::Log(parse_zxid(zxid)?));
        }
        let rest = name.strip_prefix(SNAPSHOT)?;
        let (zxid, packing) = match rest.split_once('.') {
            None => (rest, Packing::Plain),
            Some((zxid, "gz")) => (zxid, Packing::Gzip),
            Some((zxid, "snappy")) => (zxid, Packing::Snappy),
            Some(_) => return None,
        };
        Some(Self::Snapshot(parse_zxid(zxid)?, packing))
    }

    /// The name under which the snapshot of `zxid` is written before it is whole.
    #[must_use]
    pub fn temporary(zxid: Zxid) -> String {
        format!("{TEMPORARY}{SNAPSHOT}{:x}", zxid.0)
    }
}

/// As Apache names them: lower case, no leading zeros. A name that it would not give is not taken,
/// as two files could have the same zxid then.
fn parse_zxid(hex: &str) -> Option<Zxid> {
    let zxid = i64::from_str_radix(hex, 16).ok()?;
    (format!("{zxid:x}") == hex).then_some(Zxid(zxid))
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(zxid) => write!(f, "{LOG}{:x}", zxid.0),
            Self::Snapshot(zxid, Packing::Plain) => write!(f, "{SNAPSHOT}{:x}", zxid.0),
            Self::Snapshot(zxid, Packing::Gzip) => write!(f, "{SNAPSHOT}{:x}.gz", zxid.0),
            Self::Snapshot(zxid, Packing::Snappy) => write!(f, "{SNAPSHOT}{:x}.snappy", zxid.0),
            Self::Temporary => f.write_str(TEMPORARY),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let zxid = Zxid(0x1_0000_00ab);
        for name in ["log.1000000ab", "snapshot.1000000ab", "snapshot.1000000ab.gz"] {
            assert_eq!(FileName::parse(name).unwrap().to_string(), name);
        }
        assert_eq!(FileName::parse("snapshot.0.snappy").unwrap().to_string(), "snapshot.0.snappy");
        assert_eq!(FileName::parse("log.1000000ab"), Some(FileName::Log(zxid)));
        assert_eq!(FileName::parse(&FileName::temporary(zxid)), Some(FileName::Temporary));
    }

    #[test]
    fn what_is_not_named_so_is_not_ours() {
        for name in [
            "",
            "myid",
            "log",
            "log.",
            "log.x",
            "log.01",
            "log.AB",
            "log.-1",
            "log.+1",
            "log.1.tmp",
        ] {
            assert_eq!(FileName::parse(name), None, "{name}");
        }
        for name in ["snapshot.1.tmp", "snapshot.1.gz.tmp", "snapshot.", "currentEpoch"] {
            assert_eq!(FileName::parse(name), None, "{name}");
        }
        assert_eq!(FileName::parse("log.10000000000000000"), None, "beyond 64 bits");
    }
}
