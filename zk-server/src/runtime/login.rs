//! The login of the server, from its file.

use std::hash::{BuildHasher, RandomState};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::{StartError, acceptor};
use crate::auth::sasl::{Login, SaslConfig};
use crate::config::login;

/// Longest login file, in bytes.
const FILE_LEN_MAX: u64 = 1 << 20;

/// Reads the login file, if there is one to be read, and looks whether the login can be used.
pub(super) fn load(config: &mut SaslConfig) -> Result<(), StartError> {
    read_login(config)?;
    if let Some(Login::Kerberos(login)) = &config.login {
        acceptor::check(login)?;
        let principal = login.principal.as_deref().unwrap_or_default();
        let realm = principal.split_once('@').map(|(_, realm)| realm.to_owned());
        config.principals.realm = config.principals.realm.take().or(realm);
    }
    Ok(())
}

/// The keytab that the login names. The library finds it only if `KRB5_KTNAME` in the environment of
/// the process names it, too: a program has to see to that before it starts a server.
///
/// # Errors
///
/// When the login file cannot be read or makes no sense.
pub fn keytab_of(config: &SaslConfig) -> Result<Option<PathBuf>, StartError> {
    let mut config = config.clone();
    read_login(&mut config)?;
    match config.login {
        Some(Login::Kerberos(login)) => Ok(login.keytab),
        _ => Ok(None),
    }
}

fn read_login(config: &mut SaslConfig) -> Result<(), StartError> {
    if config.login.is_none()
        && let Some(file) = &config.login_file
    {
        let text = read(file)?;
        let name = file.display().to_string();
        let login = login::parse(&name, &text, &config.login_section)?;
        if config.digest_md5_forbidden && matches!(login, Login::DigestMd5(_)) {
            return Err(login::forbidden(&name, &config.login_section).into());
        }
        config.login = Some(login);
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, StartError> {
    let failed = |error| StartError::LoginFile { path: path.to_owned(), error };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut text = String::new();
    file.take(FILE_LEN_MAX).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// 128 bits that nobody can guess: the system's, by way of the keys that it gives to hash tables.
pub(super) fn random_key() -> [u8; 16] {
    let mut key = [0; 16];
    for (at, half) in key.chunks_exact_mut(8).enumerate() {
        half.copy_from_slice(&RandomState::new().hash_one(at).to_be_bytes());
    }
    key
}
