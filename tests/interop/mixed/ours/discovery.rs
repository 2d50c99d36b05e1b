//! Service discovery.

use serde_json::{Map, Value, json};
use zk_recipes::registry::{ServiceType, UriSpec};
use zk_recipes::{ServiceInstance, ServiceRegistry};

use crate::task::{Failure, Outcome, Task};

/// The instance that the driver describes.
fn instance(wanted: &Value) -> Result<ServiceInstance, Failure> {
    let text = |name: &str| wanted[name].as_str().unwrap_or_default().to_owned();
    let port = |name: &str| wanted[name].as_u64().map(u16::try_from).transpose();
    let service_type: ServiceType = serde_json::from_value(wanted["type"].clone())?;
    let mut instance = ServiceInstance::new(text("name"), text("address"), 0)
        .with_id(text("id"))
        .with_payload(wanted["payload"].clone())
        .with_service_type(service_type);
    instance.port = port("port")?;
    instance.ssl_port = port("ssl_port")?;
    instance.uri_spec = wanted["uri"].as_str().map(UriSpec::parse);
    Ok(instance)
}

/// Registers an instance until the driver ends it.
pub(crate) async fn register(task: Task) -> Outcome {
    let registry = ServiceRegistry::new(&task.client, task.path());
    let registration = registry.register(instance(&task.arguments["instance"])?).await?;
    task.say("registered", json!({})).await?;
    registration.unregister().await?;
    Ok(true.into())
}

pub(crate) async fn services(task: Task) -> Outcome {
    let mut names = ServiceRegistry::new(&task.client, task.path()).names().await?;
    names.sort();
    Ok(names.into())
}

pub(crate) async fn instances(task: Task) -> Outcome {
    let registry = ServiceRegistry::new(&task.client, task.path());
    let instances = registry.instances(task.text("name")).await?;
    let mut found = Map::new();
    for instance in &instances {
        found.insert(instance.id.clone(), fields(instance));
    }
    Ok(found.into())
}

fn fields(instance: &ServiceInstance) -> Value {
    json!({
        "name": instance.name,
        "id": instance.id,
        "address": instance.address,
        "port": instance.port,
        "ssl_port": instance.ssl_port,
        "payload": instance.payload,
        "type": instance.service_type.to_string(),
        "registered_ms": instance.registration_time_ms,
        "uri": instance.uri(),
        "enabled": instance.is_enabled(),
    })
}
