//! Connect strings: `host1:port,host2,[v6]:port/chroot`.

use std::fmt;
use std::str::FromStr;

use crate::path::{self, PathError};

/// The port of a server for which none is given.
pub const DEFAULT_PORT: u16 = 2181;

/// The servers of an ensemble and, optionally, the node that a client takes for its root.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConnectString {
    /// The servers, at least one, in the order given.
    pub hosts: Vec<HostPort>,
    /// The client's root. A valid path other than "/"; `None` stands for "/".
    pub chroot: Option<String>,
}

/// A server: a name or an address, not yet resolved, and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// A host name, an IPv4 address, or an IPv6 address without brackets.
    pub host: String,
    /// The client port.
    pub port: u16,
}

/// Why a connect string cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectStringError {
    /// No server at all.
    #[error("the connect string names no server; expected host:port[,host:port...][/chroot]")]
    NoHosts,
    /// Nothing in front of the port.
    #[error("{0:?} has no host name; expected host:port")]
    NoHost(String),
    /// A port that is not a number from 1 to 65535.
    #[error("{0:?} has no valid port; expected a number from 1 to 65535 behind the last ':'")]
    Port(String),
    /// An IPv6 address without its brackets, or with only one.
    #[error("{0:?} is ambiguous; write an IPv6 address in brackets: [::1]:2181")]
    Brackets(String),
    /// A character that is in no host name.
    #[error("{0:?} is not a host name")]
    HostName(String),
    /// A chroot that is no path.
    #[error("the chroot {chroot:?} is not a valid path: {reason}")]
    Chroot {
        /// What stands behind the servers.
        chroot: String,
        /// The rule it breaks.
        reason: PathError,
    },
}

impl FromStr for ConnectString {
    type Err = ConnectStringError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (hosts, chroot) = match text.find('/') {
            Some(at) => (&text[..at], Some(&text[at..])),
            None => (text, None),
        };
        let chroot = chroot.filter(|chroot| *chroot != "/");
        if let Some(chroot) = chroot {
            path::validate(chroot).map_err(|reason| ConnectStringError::Chroot {
                chroot: chroot.to_owned(),
                reason,
            })?;
        }
        let hosts = hosts
            .split(',')
            .map(str::trim)
            .filter(|host| !host.is_empty())
            .map(HostPort::from_str)
            .collect::<Result<Vec<_>, _>>()?;
        if hosts.is_empty() {
            return Err(ConnectStringError::NoHosts);
        }
        Ok(Self { hosts, chroot: chroot.map(str::to_owned) })
    }
}

impl FromStr for HostPort {
    type Err = ConnectStringError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => split_bracketed(text, rest)?,
            None => match text.split_once(':') {
                Some((_, port)) if port.contains(':') => {
                    return Err(ConnectStringError::Brackets(text.to_owned()));
                }
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        if host.is_empty() {
            return Err(ConnectStringError::NoHost(text.to_owned()));
        }
        if host.chars().any(|c| c.is_whitespace() || c.is_control() || "[]@?#\\".contains(c)) {
            return Err(ConnectStringError::HostName(text.to_owned()));
        }
        let port = match port {
            Some(port) => match port.parse() {
                Ok(port) if port != 0 => port,
                _ => return Err(ConnectStringError::Port(text.to_owned())),
            },
            None => DEFAULT_PORT,
        };
        Ok(Self { host: host.to_owned(), port })
    }
}

/// Splits `addr]:port`, the text behind the opening bracket.
fn split_bracketed<'t>(
    text: &str,
    rest: &'t str,
) -> Result<(&'t str, Option<&'t str>), ConnectStringError> {
    let brackets = || ConnectStringError::Brackets(text.to_owned());
    let (host, behind) = rest.split_once(']').ok_or_else(brackets)?;
    match behind.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if behind.is_empty() => Ok((host, None)),
        None => Err(brackets()),
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for ConnectString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, host) in self.hosts.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{host}")?;
        }
        f.write_str(self.chroot.as_deref().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ConnectString, ConnectStringError> {
        text.parse()
    }

    #[test]
    fn servers_ports_and_chroot() {
        let parsed = parse("zk1, zk2:2182,[::1]:2183,[fe80::1]/app/x").unwrap();
        assert_eq!(parsed.to_string(), "zk1:2181,zk2:2182,[::1]:2183,[fe80::1]:2181/app/x");
        assert_eq!(parsed.chroot.as_deref(), Some("/app/x"));
        assert_eq!(parse("zk1/").unwrap().chroot, None);
    }

    #[test]
    fn mistakes_are_named() {
        use ConnectStringError as E;
        assert_eq!(parse(""), Err(E::NoHosts));
        assert_eq!(parse(" , "), Err(E::NoHosts));
        assert_eq!(parse("/app"), Err(E::NoHosts));
        assert_eq!(parse(":2181"), Err(E::NoHost(":2181".into())));
        assert_eq!(parse("zk1:"), Err(E::Port("zk1:".into())));
        assert_eq!(parse("zk1:0"), Err(E::Port("zk1:0".into())));
        assert_eq!(parse("zk1:70000"), Err(E::Port("zk1:70000".into())));
        assert_eq!(parse("::1"), Err(E::Brackets("::1".into())));
        assert_eq!(parse("[::1"), Err(E::Brackets("[::1".into())));
        assert_eq!(parse("a b:1"), Err(E::HostName("a b:1".into())));
        assert!(matches!(parse("zk1/app/"), Err(E::Chroot { .. })));
        assert!(matches!(parse("zk1//"), Err(E::Chroot { .. })));
    }
}
