//! A registered instance, kept registered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use zk_client::{Client, OneshotWatch};

use super::node::{Pass, RegisteredNode};
use super::{ServiceInstance, ServiceType};
use crate::cleaner::Released;
use crate::error::{Error, Result};
use crate::runtime::{self, Pauses};

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
    shared: Arc<Shared>,
    unregistered: AtomicBool,
}

#[derive(Debug)]
struct Shared {
    client: Client,
    service_type: ServiceType,
    /// What the owner wants on the server.
    wanted: watch::Sender<Wanted>,
    /// Held by whoever talks to the server about the node, one at a time.
    node: Mutex<RegisteredNode>,
    states: watch::Sender<RegistrationState>,
    stop: CancellationToken,
}

#[derive(Debug)]
struct Wanted {
    instance: ServiceInstance,
    data: Bytes,
}

impl Registration {
    /// Registers, and starts the task that keeps it so.
    ///
    /// The handle exists before the first request is sent: dropping the future drops the handle,
    /// which takes back whatever has been done.
    pub(super) async fn start(
        client: &Client,
        directory: String,
        instance: ServiceInstance,
    ) -> Result<Self> {
        let service_type = instance.service_type;
        let node = RegisteredNode::new(client, directory, &instance.id, service_type);
        let data = instance.to_json()?;
        let shared = Arc::new(Shared {
            client: client.clone(),
            service_type,
            wanted: watch::Sender::new(Wanted { instance, data }),
            node: Mutex::new(node),
            states: watch::Sender::new(RegistrationState::Registering),
            stop: CancellationToken::new(),
        });
        let registration = Self { shared, unregistered: AtomicBool::new(false) };
        registration.shared.agree().await?;
        if service_type != ServiceType::Permanent {
            runtime::spawn_resident(keep(registration.shared.clone()));
        }
        Ok(registration)
    }

    /// The instance as it is meant to be registered.
    #[must_use]
    pub fn instance(&self) -> ServiceInstance {
        self.shared.wanted.borrow().instance.clone()
    }

    /// The path of the node. That of [`ServiceType::DynamicSequential`] changes with the session.
    pub async fn path(&self) -> String {
        self.shared.node.lock().await.path()
    }

    /// Where the registration stands.
    #[must_use]
    pub fn state(&self) -> RegistrationState {
        self.shared.states.borrow().clone()
    }

    /// Waits until the state is one that `wanted` accepts, and returns it.
    pub async fn wait_for(
        &self,
        mut wanted: impl FnMut(&RegistrationState) -> bool,
    ) -> RegistrationState {
        let mut states = self.shared.states.subscribe();
        match states.wait_for(|state| wanted(state)).await {
            Ok(state) => state.clone(),
            // Cannot happen while `self` owns the sender.
            Err(_) => RegistrationState::Unregistered,
        }
    }

    /// Registers new data for the same name, id and service type, and waits until the server has
    /// it. All later sessions register the new data.
    pub async fn update(&self, instance: ServiceInstance) -> Result<()> {
        let same = {
            let wanted = self.shared.wanted.borrow();
            let current = &wanted.instance;
            current.name == instance.name
                && current.id == instance.id
                && current.service_type == instance.service_type
        };
        if !same {
            let reason = "an update keeps name, id and service type: unregister, then register";
            return Err(Error::InvalidInstance { reason: reason.to_owned() });
        }
        let data = instance.to_json()?;
        self.shared.wanted.send_replace(Wanted { instance, data });
        self.shared.agree().await.map(drop)
    }

    /// Takes the instance out and waits until the server has confirmed it, through disconnects.
    ///
    /// From the call on nothing registers it again. Dropped half-way, the work goes on in the
    /// background. Deletes only this registration's own node. May be called again, after an error or
    /// just so.
    pub async fn unregister(&self) -> Result<Released> {
        self.shared.stop.cancel();
        let released = self.shared.withdraw().await?;
        self.unregistered.store(true, Ordering::Relaxed);
        Ok(released)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.shared.stop.cancel();
        if *self.unregistered.get_mut() || self.shared.service_type == ServiceType::Permanent {
            return;
        }
        let shared = self.shared.clone();
        runtime::spawn_cleanup(&self.shared.client, async move {
            if let Err(error) = shared.withdraw().await {
                warn!(%error, "could not unregister a dropped registration");
            }
        });
    }
}

impl Shared {
    /// Brings the server to what is wanted; the watch on the node and its session's number, unless
    /// it was just created.
    async fn agree(&self) -> Result<Option<(u64, OneshotWatch)>> {
        let mut node = self.node.lock().await;
        loop {
            if self.stop.is_cancelled() {
                return Err(Error::Unregistered { path: node.path() });
            }
            let data = self.wanted.borrow().data.clone();
            let pass = node.reconcile(&data).await?;
            // An update during the pass: what was agreed on is old already.
            if self.wanted.borrow().data != data {
                continue;
            }
            let (state, outcome) = match pass {
                Pass::Agreed { epoch, watch } => {
                    (RegistrationState::Registered, Ok(Some((epoch, watch))))
                }
                Pass::Created => (RegistrationState::Registered, Ok(None)),
                Pass::Replaced => {
                    (RegistrationState::Replaced, Err(Error::Replaced { path: node.path() }))
                }
            };
            self.publish(state);
            return outcome;
        }
    }

    async fn withdraw(&self) -> Result<Released> {
        let released = self.node.lock().await.withdraw().await?;
        self.publish(RegistrationState::Unregistered);
        Ok(released)
    }

    fn publish(&self, state: RegistrationState) {
        self.states.send_if_modified(|current| {
            let is_new = *current != state;
            *current = state;
            is_new
        });
    }

    /// Resolves when the registration is over or its client is closing.
    async fn stopped(&self) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = runtime::closed(&self.client) => {}
        }
    }

    /// Waits until something happened to the node: it changed, or its session is over.
    async fn disturbed(&self, epoch: u64, watch: OneshotWatch) {
        tokio::select! {
            event = watch => if event.is_err() {
                // The watch ended with the session.
                self.client.session_ended(epoch).await;
            },
            () = self.client.session_ended(epoch) => {}
        }
    }
}

/// Keeps the node as wanted until the registration is over.
async fn keep(shared: Arc<Shared>) {
    let mut pauses = Pauses::new();
    loop {
        let agreed = tokio::select! {
            agreed = shared.agree() => agreed,
            () = shared.stopped() => return,
        };
        let wait = async {
            match agreed {
                Ok(Some((epoch, watch))) => {
                    pauses = Pauses::new();
                    shared.disturbed(epoch, watch).await;
                }
                // The next pass reads the node and sets the watch.
                Ok(None) => {}
                Err(Error::Replaced { path }) => {
                    warn!(%path, "another process registered the same id and has the node now");
                    shared.stop.cancelled().await;
                }
                Err(error) => {
                    warn!(%error, "cannot keep an instance registered for now");
                    shared.publish(RegistrationState::Failing { reason: error.to_string() });
                    pauses.pause().await;
                }
            }
        };
        tokio::select! {
            () = wait => {}
            () = shared.stopped() => return,
        }
    }
}
