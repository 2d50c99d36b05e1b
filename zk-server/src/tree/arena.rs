//! Where znodes are kept.

use super::node::Node;

/// Nodes per chunk. Chunks never move, so growing copies no nodes and wastes at most one chunk.
const CHUNK_LEN: usize = 256;

/// Names a node until it is removed; then another node may get the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(u32);

impl NodeId {
    fn position(self) -> (usize, usize) {
        let index = self.0 as usize;
        (index / CHUNK_LEN, index % CHUNK_LEN)
    }
}

/// All nodes, by id. Flat, so that no depth of paths makes dropping or walking it recurse.
#[derive(Debug, Default)]
pub(super) struct Arena {
    chunks: Vec<Vec<Option<Node>>>,
    free: Vec<NodeId>,
}

impl Arena {
    /// The number of nodes.
    pub(super) fn len(&self) -> usize {
        let full = self.chunks.len().saturating_sub(1) * CHUNK_LEN;
        full + self.chunks.last().map_or(0, Vec::len) - self.free.len()
    }

    pub(super) fn insert(&mut self, node: Node) -> NodeId {
        if let Some(id) = self.free.pop() {
            *self.slot(id) = Some(node);
            return id;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK_LEN) {
            self.chunks.push(Vec::with_capacity(CHUNK_LEN));
        }
        let chunks_before = self.chunks.len() - 1;
        let chunk = &mut self.chunks[chunks_before];
        let index = chunks_before * CHUNK_LEN + chunk.len();
        chunk.push(Some(node));
        NodeId(u32::try_from(index).expect("4 billion nodes need more memory than there is"))
    }

    pub(super) fn remove(&mut self, id: NodeId) -> Node {
        let node = self.slot(id).take().expect(ID_INVARIANT);
        self.free.push(id);
        node
    }

    pub(super) fn get(&self, id: NodeId) -> &Node {
        let (chunk, offset) = id.position();
        self.chunks[chunk][offset].as_ref().expect(ID_INVARIANT)
    }

    pub(super) fn get_mut(&mut self, id: NodeId) -> &mut Node {
        self.slot(id).as_mut().expect(ID_INVARIANT)
    }

    fn slot(&mut self, id: NodeId) -> &mut Option<Node> {
        let (chunk, offset) = id.position();
        &mut self.chunks[chunk][offset]
    }
}

const ID_INVARIANT: &str = "invariant: an id is dropped with the parent's entry for the node";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freed_places_are_used_again() {
        let mut arena = Arena::default();
        let ids: Vec<_> = (0..CHUNK_LEN + 1).map(|_| arena.insert(Node::default())).collect();
        assert_eq!((arena.len(), arena.chunks.len()), (CHUNK_LEN + 1, 2));
        arena.remove(ids[7]);
        assert_eq!(arena.len(), CHUNK_LEN);
        let node = Node { version: 9, ..Node::default() };
        assert_eq!(arena.insert(node), ids[7]);
        assert_eq!((arena.len(), arena.get(ids[7]).version), (CHUNK_LEN + 1, 9));
    }
}
