//! The keys of `zoo.cfg` that name the servers of an ensemble: one alone runs standalone.

use zk_proto::HostPort;
use zk_proto::ensemble::{EnsembleConfig, Member, Role};

use super::ConfigError;
use super::properties::{self, Property};
use super::zoo_cfg::{ConfigReader, ReadFile, shown};

/// The client address of a member that listens at all of its addresses.
const ANY_HOST: &str = "0.0.0.0";

/// What the file says about servers.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// Each with the line that names it.
    named: Vec<(usize, Member)>,
    /// `dynamicConfigFile`, and its line.
    file: Option<(usize, String)>,
}

impl ConfigReader<'_> {
    /// Takes up a key that names servers.
    pub(super) fn set_member(&mut self, property: &Property) -> Result<(), ConfigError> {
        let expected = "host:port:port[:participant|:observer][;[host:]port]";
        match property.key.as_str() {
            "dynamicConfigFile" => {
                let path = self.not_empty(property, "a file that names the servers")?;
                self.members.file = Some((property.line, path.to_owned()));
            }
            "standaloneEnabled" => {
                if !self.boolean(property)? {
                    let message = "`standaloneEnabled=false` has no effect: a server that is \
                                   alone runs standalone here";
                    self.warn(property.line, message.to_owned());
                }
            }
            key if key.starts_with("server.") => {
                let member = format!("{key}={}", property.value).parse();
                let member = member.map_err(|_| self.bad_value(property, expected))?;
                self.members.named.push((property.line, member));
            }
            // Groups and weights of one server alone.
            key => self.warn(property.line, format!("{} has no effect standalone", shown(key))),
        }
        Ok(())
    }

    /// What needs all keys to be read: the only server is this one, more are refused.
    pub(super) fn finish_members(&mut self, read: ReadFile<'_>) -> Result<(), ConfigError> {
        let members = std::mem::take(&mut self.members);
        let mut named = members.named;
        if let Some((line, path)) = members.file {
            if let Some((other, _)) = named.first() {
                let problem = "`dynamicConfigFile` names the servers, and so does this line";
                return Err(self.bad(*other, problem.to_owned(), "one of the two"));
            }
            named = self.read_members(line, &path, read)?;
        }
        let voters = named.iter().filter(|(_, member)| member.role == Role::Participant).count();
        match named.as_slice() {
            [] => Ok(()),
            [(line, member)] if voters == 1 => {
                self.stand_alone(*line, member);
                Ok(())
            }
            [(line, _), ..] => Err(self.no_replication(*line, named.len())),
        }
    }

    fn read_members(
        &self,
        line: usize,
        path: &str,
        read: ReadFile<'_>,
    ) -> Result<Vec<(usize, Member)>, ConfigError> {
        let unusable = |why: String| {
            let problem = format!("`dynamicConfigFile` {}: {why}", shown(path));
            self.bad(line, problem, "a file with lines `server.N=…`")
        };
        let text = read(path).map_err(&unusable)?;
        let lines = properties::parse(&text)
            .map_err(|error| unusable(format!("line {} is no `key=value` line", error.line)))?;
        let lines: Vec<_> = lines.iter().map(|p| format!("{}={}", p.key, p.value)).collect();
        let config: EnsembleConfig =
            lines.join("\n").parse().map_err(|error| unusable(format!("{error}")))?;
        if config.members.is_empty() {
            return Err(unusable("it names no server".to_owned()));
        }
        Ok(config.members.into_iter().map(|member| (line, member)).collect())
    }

    /// A server without others: only where clients reach it matters.
    fn stand_alone(&mut self, line: usize, member: &Member) {
        self.warn(
            line,
            format!(
                "`server.{}` is the only server: it runs standalone, and its ports for other \
                 servers are not opened",
                member.id
            ),
        );
        let of_member = |client: &HostPort| {
            let host = (client.host != ANY_HOST).then(|| client.host.clone());
            (host, client.port)
        };
        if let Some((host, port)) = member.client.as_ref().map(of_member) {
            if !self.seen.contains_key("clientPort") {
                self.config.client_port = Some(port);
                self.client_port_known = true;
                if host.is_some() {
                    self.config.client_port_address = host;
                }
            } else if self.config.client_port != Some(port) {
                let message = format!("its client port {port} gives way to `clientPort`");
                self.warn(line, message);
            }
        }
        if let Some((host, port)) = member.secure_client.as_ref().map(of_member)
            && self.config.secure_client_port.is_none()
        {
            self.config.secure_client_port = Some(port);
            self.config.secure_client_port_address = host;
        }
    }

    fn no_replication(&self, line: usize, servers: usize) -> ConfigError {
        ConfigError::Unsupported {
            file: self.file.to_owned(),
            line,
            problem: format!(
                "the {servers} servers named here are an ensemble, and replication is not built \
                 yet: name one participant, or none, to run a standalone server"
            ),
        }
    }
}
