//! Our server and Apache ZooKeeper, 3.8 or 3.9, are asked the same, at random, and must answer the
//! same.
//!
//! Each seed sends some hundreds of requests, valid and not, over raw connections of several
//! sessions, and compares replies, error codes, `Stat`s, transaction numbers and watch events.
//! [`differences`] names all that may differ.
//!
//! `ZK_DIFFERENTIAL_SEED` repeats one seed; `ZK_DIFFERENTIAL_OPS` asks for more requests than
//! usual.
// Raw sockets are what it is about.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod differences;
mod generator;
mod normal;
mod pair;
mod pool;
mod request;
mod run;
mod version;
mod wire;

use std::time::Duration;

use tests::{Apache, ApacheSettings, until_serving};
use zk_proto::ErrorCode;
use zk_server::testing::TestServer;

use crate::differences::{DIFFERENCES, NOT_GENERATED, NotGenerated};
use crate::pair::{EVENT, Mismatch, Pair};
use crate::version::Version;

/// What a build can afford: about a minute on a quiet machine.
const OPS: usize = 50_000;

/// `super:test`
const SUPER_DIGEST: &str = "super:D/InIHSb7yEEbrWz8b9l71RjZJU=";

/// No session ends by itself, no container goes, nobody is cut off who is slow to connect, however
/// long the machine stops: when is a matter of chance.
const CONFIG: &str = "minSessionTimeout=600000 maxSessionTimeout=1800000 \
     nio.sessionlessCnxnTimeout=600000 extendedTypesEnabled=true enforceQuota=true";
/// In ms.
pub(crate) const SESSION_TIMEOUT_MIN: i32 = 600_000;
/// In ms.
pub(crate) const SESSION_TIMEOUT_MAX: i32 = 1_800_000;
const JVM_FLAGS: &str = "-Dznode.container.checkIntervalMs=86400000 \
     -Dzookeeper.DigestAuthenticationProvider.superDigest=super:D/InIHSb7yEEbrWz8b9l71RjZJU=";

fn our_server() -> zk_server::testing::TestServerBuilder {
    TestServer::builder()
        .extended_types(true)
        .enforce_quota(true)
        .super_digest(SUPER_DIGEST)
        .session_timeout_bounds(millis(SESSION_TIMEOUT_MIN), millis(SESSION_TIMEOUT_MAX))
        .sessionless_timeout(millis(SESSION_TIMEOUT_MIN))
        .container_check_interval(Duration::from_secs(86_400))
}

fn millis(ms: i32) -> Duration {
    Duration::from_millis(ms.unsigned_abs().into())
}

#[tokio::test]
async fn our_server_answers_like_apaches() {
    let settings = ApacheSettings::new(CONFIG, JVM_FLAGS);
    let apache = tokio::task::spawn_blocking(|| Apache::start(settings)).await;
    let apache = apache.expect("the container starts");
    until_serving(apache.address()).await;
    let ours = our_server().start().await.expect("the embedded server starts");
    let addresses = [apache.address(), ours.addr()];
    let compared = tokio::task::spawn_blocking(move || {
        compare(&mut Pair::new(addresses, Version::ask(addresses[0])))
    });
    let compared = compared.await;
    if let Err(difference) = compared.expect("the comparison itself does not fail") {
        panic!("{difference}");
    }
}

fn compare(pair: &mut Pair) -> Result<(), String> {
    let only: Option<u64> = setting("ZK_DIFFERENTIAL_SEED");
    let ops = setting("ZK_DIFFERENTIAL_OPS").unwrap_or(if only.is_some() { 1 } else { OPS });
    let first = only.unwrap_or(1);
    run::prepare(pair).expect("an administrator can connect");
    // That was none of them: with it a single seed would be done before it has begun.
    pair.compared = 0;
    let mut seed = first;
    while pair.compared < ops {
        if let Err(Mismatch(text)) = run::run(pair, seed) {
            return Err(format!(
                "{text}\n\nThe servers differ. Repeat it with:\n  ZK_DIFFERENTIAL_SEED={seed} \
                 cargo test -p tests --features containers --test differential\n\
                 or, should that pass alone, with ZK_DIFFERENTIAL_OPS={} instead",
                pair.compared
            ));
        }
        seed += 1;
    }
    println!("Apache's is {:?}", pair.version);
    println!("{} requests compared, seeds {first} to {}", pair.compared, seed - 1);
    for (outcome, times) in &pair.outcomes {
        match *outcome {
            EVENT => println!("{times} events"),
            code => println!("{times} replies: {}", ErrorCode::from_code(code)),
        }
    }
    for known in DIFFERENCES.iter().filter(|known| (known.is_in)(pair.version)) {
        let times = pair.accepted.get(known.name).copied().unwrap_or(0);
        println!("known difference, {times} times: {}: {}", known.name, known.reason);
    }
    for NotGenerated { what, why, .. } in
        NOT_GENERATED.iter().filter(|never| (never.is_in)(pair.version))
    {
        println!("never tried: {what}: {why}");
    }
    Ok(())
}

fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")))
}
