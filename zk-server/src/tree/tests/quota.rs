//! What quotas count. The numbers are what Apache 3.8 says after the same transactions; the
//! differential suite compares them at random.

use super::*;
use crate::tree::StatsTrack;
use crate::tree::quota::QuotaPaths;

const LIMITS: &str = "/zookeeper/quota/a/zookeeper_limits";
const STATS: &str = "/zookeeper/quota/a/zookeeper_stats";

impl Grower {
    /// A quota as `setquota` of Apache's zkCli makes one: limits first.
    fn with_quota_on_a() -> Self {
        let mut grower = Self::new();
        grower.create("/a");
        grower.create("/zookeeper/quota/a");
        grower.create(LIMITS);
        grower.create(STATS);
        grower
    }

    fn text(&self, path: &str) -> String {
        let data = self.tree.node(path).expect(path).data().unwrap_or_default();
        String::from_utf8(data.to_vec()).unwrap()
    }

    fn usage(&self) -> String {
        self.text(STATS)
    }
}

#[test]
fn a_quota_counts_its_node_and_all_below() {
    let mut grower = Grower::new();
    for path in ["/a", "/ab", "/a/b", "/zookeeper/quota/a", LIMITS] {
        grower.create(path);
    }
    grower.create("/a/early");
    grower.create(STATS);
    assert_eq!(grower.usage(), "count=3,bytes=12", "what is there is counted");
    let stat = grower.stat(STATS);
    grower.create("/a/b/c");
    grower.create("/ab/c");
    assert_eq!(grower.usage(), "count=4,bytes=16");
    grower.apply(&set_data("/a/b/c", b"longer", 1));
    assert_eq!(grower.usage(), "count=4,bytes=18");
    grower.apply(&set_data("/a", b"", 1));
    grower.apply(&delete("/a/b/c"));
    grower.apply(&delete("/a/never"));
    assert_eq!(grower.usage(), "count=3,bytes=8");
    let after = grower.stat(STATS);
    assert_eq!((after.version, after.mzxid), (stat.version, stat.mzxid), "no version tells");
    let size: usize = grower.tree.approximate_data_size();
    grower.create("/a/x");
    grower.apply(&delete("/a/x"));
    assert_eq!(grower.tree.approximate_data_size(), size);
}

/// To count is to go through the whole subtree, so a transaction counts once, when it is through: a
/// multi of thousands of these pairs would take minutes, in which nobody else is served.
#[test]
fn a_transaction_counts_once_however_often_it_asks() {
    const NODES: usize = 20_000;
    let mut grower = Grower::with_quota_on_a();
    for i in 0..NODES {
        grower.create(&format!("/a/{i}"));
    }
    let whole = grower.usage();
    let pair = || [delete(STATS), create(STATS, 9)];
    let pairs = |count| std::iter::repeat_with(pair).take(count).flatten().collect::<Vec<_>>();
    grower.apply(&Txn::Multi(pairs(20_000)));
    assert_eq!(grower.usage(), whole);

    let mut later = pairs(1);
    later.push(create("/a/later", 9));
    grower.apply(&Txn::Multi(later));
    assert_eq!(grower.usage(), format!("count={},bytes={}", NODES + 2, 4 * (NODES + 2)));
    let mut own = pairs(1);
    own.push(set_data(STATS, b"count=5,bytes=5", 1));
    grower.apply(&Txn::Multi(own));
    assert_eq!(grower.usage(), "count=5,bytes=5", "a client's own number stays");
    let mut gone = pairs(1);
    gone.push(delete(STATS));
    grower.apply(&Txn::Multi(gone));
    grower.create("/a/last");
    grower.create(STATS);
    assert_eq!(grower.usage(), format!("count={},bytes={}", NODES + 3, 4 * (NODES + 3)));
}

#[test]
fn a_session_that_ends_gives_back_what_its_nodes_held() {
    let mut grower = Grower::with_quota_on_a();
    grower.apply(&ephemeral("/a/e", 1));
    assert_eq!(grower.usage(), "count=2,bytes=4");
    grower.apply(&Txn::CloseSession { paths: Some(vec!["/a/e".into()]) });
    assert_eq!(grower.usage(), "count=1,bytes=4");
}

#[test]
fn the_deepest_quota_counts() {
    let mut grower = Grower::with_quota_on_a();
    for path in ["/a/b", "/zookeeper/quota/a/b"] {
        grower.create(path);
    }
    let inner = "/zookeeper/quota/a/b/zookeeper_stats";
    grower.create("/zookeeper/quota/a/b/zookeeper_limits");
    grower.create(inner);
    assert_eq!(
        (grower.usage(), grower.text(inner)),
        ("count=2,bytes=8".into(), "count=1,bytes=4".into())
    );
    grower.create("/a/b/c");
    assert_eq!(
        (grower.usage(), grower.text(inner)),
        ("count=2,bytes=8".into(), "count=2,bytes=8".into())
    );
    grower.apply(&delete("/zookeeper/quota/a/b/zookeeper_limits"));
    grower.create("/a/b/d");
    assert_eq!(
        (grower.usage(), grower.text(inner)),
        ("count=3,bytes=12".into(), "count=2,bytes=8".into())
    );
    let paths: Vec<_> = grower.tree.quotas().map(|quota| quota.path).collect();
    assert_eq!(paths, ["/a"]);
}

#[test]
fn what_clients_write_there_is_taken_as_it_is_and_breaks_nothing() {
    let mut grower = Grower::with_quota_on_a();
    grower.apply(&set_data(STATS, b"count=10,bytes=100=;countHardLimit=7", 1));
    grower.create("/a/b");
    assert_eq!(grower.usage(), "count=11,bytes=104=;countHardLimit=7");
    for garbage in [&b"\xff,=;;count=x,bytes="[..], b""] {
        grower.apply(&Txn::SetData {
            path: STATS.into(),
            data: Some(Bytes::from_static(garbage)),
            version: 2,
        });
        grower.create(&format!("/a/{}", garbage.len()));
        assert_eq!(grower.usage(), "count=0,bytes=3", "as if there were nothing: -1");
    }
    grower.apply(&delete(STATS));
    grower.create("/a/c");
    for odd in ["/zookeeper/quota/zookeeper_limits", "/zookeeper/quota/zookeeper_stats"] {
        grower.create(odd);
        assert_eq!(grower.text(odd), "data", "the root has no quota");
    }
}

/// They are read again with each write below.
#[test]
fn data_that_are_longer_than_any_numbers_count_as_none() {
    let some = "count=5,bytes=7=;countHardLimit=9";
    let padded = |len: usize| {
        let names = (0..).map(|i| format!(";n{i}=1"));
        let text = names.scan(some.to_owned(), |text, name| {
            let whole = text.clone();
            text.push_str(&name);
            (text.len() <= len).then_some(whole)
        });
        text.last().unwrap()
    };
    let read = StatsTrack::parse(padded(StatsTrack::LEN_MAX).as_bytes());
    assert_eq!((read.count(), read.bytes(), read.count_hard_limit()), (5, 7, 9));
    let long = some.to_owned() + &";n=1".repeat(StatsTrack::LEN_MAX / 4);
    assert_eq!(StatsTrack::parse(long.as_bytes()), StatsTrack::default());

    let mut grower = Grower::with_quota_on_a();
    grower.apply(&Txn::SetData { path: STATS.into(), data: Some(long.into()), version: 1 });
    grower.create("/a/b");
    assert!(grower.usage().len() < 100, "{}", grower.usage());
}

#[test]
fn the_quota_above_a_path_of_very_many_names_is_found_in_one_pass() {
    let names = "/a".repeat(200_000);
    let (beside, below) = (format!("{}/b", &names[2..]), format!("{names}/b"));
    let mut quotas = QuotaPaths::default();
    for path in [&*names, "/a/a", "/a/a", "/b"] {
        quotas.insert(path);
    }
    assert_eq!(quotas.above(&names), Some(&*names));
    assert_eq!(quotas.above(&below), Some(&*names));
    assert_eq!(quotas.above(&beside), Some("/a/a"));
    quotas.remove("/a/a");
    assert_eq!(quotas.above(&beside), None);
    assert_eq!(quotas.above("/a/a"), None);
    assert_eq!(quotas.above("/b"), Some("/b"));
    assert_eq!(quotas.above("/"), None);
}

#[test]
fn a_tree_that_is_loaded_counts_anew() {
    let mut grower = Grower::with_quota_on_a();
    grower.create("/a/b");
    grower.apply(&set_data(STATS, b"count=99,bytes=99", 1));
    let mut bytes = bytes::BytesMut::new();
    let mut cursor = crate::tree::SnapshotCursor::begin(&grower.tree, &[], &mut bytes);
    while cursor.advance(&grower.tree, 100, 1 << 20, &mut bytes) {}
    let mut loaded = super::replay::restored(&bytes, grower.tree.last_zxid());
    let quota = loaded.quota_above("/a/b").unwrap();
    assert_eq!((&*quota.path, quota.usage.to_string()), ("/a", "count=2,bytes=8".to_owned()));
    loaded.apply(&header(99, &create("/a/c", 2)), &create("/a/c", 2));
    assert_eq!(loaded.quota_above("/a").unwrap().usage.count(), 3);
}

#[test]
fn texts_are_read_and_written_as_apache_does() {
    let read = |text: &str| {
        let track = StatsTrack::parse(text.as_bytes());
        [track.count(), track.bytes(), track.count_hard_limit(), track.byte_hard_limit()]
    };
    assert_eq!(read("count=1,bytes=2"), [1, 2, -1, -1]);
    assert_eq!(read("count=-1,bytes=-1=;byteHardLimit=5;countHardLimit=6"), [-1, -1, 6, 5]);
    assert_eq!(read("bytes=;,countHardLimit=3"), [-1, -1, 3, -1]);
    assert_eq!(read(""), [-1; 4]);
    for text in ["count=1,bytes=2", "count=-1,bytes=-1=;byteHardLimit=5;countHardLimit=6"] {
        assert_eq!(StatsTrack::parse(text.as_bytes()).to_string(), text);
    }
}
