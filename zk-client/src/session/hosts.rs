//! Which server to try next.

use fastrand::Rng;
use zk_proto::HostPort;

/// The servers of the connect string: shuffled once, so that the clients of an ensemble spread over
/// it, then taken in turn. Names are resolved anew for each attempt, by the driver.
///
/// When the list changes, each client decides by chance whether it moves, and where to, such that
/// all clients together end up spread evenly over the new list and no more of them move than must
/// (Apache's `HostConnectionManager`).
#[derive(Clone, Debug)]
pub(crate) struct HostList {
    hosts: Vec<HostPort>,
    next: usize,
    /// The server that was handed out last: the one in use, if any is.
    last: Option<HostPort>,
    /// The server to hand out before all others, once.
    preferred: Option<HostPort>,
    /// Where to go after a change of the list, until a server has taken the client in.
    moving: Option<Move>,
    /// The place of the next server to ask whether it takes writes.
    candidate: usize,
    rng: Rng,
}

/// A move to another server.
#[derive(Clone, Debug)]
struct Move {
    /// Servers that came with the new list and were not tried yet.
    new: Vec<HostPort>,
    /// Servers that were in the old list already and were not tried yet.
    old: Vec<HostPort>,
    /// How likely one of the new ones is next, while there are both.
    chance_new: f64,
}

impl HostList {
    /// The list in an order of its own.
    pub(crate) fn new(mut hosts: Vec<HostPort>, mut rng: Rng) -> Self {
        rng.shuffle(&mut hosts);
        Self { hosts, next: 0, last: None, preferred: None, moving: None, candidate: 0, rng }
    }

    /// How many servers there are.
    pub(crate) fn len(&self) -> usize {
        self.hosts.len()
    }

    /// Makes the last server the next one again.
    pub(crate) fn stay(&mut self) {
        self.preferred.clone_from(&self.last);
    }

    /// Makes a server the next one, if it is in the list.
    pub(crate) fn prefer(&mut self, host: &HostPort) -> bool {
        let known = self.hosts.contains(host);
        if known {
            self.preferred = Some(host.clone());
        }
        known
    }

    /// The last server has taken the client in: a move has come to its end.
    pub(crate) fn connected(&mut self) {
        self.moving = None;
    }

    /// Whether the server that was handed out last is still in the list.
    pub(crate) fn has_last(&self) -> bool {
        self.last.as_ref().is_some_and(|last| self.hosts.contains(last))
    }

    /// The server to try: the preferred one, one of a move, or the one after the last; `None` if
    /// there is none at all.
    pub(crate) fn next(&mut self) -> Option<HostPort> {
        let host = match self.preferred.take() {
            Some(host) => host,
            None => self.pick_for_move().or_else(|| self.hosts.get(self.next).cloned())?,
        };
        self.go_on_behind(&host);
        self.last = Some(host.clone());
        Some(host)
    }

    /// Another server than the one in use, each in turn; that one if there is no other: its name
    /// may have more than one address.
    pub(crate) fn candidate(&mut self) -> Option<HostPort> {
        for _ in 0..self.hosts.len() {
            let host = self.hosts.get(self.candidate % self.hosts.len())?;
            self.candidate = (self.candidate + 1) % self.hosts.len();
            if self.last.as_ref() != Some(host) {
                return Some(host.clone());
            }
        }
        self.last.clone()
    }

    /// Takes a new list. Whether the client must leave the server it uses.
    pub(crate) fn update(&mut self, hosts: Vec<HostPort>) -> bool {
        let mut hosts = without_repetitions(hosts);
        self.rng.shuffle(&mut hosts);
        if hosts.len() == self.hosts.len() && hosts.iter().all(|host| self.hosts.contains(host)) {
            return false;
        }
        // Amid a move the client is as good as on the server it would have tried next.
        let amid_move = self.moving.is_some();
        let current = match self.pick_for_move() {
            Some(host) => Some(host),
            None => self.last.clone().or_else(|| self.hosts.first().cloned()),
        };
        let (old, new): (Vec<_>, Vec<_>) =
            hosts.iter().cloned().partition(|host| self.hosts.contains(host));
        let kept = current.filter(|current| hosts.contains(current));
        let chance = self.chance_of_new(kept.is_some(), old.len(), hosts.len());
        self.hosts = hosts;
        (self.next, self.candidate) = (0, 0);
        self.preferred = self.preferred.take().filter(|host| self.hosts.contains(host));
        if let Some(chance_new) = chance {
            self.moving = Some(Move { new, old, chance_new });
            return true;
        }
        self.moving = None;
        if let Some(kept) = kept {
            self.go_on_behind(&kept);
            if amid_move {
                self.preferred = Some(kept);
            }
        }
        false
    }

    /// How likely the server to move to is a new one; `None` to stay. `old` servers of the new
    /// list, which has `len`, were in the old one, and the current one is in it or not.
    fn chance_of_new(&mut self, kept: bool, old: usize, len: usize) -> Option<f64> {
        let count = |n: usize| u32::try_from(n).map_or(f64::MAX, f64::from);
        let (n, s, o) = (count(len), count(self.hosts.len()), count(old));
        match (len > self.hosts.len(), kept) {
            (true, true) => (self.rng.f64() < 1.0 - s / n).then_some(1.0),
            (true, false) => Some(1.0),
            (false, true) => None,
            (false, false) if old == self.hosts.len() => Some(0.0),
            (false, false) => Some(1.0 - o * (s - n) / (n * (s - o))),
        }
    }

    fn pick_for_move(&mut self) -> Option<HostPort> {
        let draw = self.moving.as_ref().map(|_| self.rng.f64());
        let going = self.moving.as_mut().zip(draw);
        let picked = going.and_then(|(going, draw)| {
            let wants_new = draw <= going.chance_new && !going.new.is_empty();
            if wants_new || going.old.is_empty() { going.new.pop() } else { going.old.pop() }
        });
        if picked.is_none() {
            self.moving = None;
        }
        picked
    }

    fn go_on_behind(&mut self, host: &HostPort) {
        if let Some(at) = self.hosts.iter().position(|known| known == host) {
            self.next = (at + 1) % self.hosts.len();
        }
    }
}

fn without_repetitions(hosts: Vec<HostPort>) -> Vec<HostPort> {
    let mut unique: Vec<HostPort> = Vec::with_capacity(hosts.len());
    for host in hosts {
        if !unique.contains(&host) {
            unique.push(host);
        }
    }
    unique
}

#[cfg(test)]
#[path = "hosts_tests.rs"]
mod tests;
