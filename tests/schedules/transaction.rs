//! `Transaction`: all or nothing, and nobody is told otherwise.

use std::sync::Arc;
use std::time::Duration;

use zk_client::Client;
use zk_recipes::transaction::{Decision, Vote};
use zk_recipes::{Error, Transaction};

use crate::run::{Scenario, explore};
use crate::scenario::agreeing::{Agreeing, PARTICIPANTS, PATH, Tell, agree};
use crate::scenario::mutex::Boxed;
use crate::world::{Allowed, World};

pub(crate) struct TwoPhases;

impl Agreeing for TwoPhases {
    fn coordinate(
        &self,
        client: &Client,
        limit: Duration,
        path: Tell<String>,
        decided: Tell<Decision>,
    ) -> Boxed<Result<(), Error>> {
        let client = client.clone();
        Box::pin(async move {
            let mut transaction = Transaction::begin(&client, PATH, PARTICIPANTS, "17").await?;
            path(transaction.path().to_owned());
            decided(transaction.decide(limit).await?);
            decided(transaction.finish().await?);
            Ok(())
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
        let client = client.clone();
        Box::pin(async move {
            let mut part = Transaction::join(&client, &path, name).await?;
            // Who knows the end must not ask again: it may be that all others are done.
            if known.is_none() {
                decided(part.vote(vote).await?);
            }
            part.done().await
        })
    }
}

const ALLOWED: Allowed = Allowed { crashes: true, kills: true };

#[test]
fn all_carry_it_out_or_none_does() {
    let begin = |world: &Arc<World>| agree(world, TwoPhases);
    explore(&Scenario { name: "transaction", processes: 3, allowed: ALLOWED, begin });
}
