//! The values that requests are made of: few, so that they meet.

use bytes::Bytes;
use fastrand::Rng;
use zk_proto::{Acl, Permissions};

use crate::generator::Profile;
use crate::request::PEER;

/// `alice:secret` as a digest id.
const ALICE: &str = "alice:aYXlLOpEooaV1cRAvUL1fp9Qt7E=";
/// `bob:pw` as a digest id.
const BOB: &str = "bob:ikIaKsbtGweaHnb/jKn7OHqbunM=";

const PATHS: &[&str] =
    &["/", "/a", "/a", "/a", "/b", "/b", "/a/x", "/a/x", "/a/y", "/b/x", "/a/x/1", "/a/x/2", "/é"];

const RESERVED: &[&str] = &[
    "/zookeeper",
    "/zookeeper/quota",
    "/zookeeper/config",
    "/zookeeper/z",
    "/zookeeper/quota/a",
    "/zookeeper/config/c",
];

/// No node can have these names, or none has.
const ODD: &[&str] = &[
    "",
    "a",
    "/a/",
    "/a/x/",
    "//",
    "//a",
    "/a//x",
    "/a/./x",
    "/a/..",
    "/.",
    "/...",
    "/a/.b",
    "/a/\u{0}",
    "/a/\u{1}",
    "/a/\u{7f}",
    "/a/\u{9f}",
    "/a/\u{a0}",
    "/a/\u{e000}",
    "/a/\u{f8ff}",
    "/a/\u{f900}",
    "/a/\u{ffef}",
    "/a/\u{fff0}",
    "/a/\u{ffff}",
    "/missing/x",
    "/missing//x",
    "missing/x",
    "/a/x/1/deep/er",
];

/// A letter beyond the first 65 536: no node has it in its name, and Apache could not echo it.
pub(crate) const SUPPLEMENTARY: &str = "/\u{1f600}";

/// Where no node ever is.
pub(crate) const NOWHERE: &str = "/missing/x";

pub(crate) fn one<'a, T: ?Sized>(rng: &mut Rng, all: &'a [&T]) -> &'a T {
    all[rng.usize(..all.len())]
}

/// A path; `learned` are those of nodes with a sequence number in their name.
pub(crate) fn path(rng: &mut Rng, learned: &[String]) -> String {
    match rng.u32(..100) {
        0..=6 => one(rng, ODD).to_owned(),
        7..=12 => one(rng, RESERVED).to_owned(),
        13..=20 if !learned.is_empty() => learned[rng.usize(..learned.len())].clone(),
        _ => one(rng, PATHS).to_owned(),
    }
}

/// Where `create` with a sequence number is tried.
pub(crate) fn sequential_path(rng: &mut Rng, learned: &[String]) -> String {
    let prefix = ["/a/n-", "/a/n-", "/b/", "/q", "/", "/a/x/s", "/missing/s", "/zookeeper/s"];
    if rng.u32(..5) == 0 { path(rng, learned) } else { one(rng, &prefix).to_owned() }
}

pub(crate) fn version(rng: &mut Rng) -> i32 {
    [-1, -1, -1, -1, 0, 0, 1, 2, 3, -2, i32::MIN, i32::MAX][rng.usize(..12)]
}

/// Data, or null.
pub(crate) fn data(rng: &mut Rng) -> Option<Bytes> {
    let len = [None, Some(0), Some(300), Some(1), Some(2), Some(3), Some(4), Some(5)];
    len[rng.usize(..8)].map(|len| Bytes::from(vec![b'd'; len]))
}

/// Below which there are quotas.
pub(crate) const QUOTAS: [&str; 3] =
    ["/zookeeper/quota/a", "/zookeeper/quota/a", "/zookeeper/quota/a/x"];

/// The data of a `zookeeper_limits`, all of which a few nodes may exceed.
pub(crate) fn limits(rng: &mut Rng) -> Bytes {
    Bytes::from_static(
        [
            "count=-1,bytes=-1",
            "count=2,bytes=9",
            "count=-1,bytes=-1=;countHardLimit=3",
            "count=2,bytes=-1=;countHardLimit=5",
            "count=-1,bytes=-1=;byteHardLimit=12",
            "count=-1,bytes=5=;byteHardLimit=310;countHardLimit=7",
            "countHardLimit=4",
            "count=-1,bytes=-1=;byteHardLimit=0;countHardLimit=0",
            "bytes=3,;countHardLimit=5",
            "",
        ][rng.usize(..10)]
        .as_bytes(),
    )
}

/// The data of a `zookeeper_stats` before anything is counted.
pub(crate) fn usage(rng: &mut Rng) -> Bytes {
    Bytes::from_static(
        [
            "count=0,bytes=0",
            "count=2,bytes=7",
            "count=1,bytes=1=;byteHardLimit=5;x=3",
            "bytes=3",
            "",
        ][rng.usize(..5)]
        .as_bytes(),
    )
}

fn entry(perms: i32, scheme: &str, id: &str) -> Acl {
    Acl::new(Permissions(perms), scheme, id)
}

/// Lists that the server may refuse.
fn odd_acl(rng: &mut Rng, has_ipv6: bool) -> Vec<Acl> {
    if has_ipv6 && rng.u32(..5) == 0 {
        let ids = ["::1", "::1/128", "2001:db8::/32", "::/0", "::1/129", "::1/-1", "::1/x", ":::"];
        return vec![entry(31, "ip", one(rng, &ids)), entry(31, "world", "anyone")];
    }
    let entries = [
        entry(31, "world", "nobody"),
        entry(31, "world", ""),
        entry(31, "nosuch", "x"),
        entry(31, "", ""),
        entry(31, "digest", "x"),
        entry(31, "digest", ""),
        entry(31, "digest", "a:b:c"),
        entry(31, "digest", "a:b:"),
        entry(31, "digest", ":b"),
        entry(31, "digest", "a:"),
        entry(31, "ip", "1.2.3"),
        entry(31, "ip", "1.2.3.4/33"),
        entry(31, "ip", "1.2.3.4/32"),
        entry(31, "ip", "1.2.3.4/-1"),
        entry(31, "ip", "1.2.3.4/x"),
        entry(31, "ip", "1.2.3.4/0"),
        entry(31, "ip", "1.2.3.256"),
        entry(31, "ip", "1.2.3.4/8/8"),
        entry(31, "ip", ""),
        entry(31, "super", ""),
        entry(31, "sasl", "bob"),
        entry(31, "x509", "CN=bob"),
        entry(31, "auth", "ignored:text"),
        entry(31, "auth", ""),
        entry(63, "world", "anyone"),
        entry(-1, "world", "anyone"),
        entry(0, "world", "anyone"),
    ];
    let odd = entries[rng.usize(..entries.len())].clone();
    match rng.u32(..6) {
        0 => Vec::new(),
        1 => vec![odd.clone(), odd],
        2 | 3 => vec![odd, entry(31, "world", "anyone")],
        _ => vec![odd],
    }
}

fn restricting_acl(rng: &mut Rng) -> Vec<Acl> {
    let mine = format!("{PEER}/{}", [0, 7, 8, 24, 31, 32][rng.usize(..6)]);
    let perms = [1, 2, 4, 8, 16, 31, 31, 27, 0][rng.usize(..9)];
    let entry = match rng.u32(..8) {
        0 => entry(perms, "world", "anyone"),
        1 => entry(perms, "digest", ALICE),
        2 => entry(perms, "digest", BOB),
        3 => entry(perms, "auth", ""),
        4 => entry(perms, "ip", PEER),
        5 => entry(perms, "ip", &mine),
        6 => entry(perms, "ip", "10.99.0.1/16"),
        _ => entry(31, "world", "anyone"),
    };
    let second = Acl::new(Permissions(1), "world", "anyone");
    if rng.bool() { vec![entry] } else { vec![entry, second] }
}

/// Where watches are set everybody may read, or not, see
/// [`NOT_GENERATED`](crate::differences::NOT_GENERATED).
pub(crate) fn acl(rng: &mut Rng, profile: Profile, has_ipv6: bool) -> Vec<Acl> {
    let readable = Acl::new(Permissions(1), "world", "anyone");
    match (profile, rng.u32(..10)) {
        (Profile::Acls | Profile::HiddenWatches, 0..=2) => odd_acl(rng, has_ipv6),
        (Profile::Acls | Profile::HiddenWatches, 3..=6) => restricting_acl(rng),
        (Profile::Watches, 0) => {
            let mut acl = restricting_acl(rng);
            acl.push(readable);
            acl
        }
        _ => Acl::open(),
    }
}

/// A scheme and what is sent with it. No bytes beyond ASCII: which letters they are the JVM's
/// locale decides.
pub(crate) fn credentials(rng: &mut Rng) -> (&'static str, &'static str) {
    [
        ("digest", "alice:secret"),
        ("digest", "alice:secret"),
        ("digest", "bob:pw"),
        ("digest", "bob:pw"),
        ("digest", "alice:wrong"),
        ("digest", "nocolon"),
        ("digest", ""),
        ("digest", ":x"),
        ("digest", "a:b:c"),
        ("digest", "super:wrong"),
        ("digest", "super:test"),
        ("ip", ""),
        ("ip", "1.2.3.4"),
        ("world", "anyone"),
        ("auth", ""),
        ("super", ""),
        ("nosuch", "x"),
        ("", ""),
    ][rng.usize(..18)]
}
