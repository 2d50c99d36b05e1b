//! Java's regular expressions, as far as the crate `regex` can follow them.

use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

/// Bytes that a compiled expression may take.
const SIZE_MAX: usize = 1 << 20;

/// Java's classes by letter: to it they are of ASCII.
const CLASSES: [(char, &str); 6] = [
    ('d', "[0-9]"),
    ('D', "[^0-9]"),
    ('s', r"[ \t\n\x0B\f\r]"),
    ('S', r"[^ \t\n\x0B\f\r]"),
    ('w', "[0-9A-Za-z_]"),
    ('W', "[^0-9A-Za-z_]"),
];

/// One that has to match a text as a whole.
pub(super) fn whole_expression(source: &str) -> Result<Regex, String> {
    // By itself first: what is put around it must not make it whole.
    expression(source)?;
    build(source, &format!("\\A(?:{})\\z", translated(source)?))
}

/// One that is searched for.
pub(super) fn expression(source: &str) -> Result<Regex, String> {
    build(source, &translated(source)?)
}

fn build(source: &str, translated: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(translated).size_limit(SIZE_MAX).build();
    built.map_err(|error| {
        // The lines before the last one draw where it is, in what was made of the source.
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default();
        cannot(source, reason.strip_prefix("error: ").unwrap_or(reason))
    })
}

fn cannot(source: &str, reason: &str) -> String {
    format!("this server cannot follow the expression {source:?}: {reason}")
}

/// The same for the crate `regex`. An error for what the two read differently.
fn translated(source: &str) -> Result<String, String> {
    let (mut out, mut chars) = (String::new(), source.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(&mut chars, &mut out),
            '[' => class(&mut chars, &mut out),
            '(' if chars.peek() == Some(&'?') => group(&mut chars, &mut out),
            '*' | '+' | '?' | '}' if chars.peek() == Some(&'+') => {
                Err("quantifiers that give nothing back (`++`) are not known")
            }
            _ => {
                out.push(c);
                Ok(())
            }
        }
        .map_err(|reason| cannot(source, reason))?;
    }
    Ok(out)
}

type Read = Result<(), &'static str>;

fn escape(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Read {
    let Some(c) = chars.next() else { return Err("it ends with a backslash") };
    if let Some((_, class)) = CLASSES.iter().find(|(letter, _)| *letter == c) {
        out.push_str(class);
    } else if c.is_ascii_punctuation() && !matches!(c, '<' | '>') || "tnrfxubBAz".contains(c) {
        out.extend(['\\', c]);
    } else {
        return Err("it has a backslash before something that is not known");
    }
    Ok(())
}

/// What stands in brackets: characters, ranges and letters for classes. Of sets in sets the two have
/// different notions.
fn class(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Read {
    out.push('[');
    if let Some(not) = chars.next_if_eq(&'^') {
        out.push(not);
    }
    if chars.peek() == Some(&']') {
        return Err("brackets begin with a bracket");
    }
    while let Some(c) = chars.next() {
        let doubled = chars.peek() == Some(&c);
        match c {
            ']' => {
                out.push(']');
                return Ok(());
            }
            '\\' if matches!(chars.peek(), Some('b' | 'B' | 'A' | 'z')) => {
                return Err("brackets hold what is no character");
            }
            '\\' => escape(chars, out)?,
            '[' => return Err("brackets stand in brackets"),
            '&' | '-' | '~' if doubled => return Err("brackets hold an operator"),
            _ => out.push(c),
        }
    }
    Err("brackets are not closed")
}

/// `(?:` and `(?<name>`; others look around, or change how the rest is read.
fn group(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Read {
    let rest: String = chars.clone().take(3).collect();
    let is_named = rest.starts_with("?<") && rest.ends_with(|c: char| c.is_ascii_alphabetic());
    if !rest.starts_with("?:") && !is_named {
        return Err("groups that look around or set flags are not known");
    }
    out.push('(');
    Ok(())
}
