//! One instance of a service, and its form as Curator's JSON.

use std::fmt;
use std::net::Ipv6Addr;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::UriSpec;
use crate::error::{Error, Result};
use crate::runtime;

/// An instance of a service, as it lies in its znode.
///
/// The JSON is Curator's, so that Curator and Spring Cloud Zookeeper read what is registered here
/// and the other way round. Members that this library doesn't know are kept and written back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ServiceInstance {
    /// The name of the service: a znode name, so without `/`.
    pub name: String,
    /// What tells this instance from others of the same service: a znode name. By default a random
    /// UUID.
    pub id: String,
    /// Where to reach it.
    #[serde(default)]
    pub address: Option<String>,
    /// The port, if it has one.
    #[serde(default)]
    pub port: Option<u16>,
    /// The port for TLS, if it has one.
    #[serde(default, rename = "sslPort")]
    pub ssl_port: Option<u16>,
    /// Whatever else clients should know. Java readers want an object to have a member `@class`
    /// that names its class; strings, numbers and booleans need nothing.
    #[serde(default)]
    pub payload: Value,
    /// When it was registered, in milliseconds since the epoch.
    #[serde(default, rename = "registrationTimeUTC")]
    pub registration_time_ms: i64,
    /// How long its node lives.
    #[serde(default, rename = "serviceType", deserialize_with = "null_is_default")]
    pub service_type: ServiceType,
    /// How to build a URI for it.
    #[serde(default, rename = "uriSpec")]
    pub uri_spec: Option<UriSpec>,
    /// Whether clients may pick it; `None` means yes. Written only when set, since readers from
    /// before Curator 4 reject the member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Members this library doesn't know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// How long the node of an instance lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum ServiceType {
    /// As long as the session of the process that registered it (an ephemeral node), and again in
    /// its next session.
    #[default]
    Dynamic,
    /// Until it is unregistered or its registration is dropped: it survives a crash.
    Static,
    /// Until somebody calls unregister: dropping the registration leaves it there, and if an
    /// operator deletes it, it stays deleted.
    Permanent,
    /// As `Dynamic`, with a number appended to the node's name (not to the id).
    DynamicSequential,
}

impl fmt::Display for ServiceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dynamic => "DYNAMIC",
            Self::Static => "STATIC",
            Self::Permanent => "PERMANENT",
            Self::DynamicSequential => "DYNAMIC_SEQUENTIAL",
        })
    }
}

impl ServiceInstance {
    /// An instance with a random id that lives as long as this process' session.
    pub fn new(name: impl Into<String>, address: impl Into<String>, port: u16) -> Self {
        Self {
            name: name.into(),
            id: runtime::fresh_guid(),
            address: Some(address.into()),
            port: Some(port),
            ssl_port: None,
            payload: Value::Null,
            registration_time_ms: runtime::wall_ms(),
            service_type: ServiceType::default(),
            uri_spec: None,
            enabled: None,
            other: Map::new(),
        }
    }

    /// With this id instead of a random one. Two processes must never use the same: the later one
    /// takes the earlier one's place.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// With this payload.
    #[must_use]
    pub fn with_payload(mut self, payload: impl Into<Value>) -> Self {
        self.payload = payload.into();
        self
    }

    /// With a port for TLS.
    #[must_use]
    pub fn with_ssl_port(mut self, port: u16) -> Self {
        self.ssl_port = Some(port);
        self
    }

    /// With another life time.
    #[must_use]
    pub fn with_service_type(mut self, service_type: ServiceType) -> Self {
        self.service_type = service_type;
        self
    }

    /// With a template for its URI.
    #[must_use]
    pub fn with_uri_spec(mut self, uri_spec: UriSpec) -> Self {
        self.uri_spec = Some(uri_spec);
        self
    }

    /// Says in so many words whether clients may pick it.
    #[must_use]
    pub fn with_enabled(mut self, enabled: bool) -> Self {
        self.enabled = Some(enabled);
        self
    }

    /// Whether clients may pick it. An instance that says nothing is enabled.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled.unwrap_or(true)
    }

    /// `address:port`, as `TcpStream::connect` takes it, of one that has both; an IPv6 address is put
    /// in brackets.
    #[must_use]
    pub fn host_port(&self) -> Option<String> {
        let (address, port) = (self.address.as_ref()?, self.port?);
        Some(match address.parse::<Ipv6Addr>() {
            Ok(address) => format!("[{address}]:{port}"),
            Err(_) => format!("{address}:{port}"),
        })
    }

    /// The URI by its own template, if it has one.
    #[must_use]
    pub fn uri(&self) -> Option<String> {
        self.uri_spec.as_ref().map(|spec| spec.build(self))
    }

    /// Reads the data of the node at `path`.
    pub fn from_json(path: &str, data: &[u8]) -> Result<Self> {
        serde_json::from_slice(data)
            .map_err(|error| Error::Malformed { path: path.to_owned(), reason: error.to_string() })
    }

    /// The data of its node.
    pub fn to_json(&self) -> Result<Bytes> {
        serde_json::to_vec(self)
            .map(Bytes::from)
            .map_err(|error| Error::InvalidInstance { reason: error.to_string() })
    }

    /// Name and id become znode names, so they have to be such.
    pub(super) fn check_names(&self) -> Result<()> {
        for (what, name) in [("name", &self.name), ("id", &self.id)] {
            if name.is_empty() || name.contains('/') || name == "." || name == ".." {
                return Err(Error::InvalidInstance {
                    reason: format!("its {what} {name:?} cannot be the name of a znode"),
                });
            }
        }
        Ok(())
    }
}

/// Java writes a missing value as null.
fn null_is_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ServiceType, D::Error> {
    Ok(Option::<ServiceType>::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
#[path = "instance_tests.rs"]
mod tests;
