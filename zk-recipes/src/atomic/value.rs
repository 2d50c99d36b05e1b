//! Reading, computing, writing if nobody else has written.

use std::sync::Arc;

use bytes::Bytes;
use zk_client::{Client, CreateMode, Error as ClientError, Stat};

use crate::asking::{ask, make, parent};
use crate::contest::Contest;
use crate::error::Result;
use crate::ledger::{Change, Ledger, Step};
use crate::options::NodeOptions;
use crate::parents::Parents;
use crate::sequence::Mark;

/// How often an update tries to be faster than others before it gets in line with them.
pub const OPTIMISTIC_MAX: usize = 8;

/// Any version.
const ANY_VERSION: i32 = -1;

/// A value that is changed without losing a change. A cheap handle, whose clones are the same. See
/// the [module](super).
#[derive(Clone, Debug)]
pub struct AtomicValue {
    client: Client,
    path: String,
    /// The directory of the ledgers and of the line.
    updates: String,
    options: NodeOptions,
    ledger: Arc<Ledger>,
}

/// What an update did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Update {
    /// The value it was computed from; `None` if there was none.
    pub before: Option<Bytes>,
    /// The value afterwards, the same if nothing was to be changed.
    pub after: Option<Bytes>,
}

/// Computes the next value, or nothing to leave it as it is.
type Compute<'a> = dyn FnMut(Option<&Bytes>) -> Result<Option<Bytes>> + Send + 'a;

impl AtomicValue {
    /// The value at `path`. Asks the server nothing.
    #[must_use]
    pub fn new(client: &Client, path: &str) -> Self {
        Self::with(client, path, NodeOptions::new())
    }

    fn with(client: &Client, path: &str, options: NodeOptions) -> Self {
        let updates = format!("{path}-updates");
        let ledger = Arc::new(Ledger::new(client, &updates, &options));
        Self { client: client.clone(), path: path.to_owned(), updates, options, ledger }
    }

    /// The ACL of the nodes, and what to do about missing parents.
    #[must_use]
    pub fn options(self, options: NodeOptions) -> Self {
        Self::with(&self.client, &self.path, options)
    }

    /// The path of the value.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value; `None` if there is none.
    pub async fn get(&self) -> Result<Option<Bytes>> {
        Ok(self.read().await?.map(|(data, _)| data))
    }

    /// Sets the value, whatever it was, once.
    pub async fn set(&self, data: impl Into<Bytes>) -> Result<()> {
        let data = data.into();
        let mut version = Some(ANY_VERSION);
        while !self.write(version, data.clone()).await? {
            version = if version.is_some() { None } else { Some(ANY_VERSION) };
        }
        Ok(())
    }

    /// Sets the value if it is `expected`; whether it was.
    pub async fn compare_and_set(
        &self,
        expected: Option<&[u8]>,
        data: impl Into<Bytes>,
    ) -> Result<bool> {
        let data = data.into();
        let mut is_expected = false;
        self.transform(&mut |value| {
            is_expected = value.map(AsRef::as_ref) == expected;
            Ok(is_expected.then(|| data.clone()))
        })
        .await?;
        Ok(is_expected)
    }

    /// Sets the value to what `compute` makes of it (`None` leaves it as it is). Called again for
    /// each time that somebody else was faster.
    pub async fn update(
        &self,
        mut compute: impl FnMut(Option<&Bytes>) -> Option<Bytes> + Send,
    ) -> Result<Update> {
        self.transform(&mut |value| Ok(compute(value))).await
    }

    /// As [`update`](Self::update); an error of `compute` ends it, and nothing is changed.
    pub(crate) async fn transform(&self, compute: &mut Compute<'_>) -> Result<Update> {
        let mut turn = None;
        let mut attempts = 0;
        loop {
            let (before, version) = match self.read().await? {
                Some((data, stat)) => (Some(data), Some(stat.version)),
                None => (None, None),
            };
            // Servers take -1 for any version: then only the line keeps two updates apart.
            if version == Some(ANY_VERSION) && turn.is_none() {
                turn = Some(self.line().win().await?);
                continue;
            }
            let Some(after) = compute(before.as_ref())? else {
                return Ok(Update { after: before.clone(), before });
            };
            if self.write(version, after.clone()).await? {
                return Ok(Update { before, after: Some(after) });
            }
            attempts += 1;
            if attempts >= OPTIMISTIC_MAX && turn.is_none() {
                // Kept to the end: it holds back the others who are in line.
                turn = Some(self.line().win().await?);
            }
        }
    }

    async fn read(&self) -> Result<Option<(Bytes, Stat)>> {
        match ask(&self.client, || self.client.get(&self.path).send()).await {
            Ok(read) => Ok(Some(read)),
            Err(ClientError::NoNode { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes `data` over the given version, or where there is nothing; false if it was otherwise.
    async fn write(&self, version: Option<i32>, data: Bytes) -> Result<bool> {
        let path = self.path.clone();
        let step = match version {
            Some(version) => Step::Set { path, data, version },
            None => Step::Create { path, data, mode: CreateMode::Persistent },
        };
        let steps = [step];
        loop {
            match self.ledger.carry_out(&steps).await? {
                Change::Done => return Ok(true),
                Change::Refused { error: ClientError::NoNode { .. } }
                    if version.is_none() && self.options.parents != Parents::MustExist =>
                {
                    make(&self.client, parent(&self.path), &self.options).await?;
                }
                Change::Refused { error: ClientError::NoNode { .. } } if version.is_some() => {
                    return Ok(false);
                }
                Change::Refused {
                    error: ClientError::NodeExists { .. } | ClientError::BadVersion { .. },
                } => return Ok(false),
                Change::Refused { error } => return Err(error.into()),
            }
        }
    }

    fn line(&self) -> Contest {
        Contest {
            client: self.client.clone(),
            directory: self.updates.clone(),
            mark: Mark::LOCK,
            data: Bytes::new(),
            options: self.options.clone().into(),
        }
    }
}
