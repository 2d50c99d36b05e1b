//! Many threads, and the end of one.

use std::cell::RefCell;
use std::sync::mpsc;

use zk_client::CreateMode;
use zk_client::blocking::{Client, Wait};

use crate::fixture::{Server, bounded};

#[test]
fn many_threads_share_a_client() {
    bounded(|| {
        let server = Server::start();
        let client = server.client();
        std::thread::scope(|scope| {
            for thread in 0..16 {
                let client = &client;
                scope.spawn(move || {
                    for n in 0..50 {
                        let path = format!("/{thread}-{n}");
                        client.create(&path, b"x", CreateMode::Ephemeral).wait().unwrap();
                        assert_eq!(client.get(&path).wait().unwrap().0, "x");
                    }
                });
            }
        });
        assert_eq!(client.ephemerals("/").wait().unwrap().len(), 16 * 50);
        client.close().unwrap();
        server.without_sessions();
    });
}

/// Does a last thing when its thread ends.
struct Farewell(Client, mpsc::Sender<bool>);

impl Drop for Farewell {
    fn drop(&mut self) {
        let said = self.0.create("/farewell", b"", CreateMode::Persistent).wait();
        let _ = self.1.send(said.is_ok());
    }
}

thread_local! {
    static FAREWELL: RefCell<Option<Farewell>> = const { RefCell::new(None) };
}

#[test]
fn a_thread_may_wait_while_it_ends() {
    bounded(|| {
        let server = Server::start();
        let (said, heard) = mpsc::channel();
        // The order in which the thread's local values go is the platform's: with tokio's before
        // ours in one case, and behind it in the other.
        for runtime_first in [true, false] {
            let (client, said) = (server.client(), said.clone());
            let thread = std::thread::spawn(move || {
                let farewell = |client: &Client| {
                    let farewell = Farewell(client.clone(), said);
                    FAREWELL.with(|slot| slot.replace(Some(farewell)));
                };
                if runtime_first {
                    client.get("/").wait().unwrap();
                    farewell(&client);
                } else {
                    farewell(&client);
                    client.get("/").wait().unwrap();
                }
            });
            thread.join().unwrap();
            assert!(heard.recv().unwrap());
            server.client().delete("/farewell").wait().unwrap();
        }
        server.without_sessions();
    });
}
