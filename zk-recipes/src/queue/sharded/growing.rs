//! Adding a shard when all are full.

use futures_util::future::try_join_all;
use tracing::{debug, warn};
use zk_client::OneshotWatch;

use super::super::core::Core;
use super::shards::Site;
use crate::asking::list_watched;
use crate::election::LeaderLatch;
use crate::error::Result;
use crate::runtime::fresh_guid;

/// Stands in line until it is the turn of this process, and adds a shard if all are still full then.
///
/// Curator's processes stand in that line for as long as they live, and the first of them looks from
/// time to time. Here nobody stands in it who has seen no need, and nobody looks without a reason.
pub(super) async fn grow(site: &Site) {
    if let Err(error) = add_if_full(site).await {
        // What was put is there all the same; the next who puts tries again.
        warn!(path = %site.path, %error, "cannot add a shard for now");
    }
}

async fn add_if_full(site: &Site) -> Result<()> {
    while let Some(changed) = all_full(site).await? {
        let latch = LeaderLatch::builder(&site.leader, fresh_guid()).options(site.options.clone());
        let latch = latch.start(&site.client).await?;
        tokio::select! {
            biased;
            // Perhaps somebody has added one.
            _ = changed => {}
            leadership = latch.lead() => {
                let leadership = leadership?;
                if all_full(site).await?.is_some() && leadership.is_held() {
                    site.add().await?;
                    debug!(path = %site.path, "added a shard");
                }
            }
        }
        latch.close().await?;
    }
    Ok(())
}

/// A watch for shards that come and go, if all there are are full and there may be more.
async fn all_full(site: &Site) -> Result<Option<OneshotWatch>> {
    let (names, watch) = list_watched(&site.client, &site.path).await?;
    if names.len() >= site.max_shards {
        return Ok(None);
    }
    let shards: Vec<Core> = names.iter().map(|name| Core::new(site.settings(name))).collect();
    let counts = try_join_all(shards.iter().map(Core::count)).await?;
    Ok(counts.into_iter().all(|count| count >= site.threshold).then_some(watch))
}
