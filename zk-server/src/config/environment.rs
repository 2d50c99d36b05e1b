//! The environment variables of Apache's official container image, as a `zoo.cfg`.

use std::collections::BTreeMap;

use super::zoo_cfg::ReadFile;
use super::{ConfigError, ConfigWarning, ParsedConfig, parse_all};

/// What each variable sets, and what the image sets where there is none. Where that is `None` this
/// server's own default holds: old files are purged, and nothing listens but the client port.
const VARIABLES: &[(&str, &str, Option<&str>)] = &[
    ("ZOO_DATA_DIR", "dataDir", Some("/data")),
    ("ZOO_DATA_LOG_DIR", "dataLogDir", Some("/datalog")),
    ("ZOO_TICK_TIME", "tickTime", Some("2000")),
    ("ZOO_INIT_LIMIT", "initLimit", None),
    ("ZOO_SYNC_LIMIT", "syncLimit", None),
    ("ZOO_AUTOPURGE_SNAPRETAINCOUNT", "autopurge.snapRetainCount", None),
    ("ZOO_AUTOPURGE_PURGEINTERVAL", "autopurge.purgeInterval", None),
    ("ZOO_MAX_CLIENT_CNXNS", "maxClientCnxns", None),
    ("ZOO_STANDALONE_ENABLED", "standaloneEnabled", None),
    ("ZOO_ADMINSERVER_ENABLED", "admin.enableServer", None),
    ("ZOO_4LW_COMMANDS_WHITELIST", "4lw.commands.whitelist", None),
];

/// Whole lines of `zoo.cfg`, separated by blanks.
const SERVERS: &str = "ZOO_SERVERS";
const EXTRA: &str = "ZOO_CFG_EXTRA";

/// Variables of the image that set nothing in `zoo.cfg`.
const ELSEWHERE: &[&str] = &["ZOO_CONF_DIR", "ZOO_LOG_DIR", "ZOO_MY_ID", "ZOO_LOG4J_PROP"];

/// A line, and the variable that it comes from.
struct Line<'a> {
    variable: &'a str,
    /// The entry in it, counted from 1.
    entry: usize,
    text: String,
}

/// Reads the settings that variables called `ZOO_…` make, as the official image does. Errors and
/// warnings name the variable in the place of the file, and the entry in it as the line.
///
/// # Errors
///
/// All that is wrong, as in [`parse_all`].
pub fn from_environment(
    variables: &BTreeMap<String, String>,
    read: ReadFile<'_>,
) -> Result<ParsedConfig, Vec<ConfigError>> {
    let lines = lines(variables);
    let text: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
    let mut parsed = parse_all("the environment", &text.join("\n"), read).map_err(|errors| {
        errors.into_iter().map(|error| placed(&lines, error)).collect::<Vec<_>>()
    })?;
    for warning in &mut parsed.warnings {
        if let Some(line) = lines.get(warning.line.wrapping_sub(1)) {
            (warning.file, warning.line) = (line.variable.to_owned(), line.entry);
        }
    }
    for name in variables.keys().filter(|name| !is_known(name)) {
        parsed.warnings.push(ConfigWarning {
            file: name.escape_debug().to_string(),
            line: 1,
            message: "no such variable is known: it has no effect".to_owned(),
        });
    }
    Ok(parsed)
}

fn is_known(name: &str) -> bool {
    VARIABLES.iter().any(|(known, ..)| *known == name)
        || ELSEWHERE.contains(&name)
        || name == SERVERS
        || name == EXTRA
}

fn lines(variables: &BTreeMap<String, String>) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (variable, key, default) in VARIABLES {
        let value = variables.get(*variable).map(String::as_str);
        if let Some(value) = value.filter(|value| !value.is_empty()).or(*default) {
            // A line break would begin another key.
            let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
            lines.push(Line { variable, entry: 1, text: format!("{key}={value}") });
        }
    }
    let mut entries = |variable: &'static str, value: &str| {
        for (index, entry) in value.split_whitespace().enumerate() {
            lines.push(Line { variable, entry: index + 1, text: entry.to_owned() });
        }
    };
    let given = |name: &str| variables.get(name).map(String::as_str).unwrap_or_default();
    let extra = given(EXTRA);
    match given(SERVERS) {
        // As in the image, where a server that is alone serves the usual port.
        "" if extra.split_whitespace().any(|entry| entry.starts_with("clientPort=")) => {}
        "" => entries(SERVERS, "clientPort=2181"),
        servers => entries(SERVERS, servers),
    }
    entries(EXTRA, extra);
    lines
}

/// Says which variable is wrong, and not which line of a file that nobody wrote.
fn placed(lines: &[Line<'_>], mut error: ConfigError) -> ConfigError {
    if let ConfigError::Line { file, line, .. } | ConfigError::Unsupported { file, line, .. } =
        &mut error
        && let Some(origin) = lines.get(line.wrapping_sub(1))
    {
        (*file, *line) = (origin.variable.to_owned(), origin.entry);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<ParsedConfig, Vec<ConfigError>> {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let variables = variables.iter().map(pair).collect();
        from_environment(&variables, &mut |_| Err("no file here".to_owned()))
    }

    #[test]
    fn the_images_defaults_hold() {
        let parsed = read(&[("ZOO_MY_ID", "1")]).unwrap();
        assert_eq!(parsed.warnings, []);
        let config = parsed.config;
        assert_eq!(config.data_dir.to_str(), Some("/data"));
        assert_eq!(config.data_log_dir.unwrap().to_str(), Some("/datalog"));
        assert_eq!((config.client_port, config.tick_time.as_millis()), (Some(2181), 2000));
        assert!(config.storage.snap_retain_count.is_some());
    }

    #[test]
    fn variables_set_what_their_keys_set() {
        let parsed = read(&[
            ("ZOO_TICK_TIME", "500"),
            ("ZOO_DATA_DIR", "/d"),
            ("ZOO_MAX_CLIENT_CNXNS", "0"),
            ("ZOO_STANDALONE_ENABLED", "true"),
            ("ZOO_4LW_COMMANDS_WHITELIST", "srvr, mntr"),
            ("ZOO_SERVERS", "server.1=zk:2888:3888;2999"),
            ("ZOO_CFG_EXTRA", "extendedTypesEnabled=true maxSessionTimeout=60000"),
        ]);
        let parsed = parsed.unwrap();
        assert_eq!(parsed.warnings.len(), 1, "{:?}", parsed.warnings);
        assert!(parsed.warnings[0].to_string().starts_with("ZOO_SERVERS:1: `server.1` is the"));
        let config = parsed.config;
        assert_eq!((config.client_port, config.max_client_cnxns), (Some(2999), 0));
        assert!(config.extended_types_enabled);
        assert_eq!(config.session_timeout_max.unwrap().as_secs(), 60);
    }

    #[test]
    fn what_is_wrong_is_named_by_its_variable() {
        let errors = read(&[("ZOO_TICK_TIME", "2s"), ("ZOO_CFG_EXTRA", "a=1 maxCnxns=x")]);
        let errors: Vec<_> = errors.unwrap_err().iter().map(ToString::to_string).collect();
        assert!(errors[0].starts_with("ZOO_TICK_TIME:1: tickTime is `2s`"), "{errors:?}");
        assert!(errors[1].starts_with("ZOO_CFG_EXTRA:2: maxCnxns is `x`"), "{errors:?}");
        let servers = "server.1=a:1:2;3 server.2=b:1:2;3";
        let error = &read(&[("ZOO_SERVERS", servers)]).unwrap_err()[0];
        assert!(error.to_string().starts_with("ZOO_SERVERS:1: the 2 servers"), "{error}");
        let parsed = read(&[("ZOO_TICKTIME", "1")]).unwrap();
        assert_eq!(parsed.warnings.len(), 1);
        assert!(parsed.warnings[0].to_string().starts_with("ZOO_TICKTIME:1: no such variable"));
        let two_lines = read(&[("ZOO_TICK_TIME", "1\nskipACL=yes")]).unwrap_err();
        assert!(two_lines[0].to_string().contains("tickTime is `1 skipACL=yes`"));
    }
}
