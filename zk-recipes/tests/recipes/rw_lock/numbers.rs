//! Sequence numbers near their end, as in `lock/numbers.rs`.

use zk_client::CreateMode;
use zk_recipes::{Error, RwLock};

use super::reader;
use crate::support::{Proxy, client, connect, server, soon, until_children};

#[tokio::test]
async fn readers_and_writers_are_refused_before_the_numbers_end() {
    let server = server().await;
    let real = client(&server).await;
    let proxy = Proxy::start(server.addr()).await;
    let client = connect(&proxy.connect_string()).await;
    proxy.rename("00000000", "21464836");
    for lock in [RwLock::new(&client, "/curator"), RwLock::kazoo(&client, "/kazoo")] {
        real.create(lock.path(), b"", CreateMode::Persistent).await.unwrap();
        for number in 0..46 {
            let node = format!("{}/{number}", lock.path());
            real.create(&node, b"", CreateMode::Persistent).await.unwrap();
            real.delete(&node).await.unwrap();
        }
        let writing = soon(lock.write()).await.unwrap();
        assert!(writing.path().ends_with("2146483646"), "{}", writing.path());
        let reading = reader(&lock, &real, 2).await;
        for error in [soon(lock.read()).await.err(), soon(lock.write()).await.err()] {
            assert!(matches!(error, Some(Error::SequenceExhausted { .. })), "{error:?}");
        }
        until_children(&real, lock.path(), 2).await;

        // Those who were in line before are served, and may downgrade.
        let downgraded = soon(writing.downgrade()).await.unwrap();
        assert!(downgraded.path().ends_with("2146483646"), "{}", downgraded.path());
        soon(soon(reading).await.unwrap().unwrap().release()).await.unwrap();
        soon(downgraded.release()).await.unwrap();
        until_children(&real, lock.path(), 0).await;
    }
}
