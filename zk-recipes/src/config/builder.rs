//! How a configuration is read and checked.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zk_client::Client;

use super::Config;
use crate::error::Result;
use crate::options::NodeOptions;

type Parse<T> = dyn Fn(&[u8]) -> Result<T, String> + Send + Sync;
type Write<T> = dyn Fn(&T) -> Result<Bytes, String> + Send + Sync;
type Validate<T> = dyn Fn(&T) -> Result<(), String> + Send + Sync;

/// Where a configuration is, and what it has to be like. May be used many times.
#[must_use = "a builder does nothing until it starts"]
pub struct ConfigBuilder<T> {
    pub(super) path: String,
    pub(super) options: NodeOptions,
    parse: Arc<Parse<T>>,
    write: Arc<Write<T>>,
    validate: Arc<Validate<T>>,
}

impl<T> Clone for ConfigBuilder<T> {
    fn clone(&self) -> Self {
        Self {
            path: self.path.clone(),
            options: self.options.clone(),
            parse: self.parse.clone(),
            write: self.write.clone(),
            validate: self.validate.clone(),
        }
    }
}

impl<T: DeserializeOwned + Serialize + Send + Sync + 'static> ConfigBuilder<T> {
    pub(super) fn new(path: String) -> Self {
        Self {
            path,
            options: NodeOptions::new(),
            parse: Arc::new(|data| serde_json::from_slice(data).map_err(|e| e.to_string())),
            write: Arc::new(|value| {
                serde_json::to_vec(value).map(Bytes::from).map_err(|e| e.to_string())
            }),
            validate: Arc::new(|_| Ok(())),
        }
    }

    /// How the value is read and written. Default: JSON.
    pub fn format(
        mut self,
        parse: impl Fn(&[u8]) -> Result<T, String> + Send + Sync + 'static,
        write: impl Fn(&T) -> Result<Bytes, String> + Send + Sync + 'static,
    ) -> Self {
        self.parse = Arc::new(parse);
        self.write = Arc::new(write);
        self
    }

    /// What a value has to be like, beyond its type. Default: anything will do.
    pub fn validate(
        mut self,
        validate: impl Fn(&T) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.validate = Arc::new(validate);
        self
    }

    /// The ACL of the node, and what to do about missing parents, when it is published.
    pub fn options(mut self, options: NodeOptions) -> Self {
        self.options = options;
        self
    }

    /// Reads the configuration, which need not exist, and follows it.
    pub async fn start(&self, client: &Client) -> Result<Config<T>> {
        Config::run(client, self.clone()).await
    }

    /// The value in `data`, if it is one and may be used.
    pub(super) fn read(&self, data: &[u8]) -> Result<T, String> {
        let value = (self.parse)(data)?;
        (self.validate)(&value)?;
        Ok(value)
    }

    /// The data for `value`, if it may be used.
    pub(super) fn write(&self, value: &T) -> Result<Bytes, String> {
        (self.validate)(value)?;
        (self.write)(value)
    }
}

impl<T> fmt::Debug for ConfigBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigBuilder").field("path", &self.path).finish_non_exhaustive()
    }
}
