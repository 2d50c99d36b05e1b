//! Service discovery: instances register themselves, clients see them come and go.
//!
//! ```no_run
//! # async fn example(client: zk_client::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use zk_recipes::{ServiceInstance, ServiceRegistry};
//!
//! let registry = ServiceRegistry::new(&client, "/services");
//! let registration = registry.register(ServiceInstance::new("api", "10.0.0.1", 8080)).await?;
//!
//! let api = registry.watch("api").await?; // loaded when it returns, kept up from then on
//! if let Some(instance) = api.pick() {
//!     println!("calling {:?}:{:?}", instance.address, instance.port);
//! }
//! registration.unregister().await?;
//! # Ok(()) }
//! ```
//!
//! # Znodes
//!
//! `<base>/<service name>/<instance id>`: base and name are containers, the instance is an
//! ephemeral node (for the other life times see [`ServiceType`]) with Curator's JSON as its data.
//! Curator's `ServiceDiscovery` and Spring Cloud Zookeeper read and write the same.
//!
//! # What it guarantees
//!
//! - A registration is kept alive until it is unregistered or dropped: through disconnects (where
//!   nothing is rewritten, so nobody sees it vanish), in each new session (where the dead session's
//!   node is replaced in one step), and against operators who delete the node.
//! - Unregistering wins over all of that, and may be repeated.
//! - A view is complete when [`ServiceRegistry::watch`] returns, and from then on ends up at what
//!   the server has, whatever was missed meanwhile.
//! - A node that is no instance is reported as [`ServiceChange::Malformed`], and harms nothing.
//!
//! # What it does not
//!
//! A view is as old as the last event: an instance in it may be gone, and one that just came may
//! not be in it. An instance whose process died stays listed until its session times out. While the
//! connection is gone the view keeps what it had, and says [`ServiceView::is_stale`].
//!
//! Ids have to be unique. Who registers an id that another live process uses takes its node over;
//! the other one is told ([`RegistrationState::Replaced`]) and does not fight back.
//!
//! # Cost
//!
//! To register: one round trip (three where the directories have to be made), then one read that
//! watches the own node. Per new session: one read and one multi. A view has one recursive watch on
//! the server and reads each instance once per change; on servers before 3.6 one watch per
//! instance. All views of a service wake on each of its changes, by nature; after a reconnect they
//! read everything again, spread over a short random delay.

mod change;
mod instance;
mod loader;
mod node;
mod registration;
mod source;
mod uri_spec;
mod view;
mod view_task;

pub use change::{ServiceChange, ServiceChanges};
pub use instance::{ServiceInstance, ServiceType};
pub use registration::{Registration, RegistrationState};
pub use uri_spec::{UriPart, UriSpec};
pub use view::ServiceView;

use zk_client::{Client, Error as ClientError};

use crate::error::Result;
use crate::parents::child;

/// Where services are registered and found. A cheap handle. See the [module](self).
#[derive(Clone, Debug)]
pub struct ServiceRegistry {
    client: Client,
    base: String,
}

impl ServiceRegistry {
    /// The registry under `base`. Asks the server nothing.
    #[must_use]
    pub fn new(client: &Client, base: &str) -> Self {
        Self { client: client.clone(), base: base.to_owned() }
    }

    /// Registers `instance`, and keeps it registered until the handle is unregistered or dropped.
    ///
    /// Returns once the node is there. A node of the same id is replaced, whoever made it: after a
    /// crash the new process need not wait for the session of the old one.
    pub async fn register(&self, instance: ServiceInstance) -> Result<Registration> {
        instance.check_names()?;
        let directory = child(&self.base, &instance.name);
        Registration::start(&self.client, directory, instance).await
    }

    /// A live view of the instances of `name`, loaded when this returns. The service need not
    /// exist yet.
    pub async fn watch(&self, name: &str) -> Result<ServiceView> {
        ServiceView::start(&self.client, child(&self.base, name)).await
    }

    /// The instances of `name` as of now, by id. Nodes that are no instances are left out.
    pub async fn instances(&self, name: &str) -> Result<Vec<ServiceInstance>> {
        let nodes = loader::load(&self.client, &child(&self.base, name)).await?;
        Ok(nodes.into_iter().filter_map(|node| node.instance.ok()).collect())
    }

    /// The names of all services, sorted. A service without instances is listed until its
    /// directory is swept.
    pub async fn names(&self) -> Result<Vec<String>> {
        match self.client.children(&self.base).await {
            Ok((mut names, _)) => {
                names.sort_unstable();
                Ok(names)
            }
            Err(ClientError::NoNode { .. }) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }
}
