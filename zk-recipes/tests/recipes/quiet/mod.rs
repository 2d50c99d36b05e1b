//! What every recipe promises of the quiet: who waits asks nobody, one change wakes the one who can
//! go on, and nothing stays behind. Counted, recipe by recipe, in a world where a while passes at once.

mod kept;
mod waits;
mod world;

use std::time::Duration;

use world::World;

/// Long enough for any poll, for the server to sweep its containers a few times, and for a client to
/// ping it some sixty times.
const WHILE: Duration = Duration::from_secs(600);

/// What a case has in its hands. Dropping it lets go of it.
type Taken = Box<dyn std::any::Any + Send>;

type Doing<T> = futures_util::future::BoxFuture<'static, T>;

fn doing<T: Send + 'static>(
    work: impl Future<Output = zk_recipes::Result<T>> + Send + 'static,
) -> Doing<Taken> {
    Box::pin(async move { Box::new(work.await.unwrap()) as Taken })
}

/// Waits until the server has swept its containers; a complaint if more is left than may stay.
async fn left_behind(world: &World, name: &str, may_stay: &[&str]) -> Option<String> {
    world.pass(WHILE).await;
    let left = world.paths();
    (left != may_stay).then(|| format!("{name} leaves {left:?}, and may leave {may_stay:?}"))
}
