//! Rules that make short names of principals (`security.auth_to_local`).
//!
//! They stand one behind the other, and the first that applies decides:
//!
//! | rule | applies to | makes of it |
//! | --- | --- | --- |
//! | `DEFAULT` | principals of the server's own realm | the first name |
//! | `RULE:[n:format]` | principals of `n` names | the format, with `$1` and `$2` for the names and `$0` for the realm |
//! | `RULE:[n:format](match)` | those whose format matches as a whole | the same |
//! | `…s/from/to/` | the same | the same, with the first match of `from` replaced by `to` |
//! | `…s/from/to/g` | the same | with each match replaced |
//!
//! The expressions are Java's, as far as they mean the same [here](expression): a rule with any other
//! is an error when the server starts, for what it lets through might be somebody else.

mod expression;
mod replacement;
#[cfg(test)]
mod tests;

use regex::Regex;

use expression::{expression, whole_expression};
use replacement::Replacement;

/// The rules, in their order.
#[derive(Clone, Debug)]
pub struct LocalNames {
    text: String,
    rules: Vec<Rule>,
}

/// A rule that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule {number}, at character {at}, {rule:?}: {problem}")]
#[non_exhaustive]
pub struct LocalNamesError {
    /// Which rule it is, counted from 1.
    pub number: usize,
    /// Where it begins, counted from 1.
    pub at: usize,
    /// The rule, or all that is left from where one should begin.
    pub rule: String,
    /// What is wrong with it.
    pub problem: String,
}

/// A principal in its parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'p> {
    pub(super) realm: &'p str,
    pub(super) first: &'p str,
    pub(super) second: Option<&'p str>,
}

#[derive(Clone, Debug)]
enum Rule {
    Default,
    Made(Made),
}

#[derive(Clone, Debug)]
struct Made {
    names: usize,
    format: Vec<Piece>,
    matches: Option<Regex>,
    substitution: Option<Substitution>,
}

/// A piece of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// The realm (0) or a name.
    Part(usize),
}

#[derive(Clone, Debug)]
struct Substitution {
    from: Regex,
    to: Replacement,
    all: bool,
}

/// The same text makes the same rules.
impl PartialEq for LocalNames {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for LocalNames {}

impl LocalNames {
    /// Reads rules as they stand in `zoo.cfg`.
    ///
    /// # Errors
    ///
    /// When one is no rule, or has an expression that this server cannot follow.
    pub fn parse(text: &str) -> Result<Self, LocalNamesError> {
        let mut rules = Vec::new();
        let mut rest = text.trim_end();
        while !rest.trim_start().is_empty() {
            rest = rest.trim_start();
            let at = text[..text.trim_end().len() - rest.len()].chars().count() + 1;
            let failed = |len: usize, problem: String| LocalNamesError {
                number: rules.len() + 1,
                at,
                rule: rest[..len].to_owned(),
                problem,
            };
            let Some((source, len)) = Source::cut(rest) else {
                let problem = "it is neither DEFAULT nor RULE:[n:format](match)s/from/to/g";
                return Err(failed(rest.len(), problem.to_owned()));
            };
            let rule = source.rule().map_err(|problem| failed(len, problem))?;
            rules.push(rule);
            rest = &rest[len..];
        }
        Ok(Self { text: text.to_owned(), rules })
    }

    /// The short name by the first rule that applies; `None` if there is none, or if what it makes is
    /// no short name. Of a name with control characters there is none: to Java some of them end lines.
    pub(super) fn short_name(&self, parts: &Parts<'_>, own_realm: Option<&str>) -> Option<String> {
        let whole = [parts.realm, parts.first, parts.second.unwrap_or_default()];
        let ends_line = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        if whole.iter().any(|part| part.contains(ends_line)) {
            return None;
        }
        let made = self.rules.iter().find_map(|rule| rule.apply(parts, own_realm))?;
        (!made.contains(['/', '@'])).then_some(made)
    }
}

impl Rule {
    fn apply(&self, parts: &Parts<'_>, own_realm: Option<&str>) -> Option<String> {
        match self {
            Self::Default => (own_realm == Some(parts.realm)).then(|| parts.first.to_owned()),
            Self::Made(made) => made.apply(parts),
        }
    }
}

impl Made {
    fn apply(&self, parts: &Parts<'_>) -> Option<String> {
        let names = 1 + usize::from(parts.second.is_some());
        if names != self.names {
            return None;
        }
        let text = |piece: &'_ Piece| -> String {
            match piece {
                Piece::Text(text) => text.clone(),
                Piece::Part(0) => parts.realm.to_owned(),
                Piece::Part(1) => parts.first.to_owned(),
                Piece::Part(_) => parts.second.unwrap_or_default().to_owned(),
            }
        };
        let base: String = self.format.iter().map(text).collect();
        if self.matches.as_ref().is_some_and(|matches| !matches.is_match(&base)) {
            return None;
        }
        Some(match &self.substitution {
            None => base,
            Some(Substitution { from, to, all }) => to.replace(from, &base, *all),
        })
    }
}

/// A rule in its parts, not looked into.
enum Source<'t> {
    Default,
    Rule {
        names: &'t str,
        format: &'t str,
        matches: Option<&'t str>,
        /// From, to, and whether all.
        substitution: Option<(&'t str, &'t str, bool)>,
    },
}

impl<'t> Source<'t> {
    /// The rule at the beginning of a text, and its length.
    fn cut(text: &'t str) -> Option<(Self, usize)> {
        if text.starts_with("DEFAULT") {
            return Some((Self::Default, "DEFAULT".len()));
        }
        let inner = text.strip_prefix("RULE:[")?;
        let (names, inner) = inner.split_once(':')?;
        let (format, mut rest) = inner.split_once(']')?;
        if !names.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let matches = rest.strip_prefix('(').and_then(|inner| inner.split_once(')'));
        if let Some((_, behind)) = matches {
            rest = behind;
        }
        let substitution = rest.strip_prefix("s/").and_then(|inner| {
            let (from, inner) = inner.split_once('/')?;
            let (to, behind) = inner.split_once('/')?;
            Some((from, to, behind))
        });
        let substitution = substitution.map(|(from, to, behind)| {
            let all = behind.strip_prefix('g');
            rest = all.unwrap_or(behind);
            (from, to, all.is_some())
        });
        let matches = matches.map(|(matches, _)| matches);
        Some((Self::Rule { names, format, matches, substitution }, text.len() - rest.len()))
    }

    /// The rule itself, or what is wrong with it.
    fn rule(&self) -> Result<Rule, String> {
        let Self::Rule { names, format, matches, substitution } = *self else {
            return Ok(Rule::Default);
        };
        // As far as Java counts.
        let number = names.parse::<i32>().ok().and_then(|number| usize::try_from(number).ok());
        let names = number.ok_or_else(|| format!("{names:?} is no number of names"))?;
        let substitution = match substitution {
            None => None,
            Some((from, to, all)) => {
                let from = expression(from)?;
                let to = Replacement::parse(to, &from)?;
                Some(Substitution { from, to, all })
            }
        };
        let matches = matches.map(whole_expression).transpose()?;
        Ok(Rule::Made(Made { names, format: pieces(format, names)?, matches, substitution }))
    }
}

/// The pieces of a format for principals of so many names.
fn pieces(format: &str, names: usize) -> Result<Vec<Piece>, String> {
    let mut parts = format.split('$');
    let mut pieces: Vec<_> =
        parts.next().map(|text| Piece::Text(text.to_owned())).into_iter().collect();
    for part in parts {
        let text = part.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = &part[..part.len() - text.len()];
        let named = number.parse().ok().filter(|number| *number <= names);
        let problem = || format!("${number} in the format {format:?} is no number up to {names}");
        pieces.push(Piece::Part(named.ok_or_else(problem)?));
        pieces.push(Piece::Text(text.to_owned()));
    }
    Ok(pieces)
}
