//! A registered instance, kept registered.

use tokio::sync::watch;
use zk_client::Client;

use super::{ServiceInstance, ServiceType};
use crate::cleaner::Released;
use crate::error::{Error, Result};
use crate::options::NodeOptions;
use crate::parents::child;
use crate::persistent_node::{Conflict, Kind, Manner, NodeState, PersistentNode};

/// Where a registration stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistrationState {
    /// On its way to the server: not there yet, or being put there again in a new session.
    Registering,
    /// The node is there.
    Registered,
    /// The server refuses the node; it is tried again.
    Failing {
        /// What went wrong.
        reason: String,
    },
    /// Another process registered the same id and has the node now. Final.
    Replaced,
    /// Unregistered. Final.
    Unregistered,
}

/// An instance that is kept registered. Dropping it unregisters in the background, except for
/// [`ServiceType::Permanent`], which stays.
#[derive(Debug)]
#[must_use = "dropping the registration unregisters the instance"]
pub struct Registration {
    node: PersistentNode,
    /// What the owner wants on the server.
    wanted: watch::Sender<ServiceInstance>,
}

impl Registration {
    /// Registers, and starts the task that keeps it so.
    pub(super) async fn start(
        client: &Client,
        directory: &str,
        instance: ServiceInstance,
        options: NodeOptions,
    ) -> Result<Self> {
        let path = child(directory, &instance.id);
        let (data, manner) = (instance.to_json()?, manner(instance.service_type));
        let node = PersistentNode::keep(client, &path, data, options, manner).await?;
        Ok(Self { node, wanted: watch::Sender::new(instance) })
    }

    /// The instance as it is meant to be registered.
    #[must_use]
    pub fn instance(&self) -> ServiceInstance {
        self.wanted.borrow().clone()
    }

    /// The path of the node. That of [`ServiceType::DynamicSequential`] changes with the session.
    #[must_use]
    pub fn path(&self) -> String {
        self.node.place()
    }

    /// Where the registration stands.
    #[must_use]
    pub fn state(&self) -> RegistrationState {
        state(&self.node.state())
    }

    /// Waits until the state is one that `wanted` accepts, and returns it.
    pub async fn wait_for(
        &self,
        mut wanted: impl FnMut(&RegistrationState) -> bool,
    ) -> RegistrationState {
        state(&self.node.wait_for(|current| wanted(&state(current))).await)
    }

    /// Registers new data for the same name, id and service type, and waits until the server has
    /// it. All later sessions register the new data.
    ///
    /// # Errors
    ///
    /// [`Error::Replaced`] and [`Error::Unregistered`] when there is nothing to update any more;
    /// [`Error::InvalidInstance`] for another name, id or service type.
    pub async fn update(&self, instance: ServiceInstance) -> Result<()> {
        let identity = |one: &ServiceInstance| (one.name.clone(), one.id.clone(), one.service_type);
        if identity(&self.wanted.borrow()) != identity(&instance) {
            let reason = "an update keeps name, id and service type: unregister, then register";
            return Err(Error::InvalidInstance { reason: reason.to_owned() });
        }
        let data = instance.to_json()?;
        self.wanted.send_replace(instance);
        self.node.set_data(data).await
    }

    /// Takes the instance out and waits until the server has confirmed it, through disconnects.
    ///
    /// From the call on nothing registers it again. Dropped half-way, the work goes on in the
    /// background. Deletes only this registration's own node. May be called again, after an error or
    /// just so.
    pub async fn unregister(&self) -> Result<Released> {
        self.node.close().await
    }
}

/// A node of the same id gives way, whoever made it; after that, losing it is the end, so that of two
/// processes with one id the later one stays and the other one does not fight.
fn manner(service_type: ServiceType) -> Manner {
    let is_permanent = service_type == ServiceType::Permanent;
    Manner {
        kind: match service_type {
            ServiceType::Dynamic => Kind::Ephemeral,
            ServiceType::DynamicSequential => Kind::Numbered,
            ServiceType::Static | ServiceType::Permanent => Kind::Persistent,
        },
        conflict: Conflict::Replace,
        gives_way: true,
        stays: is_permanent,
        unattended: is_permanent,
    }
}

fn state(node: &NodeState) -> RegistrationState {
    match node {
        NodeState::Creating => RegistrationState::Registering,
        NodeState::Present => RegistrationState::Registered,
        NodeState::Taken { .. } => RegistrationState::Replaced,
        NodeState::Failing { reason } => RegistrationState::Failing { reason: reason.clone() },
        NodeState::Closed => RegistrationState::Unregistered,
    }
}
