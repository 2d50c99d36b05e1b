//! Counters.
//!
//! ```no_run
//! # async fn example(client: zk_client::Client) -> zk_recipes::Result<()> {
//! use zk_recipes::Counter;
//!
//! let visits = Counter::new(&client, "/visits");
//! let count = visits.add(1).await?;
//! # Ok(()) }
//! ```
//!
//! # Znodes
//!
//! Those of an [`AtomicValue`]. The data is a 64-bit integer, big endian, as in Curator's
//! `DistributedAtomicLong`. [`Counter::shared_count`] has 32 bits, as Curator's `SharedCount` and
//! `DistributedAtomicInteger`, and kazoo's `Counter` with `support_curator`; [`Counter::kazoo`] is
//! decimal text. No node, or no data, is 0.
//!
//! # What it guarantees, and what not
//!
//! What an [`AtomicValue`] does: each addition counts once. Besides, a counter never wraps around:
//! what does not fit is [`Error::CounterOverflow`], and changes
//! nothing.
//!
//! # When things go wrong, and what it costs
//!
//! As for an [`AtomicValue`]. Data that is no number is
//! [`Error::Malformed`], and left alone; [`set`](Counter::set) mends it.

mod format;

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use zk_client::Client;

use self::format::Format;
use crate::atomic::AtomicValue;
use crate::error::{Error, Result};
use crate::options::NodeOptions;

/// A number that many processes add to. A cheap handle, whose clones are the same. See the
/// [module](self).
#[derive(Clone, Debug)]
pub struct Counter {
    client: Client,
    value: AtomicValue,
    format: Format,
}

/// The values of a counter. Made by [`Counter::changes`].
#[must_use = "streams do nothing unless polled"]
pub struct CounterChanges(BoxStream<'static, Result<i64>>);

impl Counter {
    /// The counter at `path`, of 64 bits. Asks the server nothing.
    #[must_use]
    pub fn new(client: &Client, path: &str) -> Self {
        Self::of(client, path, Format::Long)
    }

    /// The counter at `path`, of 32 bits.
    #[must_use]
    pub fn shared_count(client: &Client, path: &str) -> Self {
        Self::of(client, path, Format::Int)
    }

    /// The counter at `path`, as decimal text.
    #[must_use]
    pub fn kazoo(client: &Client, path: &str) -> Self {
        Self::of(client, path, Format::Text)
    }

    fn of(client: &Client, path: &str, format: Format) -> Self {
        Self { client: client.clone(), value: AtomicValue::new(client, path), format }
    }

    /// The ACL of the nodes, and what to do about missing parents.
    #[must_use]
    pub fn options(self, options: NodeOptions) -> Self {
        Self { value: self.value.options(options), ..self }
    }

    /// The value.
    pub async fn get(&self) -> Result<i64> {
        self.format.decode(self.value.path(), self.value.get().await?.as_deref())
    }

    /// Adds `number`, which may be negative; the value afterwards.
    pub async fn add(&self, number: i64) -> Result<i64> {
        let mut sum = 0;
        self.value
            .transform(&mut |data| {
                let path = self.value.path();
                let value = self.format.decode(path, data.map(AsRef::as_ref))?;
                let data = value.checked_add(number).and_then(|value| {
                    sum = value;
                    self.format.encode(value)
                });
                match data {
                    Some(data) => Ok(Some(data)),
                    None => Err(self.overflow(value, number)),
                }
            })
            .await?;
        Ok(sum)
    }

    /// Sets the value, whatever it was.
    pub async fn set(&self, value: i64) -> Result<()> {
        match self.format.encode(value) {
            Some(data) => self.value.set(data).await,
            None => Err(self.overflow(0, value)),
        }
    }

    /// Sets the value if it is `expected`; whether it was.
    pub async fn compare_and_set(&self, expected: i64, value: i64) -> Result<bool> {
        let Some(new) = self.format.encode(value) else { return Err(self.overflow(0, value)) };
        let mut is_expected = false;
        self.value
            .transform(&mut |data| {
                let path = self.value.path();
                is_expected = self.format.decode(path, data.map(AsRef::as_ref))? == expected;
                Ok(is_expected.then(|| new.clone()))
            })
            .await?;
        Ok(is_expected)
    }

    /// The value now, and again each time it changes. Values in between may be skipped, the latest
    /// never is. A value that cannot be read is an error, and the stream goes on; it ends with the
    /// client.
    pub fn changes(&self) -> CounterChanges {
        let (path, format) = (self.value.path().to_owned(), self.format);
        let values = self.client.observe(&path).map(move |node| {
            let data = node?.map(|(data, _)| data);
            format.decode(&path, data.as_deref())
        });
        CounterChanges(Box::pin(values))
    }

    fn overflow(&self, value: i64, number: i64) -> Error {
        Error::CounterOverflow { path: self.value.path().to_owned(), value, number }
    }
}

impl Stream for CounterChanges {
    type Item = Result<i64>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for CounterChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CounterChanges")
    }
}
