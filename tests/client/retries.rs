//! Trying again, where that is harmless.

use std::time::Duration;

use tests::Target;
use zk_client::{CreateMode, Error, Retry};

const QUICK: Retry = Retry::times(3).pauses(Duration::ZERO, Duration::ZERO);

fn passing() -> Error {
    Error::Throttled { path: "/a".to_owned() }
}

/// Fails with the errors, one after another, then succeeds; says how often it was asked.
async fn run(retry: Retry, errors: &[Error]) -> (Result<(), Error>, usize) {
    let mut asked = 0;
    let result = retry.run(|| {
        asked += 1;
        std::future::ready(errors.get(asked - 1).cloned().map_or(Ok(()), Err))
    });
    (result.await, asked)
}

#[tokio::test]
async fn what_failed_for_now_is_tried_as_often_as_allowed() {
    assert_eq!(run(QUICK, &[]).await, (Ok(()), 1));
    assert_eq!(run(QUICK, &[passing(), Error::SessionExpired]).await, (Ok(()), 3));
    let errors = vec![passing(); 3];
    assert_eq!(run(QUICK, &errors).await, (Err(passing()), 3));
    assert_eq!(run(Retry::times(0), &errors).await, (Err(passing()), 1));
    let forever = Retry::forever().pauses(Duration::ZERO, Duration::ZERO);
    assert_eq!(run(forever, &vec![passing(); 100]).await, (Ok(()), 101));
    assert_eq!(run(forever.at_most_times(2), &errors).await, (Err(passing()), 2));
}

#[tokio::test]
async fn time_that_is_up_ends_the_attempts() {
    let errors = vec![passing(); 100_000];
    let (result, asked) = run(Retry::for_at_most(Duration::from_millis(50)), &errors).await;
    assert_eq!(result, Err(passing()));
    assert!((1..=4).contains(&asked), "20 ms, 40 ms, ...: {asked}");
}

#[tokio::test]
async fn what_would_fail_again_or_may_have_been_done_is_not_repeated() {
    let path = || "/a".to_owned();
    for error in [
        Error::NoNode { path: path() },
        Error::Closed,
        Error::ConnectionLoss { op: "setData", path: path() },
        Error::Timeout { op: "setData", path: path(), after: Duration::ZERO, in_flight: true },
    ] {
        assert_eq!(run(QUICK, std::slice::from_ref(&error)).await, (Err(error), 1));
    }
}

#[tokio::test]
async fn builders_are_attempts() {
    let target = Target::start().await;
    let client = target.client().await;
    let mode = CreateMode::Persistent;
    QUICK.run(|| client.create("/a", b"x", mode).idempotent()).await.unwrap();
    let task = tokio::spawn(async move { QUICK.run(|| client.get("/a")).await.unwrap().0 });
    assert_eq!(&task.await.unwrap()[..], b"x", "the future can be sent to another thread");
}
