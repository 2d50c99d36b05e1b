//! Everything about a tree that two servers must agree on, as text.

use crate::tree::{DataTree, NodeRef};

impl DataTree {
    pub(crate) fn dump(&self) -> Vec<String> {
        fn visit(path: &str, node: NodeRef<'_>, tree: &DataTree, out: &mut Vec<String>) {
            let (stat, acl, data) = (node.stat(), node.acl(), node.data());
            let facts = (node.create_count(), node.owner());
            out.push(format!("{path} {stat:?} {acl:?} {data:?} {facts:?}"));
            for name in node.children() {
                let path = zk_proto::path::join(path, name);
                visit(&path, tree.node(&path).expect("a child is a node"), tree, out);
            }
        }
        let mut out = Vec::new();
        visit("/", self.node("/").expect("the root"), self, &mut out);
        out.push(format!("{:?} {} nodes", self.last_zxid(), self.node_count()));
        out.push(format!("{} bytes, {} acls", self.approximate_data_size(), self.acls.len()));
        out.push(format!("{:?}", self.owners));
        out
    }
}
