//! Setting watches again without a request that is longer than servers take.

use std::time::Duration;

use zk_proto::OpCode;

use super::pair::{Pair, config};
use crate::session::watches::rearming_len;
use crate::session::{Config, Failure, SessionState, WatchKind};

const KINDS: [WatchKind; 5] = [
    WatchKind::Data,
    WatchKind::Exist,
    WatchKind::Child,
    WatchKind::Persistent,
    WatchKind::Recursive,
];

fn limited(request_len_max: usize) -> Pair {
    let mut pair = Pair::with(Config { request_len_max, ..config(1) }, 5);
    pair.ensemble.frame_len_max = request_len_max;
    pair.settle();
    pair
}

#[test]
fn a_watch_is_only_set_where_it_can_be_set_again() {
    const LIMIT: usize = 2000;
    let longest = LIMIT - rearming_len("");
    for kind in KINDS {
        for len in longest - 2..=longest + 30 {
            let mut pair = limited(LIMIT);
            let path = format!("/{}", "x".repeat(len - 1));
            pair.ensemble.set(&path, b"");
            let (request, watcher) = pair.watch(kind, &path);
            pair.settle();
            if len > longest {
                let too_long = Failure::RequestTooLong { len: LIMIT + len - longest, limit: LIMIT };
                assert_eq!(pair.failure(request), too_long, "{kind:?}");
                assert_eq!(pair.session.connections(), 1, "and that costs nothing");
                continue;
            }
            assert!(pair.outcome(request).is_ok(), "{kind:?} of {len} bytes");
            for _ in 0..3 {
                pair.cut();
                pair.run(Duration::from_secs(1));
                assert_eq!(pair.session.state(), SessionState::Connected);
            }
            assert_eq!(pair.session.connections(), 4, "no server dropped the client");
            pair.ensemble.delete(&path);
            pair.settle();
            assert!(!pair.notices(watcher).is_empty(), "{kind:?} of {len} bytes");
        }
    }
}

#[test]
fn requests_stay_below_what_the_servers_take_however_many_watches_there_are() {
    for limit in [1024, 1500, 4096, 300_000] {
        let mut pair = limited(limit);
        let kinds = KINDS.iter().cycle();
        for (at, kind) in (0..3000_usize).zip(kinds) {
            let path = format!("/{at}{}", "x".repeat(at % 200));
            pair.ensemble.set(&path, b"");
            pair.set_watch(*kind, &path);
        }
        pair.cut();
        pair.run(Duration::from_secs(1));
        assert_eq!(pair.session.connections(), 2, "no server dropped the client");
        let rearming = pair.ensemble.asked(2).len();
        assert!(rearming > 1, "{rearming} requests");
        assert_eq!(pair.ensemble.watches().iter().sum::<usize>(), 3000, "limit {limit}");
        let ops = pair.ensemble.asked(2);
        assert!(ops.iter().all(|(op, _)| matches!(op, OpCode::SetWatches | OpCode::SetWatches2)));
    }
}
