//! Changing the members of an ensemble.

use zk_proto::ensemble::CONFIG_NODE;
use zk_proto::{EnsembleConfig, GetDataResponse, Member, OpCode, ReconfigRequest, Zxid};

use super::config::parse;
use super::{Call, Pending, node_data, request};
use crate::error::{Error, Result};

/// In place of a version: whatever is in force.
const ANY_CONFIG: i64 = -1;

/// Changes the members of an ensemble; made by [`Client::reconfig`](crate::Client::reconfig).
/// Servers from 3.5 on, where `reconfigEnabled` is set, and for clients that may write
/// `/zookeeper/config` (by default only the superuser).
///
/// Either some servers leave and others join or change their role or address, or all members are
/// [replaced](Self::replace_all) by others. The result is the new configuration, in force when it
/// comes.
///
/// ```no_run
/// # use zk_client::{Client, Error};
/// # async fn example(client: &Client) -> Result<(), Error> {
/// let config = client.config().await?;
/// let config = client
///     .reconfig()
///     .leave(3)
///     .join("server.4=zk4:2888:3888:participant;2181")
///     .if_version(config.version)
///     .await?;
/// println!("version {} has {} members", config.version, config.members.len());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct Reconfig<'a> {
    call: Call<'a>,
    joining: Vec<String>,
    leaving: Vec<String>,
    members: Vec<String>,
    version: i64,
}

impl<'a> Reconfig<'a> {
    pub(crate) fn new(call: Call<'a>) -> Self {
        let (joining, leaving, members) = Default::default();
        Self { call, joining, leaving, members, version: ANY_CONFIG }
    }

    /// Adds a server, or gives one that is there another role or another address for clients: a
    /// [`Member`], or the line `server.N=host:quorum:election[:role];[host:]port`. The server must
    /// run already, and follow the ensemble.
    pub fn join(mut self, member: impl ToString) -> Self {
        self.joining.push(member.to_string());
        self
    }

    /// Removes the server of this number. It goes on running, without a part in the ensemble.
    pub fn leave(mut self, id: i64) -> Self {
        self.leaving.push(id.to_string());
        self
    }

    /// Makes these, and no others, the members. Each is what [`join`](Self::join) takes.
    pub fn replace_all(mut self, members: impl IntoIterator<Item = impl ToString>) -> Self {
        self.members.extend(members.into_iter().map(|member| member.to_string()));
        self
    }

    /// Changes the configuration only if it still has this version; it fails with
    /// [`Error::BadVersion`] otherwise.
    pub fn if_version(mut self, version: Zxid) -> Self {
        self.version = version.0;
        self
    }

    /// Sends the request now; the result is awaited later.
    ///
    /// Notable errors: [`Error::ReconfigDisabled`], [`Error::ReconfigInProgress`],
    /// [`Error::NewConfigNoQuorum`]; [`Error::NoAuth`]; [`Error::BadArguments`], such as two members
    /// with one address; [`Error::Unimplemented`] on a standalone server.
    pub fn send(self) -> Pending<EnsembleConfig> {
        if let Err(error) = self.validate() {
            return Pending::failed(error);
        }
        let text = |parts: Vec<String>| (!parts.is_empty()).then(|| parts.join(","));
        let (joining, leaving) = (text(self.joining), text(self.leaving));
        let members = text(self.members);
        let request = ReconfigRequest {
            joining_servers: joining.as_deref(),
            leaving_servers: leaving.as_deref(),
            new_members: members.as_deref(),
            current_config_id: self.version,
        };
        self.call.submit(OpCode::Reconfig, &request, |context, outcome| {
            let GetDataResponse { data, .. } = context.decode(outcome)?;
            parse(context.op.name(), &node_data(data))
        })
    }

    fn validate(&self) -> Result<()> {
        let refused = |reason| Err(Error::InvalidRequest { path: CONFIG_NODE.to_owned(), reason });
        for member in self.joining.iter().chain(&self.members) {
            if let Err(error) = member.parse::<Member>() {
                let (setting, reason) = ("reconfig", error.to_string());
                return Err(Error::InvalidConfig { setting, reason });
            }
        }
        match (self.members.is_empty(), self.joining.is_empty() && self.leaving.is_empty()) {
            (true, true) => refused("no server joins or leaves: say which"),
            (false, false) => refused("either servers join and leave, or all are replaced"),
            _ => Ok(()),
        }
    }
}

request!(Reconfig => EnsembleConfig);
