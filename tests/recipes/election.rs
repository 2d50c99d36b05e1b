//! One leader at a time, and always one.

use std::future::pending;

use futures_util::StreamExt;
use tests::{Target, eventually, with_short_session, within};
use tokio::sync::mpsc;
use zk_client::Client;
use zk_recipes::election::{ElectionBuilder, LatchState, Term};
use zk_recipes::{FencingToken, LeaderElection, LeaderLatch, LostReason};

const PATH: &str = "/masters";

async fn join(client: &Client, id: &str) -> LeaderLatch {
    within("joining", LeaderLatch::start(client, PATH, id)).await.unwrap()
}

/// Waits until the latch stands in line, so that later ones stand behind it.
async fn stands_in_line(latch: &LeaderLatch) {
    let mut states = latch.states();
    within("a place in line", async {
        while !matches!(
            states.next().await,
            Some(LatchState::Waiting { .. } | LatchState::Leading { .. })
        ) {}
    })
    .await;
}

#[tokio::test]
async fn the_first_to_join_leads_and_the_next_takes_over_when_it_leaves() {
    let target = Target::start().await;
    let (a, b) = (target.client().await, target.client().await);
    let first = join(&a, "a").await;
    let term = within("leadership", first.lead()).await.unwrap();
    let second = join(&b, "b").await;
    stands_in_line(&second).await;
    assert!(first.is_leading() && !second.is_leading());
    assert_eq!(LeaderLatch::leader_of(&b, PATH).await.unwrap().unwrap().id, "a");
    first.close().await.unwrap();
    assert_eq!(within("the old term ends", term.lost()).await, LostReason::Released);
    let next = within("the next term", second.lead()).await.unwrap();
    assert!(next.fencing_token() > term.fencing_token());
    assert_eq!(second.leader().await.unwrap().unwrap().id, "b");
}

#[tokio::test]
async fn participants_are_listed_with_the_leader_first() {
    let target = Target::start().await;
    let client = target.client().await;
    let mut latches = Vec::new();
    for id in ["a", "b", "c"] {
        let latch = join(&client, id).await;
        stands_in_line(&latch).await;
        latches.push(latch);
    }
    let participants = LeaderLatch::participants_of(&client, PATH).await.unwrap();
    let ids: Vec<_> = participants.iter().map(|p| (p.id.as_str(), p.is_leader)).collect();
    assert_eq!(ids, [("a", true), ("b", false), ("c", false)]);
}

#[tokio::test]
async fn a_leader_that_dies_is_replaced_when_its_session_expires() {
    with_short_session(async |session| {
        let target = Target::start().await;
        let proxy = target.proxy().await;
        let short = target.builder_through(&proxy).session_timeout(session);
        let (dying, backup) = (short.connect().await.unwrap(), target.client().await);
        let joining = LeaderLatch::start(&dying, PATH, "dying");
        let leader = within("joining", joining).await.ok()?;
        let term = within("leadership", leader.lead()).await.unwrap();
        let standby = join(&backup, "backup").await;
        stands_in_line(&standby).await;
        proxy.refuse();
        let next = within("the backup takes over", standby.lead()).await.unwrap();
        assert!(!term.is_held(), "the old leader must know by the time there is a new one");
        assert!(next.fencing_token() > term.fencing_token());
        proxy.heal();
        stands_in_line(&leader).await;
        assert!(standby.is_leading() && !leader.is_leading());
        Some(())
    })
    .await;
}

#[tokio::test]
async fn who_resigns_goes_to_the_tail_of_the_line() {
    let target = Target::start().await;
    let (a, b) = (target.client().await, target.client().await);
    let first = join(&a, "a").await;
    let term = within("leadership", first.lead()).await.unwrap();
    let second = join(&b, "b").await;
    stands_in_line(&second).await;
    within("resigning", term.resign()).await.unwrap();
    let term = within("the other leads", second.lead()).await.unwrap();
    within("resigning", term.resign()).await.unwrap();
    let term = within("the first leads again", first.lead()).await.unwrap();
    assert!(term.is_held());
}

#[tokio::test]
async fn leadership_survives_a_short_cut() {
    let target = Target::start().await;
    let proxy = target.proxy().await;
    let client = target.client_through(&proxy).await;
    let latch = join(&client, "a").await;
    let term = within("leadership", latch.lead()).await.unwrap();
    for _ in 0..3 {
        proxy.cut();
        eventually("unsure or back", async || client.is_connected()).await;
    }
    within("an answer", client.sync("/")).await.unwrap();
    assert!(term.is_held() && latch.is_leading());
}

/// What the work of all participants tells, in the order in which it happens.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Begins(String, FencingToken),
    Ends(FencingToken),
}

/// Tells of the end of the work, however it comes.
struct Work(mpsc::UnboundedSender<Told>, FencingToken);

impl Drop for Work {
    fn drop(&mut self) {
        // Nobody listens any more when the test is over.
        let _ = self.0.send(Told::Ends(self.1));
    }
}

/// Joins with work that goes on until it is dropped.
async fn work(
    client: &Client,
    builder: ElectionBuilder,
    id: &'static str,
    told: &mpsc::UnboundedSender<Told>,
) -> LeaderElection {
    let told = told.clone();
    let working = builder.start(client, move |term: Term| {
        let token = term.fencing_token();
        let _ = told.send(Told::Begins(id.to_owned(), token));
        let work = Work(told.clone(), token);
        async move {
            let _work = work;
            pending::<()>().await;
        }
    });
    within("joining", working).await.unwrap()
}

async fn begins(told: &mut mpsc::UnboundedReceiver<Told>, expected: &str) -> FencingToken {
    match within("the work begins", told.recv()).await.unwrap() {
        Told::Begins(id, token) if id == expected => token,
        other => panic!("{expected} should begin: {other:?}"),
    }
}

#[tokio::test]
async fn one_works_at_a_time_and_the_next_begins_after_the_end_of_the_work() {
    let target = Target::start().await;
    let layouts: [fn(String, &'static str) -> ElectionBuilder; 2] =
        [LeaderElection::builder, LeaderElection::kazoo];
    for (number, layout) in layouts.into_iter().enumerate() {
        let path = format!("/work-{number}");
        let (a, b, operator) =
            (target.client().await, target.client().await, target.client().await);
        let (tell, mut told) = mpsc::unbounded_channel();
        let first = work(&a, layout(path.clone(), "a"), "a", &tell).await;
        let token = begins(&mut told, "a").await;
        let second = work(&b, layout(path.clone(), "b"), "b", &tell).await;
        eventually("both stand in line", async || second.participants().await.unwrap().len() == 2)
            .await;
        let participants = within("a list", second.participants()).await.unwrap();
        let ids: Vec<_> = participants.iter().map(|p| (p.id.as_str(), p.is_leader)).collect();
        assert_eq!(ids, [("a", true), ("b", false)]);

        // It loses its place: its work ends, and it gets in line again behind the other.
        operator.delete(&participants[0].path).await.unwrap();
        let mut next = Vec::new();
        for _ in 0..2 {
            next.push(within("the work ends here and begins there", told.recv()).await.unwrap());
        }
        assert!(next.contains(&Told::Ends(token)), "{next:?}");
        let begun = next.into_iter().find_map(|told| match told {
            Told::Begins(id, token) if id == "b" => Some(token),
            _ => None,
        });
        let later = begun.expect("the other leads");
        assert!(later > token);
        eventually("it stands in line again", async || {
            second.participants().await.unwrap().len() == 2
        })
        .await;

        // Who stops hands over only after its work has ended.
        within("stopping", second.stop()).await.unwrap();
        assert_eq!(within("an end", told.recv()).await.unwrap(), Told::Ends(later));
        assert!(begins(&mut told, "a").await > later);
        within("stopping", first.stop()).await.unwrap();
        let names = operator.children(&path).await.unwrap_or_default().0;
        assert!(names.is_empty(), "a node was left behind: {names:?}");
    }
}
