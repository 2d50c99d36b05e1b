//! As kazoo does it: no plan is written, each member works out its own part.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use zk_client::{Client, Error as ClientError};

use super::Shared;
use super::plan::Plan;
use super::worker::{Seen, Worker};
use crate::asking::list_watched;
use crate::error::Result;
use crate::group::{Group, Membership};
use crate::runtime;

/// Joins the party.
pub(super) async fn join(client: &Client, shared: &Shared) -> Result<Membership> {
    let party = Group::shallow_party(client, &shared.paths.members);
    party.options(shared.options.clone()).join(&shared.id, "").await
}

/// The plan for those who are there now.
pub(super) async fn look(shared: &Shared) -> Result<(Option<Plan>, Seen), ClientError> {
    let mut items = shared.items.subscribe();
    let (names, watch) = list_watched(&shared.client, &shared.paths.members).await?;
    // What is behind the tag, whatever is before it: so does kazoo.
    let id = |name: &String| name.split_once('-').map_or(name.as_str(), |(_, id)| id).to_owned();
    let members: BTreeMap<String, String> =
        names.into_iter().map(|name| (name.clone(), id(&name))).collect();
    let last = shared.plan.borrow().as_ref().map_or(0, |plan| plan.generation);
    let plan = Plan::by_turns(last + 1, members, &items.borrow_and_update());
    Ok((Some(plan), Seen { watch, items: Some(items) }))
}

/// Takes part until the owner or the client has enough.
pub(super) async fn run(shared: Arc<Shared>, membership: Membership) {
    let stop = CancellationToken::new();
    let name = membership.path().rsplit('/').next().unwrap_or_default().to_owned();
    // The membership comes back under its name, and by itself.
    let (_own, node) = watch::channel(Some(name));
    let worker = Worker::new(shared.clone(), Arc::new(Notify::new())).run(node, stop.clone());
    let member = async {
        runtime::stopped(&shared.stop, &shared.client).await;
        stop.cancel();
        membership.leave().await.map(drop)
    };
    let ((), left) = futures_util::join!(worker, member);
    shared.end(left);
}
