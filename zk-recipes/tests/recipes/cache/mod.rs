//! Caches.

mod failures;
mod following;
mod old_servers;
mod rights;

use std::collections::BTreeMap;

use bytes::Bytes;
use zk_client::{Client, CreateMode, Error};
use zk_recipes::Cache;

use crate::support::soon;

const ROOT: &str = "/a";

async fn create(client: &Client, path: &str, data: &str) {
    client.create(path, data.as_bytes(), CreateMode::Persistent).await.unwrap();
}

/// Everything from `root` down as the server has it.
async fn on_server(client: &Client, root: &str) -> BTreeMap<String, Bytes> {
    let mut nodes = BTreeMap::new();
    let mut paths = vec![root.to_owned()];
    while let Some(path) = paths.pop() {
        match (client.get(&path).await, client.children(&path).await) {
            (Ok((data, _)), Ok((names, _))) => {
                paths.extend(names.iter().map(|name| format!("{path}/{name}")));
                nodes.insert(path, data);
            }
            (Err(Error::NoNode { .. }), _) | (_, Err(Error::NoNode { .. })) => {}
            (Err(error), _) | (_, Err(error)) => panic!("cannot read {path}: {error}"),
        }
    }
    nodes
}

/// Waits until the cache is what the server has.
async fn until_equal(cache: &Cache, client: &Client) {
    let expected = on_server(client, cache.path()).await;
    let equal = cache.wait_for(|nodes| {
        nodes.len() == expected.len()
            && nodes.iter().all(|(path, node)| expected.get(path) == Some(&node.data))
    });
    soon(equal).await.unwrap();
}
