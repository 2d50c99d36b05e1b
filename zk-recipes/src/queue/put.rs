//! Putting items.

use bytes::Bytes;
use zk_client::{CreateMode, Error as ClientError};

use super::core::{Core, children};
use super::naming;
use crate::asking::{ask, make};
use crate::error::{Error, Result};
use crate::ledger::{Change, Step};
use crate::parents::Parents;

impl Core {
    /// Puts one node for each of `data`, all or none, named `base` and a number.
    pub(super) async fn put(
        &self,
        base: &str,
        data: impl IntoIterator<Item = Bytes>,
    ) -> Result<()> {
        let path = self.settings.item(base);
        let step = |data| Step::Create {
            path: path.clone(),
            data,
            mode: CreateMode::PersistentSequential,
        };
        let steps: Vec<Step> = data.into_iter().map(step).collect();
        if steps.is_empty() {
            return Ok(());
        }
        let _room = self.room().await?;
        let (client, items) = (&self.settings.client, &self.settings.items);
        loop {
            match self.ledger.carry_out(&steps).await? {
                Change::Done => return Ok(()),
                Change::Refused { error: ClientError::NoNode { .. } }
                    if self.settings.options.parents != Parents::MustExist =>
                {
                    make(client, items, &self.settings.shared()).await?;
                }
                // A number was given out twice: the server has no more of them.
                Change::Refused { error: ClientError::NodeExists { .. } } => {
                    let sequence = i64::from(i32::MAX);
                    return Err(Error::SequenceExhausted { path: items.clone(), sequence });
                }
                Change::Refused { error } => return Err(error.into()),
            }
        }
    }

    /// Removes the items of this id; how many there were.
    pub(super) async fn remove_id(&self, id: &str) -> Result<usize> {
        let Core { settings, .. } = self;
        let id = naming::clean(id);
        let mut removed = 0;
        for name in children(&settings.client, &settings.items).await? {
            if naming::id(&name) == Some(&*id) {
                let path = settings.item(&name);
                match ask(&settings.client, || settings.client.delete(&path).send()).await {
                    Ok(()) => removed += 1,
                    Err(ClientError::NoNode { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(removed)
    }
}
