//! Counting what a client asks when it should be asleep.

use zk_client::Client;

use super::Proxy;

/// A client whose requests are counted, but for those that it is asked to make here.
pub(crate) struct Counted<'a> {
    proxy: &'a Proxy,
    client: Client,
    asked: usize,
}

impl<'a> Counted<'a> {
    pub(crate) fn new(proxy: &'a Proxy, client: Client) -> Self {
        Self { proxy, client, asked: 0 }
    }

    /// How many there were up to now; some may be on their way.
    pub(crate) fn so_far(&self) -> usize {
        self.proxy.requests() - self.asked
    }

    /// How many there were when everything it was told had been acted on: events come before the
    /// reply to a later request, and whom they wake asks before the next but one.
    pub(crate) async fn requests(&mut self) -> usize {
        for _ in 0..3 {
            self.client.exists("/").await.unwrap();
            self.asked += 1;
        }
        self.so_far()
    }
}
