//! What a server is told before it starts: `zoo.cfg`, parsed once into [`ServerConfig`].

mod error;
mod keys;
mod properties;
mod server_config;
mod whitelist;
mod zoo_cfg;

pub use error::{ConfigError, ConfigWarning};
pub use server_config::{Limits, ServerConfig};
pub use whitelist::FourLetterWhitelist;
pub use zoo_cfg::{ParsedConfig, parse};
