use zk_proto::{Acl, SessionId, Stat, Zxid};

use crate::tree::{DataTree, special};

/// As `mntr` of a fresh Apache server says.
#[test]
fn a_fresh_tree_counts_as_apaches_does() {
    let tree = DataTree::new(false);
    assert_eq!(tree.node_count(), 5);
    assert_eq!(tree.approximate_data_size(), 44);
    assert_eq!((tree.ephemeral_count(), tree.last_zxid()), (0, Zxid::ZERO));
}

#[test]
fn no_transaction_stands_behind_the_special_nodes() {
    let tree = DataTree::new(false);
    let cases = [
        (special::ROOT, Stat { cversion: -1, num_children: 1, ..Stat::default() }),
        (special::ZOOKEEPER, Stat { cversion: -2, num_children: 2, ..Stat::default() }),
        (special::QUOTA, Stat::default()),
        (special::CONFIG, Stat { aversion: -1, ..Stat::default() }),
    ];
    for (path, stat) in cases {
        let node = tree.node(path).expect(path);
        assert_eq!(node.stat(), stat, "{path}");
        assert_eq!(node.data(), Some(&[][..]), "{path}");
        let acl = if path == special::CONFIG { Acl::read_only() } else { Acl::open() };
        assert_eq!(node.acl()[..], acl, "{path}");
        assert!(special::is_special(path));
    }
}

#[test]
fn paths_that_name_nothing_find_nothing() {
    let tree = DataTree::new(false);
    for path in ["zookeeper", "/zookeeper/", "//", "//zookeeper", "/none", "/zookeeper/quota/x"] {
        assert!(tree.node(path).is_none(), "{path}");
    }
    assert!(tree.node("").is_some(), "the root has an empty name too");
}

#[test]
fn descendants_are_counted_without_the_node_itself() {
    let tree = DataTree::new(false);
    assert_eq!(tree.descendant_count("/"), Some(3));
    assert_eq!(tree.descendant_count("/zookeeper"), Some(2));
    assert_eq!(tree.descendant_count("/zookeeper/quota"), Some(0));
    assert_eq!(tree.descendant_count("/none"), None);
    assert_eq!(tree.ephemerals_of(SessionId(1)).count(), 0);
}
