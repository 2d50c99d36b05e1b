//! The names in a path.

/// The names in a path from the root down: none in the root's, and none in what is no path.
///
/// Each request goes along some paths, and names are short: a loop over their bytes is faster than
/// the standard library's search for a character, which is made for long texts.
#[derive(Clone, Debug)]
pub(crate) struct PathNames<'p> {
    /// What is behind the last name and its slash.
    rest: Option<&'p str>,
}

impl<'p> PathNames<'p> {
    /// The names of what begins with a slash.
    pub(crate) fn of(path: &'p str) -> Self {
        Self { rest: path.strip_prefix('/').filter(|names| !names.is_empty()) }
    }
}

impl<'p> Iterator for PathNames<'p> {
    type Item = &'p str;

    fn next(&mut self) -> Option<&'p str> {
        let rest = self.rest.take()?;
        let Some(len) = rest.bytes().position(|byte| byte == b'/') else { return Some(rest) };
        self.rest = rest.get(len + 1..);
        rest.get(..len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_between_slashes() {
        for (path, names) in [
            ("/", &[][..]),
            ("", &[]),
            ("a/b", &[]),
            ("/a", &["a"]),
            ("/a/ü/c", &["a", "ü", "c"]),
            ("/a/", &["a", ""]),
            ("//a", &["", "a"]),
        ] {
            assert_eq!(PathNames::of(path).collect::<Vec<_>>(), names, "{path:?}");
        }
    }
}
