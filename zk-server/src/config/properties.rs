//! The syntax of Java's properties files, which `zoo.cfg` is written in.

/// One `key = value` of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Property {
    pub(super) key: String,
    pub(super) value: String,
    /// The line the key stands on, counted from 1.
    pub(super) line: usize,
}

/// A line that is no property. It names the line and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) line: usize,
    pub(super) expected: &'static str,
}

/// Reads a whole file: comments (`#`, `!`), blank lines, separators (`=`, `:`, blanks),
/// continuation lines (an odd number of backslashes at the end), escapes.
pub(super) fn parse(text: &str) -> Result<Vec<Property>, SyntaxError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // A carriage return ends a line, too, with a line feed behind it or not.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    let mut properties = Vec::new();
    while let Some((number, first)) = lines.next() {
        let first = first.trim_start_matches(is_blank);
        if first.is_empty() || first.starts_with(['#', '!']) {
            continue;
        }
        let mut logical = first.to_owned();
        while ends_in_odd_backslashes(&logical) {
            logical.pop();
            let Some((_, next)) = lines.next() else { break };
            logical.push_str(next.trim_start_matches(is_blank));
        }
        properties.push(property(&logical, number)?);
    }
    Ok(properties)
}

fn property(logical: &str, line: usize) -> Result<Property, SyntaxError> {
    let key_end = key_end(logical);
    let (key, rest) = logical.split_at(key_end);
    let rest = rest.trim_start_matches(is_blank);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    let value = rest.trim_start_matches(is_blank);
    let key = unescape(key, line)?;
    if key.is_empty() {
        return Err(SyntaxError { line, expected: "a key in front of the separator" });
    }
    // Apache trims values too, which properties files by themselves do not.
    Ok(Property { key, value: unescape(value, line)?.trim().to_owned(), line })
}

/// Where the key ends: at the first separator that is not escaped.
fn key_end(logical: &str) -> usize {
    let mut escaped = false;
    for (index, c) in logical.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == '=' || c == ':' || is_blank(c) {
            return index;
        }
    }
    logical.len()
}

fn unescape(text: &str, line: usize) -> Result<String, SyntaxError> {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match chars.next() {
            Some('t') => plain.push('\t'),
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('f') => plain.push('\u{c}'),
            Some('u') => plain.push(unicode(&mut chars).ok_or(SyntaxError {
                line,
                expected: "four hexadecimal digits of a character behind \\u",
            })?),
            Some(other) => plain.push(other),
            None => {}
        }
    }
    Ok(plain)
}

fn unicode(chars: &mut std::str::Chars<'_>) -> Option<char> {
    let digits: String = chars.take(4).collect();
    if digits.len() != 4 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

fn ends_in_odd_backslashes(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String, usize)> {
        let properties = parse(text).unwrap();
        properties.into_iter().map(|p| (p.key, p.value, p.line)).collect()
    }

    fn one(text: &str) -> (String, String) {
        let mut all = pairs(text);
        assert_eq!(all.len(), 1, "{all:?}");
        let (key, value, _) = all.remove(0);
        (key, value)
    }

    #[test]
    fn any_separator_does() {
        for text in ["a=b", "a:b", "a b", "a\tb", "  a = b  ", "a  :  b", "a=b\r\n"] {
            assert_eq!(one(text), ("a".into(), "b".into()), "{text:?}");
        }
        assert_eq!(one("a"), ("a".into(), String::new()));
        assert_eq!(one("a = = b"), ("a".into(), "= b".into()));
    }

    #[test]
    fn comments_and_blank_lines_count_as_lines() {
        let text = "# one\n\n  ! three\na=1\n\nb=2";
        assert_eq!(pairs(text), [("a".into(), "1".into(), 4), ("b".into(), "2".into(), 6)]);
    }

    #[test]
    fn lines_end_as_on_any_system() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["\u{feff}# one", "\ta = 1 \t", "", "b=2\\", "  3 ", ""].join(end);
            assert_eq!(pairs(&text), [("a".into(), "1".into(), 2), ("b".into(), "23".into(), 4)]);
        }
    }

    #[test]
    fn lines_go_on_behind_a_backslash() {
        assert_eq!(one("a=b,\\\n   c"), ("a".into(), "b,c".into()));
        assert_eq!(one("a=b\\\n# no comment"), ("a".into(), "b# no comment".into()));
        assert_eq!(one("a=b\\"), ("a".into(), "b".into()));
        let text = "a=1\\\n2\nb=c\\\\\nc=3";
        let expected = [
            ("a".into(), "12".into(), 1),
            ("b".into(), "c\\".into(), 3),
            ("c".into(), "3".into(), 4),
        ];
        assert_eq!(pairs(text), expected);
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(one(r"a\ b\=c=\u0041\t\q"), ("a b=c".into(), "A\tq".into()));
        assert_eq!(one("C:\\\\data"), ("C".into(), "\\data".into()));
        let error = parse("a=1\nb=\\u00g1").unwrap_err();
        assert_eq!(error.line, 2);
    }

    #[test]
    fn a_line_without_a_key_is_refused() {
        assert_eq!(parse("\n= b").unwrap_err().line, 2);
    }
}
