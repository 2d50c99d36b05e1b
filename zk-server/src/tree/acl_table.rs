//! Each distinct ACL, kept once.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use zk_proto::Acl;

/// Names an ACL in the table while a node uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AclKey(NonZeroU32);

impl AclKey {
    /// Everybody may do everything: most nodes' ACL, always in the table and not counted.
    pub(super) const OPEN: Self = Self(NonZeroU32::MIN);

    fn index(self) -> usize {
        self.0.get() as usize - 1
    }

    /// What a snapshot calls it.
    pub(super) fn number(self) -> i64 {
        i64::from(self.0.get())
    }
}

impl Default for AclKey {
    fn default() -> Self {
        Self::OPEN
    }
}

/// A tree of millions of nodes has a handful of ACLs. Lists are equal if their entries are, in the
/// same order.
#[derive(Debug)]
pub(super) struct AclTable {
    slots: Vec<Slot>,
    /// Slots whose list nobody uses.
    free: Vec<AclKey>,
    /// Only looked up, never iterated: the order of its entries shows nowhere. Clients choose the
    /// lists, so the hash has keys that nobody knows, of the system's randomness.
    keys: HashMap<Arc<[Acl]>, AclKey>,
}

#[derive(Debug)]
struct Slot {
    list: Arc<[Acl]>,
    uses: usize,
}

impl Default for AclTable {
    fn default() -> Self {
        let open: Arc<[Acl]> = Acl::open().into();
        Self {
            slots: vec![Slot { list: Arc::clone(&open), uses: 0 }],
            free: Vec::new(),
            keys: HashMap::from_iter([(open, AclKey::OPEN)]),
        }
    }
}

impl AclTable {
    /// The key of a list, which has one more user from now on.
    pub(super) fn intern(&mut self, list: &[Acl]) -> AclKey {
        if self.get(AclKey::OPEN)[..] == *list {
            return AclKey::OPEN;
        }
        let key = match self.keys.get(list) {
            Some(key) => *key,
            None => self.insert(list.into()),
        };
        self.slots[key.index()].uses += 1;
        key
    }

    /// Takes one user from a list; the last one's leaving removes it.
    pub(super) fn release(&mut self, key: AclKey) {
        if key == AclKey::OPEN {
            return;
        }
        let slot = &mut self.slots[key.index()];
        slot.uses -= 1;
        if slot.uses == 0 {
            self.keys.remove(&slot.list);
            slot.list = Arc::from([]);
            self.free.push(key);
        }
    }

    pub(super) fn get(&self, key: AclKey) -> &Arc<[Acl]> {
        &self.slots[key.index()].list
    }

    /// The lists that are in use, in the order of their keys; the open one is always among them.
    pub(super) fn lists(&self) -> impl Iterator<Item = (AclKey, Arc<[Acl]>)> {
        let keys = (1..).filter_map(NonZeroU32::new).map(AclKey);
        let used = |(key, slot): &(AclKey, &Slot)| *key == AclKey::OPEN || slot.uses > 0;
        keys.zip(&self.slots).filter(used).map(|(key, slot)| (key, Arc::clone(&slot.list)))
    }

    fn insert(&mut self, list: Arc<[Acl]>) -> AclKey {
        let slot = Slot { list: Arc::clone(&list), uses: 0 };
        let key = if let Some(key) = self.free.pop() {
            self.slots[key.index()] = slot;
            key
        } else {
            self.slots.push(slot);
            let number = u32::try_from(self.slots.len()).ok().and_then(NonZeroU32::new);
            AclKey(number.expect("4 billion ACLs need more memory than there is"))
        };
        self.keys.insert(list, key);
        key
    }

    /// The number of distinct ACLs in use, the open one always among them.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lists_share_a_key_until_the_last_user_leaves() {
        let mut table = AclTable::default();
        assert_eq!(table.intern(&Acl::open()), AclKey::OPEN);
        let first = table.intern(&Acl::read_only());
        let second = table.intern(&Acl::read_only());
        assert_eq!((first, table.len()), (second, 2));
        table.release(first);
        assert_eq!(table.get(second)[..], Acl::read_only());
        table.release(second);
        assert_eq!(table.len(), 1);
        assert_eq!(table.intern(&Acl::creator_all()), first, "the free slot is used again");
        table.release(AclKey::OPEN);
        assert_eq!(table.get(AclKey::OPEN)[..], Acl::open());
    }
}
