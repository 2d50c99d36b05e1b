//! Which paths above a path are of interest, found in one pass over the path.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher as _};

use crate::path_names::PathNames;

/// Paths, such as those that are watched recursively, counted by their hash.
///
/// A path of 100 000 names has as many ancestors. To look each up by its path would take time in
/// the square of the path's length, for each change that somebody far above cares for. Their hashes all
/// come by the way while the path is hashed once; what a hash finds is then looked up.
#[derive(Debug, Default)]
pub(crate) struct CountedPaths {
    /// Only looked up, never iterated: the random order of its entries shows nowhere.
    counts: HashMap<u64, usize>,
}

impl CountedPaths {
    pub(crate) fn add(&mut self, path: &str) {
        *self.counts.entry(hash(path)).or_default() += 1;
    }

    /// Takes back one [`add`](Self::add) of the same path.
    pub(crate) fn remove(&mut self, path: &str) {
        let hash = hash(path);
        if let Some(count) = self.counts.get_mut(&hash) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&hash);
            }
        }
    }

    /// The paths above `path` that are worth a look, from the root downwards.
    pub(crate) fn above<'p>(&self, path: &'p str) -> Vec<&'p str> {
        let mut found = Vec::new();
        if self.counts.is_empty() || path == "/" {
            return found;
        }
        let mut hasher = DefaultHasher::new();
        let mut end = 0;
        for name in PathNames::of(path) {
            if self.counts.contains_key(&hasher.finish()) {
                found.push(if end == 0 { "/" } else { &path[..end] });
            }
            write(&mut hasher, name);
            end += 1 + name.len();
        }
        found
    }

    #[cfg(test)]
    pub(crate) fn total(&self) -> usize {
        assert!(self.counts.values().all(|count| *count > 0));
        self.counts.values().sum()
    }
}

fn hash(path: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    for name in PathNames::of(path) {
        write(&mut hasher, name);
    }
    hasher.finish()
}

/// One name; the byte behind it is in no name.
fn write(hasher: &mut DefaultHasher, name: &str) {
    hasher.write(name.as_bytes());
    hasher.write_u8(b'/');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_counted_ancestors_are_worth_a_look() {
        let mut counted = CountedPaths::default();
        let names = "/a".repeat(200_000);
        assert!(counted.above(&names).is_empty());
        for path in ["/", "/a/a", "/a/b", "/a/", "", "a", &names] {
            counted.add(path);
        }
        assert_eq!(counted.above(&names), ["/", "/a/a"], "a path is not above itself");
        assert_eq!(counted.above("/a"), ["/"]);
        assert!(counted.above("/").is_empty());
        counted.add("/a/a");
        counted.remove("/a/a");
        assert_eq!(counted.above("/a/a/a"), ["/", "/a/a"], "one of two is left");
        counted.remove("/a/a");
        assert_eq!(counted.above("/a/a/a"), ["/"]);
    }
}
