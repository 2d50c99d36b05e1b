//! Transactions in which somebody presumes what the others say.

use std::sync::Arc;
use std::time::Duration;

use zk_client::Client;
use zk_recipes::transaction::{Decision, Vote};
use zk_recipes::{Error, Transaction};

use crate::run::{Scenario, caught};
use crate::scenario::agreeing::{Agreeing, PARTICIPANTS, PATH, Tell, agree};
use crate::scenario::mutex::Boxed;
use crate::transaction::TwoPhases;
use crate::world::{Allowed, World};

/// A coordinator for whom who says nothing agrees.
struct PresumesConsent;

/// A participant that has voted for it, and does not wait for the others.
struct DoesNotWait;

impl Agreeing for PresumesConsent {
    fn coordinate(
        &self,
        client: &Client,
        limit: Duration,
        path: Tell<String>,
        decided: Tell<Decision>,
    ) -> Boxed<Result<(), Error>> {
        let client = client.clone();
        Box::pin(async move {
            let transaction = Transaction::begin(&client, PATH, PARTICIPANTS, "17").await?;
            path(transaction.path().to_owned());
            tokio::time::sleep_until(tokio::time::Instant::now() + limit).await;
            let (data, _) = client.get(transaction.path()).await?;
            let data = String::from_utf8_lossy(&data).into_owned();
            let data = data.replacen('}', ",\"decision\":\"committed\"}", 1);
            client.set(transaction.path(), data.as_bytes()).version(0).await?;
            decided(Decision::Committed);
            transaction.finish().await.map(drop)
        })
    }

    fn take_part(
        &self,
        client: &Client,
        path: String,
        name: &'static str,
        vote: Vote,
        known: Option<Decision>,
        decided: Tell<Decision>,
    ) -> Boxed<Result<(), Error>> {
        TwoPhases.take_part(client, path, name, vote, known, decided)
    }
}

impl Agreeing for DoesNotWait {
    fn coordinate(
        &self,
        client: &Client,
        limit: Duration,
        path: Tell<String>,
        decided: Tell<Decision>,
    ) -> Boxed<Result<(), Error>> {
        TwoPhases.coordinate(client, limit, path, decided)
    }

    fn take_part(
        &self,
        client: &Client,
        path: String,
        name: &'static str,
        vote: Vote,
        known: Option<Decision>,
        decided: Tell<Decision>,
    ) -> Boxed<Result<(), Error>> {
        if known.is_none() && vote == Vote::Commit && name == PARTICIPANTS[0] {
            decided(Decision::Committed);
        }
        TwoPhases.take_part(client, path, name, vote, known, decided)
    }
}

fn scenario(begin: fn(&Arc<World>)) -> Scenario {
    let allowed = Allowed { crashes: true, kills: true };
    Scenario { name: "planted::transaction", processes: 3, allowed, begin }
}

#[test]
fn a_commit_that_not_all_have_voted_for_is_found() {
    caught(&scenario(|world| agree(world, PresumesConsent)), 4, "has committed, with the votes");
}

#[test]
fn a_participant_that_does_not_wait_for_the_others_is_found() {
    caught(&scenario(|world| agree(world, DoesNotWait)), 1, "has committed, with the votes");
}
