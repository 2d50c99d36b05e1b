//! Which four-letter words are answered.

use std::fmt;

use zk_proto::four_letter::Word;

/// The four-letter words that an operator may use; everybody who reaches the client port is one.
/// By default only `srvr`, as in Apache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FourLetterWhitelist(Allowed);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Allowed {
    All,
    Only(Vec<String>),
}

impl FourLetterWhitelist {
    /// All words are answered (`*`).
    #[must_use]
    pub fn all() -> Self {
        Self(Allowed::All)
    }

    /// Reads the setting: words between commas, or `*` for all of them.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        let words: Vec<_> =
            list.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
        if words.contains(&"*") {
            return Self::all();
        }
        Self(Allowed::Only(words.into_iter().map(str::to_owned).collect()))
    }

    /// The words in the list that are no commands, for a warning.
    #[must_use]
    pub fn unknown_words(&self) -> Vec<&str> {
        let Allowed::Only(words) = &self.0 else { return Vec::new() };
        let known = |word: &str| Word::ALL.iter().any(|known| known.as_str() == word);
        words.iter().map(String::as_str).filter(|word| !known(word)).collect()
    }

    /// Whether this word is answered.
    #[must_use]
    pub fn allows(&self, word: Word) -> bool {
        match &self.0 {
            Allowed::All => true,
            Allowed::Only(words) => words.iter().any(|allowed| allowed == word.as_str()),
        }
    }
}

/// As it is set.
impl fmt::Display for FourLetterWhitelist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Allowed::All => f.write_str("*"),
            Allowed::Only(words) => words.join(",").escape_debug().fmt(f),
        }
    }
}

impl Default for FourLetterWhitelist {
    fn default() -> Self {
        Self::parse(Word::Srvr.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_srvr_is_answered_unless_told_otherwise() {
        let list = FourLetterWhitelist::default();
        assert!(list.allows(Word::Srvr));
        assert!(!list.allows(Word::Mntr));
    }

    #[test]
    fn lists_have_words_between_commas_and_a_star_is_all() {
        let list = FourLetterWhitelist::parse(" stat, ruok ,isrr");
        assert!(list.allows(Word::Stat) && list.allows(Word::Ruok) && !list.allows(Word::Srvr));
        assert_eq!(list.unknown_words(), ["isrr"]);
        assert!(FourLetterWhitelist::parse("stat, *").allows(Word::Dump));
    }
}
