//! A process that is stopped for longer than its session lives, as a debugger, a laptop's lid or a
//! starved machine stops it.

use std::process::Stdio;
use std::time::Duration;

use tests::{CuttingProxy, Target, eventually, with_short_session, within};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use zk_client::{Client, WatchMode};

const LOCK: &str = "/locks/x";
const ELECTION: &str = "/masters";

/// A process that holds [`LOCK`] and leads [`ELECTION`].
struct Holder {
    child: Child,
    asking: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Holder {
    /// `None` if its session ends before it has both.
    async fn start(target: &Target, proxy: &CuttingProxy, session: Duration) -> Option<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lock_holder"))
            .args([&target.connect_string_through(proxy), LOCK, ELECTION])
            .arg(session.as_millis().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let asking = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut holder = Self { child, asking, answers };
        let started = within("a word", holder.answers.next_line()).await.unwrap();
        started.map(|word| assert_eq!(word, "held")).map(|()| holder)
    }

    async fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().await;
        assert!(sent.unwrap().success());
    }

    async fn ask(&mut self, question: &str) {
        self.asking.write_all(format!("{question}\n").as_bytes()).await.unwrap();
    }

    async fn answer(&mut self) -> String {
        within("an answer", self.answers.next_line()).await.unwrap().expect("it goes on")
    }
}

/// Waits until the server has ended the holder's session.
async fn until_expired(observer: &Client) {
    for path in [LOCK, ELECTION] {
        let mut changes = observer.watch(path, WatchMode::Persistent).await.unwrap();
        within("the server ends a silent session", async {
            while observer.children(path).await.is_ok_and(|(names, _)| !names.is_empty()) {
                futures_util::StreamExt::next(&mut changes).await;
            }
        })
        .await;
    }
}

async fn nothing_is_claimed_after_a_pause(
    is_server_in_reach: bool,
    session: Duration,
) -> Option<()> {
    let target = Target::start().await;
    let proxy = target.plain_proxy().await;
    let mut holder = Holder::start(&target, &proxy, session).await?;
    let observer = target.client().await;
    holder.ask("before").await;
    // Lost already is what a process may have that was paused by the machine.
    let is_sure = holder.answer().await == "before: lock true, term true, latch true";
    is_sure.then_some(())?;
    holder.signal("STOP").await;
    if !is_server_in_reach {
        proxy.refuse();
    }
    until_expired(&observer).await;
    // Both wait to be read when the process goes on, before its runtime knows anything.
    holder.ask("first").await;
    holder.ask("second").await;
    holder.signal("CONT").await;
    for question in ["first", "second"] {
        let answer = holder.answer().await;
        let nothing = format!("{question}: lock false, term false, latch false");
        // Its runtime may have been faster, and have joined again.
        let anew = format!("{question}: lock false, term false, latch again");
        assert!(answer == nothing || is_server_in_reach && answer == anew, "{answer}");
    }
    proxy.heal();
    // The latch joins again by itself; lock and term are over for good.
    eventually("it leads again", async || {
        holder.ask("later").await;
        let answer = holder.answer().await;
        assert!(answer.starts_with("later: lock false, term false, latch "), "{answer}");
        answer.ends_with("latch again")
    })
    .await;
    Some(())
}

#[tokio::test]
async fn a_process_paused_past_its_session_claims_nothing_before_it_reaches_a_server() {
    with_short_session(async |session| nothing_is_claimed_after_a_pause(false, session).await)
        .await;
}

#[tokio::test]
async fn a_process_paused_past_its_session_claims_nothing_though_the_server_is_in_reach() {
    with_short_session(async |session| nothing_is_claimed_after_a_pause(true, session).await).await;
}
