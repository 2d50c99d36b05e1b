//! Service discovery: instances register themselves, clients see them come and go.
//!
//! ```no_run
//! # async fn example(client: zk_client::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use zk_recipes::registry::Random;
//! use zk_recipes::{ServiceInstance, ServiceRegistry};
//!
//! let registry = ServiceRegistry::new(&client, "/services");
//! let registration = registry.register(ServiceInstance::new("api", "10.0.0.1", 8080)).await?;
//!
//! let api = registry.watch("api").await?; // loaded when it returns, kept up from then on
//! let provider = api.provider().strategy(Random).filter(|instance| instance.ssl_port.is_some());
//! match provider.pick() {
//!     Some(instance) if call(&instance).is_err() => provider.note_error(&instance),
//!     Some(_) => {}
//!     None => println!("nobody there"),
//! }
//! registration.unregister().await?;
//! # Ok(()) }
//! # fn call(_: &zk_recipes::ServiceInstance) -> Result<(), ()> { Ok(()) }
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
//! Errors that one process notes on an instance are nobody else's business: each
//! [`ServiceProvider`] has its own list of instances that are down.
//!
//! # When things go wrong
//!
//! | what happens | a registration | a view |
//! | --- | --- | --- |
//! | connection breaks | stays; nothing is written when it is back | stale until it is back |
//! | request or reply lost | found again, or made again | read again |
//! | session expires | made again in the next session, in one step | kept up in the next session |
//! | the node is deleted or changed | made again, put right; [`ServiceType::Permanent`] is not | shows it |
//! | directories deleted | made again | is empty, and fills again |
//! | somebody else registers the id | [`RegistrationState::Replaced`] | shows the new instance |
//! | a node is no instance, or may not be read | - | [`ServiceChange::Malformed`] |
//! | the server refuses it (ACL) | the error; later [`RegistrationState::Failing`], and tried again | the error; later it ends and stays stale |
//! | the next server is too old for lasting watches | - | goes on with one-shot ones |
//! | future or handle dropped | unregistered in the background, but for `Permanent` | ends |
//! | client closed | gone with its session | ends; stays stale |
//!
//! # Cost
//!
//! To register: a create and a read that watches the own node (and two more requests where the
//! directories have to be made). Per new session: one read and one multi. A view has one recursive watch on
//! the server and reads each instance once per change; on servers before 3.6 one watch per
//! instance. All views of a service wake on each of its changes, by nature; after a reconnect they
//! read everything again, spread over a short random delay.

mod change;
mod down;
mod instance;
mod loader;
mod provider;
mod registration;
mod strategy;
mod uri_spec;
mod view;
mod view_task;

pub use change::{ServiceChange, ServiceChanges};
pub use down::DownPolicy;
pub use instance::{ServiceInstance, ServiceType};
pub use provider::ServiceProvider;
pub use registration::{Registration, RegistrationState};
pub use strategy::{PickStrategy, Random, RoundRobin, Sticky};
pub use uri_spec::{UriPart, UriSpec};
pub use view::ServiceView;

use zk_client::{Client, Error as ClientError};

use crate::error::Result;
use crate::options::NodeOptions;
use crate::parents::child;

/// Where services are registered and found. A cheap handle. See the [module](self).
#[derive(Clone, Debug)]
pub struct ServiceRegistry {
    client: Client,
    base: String,
    options: NodeOptions,
}

impl ServiceRegistry {
    /// The registry under `base`. Asks the server nothing.
    #[must_use]
    pub fn new(client: &Client, base: &str) -> Self {
        Self { client: client.clone(), base: base.to_owned(), options: NodeOptions::new() }
    }

    /// The ACL of the instances' nodes, and what to do about missing directories.
    #[must_use]
    pub fn options(self, options: NodeOptions) -> Self {
        Self { options, ..self }
    }

    /// Registers `instance`, and keeps it registered until the handle is unregistered or dropped.
    ///
    /// Returns once the node is there. A node of the same id is replaced, whoever made it: after a
    /// crash the new process need not wait for the session of the old one.
    pub async fn register(&self, instance: ServiceInstance) -> Result<Registration> {
        instance.check_names()?;
        let directory = child(&self.base, &instance.name);
        Registration::start(&self.client, &directory, instance, self.options.clone()).await
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
