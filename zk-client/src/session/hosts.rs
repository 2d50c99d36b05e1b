//! Which server to try next.

use fastrand::Rng;
use zk_proto::HostPort;

/// The servers of the connect string: shuffled once, so that the clients of an ensemble spread over
/// it, then taken in turn. Names are resolved anew for each attempt, by the driver.
#[derive(Clone, Debug)]
pub(crate) struct HostList {
    hosts: Vec<HostPort>,
    next: usize,
}

impl HostList {
    /// The list in an order of its own.
    pub(crate) fn new(mut hosts: Vec<HostPort>, rng: &mut Rng) -> Self {
        rng.shuffle(&mut hosts);
        Self { hosts, next: 0 }
    }

    /// How many servers there are.
    pub(crate) fn len(&self) -> usize {
        self.hosts.len()
    }

    /// Makes the last server the next one again.
    pub(crate) fn stay(&mut self) {
        let len = self.hosts.len().max(1);
        self.next = (self.next + len - 1) % len;
    }

    /// The server to try, the one after the last; `None` if there is none at all.
    pub(crate) fn next(&mut self) -> Option<HostPort> {
        let host = self.hosts.get(self.next)?.clone();
        self.next = (self.next + 1) % self.hosts.len();
        Some(host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(count: u16) -> Vec<HostPort> {
        (1..=count).map(|port| HostPort { host: "zk".to_owned(), port }).collect()
    }

    fn ports(list: &mut HostList, count: usize) -> Vec<u16> {
        (0..count).filter_map(|_| list.next()).map(|host| host.port).collect()
    }

    #[test]
    fn each_round_has_every_server_once_in_the_same_order() {
        let mut list = HostList::new(hosts(5), &mut Rng::with_seed(3));
        let first = ports(&mut list, 5);
        assert_eq!(ports(&mut list, 5), first);
        let mut sorted = first;
        sorted.sort_unstable();
        assert_eq!(sorted, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_server_may_be_tried_again_before_the_others() {
        let mut list = HostList::new(hosts(3), &mut Rng::with_seed(3));
        let round = ports(&mut list, 4);
        list.stay();
        assert_eq!(ports(&mut list, 2), round[0..2]);
    }

    #[test]
    fn clients_spread_over_the_servers() {
        let mut chosen = [0; 3];
        for seed in 0..300 {
            let port = ports(&mut HostList::new(hosts(3), &mut Rng::with_seed(seed)), 1)[0];
            chosen[usize::from(port) - 1] += 1;
        }
        assert!(chosen.iter().all(|count| (50..150).contains(count)), "{chosen:?}");
    }
}
