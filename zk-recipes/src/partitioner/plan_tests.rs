use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::Plan;

fn members(names: &BTreeSet<u8>) -> BTreeMap<String, String> {
    names.iter().map(|name| (format!("node-{name}"), format!("id-{name}"))).collect()
}

fn items(names: &BTreeSet<u8>) -> BTreeSet<String> {
    names.iter().map(|name| format!("item-{name}")).collect()
}

/// The next plan, or the same one if that will do.
fn next(plan: &Plan, members: &BTreeMap<String, String>, items: &BTreeSet<String>) -> Plan {
    plan.next(members, items).unwrap_or_else(|| plan.clone())
}

fn loads(plan: &Plan) -> Vec<usize> {
    plan.members.keys().map(|member| plan.of(member).len()).collect()
}

/// How many items with a living holder have another one in `after`.
fn moves(before: &Plan, after: &Plan) -> usize {
    let stays = |owner: &String| after.members.contains_key(owner);
    let both =
        before.items.iter().filter(|(item, owner)| stays(owner) && after.items.contains_key(*item));
    both.filter(|(item, owner)| after.items[*item] != **owner).count()
}

/// The least number of moves there can be, by trying every choice of who gets one more.
fn least_moves(before: &Plan, after: &Plan) -> usize {
    let held: Vec<usize> = after
        .members
        .keys()
        .map(|member| {
            let held = before.of(member);
            held.iter().filter(|item| after.items.contains_key(*item)).count()
        })
        .collect();
    let (each, extra) = (after.items.len() / held.len(), after.items.len() % held.len());
    let surplus = |choice: u32| -> usize {
        let over = held
            .iter()
            .enumerate()
            .map(|(at, held)| held.saturating_sub(each + usize::from(choice & (1 << at) != 0)));
        over.sum()
    };
    let choices = (0_u32..1 << held.len()).filter(|choice| choice.count_ones() as usize == extra);
    choices.map(surplus).min().unwrap_or(0)
}

fn some(limit: u8, least: usize) -> impl Strategy<Value = BTreeSet<u8>> {
    proptest::collection::btree_set(0..limit, least..usize::from(limit))
}

proptest! {
    #[test]
    fn plans_are_whole_and_balanced_and_move_as_little_as_can_be(
        steps in proptest::collection::vec((some(8, 1), some(40, 0)), 1..12)
    ) {
        let mut plan = Plan::default();
        for (present, wanted) in steps {
            let (present, wanted) = (members(&present), items(&wanted));
            let after = next(&plan, &present, &wanted);
            prop_assert_eq!(after.items.keys().cloned().collect::<BTreeSet<_>>(), wanted.clone());
            prop_assert!(after.items.values().all(|owner| present.contains_key(owner)));
            let loads = loads(&after);
            let (least, most) = (loads.iter().min().unwrap(), loads.iter().max().unwrap());
            prop_assert!(most - least <= 1, "{:?}", loads);
            prop_assert_eq!(moves(&plan, &after), least_moves(&plan, &after));
            prop_assert_eq!(after.next(&present, &wanted), None, "a plan that will do stays");
            plan = after;
        }
    }

    #[test]
    fn plans_are_read_as_they_were_written(present in some(8, 1), wanted in some(40, 0)) {
        let plan = next(&Plan::default(), &members(&present), &items(&wanted));
        prop_assert_eq!(Plan::decode(&plan.encode()).unwrap(), plan);
    }

    #[test]
    fn no_data_upsets_the_decoder(data in proptest::collection::vec(any::<u8>(), 0..100)) {
        drop(Plan::decode(&data));
    }
}

#[test]
fn who_comes_back_under_its_id_gets_its_items_back() {
    let wanted = items(&(0..9).collect());
    let before = next(&Plan::default(), &members(&(0..3).collect()), &wanted);
    let mut again = before.members.clone();
    let id = again.remove("node-1").unwrap();
    again.insert("node-7".to_owned(), id);
    let after = next(&before, &again, &wanted);
    assert_eq!(after.of("node-7"), before.of("node-1"));
    assert_eq!(moves(&before, &after), 0);
}

#[test]
fn a_plan_that_names_a_member_there_is_not_is_refused() {
    let data = br#"{"generation":1,"members":[["node-1","one"]],"items":{"a":1}}"#;
    assert!(Plan::decode(data).is_err());
    assert_eq!(Plan::decode(b"").unwrap(), Plan::default());
}

#[test]
fn nobody_there_gets_nothing() {
    let plan = next(&Plan::default(), &BTreeMap::new(), &items(&(0..3).collect()));
    assert!(plan.items.is_empty());
}

#[test]
fn kazoos_members_take_every_kth_item_in_the_order_of_their_ids() {
    let members = [("9-a", "z"), ("1-b", "a"), ("5-c", "m")];
    let members: BTreeMap<String, String> =
        members.iter().map(|(node, id)| ((*node).to_owned(), (*id).to_owned())).collect();
    let plan = Plan::by_turns(7, members, &items(&(0..5).collect()));
    let of = |node: &str| plan.of(node).into_iter().collect::<Vec<_>>();
    assert_eq!(plan.generation, 7);
    assert_eq!(of("1-b"), ["item-0", "item-3"]);
    assert_eq!(of("5-c"), ["item-1", "item-4"]);
    assert_eq!(of("9-a"), ["item-2"]);
    assert!(Plan::by_turns(1, BTreeMap::new(), &items(&(0..5).collect())).items.is_empty());
}
