//! Something for each namespace, which is what Apache calls a node below the root with all below it.

use std::collections::HashMap;

use crate::path_names::PathNames;

/// Namespaces that are told apart. Clients name them, and an operator's page must not grow with that.
pub(crate) const NAMESPACES_MAX: usize = 100;

/// Bytes of the longest name that is told apart. A name may have a megabyte.
const NAME_LEN_MAX: usize = 128;

/// The name under which all others go. No node can have it.
pub(crate) const OTHERS: &str = "/";

/// A value for each of the first [`NAMESPACES_MAX`] namespaces that were met, and one for all others
/// together, under the name [`OTHERS`].
///
/// Which of them came first is kept until everything is counted anew: to give a place up to another
/// would make sums fall that only grow.
#[derive(Clone, Debug, Default)]
pub(crate) struct ByNamespace<T> {
    entries: Vec<(Box<str>, T)>,
    /// Where they are. Only looked up, never iterated.
    places: HashMap<Box<str>, usize>,
    /// Where the last one is: one that is asked for is asked for again.
    last: usize,
}

impl<T: Default> ByNamespace<T> {
    /// The value of the namespace that a path is in; `None` for the root, which is in none.
    pub(crate) fn of(&mut self, path: &str) -> Option<&mut T> {
        let name = namespace_of(path)?;
        let is_last = self.entries.get(self.last).is_some_and(|(last, _)| **last == *name);
        if !is_last {
            self.last = self.place(name);
        }
        self.entries.get_mut(self.last).map(|(_, value)| value)
    }

    fn place(&mut self, name: &str) -> usize {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        if name != OTHERS && (name.len() > NAME_LEN_MAX || self.entries.len() >= NAMESPACES_MAX) {
            return self.place(OTHERS);
        }
        let place = self.entries.len();
        self.entries.push((name.into(), T::default()));
        self.places.insert(name.into(), place);
        place
    }
}

impl<T> ByNamespace<T> {
    /// The namespaces and their values, in the order in which they were met.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.entries.iter().map(|(name, value)| (&**name, value))
    }

    /// The values.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.entries.iter_mut().map(|(_, value)| value)
    }
}

/// The first name of a path.
pub(crate) fn namespace_of(path: &str) -> Option<&str> {
    PathNames::of(path).next().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_in_the_namespace_of_its_first_name() {
        let mut counts = ByNamespace::<u64>::default();
        for path in ["/a", "/a/b", "/ab/c", "/a/b/c", "/b"] {
            *counts.of(path).unwrap() += 1;
        }
        assert_eq!(counts.of("/"), None);
        let counts: Vec<_> = counts.iter().collect();
        assert_eq!(counts, [("a", &3), ("ab", &1), ("b", &1)]);
    }

    #[test]
    fn whoever_comes_too_late_or_is_too_long_goes_with_the_others() {
        let mut counts = ByNamespace::<u64>::default();
        let long = format!("/{}", "x".repeat(NAME_LEN_MAX + 1));
        *counts.of(&long).unwrap() += 1;
        for n in 0..10 * NAMESPACES_MAX {
            *counts.of(&format!("/n{n}")).unwrap() += 1;
            *counts.of("/n0/again").unwrap() += 1;
        }
        let told: Vec<_> = counts.iter().collect();
        assert!(told.len() <= NAMESPACES_MAX, "{}", told.len());
        let others = told.iter().find(|(name, _)| *name == OTHERS).unwrap();
        let apart = told.len() as u64 - 1;
        assert_eq!(*others.1, 1 + 10 * NAMESPACES_MAX as u64 - apart);
        assert_eq!(told.iter().find(|(name, _)| *name == "n0").unwrap().1, &1001);
    }

    #[test]
    fn the_others_have_a_place_beside_those_that_fill_all() {
        let mut counts = ByNamespace::<u64>::default();
        for n in 0..2 * NAMESPACES_MAX {
            *counts.of(&format!("/n{n}")).unwrap() += 1;
        }
        assert_eq!(counts.iter().count(), NAMESPACES_MAX + 1);
        assert_eq!(counts.iter().last(), Some((OTHERS, &(NAMESPACES_MAX as u64))));
    }
}
