//! Where the corpora come from: frames recorded from a real server, and a few strings.

use std::fs;
use std::path::PathBuf;

use bytes::BytesMut;
use zk_proto::codec::Encode;
use zk_proto::txn::{Txn, TxnHeader};
use zk_proto::{Acl, ErrorCode, RequestHeader, SessionId, Zxid};
use zk_server::storage::format::{encode_entry, encode_header};
use zk_server::storage::log::TxnRecord;

/// A prefix of commands, a method, a path and a query.
const HTTP_ROUTES: [&str; 9] = [
    "/commands\nGET\n/commands/srvr\n",
    "/commands\nGET\n/commands/stmk\ntraceMask=4",
    "/commands/\nHEAD\n/commands\n",
    "/\nPOST\n/no/such\na=b&traceMask=",
    "/zk\nTRACE\n/zk/ruok\n",
    "\nGET\n/readyz\n",
    "/commands\nPOST\n/commands/restore\n",
    "/commands\nGET\n/commands/snapshot\nstreaming=false",
    "/commands\nHEAD\n/commands/snap\n",
];

const STRINGS: [&str; 14] = [
    "localhost",
    "zk1:2181,zk2:2182,zk3",
    "127.0.0.1:2181/app/one",
    "[::1]:2181,[fe80::1%eth0]:2182/x",
    "host:2181,",
    "::1:2181",
    "/",
    "/a/b/c",
    "/größe/☃",
    "/a//b",
    "/a/./b/..",
    "/zookeeper/quota",
    "/q/n-0000000001",
    "ruok",
];

const ENSEMBLE: &str = "server.1=zk1:2888:3888:participant;0.0.0.0:2181\n\
    server.2=10.0.0.2:2888:3888|[fe80::2]:2888:3888:observer;zk2:2181;2281\n\
    group.1=1:2\nweight.1=2\nversion=100000003";

const ZOO_CFG: &str = "# comment\ntickTime=2000\ndataDir=/var/lib/zookeeper\nclientPort=2181\n\
    maxClientCnxns=60\nminSessionTimeout=-1\n4lw.commands.whitelist=srvr, stat\n\
    extendedTypesEnabled=true\nclientPortAddress=127.0.0.1\nunknown.key=\\u0041\\\n  more\n";

const LOGIN_FILE: &str = r#"// users
Server {
    org.apache.zookeeper.server.auth.DigestLoginModule required
    user_bob="se\"cr\\et\101" user_eve=word;
};
/* not ours */ Client { com.sun.security.auth.module.Krb5LoginModule required
    keyTab="/etc/zk.keytab" principal="zookeeper/host@REALM"; };
"#;

const CHALLENGE: &[u8] =
    b"realm=\"zk-sasl-md5\",nonce=\"3aRl/Zg=\",charset=utf-8,algorithm=md5-sess";
const RESPONSE: &[u8] = b"charset=utf-8,username=\"b\\\"\\\\ob\",realm=\"zk-sasl-md5\",\
    nonce=\"3aRl/Zg=\",nc=00000001,cnonce=\"c\",digest-uri=\"zookeeper/zk-sasl-md5\",\
    maxbuf=65536,response=83710d3e6c2368949efe26fe2c8dfe26,qop=auth";

const INSTANCE: &str = r#"{"name":"api","id":"a","address":"10.0.0.1","port":8080,"sslPort":null,
    "payload":{"@class":"x","n":1},"registrationTimeUTC":1700000000000,"serviceType":"DYNAMIC",
    "uriSpec":{"parts":[{"value":"scheme","variable":true},{"value":"://","variable":false}]},
    "enabled":true}"#;

/// The seeds of a target: whole frames in both directions and what is inside of them. A seed that
/// does not fit a target is no harm: it is an input like any other.
///
/// # Panics
///
/// If the captures are not where they belong.
#[must_use]
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "connect_string" | "path" | "four_letter" => {
            STRINGS.iter().map(|text| text.as_bytes().to_vec()).collect()
        }
        "http_route" => HTTP_ROUTES.iter().map(|text| text.as_bytes().to_vec()).collect(),
        "ensemble_config" => vec![ENSEMBLE.as_bytes().to_vec()],
        "txn" => txns(),
        "zoo_cfg" => vec![ZOO_CFG.as_bytes().to_vec()],
        "login_file" => vec![LOGIN_FILE.as_bytes().to_vec()],
        "digest_md5" => vec![CHALLENGE.to_vec(), RESPONSE.to_vec()],
        "service_instance" => vec![INSTANCE.as_bytes().to_vec()],
        "server" => scripts(),
        "log_file" => logs(),
        "snapshot_file" => snapshots(),
        "whole_snapshot" => whole_snapshots(),
        "key_store" => key_stores(),
        "frame" => captures().into_iter().map(|(_, frame)| [vec![7], frame].concat()).collect(),
        _ => records(target),
    }
}

fn records(target: &str) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    let mut asked = 0;
    for (direction, frame) in captures() {
        let payload = frame[4..].to_vec();
        match (target, &*direction) {
            ("connect_request", "connect>") | ("connect_response", "connect<") => {
                seeds.push(payload);
            }
            ("request", ">") => seeds.push(payload),
            ("multi_request" | "set_watches" | "acl", ">") => {
                seeds.extend(body_seeds(target, &payload));
            }
            (_, ">") => asked = payload[7],
            ("reply", "<") => seeds.push([vec![asked], payload].concat()),
            ("multi_response" | "watcher_event", "<") if payload.len() > 16 => {
                seeds.push(payload[16..].to_vec());
            }
            _ => {}
        }
    }
    if target == "acl" {
        for acl in [Acl::open(), Acl::read_only(), Acl::creator_all()] {
            let mut out = BytesMut::new();
            acl.encode(&mut out);
            seeds.push(out.to_vec());
        }
    }
    seeds
}

fn body_seeds(target: &str, payload: &[u8]) -> Option<Vec<u8>> {
    let body = payload[RequestHeader::LEN..].to_vec();
    match (target, payload[7]) {
        ("multi_request", 14 | 22) => Some(body),
        ("set_watches", 101) => Some([vec![0], body].concat()),
        ("set_watches", 105) => Some([vec![1], body].concat()),
        _ => None,
    }
}

/// Every recorded frame with its direction.
fn captures() -> Vec<(String, Vec<u8>)> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../zk-proto/tests/captures");
    let mut files: Vec<PathBuf> = fs::read_dir(directory)
        .expect("the captures lie beside zk-proto")
        .map(|entry| entry.expect("the captures can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "hex"))
        .collect();
    files.sort();
    files
        .iter()
        .flat_map(|path| {
            let text = fs::read_to_string(path).expect("a capture can be read");
            text.lines().map(line).collect::<Vec<_>>()
        })
        .collect()
}

fn line(line: &str) -> (String, Vec<u8>) {
    let (direction, hex) = line.split_once(' ').expect("a capture's line is DIRECTION HEX");
    let bytes = (0..hex.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).expect("a capture is in hex"))
        .collect();
    (direction.to_owned(), bytes)
}

fn txns() -> Vec<Vec<u8>> {
    let path = || "/a/b".to_owned();
    let data = || Some(bytes::Bytes::from_static(b"data"));
    let delete = Txn::Delete { path: path() };
    let set = Txn::SetData { path: path(), data: data(), version: 3 };
    let mut txns = vec![
        Txn::CreateContainer {
            path: path(),
            data: data(),
            acl: Acl::open().into(),
            parent_cversion: 4,
        },
        Txn::SetAcl { path: path(), acl: Acl::creator_all().into(), version: 1 },
        Txn::CreateSession { timeout_ms: 10_000 },
        Txn::CloseSession { paths: Some(vec![path(), "/e".to_owned()]) },
        Txn::CloseSession { paths: None },
        Txn::Error(ErrorCode::NoNode),
        Txn::Multi(vec![delete.clone(), set.clone(), Txn::Error(ErrorCode::BadVersion)]),
        delete,
        set,
    ];
    for (ephemeral, with_stat) in [(false, false), (true, true)] {
        let (path, data, acl) = (path(), data(), Acl::open().into());
        txns.push(Txn::Create { with_stat, path, data, acl, ephemeral, parent_cversion: 1 });
    }
    txns.push(Txn::CreateTtl {
        path: path(),
        data: None,
        acl: Acl::open().into(),
        parent_cversion: 2,
        ttl_ms: 5_000,
    });
    txns.iter().map(logged).collect()
}

fn header_of(txn: &Txn, zxid: i64) -> TxnHeader {
    TxnHeader {
        session: SessionId(0x0100_0000_0000_0001),
        cxid: 3,
        zxid: Zxid(zxid),
        time_ms: 1_700_000_000_000,
        op: txn.op().code(),
    }
}

fn logged(txn: &Txn) -> Vec<u8> {
    let header = header_of(txn, 0x1_0000_0005);
    let mut out = BytesMut::new();
    header.encode(&mut out);
    txn.encode(&mut out);
    out.to_vec()
}

/// The logs of Apache's server, with a few of the zeros behind them, and one of ours.
fn logs() -> Vec<Vec<u8>> {
    let mut logs = Vec::new();
    for (name, mut bytes) in fixtures() {
        if name.starts_with("log.") {
            let written = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            bytes.resize(written + 64, 0);
            logs.push(bytes);
        }
    }
    let mut ours = BytesMut::new();
    encode_header(&mut ours);
    let mut mark = 0;
    for (i, path) in ["/a", "/b", "/c"].into_iter().enumerate() {
        let txn = Txn::Delete { path: path.to_owned() };
        let header = header_of(&txn, 1 + i64::try_from(i).expect("3 of them"));
        encode_entry(&TxnRecord { header, txn, digest: None }, Some(mark), &mut ours);
        mark = ours.len() as u64;
    }
    logs.push(ours.to_vec());
    logs
}

/// The snapshots of Apache's server, behind a byte that says how they are packed.
fn snapshots() -> Vec<Vec<u8>> {
    let snapshots = fixtures().into_iter().filter(|(name, _)| name.starts_with("snapshot."));
    snapshots
        .map(|(name, bytes)| {
            let packing = match name.rsplit('.').next() {
                Some("gz") => 1,
                Some("snappy") => 2,
                _ => 0,
            };
            [vec![packing], bytes].concat()
        })
        .collect()
}

/// Snapshots as they are, and scripts of nodes.
fn whole_snapshots() -> Vec<Vec<u8>> {
    let mut seeds: Vec<_> = snapshots().into_iter().filter(|seed| seed[0] == 0).collect();
    // The root, two nodes, one of them below the other; what comes behind.
    for said in 0..8 {
        let nodes = b"\x01\x04\0\0\x08\0\x02/a\x0d\x01\x04/a/b";
        seeds.push([&nodes[..], &[said]].concat());
    }
    seeds
}

/// Those that cost little to open: hardly a change in a locked one opens.
fn key_stores() -> Vec<Vec<u8>> {
    let directory = "../../zk-server/tests/fixtures/key-stores";
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(directory);
    let names = ["rsa.jks", "ec.jks", "several.jks", "trust.jks", "empty.jks", "open.p12"];
    let read = |name| fs::read(directory.join(name)).expect("the fixtures lie beside zk-server");
    names.into_iter().map(read).collect()
}

/// The files that Apache's server has written, with their names.
fn fixtures() -> Vec<(String, Vec<u8>)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let root = root.join("../../zk-server/tests/fixtures/apache-3.8");
    let mut files = Vec::new();
    for directory in ["plain", "gz", "snappy"] {
        for entry in fs::read_dir(root.join(directory)).expect("the fixtures lie beside zk-server")
        {
            let entry = entry.expect("the fixtures can be listed");
            let name = entry.file_name().into_string().expect("a fixture's name is ASCII");
            files.push((name, fs::read(entry.path()).expect("a fixture can be read")));
        }
    }
    files.sort();
    files
}

/// One script per recorded exchange: the client's frames, on the first connection.
fn scripts() -> Vec<Vec<u8>> {
    const FRAME_ON_FIRST: u8 = 12;
    let frames = captures().into_iter().filter(|(direction, _)| direction == ">");
    let steps: Vec<Vec<u8>> = frames
        .map(|(_, frame)| frame[4..].to_vec())
        .filter_map(|payload| {
            let len = u8::try_from(payload.len()).ok()?;
            Some([vec![FRAME_ON_FIRST, len], payload].concat())
        })
        .collect();
    steps.chunks(8).map(<[Vec<u8>]>::concat).collect()
}
