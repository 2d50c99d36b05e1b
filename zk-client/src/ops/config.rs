//! Who belongs to the ensemble.

use bytes::Bytes;
use zk_proto::EnsembleConfig;
use zk_proto::ensemble::CONFIG_NODE;

use super::{Call, Get, Pending, request};
use crate::error::{Error, Result};
use crate::watch::OneshotWatch;

/// Reads the ensemble's configuration; made by [`Client::config`](crate::Client::config).
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct GetConfig<'a> {
    pub(crate) call: Call<'a>,
}

impl<'a> GetConfig<'a> {
    /// Sets a watch along with the read. It fires once, when the ensemble is reconfigured.
    pub fn watch(self) -> GetConfigAndWatch<'a> {
        GetConfigAndWatch { call: self.call }
    }

    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<EnsembleConfig> {
        let read = Get { call: self.call }.send();
        Pending::chained(async move { parse("getData", &read.await?.0) })
    }
}

/// Reads the ensemble's configuration and watches it; made by [`GetConfig::watch`].
#[derive(Debug)]
#[must_use = "nothing is sent until the request is awaited or sent"]
pub struct GetConfigAndWatch<'a> {
    call: Call<'a>,
}

impl GetConfigAndWatch<'_> {
    /// Sends the request now; the result is awaited later.
    pub fn send(self) -> Pending<(EnsembleConfig, OneshotWatch)> {
        let read = Get { call: self.call }.watch().send();
        Pending::chained(async move {
            let (data, _, watch) = read.await?;
            Ok((parse("getData", &data)?, watch))
        })
    }
}

/// What the data of the config node says.
pub(super) fn parse(op: &'static str, data: &Bytes) -> Result<EnsembleConfig> {
    let malformed = |reason: String| Error::Protocol { op, path: CONFIG_NODE.to_owned(), reason };
    let text = std::str::from_utf8(data).map_err(|error| malformed(error.to_string()))?;
    text.parse()
        .map_err(|error: zk_proto::ensemble::EnsembleConfigError| malformed(error.to_string()))
}

request!(GetConfig => EnsembleConfig);
request!(GetConfigAndWatch => (EnsembleConfig, OneshotWatch));
