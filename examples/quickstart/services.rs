//! Act 3: services register, one crashes, one leaves; a watcher sees the list change.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio::sync::mpsc;
use zk_client::Client;
use zk_recipes::registry::{ServiceChange, ServiceChanges};
use zk_recipes::{ServiceInstance, ServiceRegistry, ServiceView};

use crate::Result;
use crate::process::Process;

/// How long a crashed service stays listed; servers have a minimum of their own.
const SESSION_TIMEOUT: Duration = Duration::from_secs(3);

pub(crate) async fn act(stage: &str) -> Result {
    let watcher = Client::connect(stage).await?;
    let view = ServiceRegistry::new(&watcher, "/services").watch("api").await?;
    let mut changes = view.changes();

    let services = Client::connect(stage).await?;
    let registry = ServiceRegistry::new(&services, "/services");
    let first = registry.register(instance("api-1", 8081)).await?;
    show_next(&view, &mut changes).await?;
    let second = registry.register(instance("api-2", 8082)).await?;
    show_next(&view, &mut changes).await?;

    let (started, mut running) = mpsc::channel(1);
    let doomed = Process::start(service(stage.to_owned(), started))?;
    running.recv().await.ok_or("the third service did not start")?;
    show_next(&view, &mut changes).await?;

    let picked: Vec<_> = (0..4).filter_map(|_| view.pick()).map(|api| api.id.clone()).collect();
    println!("   Four requests go to {}.", picked.join(", "));

    doomed.kill();
    let killed = Instant::now();
    println!("   api-3 crashes.");
    show_next(&view, &mut changes).await?;
    println!("   It was listed for another {:.1?}, until its session was over.", killed.elapsed());

    second.update(instance("api-2", 9082)).await?;
    show_next(&view, &mut changes).await?;
    first.unregister().await?;
    show_next(&view, &mut changes).await?;

    services.close().await?;
    Ok(watcher.close().await?)
}

/// A service in a process of its own, that serves until it is killed.
async fn service(stage: String, started: mpsc::Sender<()>) -> Result {
    let client = Client::builder(&stage).session_timeout(SESSION_TIMEOUT).connect().await?;
    let registry = ServiceRegistry::new(&client, "/services");
    let _registration = registry.register(instance("api-3", 8083)).await?;
    started.send(()).await?;
    std::future::pending().await
}

fn instance(id: &str, port: u16) -> ServiceInstance {
    ServiceInstance::new("api", "10.0.0.1", port).with_id(id)
}

/// Waits for the watcher to see a change, and prints it with the list as it is then.
async fn show_next(view: &ServiceView, changes: &mut ServiceChanges) -> Result {
    let change = match changes.next().await.ok_or("the view has ended")? {
        ServiceChange::Added(api) => format!("+ {}", api.id),
        ServiceChange::Updated(api) => format!("~ {}", api.id),
        ServiceChange::Removed(api) => format!("- {}", api.id),
        other => format!("? {other:?}"),
    };
    let list: Vec<_> = view
        .instances()
        .iter()
        .map(|api| format!("{}:{}", api.id, api.port.unwrap_or_default()))
        .collect();
    println!("   {change:8} the watcher's list: [{}]", list.join(", "));
    Ok(())
}
