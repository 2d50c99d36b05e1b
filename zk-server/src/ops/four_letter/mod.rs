//! Answers to four-letter words, line by line as Apache writes them: scripts parse them.

mod mntr;
mod settings;
mod srvr;

use std::fmt::Write as _;

use zk_proto::four_letter::Word;

use super::{Format, Report, ServerView};
pub(crate) use settings::SERVER_ID;

/// What there is to say to an operator.
#[derive(Debug)]
pub(crate) enum Answer {
    /// All of it.
    Text(String),
    /// Something that may be long.
    Report(Report),
}

/// What an operator is told who may not use this word.
pub(crate) fn not_whitelisted(word: Word) -> String {
    format!("{} is not executed because it is not in the whitelist.\n", word.as_str())
}

/// The answer to a word; empty for what is no word. What a word changes is for the server to do.
pub(crate) fn answer(word: Word, view: &ServerView<'_>) -> Answer {
    Answer::Text(match word {
        Word::Stat => return Answer::Report(srvr::stat(view)),
        Word::Cons => return Answer::Report(Report::connections(Format::Text)),
        Word::Dump => return Answer::Report(Report::dump(Format::Text)),
        Word::Wchs => return Answer::Report(Report::watch_summary(Format::Text)),
        Word::Wchc => return Answer::Report(Report::watches_by_session(Format::Text)),
        Word::Wchp => return Answer::Report(Report::watches_by_path(Format::Text)),
        Word::Ruok => "imok".to_owned(),
        Word::Isro => "rw".to_owned(),
        Word::Srvr => srvr::srvr(view),
        Word::Mntr => mntr::mntr(view),
        Word::Conf => settings::conf(view),
        Word::Dirs => settings::dirs(view),
        Word::Envi => settings::envi(view),
        Word::Srst => "Server stats reset.\n".to_owned(),
        Word::Crst => "Connection stats reset.\n".to_owned(),
        Word::Gtmk | Word::Stmk => view.trace_mask.to_string(),
        Word::Hash => hash(view),
        _ => String::new(),
    })
}

/// What the tree added up to after some transactions, as Apache writes it: the transaction in
/// hexadecimal digits, the sum in decimal ones.
fn hash(view: &ServerView<'_>) -> String {
    let mut text = String::new();
    for (zxid, digest) in view.tree.digest_log() {
        line(&mut text, format_args!("{:x}: {}", zxid.0, digest.tree));
    }
    text
}

/// `3.9.6-zk-server-0.1.0, built on -`: a version, a revision behind a dash, a date.
pub(crate) fn version() -> String {
    format!("{}, built on {}", crate::VERSION, BUILD_DATE)
}

/// Builds are reproducible, so they have no date; tools that split at the comma see some text.
const BUILD_DATE: &str = "1970-01-01 00:00 UTC";

/// Appends one line of text to a string, which cannot fail.
fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("invariant: a string takes any text");
}

/// A number as Java prints a double: at most four decimals, at least one.
pub(super) fn double(number: f64) -> String {
    format!("{:?}", (number * 10_000.0).round() / 10_000.0)
}

#[cfg(test)]
mod tests;
