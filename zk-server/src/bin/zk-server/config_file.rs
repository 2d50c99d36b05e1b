//! Where settings come from: a `zoo.cfg`, or the environment.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use zk_server::ServerConfig;
use zk_server::config::{ConfigError, ParsedConfig, from_environment, parse_all};
use zk_server::runtime::StartError;

use crate::output::{self, Output};

/// Longest configuration file, in bytes. Real ones have a few hundred.
const CONFIG_LEN_MAX: usize = 1 << 20;

/// What the names of the variables begin with.
const VARIABLE: &str = "ZOO_";

/// Where the official image keeps its `zoo.cfg`.
const CONF_DIR: &str = "ZOO_CONF_DIR";

/// How a file in UTF-16 begins, in either order of bytes.
const UTF_16: [&[u8]; 2] = [&[0xff, 0xfe], &[0xfe, 0xff]];

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigFailure {
    #[error(
        "cannot read {}: {error}. Give the path of a zoo.cfg, or try --dev",
        output::path(path)
    )]
    Read { path: PathBuf, error: io::Error },
    #[error(
        "{} is longer than {CONFIG_LEN_MAX} bytes, so it is hardly a zoo.cfg. Give the path of one",
        output::path(path)
    )]
    TooLong { path: PathBuf },
    #[error("{} is UTF-16, as some editors save text: save it as UTF-8", output::path(path))]
    Utf16 { path: PathBuf },
    #[error("{}", lines(.0))]
    Config(Vec<ConfigError>),
    #[error(transparent)]
    Stores(#[from] StartError),
    #[error("cannot print: {0}")]
    Output(#[from] io::Error),
}

/// Each error on a line of its own, as compilers print them.
fn lines(errors: &[ConfigError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\nzk-server: ")
}

/// Whether there are variables that make settings.
pub(crate) fn is_in_environment() -> bool {
    std::env::vars_os().any(|(name, _)| name.to_string_lossy().starts_with(VARIABLE))
}

/// Reads the settings of a file, or of the environment, and logs what is odd about them.
pub(crate) fn read(path: Option<&Path>) -> Result<ServerConfig, ConfigFailure> {
    let mounted = std::env::var_os(CONF_DIR).map(|dir| Path::new(&dir).join("zoo.cfg"));
    let path = path.or(mounted.as_deref().filter(|path| path.exists()));
    let parsed = match path {
        Some(path) => read_file(path)?,
        None => read_environment()?,
    };
    for warning in &parsed.warnings {
        tracing::warn!("{warning}");
    }
    Ok(parsed.config)
}

fn read_file(path: &Path) -> Result<ParsedConfig, ConfigFailure> {
    let text = read_text(path)?;
    parse_all(&path.display().to_string(), &text, &mut named).map_err(ConfigFailure::Config)
}

fn read_environment() -> Result<ParsedConfig, ConfigFailure> {
    let ours = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok().filter(|name| name.starts_with(VARIABLE))?;
        Some((name, value.to_string_lossy().into_owned()))
    });
    let variables: BTreeMap<_, _> = ours.collect();
    from_environment(&variables, &mut named).map_err(ConfigFailure::Config)
}

/// Reads a file that the settings name.
fn named(path: &str) -> Result<String, String> {
    read_text(Path::new(path)).map_err(|failure| match failure {
        ConfigFailure::Read { error, .. } => error.to_string(),
        other => other.to_string(),
    })
}

fn read_text(path: &Path) -> Result<String, ConfigFailure> {
    let failed = |error| ConfigFailure::Read { path: path.to_owned(), error };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    // One byte more shows that there is more. Devices and pipes can be without an end.
    file.take(CONFIG_LEN_MAX as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > CONFIG_LEN_MAX {
        return Err(ConfigFailure::TooLong { path: path.to_owned() });
    }
    if UTF_16.iter().any(|mark| bytes.starts_with(mark)) {
        return Err(ConfigFailure::Utf16 { path: path.to_owned() });
    }
    // Java reads these files as Latin-1, and comments are written in anything.
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => error.into_bytes().into_iter().map(char::from).collect(),
    })
}

/// Prints what is wrong with a file, and the settings of a server that starts with it.
pub(crate) fn check(path: &Path) -> Result<ExitCode, ConfigFailure> {
    let parsed = read_file(path)?;
    let mut output = Output::new(false);
    for warning in &parsed.warnings {
        output.line(&format!("warning: {warning}"))?;
    }
    for (key, value) in parsed.config.effective() {
        output.line(&format!("{key}={}", value.escape_debug()))?;
    }
    output.finish()?;
    // Last, so that the rest is told where the stores are not.
    zk_server::runtime::check_stores(&parsed.config)?;
    Ok(ExitCode::SUCCESS)
}
