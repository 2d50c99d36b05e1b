//! A crawler: masters that find out what to fetch, fetchers that fetch and tell how they are, as in
//! Yahoo's fetching service.
//!
//! ```text
//! cargo run --example crawler [-- host:2181[,host:2181...][/chroot]]
//! ```
//!
//! | znode | what | who writes it |
//! | --- | --- | --- |
//! | `/masters/…` | ephemeral; the masters in line | `LeaderLatch` |
//! | `/fetchers/<name>` | ephemeral; how the fetcher is | each fetcher, by `Group` |
//! | `/frontier/…`, `/frontier-claims/…` | pages to fetch, and who is at it | `Queue` |
//! | `/seeds/<page>` | where to begin | operators |
//! | `/seen/<page>` | the page was put into the frontier | the master, guarded by its term |
//! | `/pages/<page>` | the page was fetched; its links | the fetchers |
//!
//! Read [`direct`] first, which is the master's work, then [`fetcher`]. The master has nothing in
//! memory that its successor could miss, and while there is none the fetchers go on. [`play`] kills
//! a fetcher that is stuck, then the master, and then asks for another site.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a program is the world")]

use std::collections::HashMap;
use std::process::ExitCode;

use examples::{Process, Result, Stage, ensure};
use futures_util::StreamExt;
use zk_client::{Client, CreateMode, Error as ClientError};
use zk_recipes::{Cache, Error, Group, LeaderLatch, Leadership, Queue};

/// The pages of a site are numbered from 1; page n links to 2n and 2n + 1.
const PAGES_OF_A_SITE: usize = 15;

#[tokio::main]
async fn main() -> ExitCode {
    examples::run("crawler", play).await
}

async fn master(client: Client, name: &str) -> Result {
    let latch = LeaderLatch::start(&client, "/masters", name).await?;
    loop {
        let term = latch.lead().await?;
        let directed = tokio::select! {
            directed = direct(&client, &term) => directed,
            _ = term.lost() => continue,
        };
        match directed {
            Err(error) if error.is_retryable() => {
                term.resign().await?;
            }
            directed => return Ok(directed?),
        }
    }
}

/// Puts each page that is known of into the frontier.
async fn direct(client: &Client, term: &Leadership) -> Result<(), Error> {
    let frontier = Queue::new(client, "/frontier");
    let seen = Cache::children(client, "/seen").await?;
    let mut seen: Vec<String> = seen.nodes().keys().cloned().collect();
    let (seeds, pages) =
        (Cache::children(client, "/seeds").await?, Cache::children(client, "/pages").await?);
    let (mut more_seeds, mut more_pages) = (seeds.changes(), pages.changes());
    loop {
        let seeds = seeds.children_of("/seeds").into_iter().map(|seed| seed.path[7..].to_owned());
        let pages = pages.children_of("/pages").into_iter();
        let links = pages.flat_map(|page| {
            let links = String::from_utf8_lossy(&page.data).into_owned();
            links.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        });
        for page in seeds.chain(links) {
            let path = format!("/seen/{page}");
            if !seen.contains(&path) {
                // In this order: a master that dies in between has a page fetched twice, not never.
                frontier.put_with_id(&page, "").await?;
                match term.writes().create(&path, b"", CreateMode::Persistent).await {
                    Ok(_) | Err(ClientError::NodeExists { .. }) => seen.push(path),
                    Err(error) => return Err(error.into()),
                }
            }
        }
        let more =
            tokio::select! { more = more_seeds.next() => more, more = more_pages.next() => more };
        more.ok_or(ClientError::Closed)?;
    }
}

/// Fetches what is in the frontier. Who is in a tarpit never comes to its end.
async fn fetcher(client: Client, name: &'static str, tarpit: bool) -> Result {
    let health = Group::new(&client, "/fetchers").join_when_free(name, "idle").await?;
    let frontier = Queue::new(&client, "/frontier");
    for fetched in 1.. {
        let claim = frontier.claim().await?;
        let page = claim.id().ok_or("a page without a name")?;
        if tarpit {
            health.set_payload(format!("stuck at {page}")).await?;
            std::future::pending::<()>().await;
        }
        let path = format!("/pages/{page}");
        match client.create(&path, &links(page)?, CreateMode::Persistent).idempotent().await {
            // It was fetched before, by somebody who could not finish.
            Ok(_) | Err(ClientError::NodeExists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        match claim.complete().await {
            Ok(()) | Err(Error::ClaimLost { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        health.set_payload(format!("well, {fetched} pages")).await?;
    }
    Ok(())
}

/// The links of a page: what a real fetcher would get from the web.
fn links(page: &str) -> Result<String> {
    let (site, number) = page.split_once('-').ok_or("not the name of a page")?;
    let number: usize = number.parse()?;
    let links = [2 * number, 2 * number + 1].into_iter().filter(|link| *link <= PAGES_OF_A_SITE);
    Ok(links.map(|link| format!("{site}-{link}")).collect::<Vec<_>>().join(" "))
}

async fn play(stage: &Stage) -> Result {
    let operator = stage.connect().await?;
    for path in ["/seeds", "/seen", "/pages"] {
        operator.create(path, b"", CreateMode::Persistent).await?;
    }
    let pages = Cache::children(&operator, "/pages").await?;
    let fetchers = Group::new(&operator, "/fetchers").watch().await?;
    let mut masters: HashMap<&str, Process> = HashMap::new();
    for name in ["anna", "bela"] {
        masters.insert(name, stage.start(name, move |client| master(client, name)).await?);
    }

    let stuck = stage.start("cat", |client| fetcher(client, "cat", true)).await?;
    operator.create("/seeds/a-1", b"", CreateMode::Persistent).await?;
    let is_stuck = |payload: &[u8]| payload.starts_with(b"stuck");
    let seen = fetchers.wait_for(|all| all.iter().any(|fetcher| is_stuck(&fetcher.payload))).await;
    ensure(seen.is_some(), "everybody sees how a fetcher is")?;
    println!("   cat is stuck, says its health, and is killed; two others begin.");
    stage.kill(stuck).await?;
    let _ann = stage.start("ann", |client| fetcher(client, "ann", false)).await?;
    let _bob = stage.start("bob", |client| fetcher(client, "bob", false)).await?;
    // The directory itself is in the cache, too.
    pages.wait_for(|pages| pages.len() > PAGES_OF_A_SITE).await.ok_or("the view has ended")?;

    let first = LeaderLatch::leader_of(&operator, "/masters").await?.ok_or("nobody leads")?.id;
    println!("   One site is fetched. {first}, the master, is killed; another site is asked for.");
    stage.kill(masters.remove(&*first).ok_or("an unknown master leads")?).await?;
    operator.create("/seeds/b-1", b"", CreateMode::Persistent).await?;
    pages.wait_for(|pages| pages.len() > 2 * PAGES_OF_A_SITE).await.ok_or("the view has ended")?;
    let second = LeaderLatch::leader_of(&operator, "/masters").await?.ok_or("nobody leads")?.id;
    ensure(second != first, "the backup leads")?;

    let frontier = Cache::children(&operator, "/frontier").await?;
    frontier.wait_for(|nodes| nodes.len() <= 1).await.ok_or("the view has ended")?;
    ensure(pages.nodes().len() == 2 * PAGES_OF_A_SITE + 1, "each page is there once")?;
    let healthy = fetchers
        .wait_for(|all| all.len() == 2 && !all.iter().any(|fetcher| is_stuck(&fetcher.payload)));
    for fetcher in healthy.await.ok_or("the view has ended")? {
        println!("   {}: {}", fetcher.id, String::from_utf8_lossy(&fetcher.payload));
    }
    Ok(operator.close().await?)
}
