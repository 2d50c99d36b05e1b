//! Answers to four-letter words, line by line as Apache writes them: scripts parse them.

mod mntr;
mod srvr;

use std::fmt::Write as _;

use zk_proto::four_letter::Word;

use super::ServerView;

/// What an operator is told who may not use this word.
pub(crate) fn not_whitelisted(word: Word) -> String {
    format!("{} is not executed because it is not in the whitelist.\n", word.as_str())
}

/// The answer to a word; empty for words that this server has no answer to.
pub(crate) fn answer(word: Word, view: &ServerView<'_>) -> String {
    match word {
        Word::Ruok => "imok".to_owned(),
        Word::Isro => "rw".to_owned(),
        Word::Srvr => srvr::srvr(view),
        Word::Stat => srvr::stat(view),
        Word::Mntr => mntr::mntr(view),
        _ => String::new(),
    }
}

/// `3.9.0-zk-server-0.1.0, built on -`: a version, a revision behind a dash, a date.
fn version() -> String {
    format!("{}, built on {}", crate::VERSION, BUILD_DATE)
}

/// Builds are reproducible, so they have no date; tools that split at the comma see some text.
const BUILD_DATE: &str = "1970-01-01 00:00 UTC";

/// Appends one line of text to a string, which cannot fail.
fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("invariant: a string takes any text");
}

/// A number as Java prints a double: at most four decimals, at least one.
fn double(number: f64) -> String {
    format!("{:?}", (number * 10_000.0).round() / 10_000.0)
}

#[cfg(test)]
mod tests;
