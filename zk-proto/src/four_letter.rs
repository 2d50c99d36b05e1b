//! Four-letter words: the commands an operator sends bare to the client port.
//!
//! Before a session is set up, the first four bytes of a connection are either the length of a
//! frame or one of these words; read as a length, every word is far above any sensible limit. After
//! the connect frame the test is no longer made.

macro_rules! words {
    ($($(#[$meta:meta])* $name:ident = $text:literal,)*) => {
        /// A command of four letters.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Word { $($(#[$meta])* $name,)* }

        impl Word {
            /// All words.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The four letters.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The word that the first four bytes of a connection are, if any.
            #[must_use]
            pub fn detect(bytes: [u8; 4]) -> Option<Self> {
                const TELNET_CLOSE: [u8; 4] = [0xff, 0xf4, 0xff, 0xfd];
                if bytes == TELNET_CLOSE {
                    return Some(Self::TelnetClose);
                }
                match std::str::from_utf8(&bytes).ok()? {
                    $($text => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

words! {
    /// The configuration in force.
    Conf = "conf",
    /// Connections in full.
    Cons = "cons",
    /// Forget the statistics of the connections.
    Crst = "crst",
    /// Sizes of the data and log directories.
    Dirs = "dirs",
    /// Sessions and their ephemeral nodes.
    Dump = "dump",
    /// The process's environment.
    Envi = "envi",
    /// The trace mask.
    Gtmk = "gtmk",
    /// Recent digests of the tree. Since 3.6.
    Hash = "hash",
    /// Whether the server is read-only.
    Isro = "isro",
    /// Every metric, for monitoring.
    Mntr = "mntr",
    /// Is the process there?
    Ruok = "ruok",
    /// Set the trace mask; eight more bytes follow.
    Stmk = "stmk",
    /// The server in short.
    Srvr = "srvr",
    /// Forget the server's statistics.
    Srst = "srst",
    /// The server and its connections in short.
    Stat = "stat",
    /// Watches by session.
    Wchc = "wchc",
    /// Watches by path.
    Wchp = "wchp",
    /// Watches in short.
    Wchs = "wchs",
    /// Not four letters but what a telnet client sends when it is interrupted: close at once.
    TelnetClose = "",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_from_lengths() {
        assert_eq!(Word::detect(*b"ruok"), Some(Word::Ruok));
        assert_eq!(Word::detect([0xff, 0xf4, 0xff, 0xfd]), Some(Word::TelnetClose));
        assert_eq!(Word::detect([0, 0, 0, 45]), None);
        assert_eq!(Word::detect(*b"RUOK"), None);
        assert_eq!(Word::detect(*b"quit"), None);
        for word in Word::ALL.iter().filter(|word| **word != Word::TelnetClose) {
            let bytes = word.as_str().as_bytes().try_into().unwrap();
            assert_eq!(Word::detect(bytes), Some(*word));
            assert!(i32::from_be_bytes(bytes) > 0x00ff_ffff, "{word:?} is no frame length");
        }
    }
}
