//! Who holds the lock, and who waits.

use zk_recipes::FencingToken;

use super::{layouts, reader, writer};
use crate::support::{client, server, soon};

#[tokio::test]
async fn readers_and_writers_are_listed_in_the_order_of_the_line() {
    let server = server().await;
    let (client, observer) = (client(&server).await, client(&server).await);
    for lock in layouts(&client) {
        assert!(soon(lock.contenders()).await.unwrap().is_empty());
        let named = lock.clone().data("first");
        let first = soon(named.read()).await.unwrap();
        let second = soon(lock.read()).await.unwrap();
        let writing = writer(&lock, &observer, 3).await;
        let reading = reader(&lock, &observer, 4).await;
        let line = soon(lock.contenders()).await.unwrap();
        let readers: Vec<bool> = line.iter().map(|one| one.is_reader()).collect();
        assert_eq!(readers, [true, true, false, true]);
        assert_eq!(line[0].id(), "first");
        assert_eq!(line[1].path(), second.path());
        assert!(line.iter().map(|one| one.fencing_token()).is_sorted_by(|a, b| a < b));

        // A downgrade changes the kind, and not the place.
        drop((first, second));
        let writing = soon(writing).await.unwrap().unwrap();
        let token: FencingToken = writing.fencing_token();
        let downgraded = soon(writing.downgrade()).await.unwrap();
        let line = soon(lock.contenders()).await.unwrap();
        assert!(line[0].is_reader() && downgraded.fencing_token() == token);
        assert_eq!(line[0].path(), downgraded.path());
        drop((downgraded, soon(reading).await.unwrap().unwrap()));
    }
}
