//! Reading key stores and trust stores.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::config::{Store, StoreFormat, StorePassword};

/// Longest store, in bytes. A bundle of every public root has a quarter.
const STORE_LEN_MAX: u64 = 1 << 20;

/// A store as it is on disk, with the words that name it in an error. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct StoreBytes {
    pub(super) origin: String,
    pub(super) format: StoreFormat,
    pub(super) bytes: Vec<u8>,
    pub(super) password: Option<String>,
}

impl StoreBytes {
    /// Reads a store, the one of this key of the configuration.
    pub(super) fn read(store: &Store, key: &str) -> Result<Self, String> {
        let (path, format, password) = match store {
            Store::Pem(bytes) => {
                let (origin, bytes) = (key.to_owned(), bytes.clone());
                return Ok(Self { origin, format: StoreFormat::Pem, bytes, password: None });
            }
            Store::File { path, format, password } => (path, *format, password),
        };
        // It comes from a file and goes to a terminal or a log.
        let origin = format!("{key} {}", path.display().to_string().escape_debug());
        let bytes = read_file(path).map_err(|error| format!("{origin} cannot be read: {error}"))?;
        let password = match password {
            None => None,
            Some(StorePassword::Text(text)) => Some(text.clone()),
            Some(StorePassword::File(path)) => Some(read_password(path).map_err(|error| {
                let path = path.display().to_string();
                format!("the password of {origin}, {}: {error}", path.escape_debug())
            })?),
        };
        Ok(Self { origin, format, bytes, password })
    }
}

/// The whole file but the end of its last line, as Apache does.
fn read_password(path: &Path) -> io::Result<String> {
    let bytes = read_file(path)?;
    let text = String::from_utf8(bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more shows that there is more. Devices and pipes can be without an end.
    File::open(path)?.take(STORE_LEN_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > STORE_LEN_MAX {
        let reason = format!("it is longer than {STORE_LEN_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
    }
    Ok(bytes)
}
