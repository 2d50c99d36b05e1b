//! Which Apache ZooKeeper it is.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use tests::PATIENCE;

/// Major, minor and patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(u32, u32, u32);

impl Version {
    /// What a server says of itself.
    pub(crate) fn ask(server: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(server).expect("the server takes connections");
        stream.set_read_timeout(Some(PATIENCE)).expect("a connected socket has this option");
        stream.write_all(b"srvr").expect("a server reads four letters");
        let mut report = String::new();
        stream.read_to_string(&mut report).expect("the report has an end");
        Self::of(&report).unwrap_or_else(|| panic!("there is no version in {report:?}"))
    }

    fn of(report: &str) -> Option<Self> {
        let (_, version) = report.split_once("ookeeper version: ")?;
        let mut numbers = version.split(['.', '-', ',']).map_while(|part| part.parse().ok());
        Some(Self(numbers.next()?, numbers.next()?, numbers.next()?))
    }

    pub(crate) fn is_3_9(self) -> bool {
        self >= Self(3, 9, 0)
    }

    /// Whether who may not read a node learns nothing of it, by `exists` or by watches.
    pub(crate) fn hides_nodes(self) -> bool {
        self >= Self(3, 9, 2) || (Self(3, 8, 4)..Self(3, 9, 0)).contains(&self)
    }

    /// Whether `setWatches` tells them nothing either; the versions in between were not looked at.
    pub(crate) fn hides_nodes_from_set_watches(self) -> bool {
        self >= Self(3, 9, 6)
    }

    /// Whether ACLs may name addresses of IPv6.
    pub(crate) fn knows_ipv6(self) -> bool {
        self >= Self(3, 9, 4)
    }

    /// Whether a `check` outside of a multi is refused.
    pub(crate) fn refuses_check(self) -> bool {
        self >= Self(3, 9, 3) || (Self(3, 8, 5)..Self(3, 9, 0)).contains(&self)
    }
}

#[test]
fn versions_are_read_and_compared() {
    let of = |text: &str| Version::of(&format!("Zookeeper version: {text}\nLatency: 0"));
    let (old, new) =
        (of("3.8.0-${mvngit.commit.id}, built on 2022").unwrap(), of("3.9.6--1").unwrap());
    assert_eq!((old, new), (Version(3, 8, 0), Version(3, 9, 6)));
    assert!(!old.hides_nodes() && new.hides_nodes() && new.is_3_9());
    assert_eq!(of("unknown"), None);
}
