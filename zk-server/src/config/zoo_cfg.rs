//! From the lines of `zoo.cfg` to a [`ServerConfig`].

use std::collections::HashMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::keys::{self, KeyKind};
use super::properties::{self, Property};
use super::tls_keys::TlsKeys;
use super::zoo_cfg_admin::OperatorsKeys;
use super::zoo_cfg_auth::Enforcement;
use super::zoo_cfg_members::Members;
use super::{ConfigError, ConfigWarning, FourLetterWhitelist, ServerConfig};

/// Warnings about one file. One that is something else altogether has one for each line.
const WARNINGS_MAX: usize = 100;

/// Characters of a value that an error or warning shows.
const SHOWN_CHARS_MAX: usize = 60;

/// A configuration, and what its author should know about the file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ParsedConfig {
    /// The settings.
    pub config: ServerConfig,
    /// Lines without effect, in the order of the file.
    pub warnings: Vec<ConfigWarning>,
}

/// Reads a file that the configuration names, or says why it cannot be read.
pub type ReadFile<'a> = &'a mut dyn FnMut(&str) -> Result<String, String>;

/// Reads the text of a `zoo.cfg`. `file` is the name that errors and warnings carry. A file that
/// it names (`dynamicConfigFile`) counts as one that cannot be read.
///
/// # Errors
///
/// The first line that cannot be used, a missing `dataDir` or port, a secure port without
/// certificates, or a file that describes an ensemble.
pub fn parse(file: &str, text: &str) -> Result<ParsedConfig, ConfigError> {
    let nothing = &mut |_: &str| Err("it is not read here".to_owned());
    parse_all(file, text, nothing).map_err(|mut errors| errors.swap_remove(0))
}

/// As [`parse`], with all that is wrong; `read` reads what the file names.
///
/// # Errors
///
/// Every line that cannot be used. What is missing is told once no line is wrong.
pub fn parse_all(
    file: &str,
    text: &str,
    read: ReadFile<'_>,
) -> Result<ParsedConfig, Vec<ConfigError>> {
    let properties = properties::parse(text).map_err(|error| {
        vec![ConfigError::Line {
            file: file.to_owned(),
            line: error.line,
            problem: "this is no `key=value` line".to_owned(),
            expected: error.expected.to_owned(),
        }]
    })?;
    let mut reader = ConfigReader {
        file,
        config: ServerConfig::default(),
        enforcement: Enforcement::default(),
        tls: TlsKeys::default(),
        members: Members::default(),
        client_port_known: false,
        operators: OperatorsKeys::default(),
        retain_count: None,
        keeps_everything: false,
        warnings: Vec::new(),
        seen: HashMap::new(),
    };
    let errors: Vec<_> =
        properties.iter().filter_map(|property| reader.take(property).err()).collect();
    reader.finish_operators(text);
    if errors.is_empty() { reader.finish(read).map_err(|error| vec![error]) } else { Err(errors) }
}

pub(super) struct ConfigReader<'a> {
    pub(super) file: &'a str,
    pub(super) config: ServerConfig,
    pub(super) enforcement: Enforcement,
    pub(super) tls: TlsKeys,
    pub(super) members: Members,
    /// Whether `clientPort` or the only server says where clients come.
    pub(super) client_port_known: bool,
    pub(super) operators: OperatorsKeys,
    /// `autopurge.snapRetainCount`, and whether `autopurge.purgeInterval` turns it off.
    pub(super) retain_count: Option<usize>,
    pub(super) keeps_everything: bool,
    warnings: Vec<ConfigWarning>,
    /// The line each key was last seen on.
    pub(super) seen: HashMap<String, usize>,
}

impl ConfigReader<'_> {
    fn take(&mut self, property: &Property) -> Result<(), ConfigError> {
        if let Some(former) = self.seen.insert(property.key.clone(), property.line) {
            let message =
                format!("{} replaces line {former}, which has no effect", shown(&property.key));
            self.warn(property.line, message);
        }
        match keys::kind(&property.key) {
            KeyKind::Honoured => self.set(property),
            KeyKind::Ensemble => self.set_member(property),
            KeyKind::WithoutEffect => {
                self.warn_without_effect(property);
                Ok(())
            }
            KeyKind::Unknown => {
                self.warn_unknown(property);
                Ok(())
            }
        }
    }

    fn set(&mut self, property: &Property) -> Result<(), ConfigError> {
        match property.key.as_str() {
            "dataDir" => self.config.data_dir = self.directory(property)?,
            "clientPort" => {
                self.config.client_port = Some(self.port(property)?);
                self.client_port_known = true;
            }
            "clientPortAddress" => {
                let address = self.not_empty(property, "an address or host name")?;
                self.config.client_port_address = Some(address.to_owned());
            }
            "tickTime" => self.config.tick_time = self.millis(property, 1)?,
            "minSessionTimeout" => {
                self.config.session_timeout_min = self.optional_millis(property)?
            }
            "maxSessionTimeout" => {
                self.config.session_timeout_max = self.optional_millis(property)?
            }
            "maxClientCnxns" => self.config.max_client_cnxns = self.count(property)?,
            "maxCnxns" => self.config.max_cnxns = self.count(property)?,
            "globalOutstandingLimit" => {
                self.config.global_outstanding_limit =
                    self.number(property, "a number above 0", 1)?;
            }
            "nio.sessionlessCnxnTimeout" => {
                self.config.limits.sessionless_timeout = self.millis(property, 1)?;
            }
            "4lw.commands.whitelist" => self.set_whitelist(property),
            "reconfigEnabled" => self.config.reconfig_enabled = self.boolean(property)?,
            "extendedTypesEnabled" => {
                self.config.extended_types_enabled = self.boolean(property)?
            }
            "skipACL" => self.config.auth.skip_acl = self.yes_no(property)?,
            "DigestAuthenticationProvider.enabled" => {
                self.config.auth.digest_enabled = self.boolean(property)?;
            }
            "DigestAuthenticationProvider.superDigest" => self.set_super_digest(property)?,
            "initLimit" | "syncLimit" => {
                self.number::<u32>(property, "a number of ticks above 0", 1)?;
            }
            key => {
                let known = self.set_server(property)?
                    || self.set_limits(property)?
                    || self.set_storage(property)?
                    || self.set_operators(property)?
                    || self.set_authentication(property)?
                    || self.set_secure(property)?;
                assert!(known, "invariant: {key} is in the table of honoured keys");
            }
        }
        Ok(())
    }

    fn finish(mut self, read: ReadFile<'_>) -> Result<ParsedConfig, ConfigError> {
        if !self.seen.contains_key("dataDir") {
            return Err(self.missing("dataDir", "dataDir=/var/lib/zookeeper"));
        }
        self.finish_members(read)?;
        if !self.client_port_known {
            if self.config.secure_client_port.is_none() {
                return Err(self.missing("clientPort", "clientPort=2181"));
            }
            self.config.client_port = None;
        }
        self.finish_storage();
        self.finish_authentication()?;
        self.finish_tls()?;
        let least = self.config.negotiate_timeout_ms(0);
        if self.config.negotiate_timeout_ms(i32::MAX) <= least
            && let (Some(min), Some(max)) = self.timeout_bounds()
            && min > max
        {
            let line = self.seen.get("minSessionTimeout").or(self.seen.get("maxSessionTimeout"));
            let problem = format!(
                "minSessionTimeout is {} ms and maxSessionTimeout {} ms",
                min.as_millis(),
                max.as_millis()
            );
            let expected = "a minimum that is not above the maximum \
                            (by default they are 2 and 20 times tickTime)";
            return Err(self.bad(line.copied().unwrap_or(1), problem, expected));
        }
        Ok(ParsedConfig { config: self.config, warnings: self.warnings })
    }

    pub(super) fn missing(&self, key: &'static str, example: &'static str) -> ConfigError {
        ConfigError::Missing { file: self.file.to_owned(), key, example }
    }

    pub(super) fn port(&self, property: &Property) -> Result<u16, ConfigError> {
        self.number(property, "a port from 1 to 65535", 1)
    }

    fn timeout_bounds(&self) -> (Option<Duration>, Option<Duration>) {
        let tick = self.config.tick_time;
        let least = self.config.session_timeout_min.or(tick.checked_mul(2));
        (least, self.config.session_timeout_max.or(tick.checked_mul(20)))
    }

    /// A directory. One without a `/` in front is another for everybody who starts the server.
    pub(super) fn directory(&mut self, property: &Property) -> Result<PathBuf, ConfigError> {
        let dir = PathBuf::from(self.not_empty(property, "a directory")?);
        if !dir.has_root() {
            let message = format!(
                "{} {} is relative: it depends on where the server is started",
                shown(&property.key),
                shown(&property.value)
            );
            self.warn(property.line, message);
        }
        Ok(dir)
    }

    fn set_whitelist(&mut self, property: &Property) {
        let whitelist = FourLetterWhitelist::parse(&property.value);
        for word in whitelist.unknown_words() {
            self.warn(property.line, format!("{} is no four-letter word", shown(word)));
        }
        self.config.four_letter_whitelist = whitelist;
    }

    fn set_super_digest(&mut self, property: &Property) -> Result<(), ConfigError> {
        let hash = property.value.strip_prefix("super:").unwrap_or_default();
        if hash.is_empty() {
            // The value itself stays out of the message: it is as good as a password.
            return Err(self.bad(
                property.line,
                "the super digest is not usable".to_owned(),
                "super:<base64 of SHA-1 of super:password>",
            ));
        }
        self.config.auth.super_digest = Some(property.value.clone());
        Ok(())
    }

    pub(super) fn number<T>(
        &self,
        property: &Property,
        expected: &str,
        least: T,
    ) -> Result<T, ConfigError>
    where
        T: FromStr + PartialOrd,
    {
        let parsed = property.value.parse().ok().filter(|number| *number >= least);
        parsed.ok_or_else(|| self.bad_value(property, expected))
    }

    fn count(&self, property: &Property) -> Result<usize, ConfigError> {
        self.number(property, "a number of connections, 0 for no limit", 0)
    }

    pub(super) fn millis(&self, property: &Property, least: u32) -> Result<Duration, ConfigError> {
        let expected = "a time in milliseconds above 0, such as 2000";
        let ms = self.number::<u32>(property, expected, least)?;
        // What goes to clients is a signed 32-bit number.
        if i32::try_from(ms).is_err() {
            return Err(self.bad_value(property, expected));
        }
        Ok(Duration::from_millis(u64::from(ms)))
    }

    /// -1 stands for the default, as in Apache.
    fn optional_millis(&self, property: &Property) -> Result<Option<Duration>, ConfigError> {
        if property.value == "-1" { Ok(None) } else { self.millis(property, 1).map(Some) }
    }

    pub(super) fn boolean(&self, property: &Property) -> Result<bool, ConfigError> {
        match property.value.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.bad_value(property, "true or false")),
        }
    }

    pub(super) fn yes_no(&self, property: &Property) -> Result<bool, ConfigError> {
        match property.value.as_str() {
            "yes" => Ok(true),
            "no" => Ok(false),
            _ => Err(self.bad_value(property, "yes or no")),
        }
    }

    pub(super) fn not_empty<'p>(
        &self,
        property: &'p Property,
        expected: &str,
    ) -> Result<&'p str, ConfigError> {
        match property.value.as_str() {
            "" => Err(self.bad_value(property, expected)),
            value => Ok(value),
        }
    }

    pub(super) fn bad_value(&self, property: &Property, expected: &str) -> ConfigError {
        let problem = format!("{} is {}", property.key, shown(&property.value));
        self.bad(property.line, problem, expected)
    }

    pub(super) fn bad(&self, line: usize, problem: String, expected: &str) -> ConfigError {
        let (file, expected) = (self.file.to_owned(), expected.to_owned());
        ConfigError::Line { file, line, problem, expected }
    }

    pub(super) fn warn_without_effect(&mut self, property: &Property) {
        let mut message = format!("{} has no effect on this server", shown(&property.key));
        if let Some(instead) = keys::instead(&property.key) {
            message = format!("{message}: {instead}");
        }
        self.warn(property.line, message);
    }

    fn warn_unknown(&mut self, property: &Property) {
        let key = shown(&property.key);
        // As a property of Java it has this in front, in a file it has not.
        let bare = property.key.strip_prefix("zookeeper.");
        let meant = bare.filter(|bare| keys::kind(bare) != KeyKind::Unknown);
        let message = match meant.or_else(|| keys::suggestion(&property.key)) {
            Some(meant) => format!("unknown key {key}, did you mean `{meant}`? It has no effect"),
            None => format!("unknown key {key} has no effect"),
        };
        self.warn(property.line, message);
    }

    pub(super) fn warn(&mut self, line: usize, message: String) {
        let message = match self.warnings.len() {
            WARNINGS_MAX.. => return,
            len if len + 1 == WARNINGS_MAX => format!("{message} (further warnings are left out)"),
            _ => message,
        };
        let warning = self.warning(line, message);
        self.warnings.push(warning);
    }

    fn warning(&self, line: usize, message: String) -> ConfigWarning {
        ConfigWarning { file: self.file.to_owned(), line, message }
    }
}

/// Text of the file, quoted, escaped and cut to a length that fits a log line.
pub(super) fn shown(text: &str) -> String {
    let mut cut: String = text.chars().take(SHOWN_CHARS_MAX).flat_map(char::escape_debug).collect();
    if text.chars().count() > SHOWN_CHARS_MAX {
        cut.push('…');
    }
    format!("`{cut}`")
}

#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests;
