//! What a guard says of itself when nobody tells it anything.

use std::time::{Duration, Instant};

use zk_client::Client;
use zk_recipes::{HoldState, Lock, LostReason};
use zk_server::testing::TestServer;

use super::soon;

async fn client(server: &TestServer, timeout_ms: u64) -> Client {
    let builder = Client::builder(&server.connect_string());
    let builder = builder.session_timeout(Duration::from_millis(timeout_ms));
    soon("the connect", builder.connect()).await.unwrap()
}

/// Plays a scene with a session that ends by silence, and with a longer one if the machine stood
/// still for as long as that, which the scene tells by `None`.
async fn with_short_session(scene: impl AsyncFn(u64) -> Option<()>) {
    for timeout_ms in [600, 3000, 12_000] {
        if scene(timeout_ms).await.is_some() {
            return;
        }
    }
    panic!("no session lives as long as it should, or guards are lost too late");
}

#[tokio::test]
async fn a_guard_is_lost_in_time_while_the_server_plays_dead() {
    with_short_session(async |timeout_ms| {
        let server = TestServer::start().await.unwrap();
        let client = client(&server, timeout_ms).await;
        let guard = soon("the lock", Lock::acquire(&client, "/l")).await.ok()?;
        let lost = guard.lost();
        server.pause();
        let deadline = client.session_deadline()?;
        soon("the loss", lost).await;
        // No later than the last answer that may still have been on its way allows.
        let allowed = deadline.max(client.session_deadline().unwrap_or(deadline));
        (Instant::now() < allowed + Duration::from_millis(timeout_ms)).then_some(())?;
        assert!(!guard.is_held(), "and the server has not been heard of again");
        server.resume();
        soon("the next session", async { while client.get("/").await.is_err() {} }).await;
        assert!(matches!(guard.state(), HoldState::Lost(_)), "lost is for good");
        let next = soon("the lock again", Lock::acquire(&client, "/l")).await.ok()?;
        assert!(next.fencing_token() > guard.fencing_token());
        Some(())
    })
    .await;
}

#[tokio::test]
async fn a_process_that_was_paused_knows_before_it_does_anything_else() {
    with_short_session(async |timeout_ms| {
        let server = TestServer::start().await.unwrap();
        let (client, other) = (client(&server, timeout_ms).await, client(&server, 40_000).await);
        let guard = soon("the lock", Lock::acquire(&client, "/l")).await.ok()?;
        let next = tokio::spawn(async move { Lock::acquire(&other, "/l").await });
        guard.is_held().then_some(())?;
        // The one thread that everything here runs on is busy: no task, no timer, no answer.
        let deadline = client.session_deadline()?;
        while Instant::now() <= deadline {
            std::hint::spin_loop();
        }
        assert_eq!(guard.state(), HoldState::Lost(LostReason::DeadlinePassed));
        let next = soon("the other's turn", next).await.unwrap().unwrap();
        assert!(next.is_held() && !guard.is_held());
        assert!(next.fencing_token() > guard.fencing_token());
        Some(())
    })
    .await;
}
