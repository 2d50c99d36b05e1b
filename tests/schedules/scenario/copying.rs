//! Copies of what others change on the server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use zk_client::{Client, CreateMode, Error as ClientError};
use zk_proto::Zxid;
use zk_recipes::Error;
use zk_server::tree::DataTree;

use super::mutex::Boxed;
use super::{insist, may_pass};
use crate::invariant::{AtTheEnd, walk};
use crate::world::{Process, World};

pub(crate) const SETTINGS: &str = "/settings";
pub(crate) const LIMIT: &str = "/settings/limit";

/// How often each process changes something.
pub(crate) const CHANGES: usize = 25;

/// Something that is kept up with the server.
pub(crate) trait Copied: Send {
    /// What it has otherwise than the server, if anything.
    fn compare(&self, tree: &DataTree) -> Result<(), String>;
}

/// How a process comes by its copies.
pub(crate) type Open = fn(Process, Client) -> Boxed<Result<Box<dyn Copied>, Error>>;

/// A copy, or what is there: when each node was made and written, and its data.
pub(crate) type Nodes = BTreeMap<String, (Zxid, Zxid, Vec<u8>)>;

/// What is there.
pub(crate) fn nodes_of(tree: &DataTree) -> Nodes {
    let mut there = Nodes::new();
    walk(tree, "/", &mut |path| {
        if path.starts_with(SETTINGS)
            && let Some(node) = tree.node(path)
        {
            let data = node.data().unwrap_or_default().to_vec();
            there.insert(path.to_owned(), (node.stat().czxid, node.stat().mzxid, data));
        }
    });
    there
}

/// Lets three processes change the settings, and keep copies of them, which must be right in the end.
pub(crate) fn copy(world: &Arc<World>, open: Open) {
    let copies: Arc<Mutex<BTreeMap<usize, Box<dyn Copied>>>> = Arc::default();
    let looking = Arc::clone(&copies);
    world.watch_over(AtTheEnd(move |tree: &DataTree| {
        looking.lock().unwrap().iter().try_for_each(|(of, copied)| {
            copied.compare(tree).map_err(|found| format!("process {of} {found}"))
        })
    }));
    for _ in 0..3 {
        let copies = Arc::clone(&copies);
        world.start(move |process| {
            let (copies, client) = (Arc::clone(&copies), process.client());
            process.work(change_settings(process.clone(), client.clone()));
            let (number, opener) = (process.id().number, process.clone());
            process.work(async move {
                let copied = insist(|| open(opener.clone(), client.clone())).await?;
                copies.lock().unwrap().insert(number, copied);
                Ok(())
            });
        });
    }
}

async fn change_settings(process: Process, client: Client) -> Result<(), String> {
    let mut rng = process.rng();
    let paths = [SETTINGS, LIMIT, "/settings/a", "/settings/a/b", "/settings/a/b/c", "/settings/d"];
    for _ in 0..CHANGES {
        process.idle(rng.u64(1..2000)).await;
        let path = paths[rng.usize(..paths.len())];
        let data = rng.u32(..1000).to_string();
        let changed = match rng.u8(..6) {
            0 => client.delete(path).await,
            1 => client.delete_recursive(path).await,
            2..4 => client.create(path, &data, CreateMode::Persistent).await.map(drop),
            _ => client.set(path, &data).await.map(drop),
        };
        match changed {
            Ok(())
            | Err(
                ClientError::NoNode { .. }
                | ClientError::NodeExists { .. }
                | ClientError::NotEmpty { .. },
            ) => {}
            Err(error) if may_pass(&Error::Client(error.clone())) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(())
}
