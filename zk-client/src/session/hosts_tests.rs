//! The list of servers: its order, and how clients spread when it changes.

use std::collections::BTreeMap;

use super::*;

/// How many clients are simulated: enough for shares to be within a few percent.
const CLIENTS: u64 = 6000;

fn hosts(ports: impl IntoIterator<Item = u16>) -> Vec<HostPort> {
    ports.into_iter().map(|port| HostPort { host: "zk".to_owned(), port }).collect()
}

fn list(count: u16, seed: u64) -> HostList {
    HostList::new(hosts(1..=count), Rng::with_seed(seed))
}

fn ports(list: &mut HostList, count: usize) -> Vec<u16> {
    (0..count).filter_map(|_| list.next()).map(|host| host.port).collect()
}

#[test]
fn each_round_has_every_server_once_in_the_same_order() {
    let mut list = list(5, 3);
    let first = ports(&mut list, 5);
    assert_eq!(ports(&mut list, 5), first);
    let mut sorted = first;
    sorted.sort_unstable();
    assert_eq!(sorted, [1, 2, 3, 4, 5]);
}

#[test]
fn a_server_may_be_tried_again_before_the_others() {
    let mut list = list(3, 3);
    let round = ports(&mut list, 4);
    list.stay();
    assert_eq!(ports(&mut list, 2), round[0..2]);
}

#[test]
fn clients_spread_over_the_servers() {
    let mut chosen = [0; 3];
    for seed in 0..300 {
        let port = ports(&mut list(3, seed), 1)[0];
        chosen[usize::from(port) - 1] += 1;
    }
    assert!(chosen.iter().all(|count| (50..150).contains(count)), "{chosen:?}");
}

#[test]
fn candidates_are_the_others_in_turn() {
    let mut list = list(4, 1);
    let used = ports(&mut list, 1)[0];
    let asked: Vec<_> = (0..6).filter_map(|_| list.candidate()).map(|host| host.port).collect();
    assert!(!asked.contains(&used), "{asked:?}");
    assert_eq!(asked[..3], asked[3..]);
    let mut only = super::HostList::new(hosts([1]), Rng::with_seed(1));
    assert_eq!(only.next(), only.candidate(), "its name may have another address");
}

/// Lets many clients that are connected take each list in turn, and move as they are told. How many
/// each server has in the end, and how many moved.
fn spread(first: &[u16], lists: &[&[u16]]) -> (BTreeMap<u16, u64>, u64) {
    let (mut load, mut moved) = (BTreeMap::new(), 0);
    for seed in 0..CLIENTS {
        let mut list =
            HostList::new(hosts(first.iter().copied()), Rng::with_seed(seed.wrapping_mul(0x9e37)));
        let mut at = list.next().expect("a server").port;
        list.connected();
        for servers in lists {
            if list.update(hosts(servers.iter().copied())) {
                at = list.next().expect("a server").port;
                list.connected();
                moved += 1;
            }
        }
        *load.entry(at).or_default() += 1;
    }
    (load, moved)
}

fn assert_even(load: &BTreeMap<u16, u64>, servers: &[u16]) {
    let share = CLIENTS / servers.len() as u64;
    assert!(load.keys().all(|port| servers.contains(port)), "{load:?}");
    for port in servers {
        let clients = load.get(port).copied().unwrap_or(0);
        let even = share * 85 / 100..=share * 115 / 100;
        assert!(even.contains(&clients), "{port} has {clients}, not {share}: {load:?}");
    }
}

/// Old list, new list, and how many percent of the clients have to move at least.
const CHANGES: &[(&[u16], &[u16], u64)] = &[
    (&[1, 2, 3], &[1, 2, 3, 4, 5], 40),
    (&[1, 2, 3], &[4, 5, 6, 7], 100),
    (&[1, 2, 3, 4, 5], &[1, 2, 3], 40),
    (&[1, 2, 3, 4, 5], &[3, 4, 6], 60),
    (&[1, 2, 3], &[4, 5, 6], 100),
    (&[1, 2, 3], &[2, 3, 4], 33),
    (&[1, 2, 3, 4, 5], &[9], 100),
    (&[1], &[1, 2, 3], 67),
    (&[1, 2], &[2, 3, 4], 67),
];

#[test]
fn after_a_change_clients_are_spread_evenly_and_few_have_moved() {
    for (old, new, percent) in CHANGES {
        let (load, moved) = spread(old, &[new]);
        assert_even(&load, new);
        let least = CLIENTS * percent / 100;
        let tolerated = least * 95 / 100..=least * 105 / 100 + CLIENTS / 50;
        assert!(tolerated.contains(&moved), "{old:?} to {new:?}: {moved} moved, not {least}");
    }
}

#[test]
fn many_changes_leave_clients_spread_evenly() {
    let (load, _) = spread(&[1, 2, 3], &[&[1, 2, 3, 4], &[2, 3, 4], &[2, 3, 4, 5, 6], &[6, 2]]);
    assert_even(&load, &[2, 6]);
}

#[test]
fn a_change_amid_a_move_leaves_clients_spread_evenly() {
    let mut load = BTreeMap::new();
    for seed in 0..CLIENTS {
        let mut list = list(3, seed);
        list.next();
        list.connected();
        // The second list comes before the move that the first one led to has found a server.
        list.update(hosts(1..=5));
        if list.update(hosts(1..=6)) || list.moving.is_some() || list.preferred.is_some() {
            *load.entry(list.next().expect("a server").port).or_default() += 1;
        } else {
            *load.entry(list.last.clone().expect("a server").port).or_default() += 1;
        }
    }
    assert_even(&load, &[1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_move_tries_every_server_before_any_again() {
    for seed in 0..200 {
        let mut list = list(3, seed);
        let used = ports(&mut list, 1)[0];
        let new: Vec<u16> = (1..=6).filter(|port| *port != used).collect();
        assert!(list.update(hosts(new.iter().copied())), "the server in use is gone");
        let mut tried = ports(&mut list, new.len());
        tried.sort_unstable();
        assert_eq!(tried, new);
        assert_eq!(ports(&mut list, 5).len(), 5, "then round and round");
    }
}

#[test]
fn the_same_list_and_repetitions_change_nothing() {
    let mut list = list(3, 9);
    let round = ports(&mut list, 3);
    assert!(!list.update(hosts([3, 1, 2])));
    assert!(!list.update(hosts([3, 1, 2, 2, 1])));
    assert_eq!(ports(&mut list, 3), round);
}

#[test]
fn moves_follow_from_the_seed() {
    let run = |seed| {
        let mut list = list(3, seed);
        list.next();
        (list.update(hosts(1..=9)), ports(&mut list, 20))
    };
    for seed in 0..50 {
        assert_eq!(run(seed), run(seed));
    }
}
