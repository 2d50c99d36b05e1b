//! Numbers that nobody else gets.
//!
//! ```no_run
//! # async fn example(client: zk_client::Client) -> zk_recipes::Result<()> {
//! use zk_recipes::IdGenerator;
//!
//! let ids = IdGenerator::new(&client, "/ids/orders").block(1000);
//! let id = ids.next().await?;
//! # Ok(()) }
//! ```
//!
//! # Znodes
//!
//! Those of a [`Counter`] of 64 bits, as in Curator's `CachedAtomicLong`: its value is the first
//! number that nobody has reserved.
//!
//! # What it guarantees
//!
//! No two calls get the same number, whatever process they are in and whatever fails, as long as
//! nobody sets the counter back. The numbers of one handle and its clones grow.
//!
//! # What it does not
//!
//! Numbers are reserved in blocks, so those of several processes are in no order between each other,
//! and what is left of a block is lost with the handle: there are gaps.
//!
//! # When things go wrong
//!
//! As for a [`Counter`]. A block that was reserved for a future that was dropped, or with an unknown
//! outcome, is a gap. At the end of the 64 bits there is
//! [`Error::CounterOverflow`](crate::Error::CounterOverflow).
//!
//! # Cost
//!
//! A read and a write for each block; nothing for the numbers in it.

use std::ops::Range;
use std::sync::Arc;

use tokio::sync::Mutex;
use zk_client::Client;

use crate::counter::Counter;
use crate::error::Result;
use crate::options::NodeOptions;

/// How many numbers are reserved at once unless [`block`](IdGenerator::block) says otherwise.
pub const BLOCK_DEFAULT: u32 = 100;

/// Gives out numbers. A cheap handle, whose clones share their blocks. See the [module](self).
#[derive(Clone, Debug)]
pub struct IdGenerator {
    counter: Counter,
    block: u32,
    /// What is reserved and not given out yet.
    reserved: Arc<Mutex<Range<i64>>>,
}

impl IdGenerator {
    /// The numbers counted at `path`, from 0 on. Asks the server nothing.
    #[must_use]
    pub fn new(client: &Client, path: &str) -> Self {
        let counter = Counter::new(client, path);
        Self { counter, block: BLOCK_DEFAULT, reserved: Arc::new(Mutex::new(0..0)) }
    }

    /// How many numbers are reserved at once (1 if 0 is given).
    #[must_use]
    pub fn block(self, numbers: u32) -> Self {
        Self { block: numbers.max(1), ..self }
    }

    /// The ACL of the nodes, and what to do about missing parents.
    #[must_use]
    pub fn options(self, options: NodeOptions) -> Self {
        Self { counter: self.counter.options(options), ..self }
    }

    /// A number that nobody else gets. Cancel-safe.
    pub async fn next(&self) -> Result<i64> {
        let mut reserved = self.reserved.lock().await;
        loop {
            if let Some(id) = reserved.next() {
                return Ok(id);
            }
            let block = i64::from(self.block);
            let end = self.counter.add(block).await?;
            *reserved = end - block..end;
        }
    }
}
