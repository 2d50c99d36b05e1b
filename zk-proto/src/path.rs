//! Rules for znode paths (Apache's `PathUtils`).

/// Why a string is no path. The caller is at fault; nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// No characters.
    #[error("a path must not be empty: the root is \"/\"")]
    Empty,
    /// Not starting with a slash.
    #[error("a path must start with '/'")]
    Relative,
    /// Ending with a slash.
    #[error("a path must not end with '/'")]
    TrailingSlash,
    /// Two slashes in a row.
    #[error("a path must not have an empty component (\"//\" at byte {at})")]
    EmptyComponent {
        /// Byte position of the second slash.
        at: usize,
    },
    /// A component `.` or `..`.
    #[error(
        "a path must not have a component \".\" or \"..\" (at byte {at}): there are no relative paths"
    )]
    RelativeComponent {
        /// Byte position of the component.
        at: usize,
    },
    /// A character ZooKeeper doesn't allow: controls, private use, above U+FFFF.
    #[error("a path must not have the character {:?} (at byte {at})", .character)]
    ForbiddenCharacter {
        /// The character.
        character: char,
        /// Its byte position.
        at: usize,
    },
}

/// Checks a path.
///
/// # Errors
///
/// The first rule that it breaks.
pub fn validate(path: &str) -> Result<(), PathError> {
    if is_plain(path.as_bytes()) { Ok(()) } else { validate_by_rule(path) }
}

fn validate_by_rule(path: &str) -> Result<(), PathError> {
    if path == "/" {
        return Ok(());
    }
    let Some(rest) = path.strip_prefix('/') else {
        return Err(if path.is_empty() { PathError::Empty } else { PathError::Relative });
    };
    let mut at = 1;
    for component in rest.split('/') {
        validate_component(component, at, path.len())?;
        at += component.len() + 1;
    }
    Ok(())
}

/// Checks the path of a node whose name the server completes with a sequence number: the name may
/// still be empty, as in `/queue/`.
///
/// # Errors
///
/// The first rule that the completed path would break.
pub fn validate_sequential(path: &str) -> Result<(), PathError> {
    match path.strip_suffix('/') {
        Some("") => Ok(()),
        Some("/") => Err(PathError::EmptyComponent { at: 1 }),
        Some(parent) => validate(parent),
        None => validate(path).or_else(|error| match error {
            // Digits behind them make "." and ".." ordinary names.
            PathError::RelativeComponent { at } if !path[at..].contains('/') => Ok(()),
            error => Err(error),
        }),
    }
}

/// The path's parent; `None` for the root and for what has no slash.
#[must_use]
pub fn parent(path: &str) -> Option<&str> {
    match path.rfind('/')? {
        0 if path.len() == 1 => None,
        0 => Some("/"),
        at => Some(&path[..at]),
    }
}

/// The last component; empty for the root.
#[must_use]
pub fn basename(path: &str) -> &str {
    path.rfind('/').map_or(path, |at| &path[at + 1..])
}

/// The path of a child.
#[must_use]
pub fn join(parent: &str, child: &str) -> String {
    let mut path = String::with_capacity(parent.len() + 1 + child.len());
    path.push_str(parent);
    if !parent.ends_with('/') {
        path.push('/');
    }
    path.push_str(child);
    path
}

/// Whether a path breaks no rule for sure, as nearly all do: printable ASCII, and no component that
/// is empty or begins with a dot. Every request is checked, so this is to cost next to nothing.
fn is_plain(path: &[u8]) -> bool {
    let mut after_slash = false;
    for (at, byte) in path.iter().enumerate() {
        let is_slash = *byte == b'/';
        let begins = at == 0 && !is_slash;
        if begins || !matches!(byte, b' '..=b'~') || after_slash && (is_slash || *byte == b'.') {
            return false;
        }
        after_slash = is_slash;
    }
    !path.is_empty() && !after_slash
}

fn validate_component(component: &str, at: usize, path_len: usize) -> Result<(), PathError> {
    match component {
        "" if at == path_len => Err(PathError::TrailingSlash),
        "" => Err(PathError::EmptyComponent { at }),
        "." | ".." => Err(PathError::RelativeComponent { at }),
        _ => match component.char_indices().find(|(_, character)| is_forbidden(*character)) {
            Some((offset, character)) => {
                Err(PathError::ForbiddenCharacter { character, at: at + offset })
            }
            None => Ok(()),
        },
    }
}

/// Apache judges UTF-16 units, so everything above U+FFFF is forbidden for being two surrogates.
fn is_forbidden(character: char) -> bool {
    matches!(
        character,
        '\u{0}'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{e000}'..='\u{f8ff}'
            | '\u{fff0}'..='\u{ffff}'
            | '\u{10000}'..
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_paths() {
        for path in ["/", "/a", "/a/b", "/...", "/.a", "/a..b", "/ü/日本", "/a b", "/zookeeper/x"]
        {
            assert_eq!(validate(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn bad_paths() {
        let bad = [
            ("", PathError::Empty),
            ("a", PathError::Relative),
            ("/a/", PathError::TrailingSlash),
            ("//", PathError::EmptyComponent { at: 1 }),
            ("/a//b", PathError::EmptyComponent { at: 3 }),
            ("/.", PathError::RelativeComponent { at: 1 }),
            ("/a/../b", PathError::RelativeComponent { at: 3 }),
            ("/a\0", PathError::ForbiddenCharacter { character: '\0', at: 2 }),
            ("/\u{7f}", PathError::ForbiddenCharacter { character: '\u{7f}', at: 1 }),
            ("/\u{e000}", PathError::ForbiddenCharacter { character: '\u{e000}', at: 1 }),
            ("/\u{fffd}", PathError::ForbiddenCharacter { character: '\u{fffd}', at: 1 }),
            ("/😀", PathError::ForbiddenCharacter { character: '😀', at: 1 }),
        ];
        for (path, error) in bad {
            assert_eq!(validate(path), Err(error), "{path:?}");
        }
    }

    #[test]
    fn what_passes_at_first_sight_breaks_no_rule() {
        const LETTERS: [char; 6] = ['/', '.', 'a', ' ', '\u{7f}', 'ü'];
        let mut paths = vec![String::new()];
        for _ in 0..6 {
            let longer =
                paths.iter().flat_map(|path| LETTERS.map(|letter| format!("{path}{letter}")));
            paths = longer.collect();
            for path in &paths {
                let plain = is_plain(path.as_bytes());
                assert!(!plain || validate_by_rule(path) == Ok(()), "{path:?}");
            }
        }
        assert!(is_plain(b"/a/b c"));
    }

    #[test]
    fn a_sequential_name_may_still_be_empty() {
        for path in ["/", "/a/", "/a/n-", "/.", "/a/.."] {
            assert_eq!(validate_sequential(path), Ok(()), "{path}");
        }
        for path in ["", "a", "//", "/a//", "/a/./"] {
            assert!(validate_sequential(path).is_err(), "{path}");
        }
    }

    #[test]
    fn parents_and_names() {
        assert_eq!((parent("/"), basename("/")), (None, ""));
        assert_eq!((parent("/a"), basename("/a")), (Some("/"), "a"));
        assert_eq!((parent("/a/b"), basename("/a/b")), (Some("/a"), "b"));
        assert_eq!(parent("a"), None);
        assert_eq!((join("/", "a"), join("/a", "b")), ("/a".into(), "/a/b".into()));
    }
}
