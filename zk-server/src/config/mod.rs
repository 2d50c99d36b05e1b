//! What a server is told before it starts: `zoo.cfg`, parsed once into [`ServerConfig`].

mod effective;
mod environment;
mod error;
mod keys;
pub mod login;
mod operators_config;
mod properties;
mod server_config;
mod storage_config;
mod tls_config;
mod tls_keys;
mod whitelist;
mod zoo_cfg;
mod zoo_cfg_admin;
mod zoo_cfg_auth;
mod zoo_cfg_limits;
mod zoo_cfg_members;
mod zoo_cfg_server;
mod zoo_cfg_storage;
mod zoo_cfg_tls;

pub use environment::from_environment;
pub use error::{ConfigError, ConfigWarning};
pub use operators_config::{AdminConfig, MetricsConfig, OperatorsConfig};
pub use server_config::{ConnectionThrottle, Limits, ServerConfig};
pub use storage_config::StorageConfig;
pub use tls_config::{ClientAuth, Store, StoreFormat, StorePassword, TlsConfig, TlsProtocol};
pub use whitelist::FourLetterWhitelist;
pub use zoo_cfg::{ParsedConfig, ReadFile, parse, parse_all};
