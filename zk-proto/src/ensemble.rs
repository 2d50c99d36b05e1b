//! The text of an ensemble's configuration, as it stands in `/zookeeper/config` and in `zoo.cfg`.
//!
//! ```text
//! server.1=zk1:2888:3888:participant;0.0.0.0:2181
//! server.2=zk2:2888:3888:observer;0.0.0.0:2181
//! version=100000003
//! ```

use std::fmt;
use std::str::FromStr;

use crate::{HostPort, Zxid};

/// Where an ensemble's configuration stands. Servers from 3.5 on.
pub const CONFIG_NODE: &str = "/zookeeper/config";

/// The host of a client address that names none: all of the server's.
const ANY_HOST: &str = "0.0.0.0";

/// The members of an ensemble.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnsembleConfig {
    /// The members, in the order in which they stand there. None at all on a standalone server.
    pub members: Vec<Member>,
    /// The lines `group.…` and `weight.…` of a hierarchical quorum, as they stand there.
    pub hierarchy: Vec<String>,
    /// The version: the zxid of the reconfiguration that brought it about.
    pub version: Zxid,
}

impl EnsembleConfig {
    /// Where clients reach the members, in the clear: for a member that listens at all of its
    /// addresses the first at which other servers reach it. Members that do not say where are left
    /// out.
    #[must_use]
    pub fn client_hosts(&self) -> Vec<HostPort> {
        let host_of = |member: &Member| {
            let client = member.client.as_ref()?;
            let anywhere = matches!(client.host.as_str(), "0.0.0.0" | "::" | "0:0:0:0:0:0:0:0");
            let host = if anywhere { &member.addresses.first()?.host } else { &client.host };
            Some(HostPort { host: host.clone(), port: client.port })
        };
        self.members.iter().filter_map(host_of).collect()
    }
}

/// A server of an ensemble. Written and read as `server.N=host:quorum:election[:role][;client]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the grammar has been the same since 3.5")]
pub struct Member {
    /// The server's number, its `myid`.
    pub id: i64,
    /// Where the other servers reach it; at least one.
    pub addresses: Vec<QuorumAddress>,
    /// Whether it votes.
    pub role: Role,
    /// Where clients reach it. The host is often `0.0.0.0`, which stands for all of the server's.
    pub client: Option<HostPort>,
    /// Where clients reach it by TLS. Servers from 3.10 on.
    pub secure_client: Option<HostPort>,
}

/// An address of a server for other servers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "the grammar has been the same since 3.5")]
pub struct QuorumAddress {
    /// A host name, an IPv4 address, or an IPv6 address without brackets.
    pub host: String,
    /// The port of the leader for its followers.
    pub quorum_port: u16,
    /// The port for elections.
    pub election_port: u16,
}

/// Whether a server votes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// It votes on transactions and leaders.
    #[default]
    Participant,
    /// It learns and does not vote.
    Observer,
}

/// Why a text is no configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line:?} is not a line of an ensemble's configuration: {reason}")]
pub struct EnsembleConfigError {
    line: String,
    reason: &'static str,
}

const SERVER: &str = "expected server.N=host:port:port[:role][;[host:]port]";
const VERSION: &str = "expected version=<hexadecimal number>";

fn malformed(line: &str, reason: &'static str) -> EnsembleConfigError {
    EnsembleConfigError { line: line.to_owned(), reason }
}

impl FromStr for EnsembleConfig {
    type Err = EnsembleConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut config = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match line.split_once('=').map(|(key, value)| (key.trim(), value.trim())) {
                Some(("version", version)) => {
                    let version = u64::from_str_radix(version, 16);
                    let version = version.map_err(|_| malformed(line, VERSION))?;
                    config.version = Zxid(version.cast_signed());
                }
                Some((key, _)) if key.starts_with("group.") || key.starts_with("weight.") => {
                    config.hierarchy.push(line.to_owned());
                }
                _ => config.members.push(line.parse()?),
            }
        }
        Ok(config)
    }
}

impl FromStr for Member {
    type Err = EnsembleConfigError;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let error = || malformed(line, SERVER);
        let (key, value) = line.split_once('=').ok_or_else(error)?;
        let id = key.trim().strip_prefix("server.").ok_or_else(error)?;
        let id = id.parse().map_err(|_| error())?;
        let mut parts = value.trim().split(';');
        let mut role = None;
        let mut addresses = Vec::new();
        for address in parts.next().unwrap_or_default().split('|') {
            let (address, of_address) = quorum_address(address).ok_or_else(error)?;
            role = of_address.or(role);
            addresses.push(address);
        }
        let mut client = || match parts.next().map(str::trim) {
            None | Some("") => Ok(None),
            Some(text) => client_address(text).map(Some).ok_or_else(error),
        };
        let (client, secure_client) = (client()?, client()?);
        if parts.next().is_some() {
            return Err(error());
        }
        Ok(Self { id, addresses, role: role.unwrap_or_default(), client, secure_client })
    }
}

/// `host:quorum:election[:role]`.
fn quorum_address(text: &str) -> Option<(QuorumAddress, Option<Role>)> {
    let text = text.trim();
    let (host, rest) = match text.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once("]:")?,
        None => text.split_once(':')?,
    };
    let mut rest = rest.split(':');
    let (quorum_port, election_port) = (port(rest.next()?)?, port(rest.next()?)?);
    let role = match rest.next() {
        None => None,
        Some(role) if role.eq_ignore_ascii_case("participant") => Some(Role::Participant),
        Some(role) if role.eq_ignore_ascii_case("observer") => Some(Role::Observer),
        Some(_) => return None,
    };
    let is_host =
        !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || ",[]".contains(c));
    let address = QuorumAddress { host: host.to_owned(), quorum_port, election_port };
    (is_host && rest.next().is_none()).then_some((address, role))
}

/// `[host:]port`.
fn client_address(text: &str) -> Option<HostPort> {
    match port(text) {
        Some(port) => Some(HostPort { host: ANY_HOST.to_owned(), port }),
        None if text.contains(',') => None,
        None => text.parse().ok(),
    }
}

fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port != 0)
}

impl fmt::Display for EnsembleConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for member in &self.members {
            writeln!(f, "{member}")?;
        }
        for line in &self.hierarchy {
            writeln!(f, "{line}")?;
        }
        write!(f, "version={:x}", self.version.0)
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "server.{}=", self.id)?;
        for (at, address) in self.addresses.iter().enumerate() {
            let pipe = if at == 0 { "" } else { "|" };
            write!(f, "{pipe}{address}")?;
        }
        write!(f, ":{}", self.role)?;
        match (&self.client, &self.secure_client) {
            (None, None) => Ok(()),
            (Some(client), None) => write!(f, ";{client}"),
            (None, Some(secure)) => write!(f, ";;{secure}"),
            (Some(client), Some(secure)) => write!(f, ";{client};{secure}"),
        }
    }
}

impl fmt::Display for QuorumAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, quorum_port, election_port } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{quorum_port}:{election_port}")
        } else {
            write!(f, "{host}:{quorum_port}:{election_port}")
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Participant => "participant",
            Self::Observer => "observer",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_writes_is_read_and_written_the_same() {
        let text = "server.1=zk1:2888:3888:participant;0.0.0.0:2181\n\
                    server.2=10.0.0.2:2888:3888|[fe80::2]:2888:3888:observer;zk2:2181\n\
                    server.3=zk3:2888:3888:participant\n\
                    group.1=1:2:3\n\
                    weight.1=2\n\
                    version=100000003";
        let config: EnsembleConfig = text.parse().unwrap();
        assert_eq!(config.to_string(), text);
        assert_eq!(config.version, Zxid::new(1, 3));
        let [first, second, third] = &config.members[..] else { panic!("{config:?}") };
        assert_eq!((first.id, first.role), (1, Role::Participant));
        assert_eq!(first.client.as_ref().unwrap().port, 2181);
        assert_eq!((second.role, second.addresses.len()), (Role::Observer, 2));
        assert_eq!(second.addresses[1].host, "fe80::2");
        assert_eq!(third.client, None);
    }

    #[test]
    fn clients_reach_members_where_they_say_or_where_the_others_do() {
        let text = "server.1=zk1:2888:3888:participant;0.0.0.0:2181\n\
                    server.2=10.0.0.2:2888:3888:observer;zk2:2182\n\
                    server.3=zk3:2888:3888:participant\n\
                    server.4=[fe80::2]:2888:3888:participant;[::]:2184\n\
                    version=1";
        let config: EnsembleConfig = text.parse().unwrap();
        let hosts: Vec<_> = config.client_hosts().iter().map(ToString::to_string).collect();
        assert_eq!(hosts, ["zk1:2181", "zk2:2182", "[fe80::2]:2184"]);
        assert!(EnsembleConfig::default().client_hosts().is_empty());
    }

    #[test]
    fn what_people_write_is_read() {
        let member: Member = "server.4 = zk4:2888:3888:OBSERVER;2181".parse().unwrap();
        assert_eq!(member.to_string(), "server.4=zk4:2888:3888:observer;0.0.0.0:2181");
        let member: Member = "server.4=zk4:2888:3888;;2281".parse().unwrap();
        assert_eq!(member.to_string(), "server.4=zk4:2888:3888:participant;;0.0.0.0:2281");
    }

    #[test]
    fn a_standalone_server_has_no_members() {
        assert_eq!("".parse(), Ok(EnsembleConfig::default()));
        let config: EnsembleConfig = "version=0".parse().unwrap();
        assert_eq!(config, EnsembleConfig::default());
    }

    #[test]
    fn the_line_that_is_wrong_is_named() {
        for line in [
            "version=x",
            "nonsense",
            "server.x=zk1:1:2",
            "server.1=zk1",
            "server.1=zk1:1",
            "server.1=:1:2",
            "server.1=zk1:0:2",
            "server.1=zk1:1:2:leader",
            "server.1=zk1:1:2:observer:x",
            "server.1=zk1:1:2;x:y",
            "server.1=zk1:1:2;1;2;3",
            "server.1=zk1:1:2,server.2=zk2:1:2",
            "server.1=zk1:1:2;1,server.2=zk2:1:2",
        ] {
            let error = format!("version=1\n{line}").parse::<EnsembleConfig>().unwrap_err();
            assert!(error.to_string().contains(line), "{error}");
        }
    }
}
