//! The table of failures in the guide (`guide/sessions.md`), row by row: each cell is what is seen
//! to happen to a request of that kind.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test is the world")]
#![allow(clippy::unwrap_used, reason = "what a test unwraps is what it expects")]

mod asked;
mod refusing;
mod situations;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

/// What became of a request of each kind: read, write, create, multi, one-shot watch, stream.
type Fates = [String; 6];

type Situation = fn() -> LocalBoxFuture<'static, Fates>;

const TABLE: &[(&str, Situation)] = &[
    ("it was not sent yet when the connection broke", || situations::not_sent().boxed_local()),
    ("it was in flight when the connection broke", || situations::in_flight().boxed_local()),
    ("it was not sent yet when the session expired", || situations::expired_unsent().boxed_local()),
    ("it was in flight when the session expired", || situations::expired_in_flight().boxed_local()),
    ("it is `in_session` of one that is over", || situations::of_a_former_session().boxed_local()),
    ("its time is up before it was sent", || situations::late_unsent().boxed_local()),
    ("its time is up while it is in flight", || situations::late_in_flight().boxed_local()),
    ("no server gives a new session in time", || situations::unreachable().boxed_local()),
    ("the server sheds load", || situations::overloaded().boxed_local()),
    ("the server is read-only", || situations::read_only().boxed_local()),
    ("the server refuses the credentials", || situations::refused().boxed_local()),
    ("the client is closed after it was sent", || situations::closed_after().boxed_local()),
    ("the client is closed, the server mute", || situations::closed_on_a_mute().boxed_local()),
    ("the client was closed before", || situations::closed_before().boxed_local()),
];

/// The row's cells as the guide has them, without its last, which is for people.
fn cells_of(guide: &str, label: &str) -> Option<Vec<String>> {
    let row = guide.lines().find(|line| line.starts_with(&format!("| {label} |")))?;
    let cells = row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned());
    Some(cells.skip(1).take(6).collect())
}

#[tokio::test]
async fn the_guide_says_what_happens_to_each_request() {
    let guide = include_str!("../../guide/sessions.md");
    let mut wrong = Vec::new();
    for (label, situation) in TABLE {
        let seen = situation().await;
        if cells_of(guide, label).is_none_or(|cells| cells != seen) {
            wrong.push(format!("| {label} | {} |", seen.join(" | ")));
        }
    }
    assert!(wrong.is_empty(), "the guide must say:\n{}", wrong.join("\n"));
}
