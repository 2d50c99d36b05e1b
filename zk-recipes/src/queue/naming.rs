//! The names of items, and the order in which they are taken.
//!
//! | queue | name |
//! | --- | --- |
//! | Curator | `queue-<number>`, with an id `queue-|<id>|<number>` |
//! | Curator, by priority | `queue-<1, or 0 if negative><priority, 8 hex digits><number>` |
//! | Curator, delayed | `queue-|<due time in ms since the epoch, hex>|<number>` |
//! | Curator, simple; Java | `qn-<number>` |
//! | kazoo | `entry-<priority, 3 digits>-<number>` |
//!
//! The number is the one that the server appends. It is read as unsigned, so that the order goes on
//! where servers turn to negative numbers. Other names are no items.

/// What stands between an id, or a due time, and the rest.
const BAR: char = '|';

/// How items are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    Curator,
    CuratorPriority,
    CuratorDelay,
    Simple,
    Kazoo,
}

/// An item by its name, ordered as items are taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Item {
    /// The priority (lower is first) or the due time; 0 where there is neither.
    pub(super) rank: i64,
    number: u32,
    pub(super) name: String,
    /// Where in the name the number begins.
    base: usize,
}

impl Item {
    /// The name without the number: what to call the item when it is put anew.
    pub(super) fn base(&self) -> &str {
        &self.name[..self.base]
    }
}

impl Naming {
    /// Whether the data is in Curator's frame.
    pub(super) fn is_framed(self) -> bool {
        matches!(self, Self::Curator | Self::CuratorPriority | Self::CuratorDelay)
    }

    /// Whether what stands between bars is an id.
    pub(super) fn has_ids(self) -> bool {
        self == Self::Curator
    }

    fn start(self) -> &'static str {
        match self {
            Self::Simple => "qn-",
            Self::Kazoo => "entry-",
            _ => "queue-",
        }
    }

    /// The item called `name`, if it is one.
    pub(super) fn item(self, name: String) -> Option<Item> {
        let rest = name.strip_prefix(self.start())?;
        let (rank, number) = match self {
            Self::Simple => (0, rest),
            Self::Curator => (0, split_bars(rest).map_or(rest, |(_, number)| number)),
            Self::CuratorPriority => split_priority(rest)?,
            Self::CuratorDelay => {
                let (due, number) = split_bars(rest)?;
                (i64::from_str_radix(due, 16).ok()?, number)
            }
            Self::Kazoo => {
                let (priority, number) = (rest.get(..3)?, rest.get(3..)?);
                (i64::from(priority.parse::<u16>().ok()?), number.strip_prefix('-')?)
            }
        };
        let base = name.len() - number.len();
        let number = number.parse::<i32>().ok()?.cast_unsigned();
        Some(Item { rank, number, name, base })
    }

    /// The items among `names`, in the order in which they are taken.
    pub(super) fn items(self, names: Vec<String>) -> Vec<Item> {
        let mut items: Vec<Item> = names.into_iter().filter_map(|name| self.item(name)).collect();
        items.sort_unstable();
        items
    }

    /// What an item is called before the server appends a number.
    pub(super) fn first_in_first_out(self) -> String {
        match self {
            Self::Kazoo => kazoo(KAZOO_PRIORITY),
            _ => self.start().to_owned(),
        }
    }
}

/// The priority of kazoo's items unless one is given.
pub(super) const KAZOO_PRIORITY: u16 = 100;

/// The largest priority that kazoo has room for.
pub(super) const KAZOO_PRIORITY_MAX: u16 = 999;

pub(super) fn kazoo(priority: u16) -> String {
    format!("entry-{priority:03}-")
}

pub(super) fn with_id(id: &str) -> String {
    format!("queue-{BAR}{}{BAR}", clean(id))
}

pub(super) fn by_priority(priority: i32) -> String {
    let sign = u8::from(priority >= 0);
    format!("queue-{sign}{:08X}", priority.cast_unsigned())
}

pub(super) fn delayed(due_ms: u64) -> String {
    format!("queue-{BAR}{due_ms:08X}{BAR}")
}

/// The id in the name of an item, if it has one.
pub(super) fn id(name: &str) -> Option<&str> {
    split_bars(name.strip_prefix("queue-")?).map(|(id, _)| id)
}

/// An id as it stands in a name: without what has a meaning there.
pub(super) fn clean(id: &str) -> String {
    id.replace(['/', BAR], "_")
}

/// `|text|rest`.
fn split_bars(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix(BAR)?.rsplit_once(BAR)
}

/// One digit for the sign, eight for the priority, then the number.
fn split_priority(text: &str) -> Option<(i64, &str)> {
    let (sign, hex, number) = (text.get(..1)?, text.get(1..9)?, text.get(9..)?);
    let priority = u32::from_str_radix(hex, 16).ok()?.cast_signed();
    let expected = if priority < 0 { "0" } else { "1" };
    (sign == expected).then_some((i64::from(priority), number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(naming: Naming, names: &[&str]) -> Vec<String> {
        let items = naming.items(names.iter().map(|name| (*name).to_owned()).collect());
        items.into_iter().map(|item| item.name).collect()
    }

    #[test]
    fn the_order_is_by_number_with_and_without_ids() {
        let names = ["queue-0000000010", "queue-|z|0000000002", "queue-|a|0000000011", "other-1"];
        let ordered = ["queue-|z|0000000002", "queue-0000000010", "queue-|a|0000000011"];
        assert_eq!(order(Naming::Curator, &names), ordered);
    }

    #[test]
    fn numbers_that_turned_negative_come_last() {
        let names = ["queue--2147483648", "queue-2147483647", "queue--2147483647"];
        let ordered = ["queue-2147483647", "queue--2147483648", "queue--2147483647"];
        assert_eq!(order(Naming::Curator, &names), ordered);
    }

    #[test]
    fn the_lower_priority_is_first_and_negative_ones_before_all() {
        let name = |priority, number: i32| format!("{}{number:010}", by_priority(priority));
        assert_eq!(name(7, 1), "queue-1000000070000000001");
        assert_eq!(name(-1, 1), "queue-0FFFFFFFF0000000001");
        let names = [name(7, 1), name(-1, 4), name(0, 2), name(7, 0), name(i32::MIN, 9)];
        let ordered = [name(i32::MIN, 9), name(-1, 4), name(0, 2), name(7, 0), name(7, 1)];
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(order(Naming::CuratorPriority, &names), ordered);
    }

    #[test]
    fn due_times_are_ranks() {
        let name = format!("{}0000000003", delayed(0x18B_CFE5_6800));
        assert_eq!(name, "queue-|18BCFE56800|0000000003");
        assert_eq!(Naming::CuratorDelay.item(name).unwrap().rank, 0x18B_CFE5_6800);
        assert_eq!(delayed(1), "queue-|00000001|");
    }

    #[test]
    fn kazoo_orders_by_priority_then_number() {
        let names = ["entry-100-0000000001", "entry-005-0000000009", "entry-100-0000000000"];
        let ordered = ["entry-005-0000000009", "entry-100-0000000000", "entry-100-0000000001"];
        assert_eq!(order(Naming::Kazoo, &names), ordered);
        assert_eq!(Naming::Kazoo.item("entry-1000000".to_owned()), None);
    }

    #[test]
    fn an_item_put_anew_has_the_name_it_had() {
        let starts = [
            (Naming::Curator, "queue-"),
            (Naming::Curator, "queue-|a1|"),
            (Naming::CuratorPriority, "queue-100000007"),
            (Naming::CuratorDelay, "queue-|00000001|"),
            (Naming::Kazoo, "entry-100-"),
            (Naming::Simple, "qn-"),
        ];
        for (naming, start) in starts {
            for number in ["0000000012", "-2147483648"] {
                assert_eq!(naming.item(format!("{start}{number}")).unwrap().base(), start);
            }
        }
    }

    #[test]
    fn an_id_is_found_again() {
        assert_eq!(clean("a/b|c"), "a_b_c");
        assert_eq!(id(&format!("{}0000000012", with_id("a/b"))), Some("a_b"));
        assert_eq!(id("queue-0000000012"), None);
    }
}
