//! Leases that last longer for their holders than for the others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use zk_client::{Client, CreateMode, Error as ClientError};
use zk_recipes::Error;

use crate::run::{Scenario, caught};
use crate::scenario::leasing::{Grant, Leasing, PATH, lease};
use crate::scenario::mutex::Boxed;
use crate::world::{Allowed, World};

const DURATION: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mistake {
    /// Counts from the answer on, and not from the question.
    CountsFromTheAnswer,
    /// Counts grants by the version of a node, which is made anew each time.
    TokenFromTheVersion,
}

struct NaiveLease(Mistake);

struct Granted {
    token: i64,
    until: Instant,
}

fn now_ms() -> u128 {
    zk_client::simulation::wall_time()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis())
}

impl Leasing for NaiveLease {
    fn ask(&self, client: &Client, _: &str) -> Boxed<Result<Option<Box<dyn Grant>>, Error>> {
        let (client, mistake) = (client.clone(), self.0);
        let node = format!("{PATH}/lease_holder");
        Box::pin(async move {
            let asked = zk_client::simulation::now();
            let end = (now_ms() + DURATION.as_millis()).to_string();
            let found = match client.get(&node).await {
                Ok((data, stat)) => Some((String::from_utf8_lossy(&data).into_owned(), stat)),
                Err(ClientError::NoNode { .. }) => None,
                Err(error) => return Err(error.into()),
            };
            let mut multi = client.multi();
            if let Some((until, stat)) = found {
                if now_ms() < until.parse().unwrap_or(0) {
                    return Ok(None);
                }
                multi = multi.delete_version(&node, stat.version);
            } else {
                let made = client.create(PATH, b"", CreateMode::Persistent).with_parents().await;
                drop(made);
            }
            match multi.create(&node, end.as_bytes(), CreateMode::Persistent).commit().await {
                Ok(_) => {}
                Err(ClientError::Multi { .. }) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
            let since = match mistake {
                Mistake::CountsFromTheAnswer => zk_client::simulation::now(),
                Mistake::TokenFromTheVersion => asked,
            };
            let Some(stat) = client.exists(&node).await? else { return Ok(None) };
            let token = match mistake {
                Mistake::CountsFromTheAnswer => stat.czxid.0,
                Mistake::TokenFromTheVersion => i64::from(stat.version),
            };
            Ok(Some(Box::new(Granted { token, until: since + DURATION }) as Box<dyn Grant>))
        })
    }
}

impl Grant for Granted {
    fn is_held(&self) -> bool {
        zk_client::simulation::now() < self.until
    }

    fn token(&self) -> i64 {
        self.token
    }

    fn path(&self) -> String {
        format!("{PATH}/lease_holder")
    }

    fn lost(&self) -> Boxed<()> {
        let until = tokio::time::Instant::from_std(self.until);
        Box::pin(tokio::time::sleep_until(until))
    }

    fn renew(self: Arc<Self>) -> Boxed<Result<bool, Error>> {
        Box::pin(async { Ok(true) })
    }

    fn release(self: Arc<Self>) -> Boxed<Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }
}

fn scenario(begin: fn(&Arc<World>)) -> Scenario {
    let allowed = Allowed { crashes: true, kills: true };
    Scenario { name: "planted::lease", processes: 3, allowed, begin }
}

#[test]
fn a_lease_that_is_counted_from_the_answer_is_found() {
    let begin = |world: &Arc<World>| lease(world, NaiveLease(Mistake::CountsFromTheAnswer), 3);
    caught(&scenario(begin), 6, "holders at once");
}

#[test]
fn a_lease_whose_tokens_stand_still_is_found() {
    let begin = |world: &Arc<World>| lease(world, NaiveLease(Mistake::TokenFromTheVersion), 3);
    caught(&scenario(begin), 1, "tokens do not grow");
}
