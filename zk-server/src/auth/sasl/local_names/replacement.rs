//! What takes the place of a match, as Java reads it.

use regex::{Captures, Regex};

/// Text with the groups of a match in it.
#[derive(Clone, Debug)]
pub(super) struct Replacement(Vec<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    Char(char),
    Group(usize),
}

impl Replacement {
    /// Reads it: `$1` is a group by its number, which ends before a digit that would make it one that
    /// is not there; `${name}` is one by its name; a backslash takes the meaning from what follows.
    pub(super) fn parse(source: &str, from: &Regex) -> Result<Self, String> {
        let failed = |problem: &str| format!("in the replacement {source:?} {problem}");
        let (mut pieces, mut chars) = (Vec::new(), source.chars().peekable());
        while let Some(c) = chars.next() {
            pieces.push(match c {
                '\\' => Piece::Char(chars.next().ok_or_else(|| failed("a backslash is the end"))?),
                '$' if chars.next_if_eq(&'{').is_some() => {
                    let mut name = String::new();
                    while let Some(c) = chars.next_if(|c| *c != '}') {
                        name.push(c);
                    }
                    let group = from.capture_names().position(|it| it == Some(name.as_str()));
                    let group = group.filter(|_| chars.next().is_some());
                    Piece::Group(group.ok_or_else(|| failed("a name is that of no group"))?)
                }
                '$' => {
                    let mut digit = |below: usize| {
                        let next = chars.next_if(|c| {
                            let digit = c.to_digit(10).map_or(usize::MAX, |digit| digit as usize);
                            below.saturating_mul(10).saturating_add(digit) < from.captures_len()
                        })?;
                        Some(below * 10 + next.to_digit(10)? as usize)
                    };
                    let first = digit(0);
                    let mut group = first.ok_or_else(|| failed("`$` names no group"))?;
                    while let Some(longer) = digit(group) {
                        group = longer;
                    }
                    Piece::Group(group)
                }
                c => Piece::Char(c),
            });
        }
        Ok(Self(pieces))
    }

    /// Puts it in the place of the first match, or of all. Unlike the crate's own, and like Java's,
    /// this finds an empty match right behind one that is not empty.
    pub(super) fn replace(&self, from: &Regex, text: &str, all: bool) -> String {
        let (mut made, mut done, mut at) = (String::new(), 0, 0);
        while at <= text.len()
            && let Some(captures) = from.captures_at(text, at)
            && let Some(found) = captures.get(0)
        {
            made.push_str(&text[done..found.start()]);
            self.append(&captures, &mut made);
            done = found.end();
            at = if found.is_empty() {
                done + text[done..].chars().next().map_or(1, char::len_utf8)
            } else {
                done
            };
            if !all {
                break;
            }
        }
        made.push_str(&text[done..]);
        made
    }

    fn append(&self, captures: &Captures<'_>, made: &mut String) {
        for piece in &self.0 {
            match piece {
                Piece::Char(c) => made.push(*c),
                Piece::Group(group) => {
                    made.push_str(captures.get(*group).map_or("", |found| found.as_str()));
                }
            }
        }
    }
}
