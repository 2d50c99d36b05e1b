//! Who gets what: the pure part.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Who is to have which item. One generation of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// Grows with each plan.
    pub generation: u64,
    /// The members planned for, by the names of their nodes, with their ids.
    pub members: BTreeMap<String, String>,
    /// For each item the name of the node of the member that is to have it.
    pub items: BTreeMap<String, String>,
}

/// The plan as it is written: items by the position of their member, since there are many of them.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    generation: u64,
    /// Names of nodes and ids.
    members: Vec<(String, String)>,
    items: BTreeMap<String, usize>,
}

impl Plan {
    /// The items that the member whose node is called `member` is to have.
    #[must_use]
    pub fn of(&self, member: &str) -> BTreeSet<String> {
        let items = self.items.iter().filter(|(_, owner)| *owner == member);
        items.map(|(item, _)| item.clone()).collect()
    }

    /// The next plan: each item has exactly one member, no member has more than one item more than
    /// another, and no more items move than that takes. `None` if this plan will do.
    ///
    /// A member that comes back under the same id with another node (its session expired, or its
    /// process was started again) stands for its former self, if that is gone.
    #[must_use]
    pub fn next(
        &self,
        members: &BTreeMap<String, String>,
        items: &BTreeSet<String>,
    ) -> Option<Self> {
        let former = self.successors(members);
        let mut kept: BTreeMap<&str, Vec<&str>> =
            members.keys().map(|member| (member.as_str(), Vec::new())).collect();
        let mut free: Vec<&str> = Vec::new();
        for item in items {
            let owner = self.items.get(item).map(String::as_str);
            let owner = owner.map(|owner| former.get(owner).copied().unwrap_or(owner));
            match owner.and_then(|owner| kept.get_mut(owner)) {
                Some(items) => items.push(item),
                None => free.push(item),
            }
        }
        let assigned = share_out(kept, free);
        let next =
            Self { generation: self.generation + 1, members: members.clone(), items: assigned };
        (next.members != self.members || next.items != self.items).then_some(next)
    }

    /// The plan that each of kazoo's members makes for itself: with members sorted by their ids and
    /// items by name, the first of k members has the first item and every k-th after it, and so on.
    pub(super) fn by_turns(
        generation: u64,
        members: BTreeMap<String, String>,
        items: &BTreeSet<String>,
    ) -> Self {
        let mut order: Vec<(&String, &String)> =
            members.iter().map(|(node, id)| (id, node)).collect();
        order.sort_unstable();
        let turns = order.iter().cycle().map(|(_, node)| (*node).clone());
        let items = items.iter().cloned().zip(turns).collect();
        Self { generation, members, items }
    }

    /// For members that are gone, by node, the node under which they came back.
    fn successors<'a>(
        &'a self,
        members: &'a BTreeMap<String, String>,
    ) -> BTreeMap<&'a str, &'a str> {
        let is_new = |node: &str| !self.members.contains_key(node);
        let mut new: Vec<(&str, &str)> = members
            .iter()
            .filter(|(node, _)| is_new(node))
            .map(|(node, id)| (id.as_str(), node.as_str()))
            .collect();
        let mut successors = BTreeMap::new();
        for (node, id) in self.members.iter().filter(|(node, _)| !members.contains_key(*node)) {
            // Ids need not be unique: each newcomer stands for one.
            if let Some(at) = new.iter().position(|(new, _)| new == id) {
                successors.insert(node.as_str(), new.swap_remove(at).1);
            }
        }
        successors
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let members: Vec<(String, String)> =
            self.members.iter().map(|(node, id)| (node.clone(), id.clone())).collect();
        let position = |owner: &String| {
            // The members are in order, being from a map.
            members.binary_search_by(|(node, _)| node.cmp(owner)).ok()
        };
        let items = self.items.iter();
        let items =
            items.filter_map(|(item, owner)| Some((item.clone(), position(owner)?))).collect();
        let written = Written { generation: self.generation, members, items };
        // Strings and numbers: nothing in it that JSON could not hold.
        serde_json::to_vec(&written).unwrap_or_default()
    }

    /// The plan in the data of the plan node; empty data is the plan before the first.
    pub(super) fn decode(data: &[u8]) -> Result<Self, String> {
        if data.is_empty() {
            return Ok(Self::default());
        }
        let written: Written = serde_json::from_slice(data).map_err(|error| error.to_string())?;
        let mut items = BTreeMap::new();
        for (item, at) in written.items {
            let (node, _) = written
                .members
                .get(at)
                .ok_or_else(|| format!("{item} is for member {at}, which there is not"))?;
            items.insert(item, node.clone());
        }
        let members = written.members.into_iter().collect();
        Ok(Self { generation: written.generation, members, items })
    }
}

/// Levels what the members have kept, and hands out what is free.
///
/// With n items and m members, n mod m of them get one more than the others. Those are the ones
/// that have most already: any other choice would take an item more from somebody.
fn share_out<'a>(
    mut kept: BTreeMap<&str, Vec<&'a str>>,
    mut free: Vec<&'a str>,
) -> BTreeMap<String, String> {
    if kept.is_empty() {
        return BTreeMap::new();
    }
    let count = free.len() + kept.values().map(Vec::len).sum::<usize>();
    let (each, mut extra) = (count / kept.len(), count % kept.len());
    let mut order: Vec<&str> = kept.keys().copied().collect();
    order.sort_by_key(|member| std::cmp::Reverse(kept[member].len()));
    let mut quotas = BTreeMap::new();
    for member in &order {
        let quota = each + usize::from(extra > 0);
        extra = extra.saturating_sub(1);
        quotas.insert(*member, quota);
        if let Some(items) = kept.get_mut(member)
            && items.len() > quota
        {
            free.extend(items.drain(quota..));
        }
    }
    free.sort_unstable();
    let mut free = free.into_iter();
    let mut assigned = BTreeMap::new();
    for (member, mut items) in kept {
        let wanted = quotas[member].saturating_sub(items.len());
        items.extend(free.by_ref().take(wanted));
        assigned.extend(items.into_iter().map(|item| (item.to_owned(), member.to_owned())));
    }
    assigned
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
