//! SASL DIGEST-MD5 (RFC 2831), as far as both sides share it: what the tokens look like and what is
//! hashed.
//!
//! ZooKeeper uses it with the quality of protection `auth` alone: it proves who is who when the
//! connection begins, and protects nothing of what follows.
//!
//! ```text
//! client                                              server
//!   (empty) ─────────────────────────────────────────▶
//!          ◀─ realm="zk-sasl-md5",nonce="…",charset=utf-8,algorithm=md5-sess
//!   username="…",…,response=… ───────────────────────▶
//!          ◀───────────────────────────────── rspauth=…
//! ```

use std::borrow::Cow;

use md5::{Digest as _, Md5};

/// Longest token that either side takes, in bytes (RFC 2831: less than 4096).
pub const TOKEN_LEN_MAX: usize = 4095;

/// The service of all ZooKeeper servers.
pub const SERVICE: &str = "zookeeper";

/// The host that all ZooKeeper servers go by, whatever their names: client and server are wired to
/// it. It is the realm, too.
pub const HOST: &str = "zk-sasl-md5";

/// The only nonce count there is, since no exchange is ever resumed.
pub const NONCE_COUNT: &str = "00000001";

/// The only quality of protection that ZooKeeper has.
pub const QOP: &str = "auth";

/// What is wrong with a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It is longer than [`TOKEN_LEN_MAX`].
    #[error("a DIGEST-MD5 token of {0} bytes is over the limit of {TOKEN_LEN_MAX}")]
    TooLong(usize),
    /// It is no list of `name=value`.
    #[error("a DIGEST-MD5 token is not a list of name=value at its byte {0}")]
    Malformed(usize),
    /// A directive stands there twice.
    #[error("a DIGEST-MD5 token has the directive {0:?} twice")]
    Repeated(String),
}

/// The directives of a token: names in lower case, and values without their quotes.
#[derive(Clone, PartialEq, Eq)]
pub struct Directives(Vec<(String, Vec<u8>)>);

impl Directives {
    /// Reads a token.
    ///
    /// # Errors
    ///
    /// If it is too long, is no list of directives, or has one of them twice. (`realm` and `auth-param`
    /// could stand there twice by the RFC; ZooKeeper's servers have one realm.)
    pub fn parse(token: &[u8]) -> Result<Self, TokenError> {
        if token.len() > TOKEN_LEN_MAX {
            return Err(TokenError::TooLong(token.len()));
        }
        let mut directives = Self(Vec::new());
        let mut scanner = Scanner { token, at: 0 };
        while scanner.skip_to_directive() {
            let (name, value) = scanner.directive().ok_or(TokenError::Malformed(scanner.at))?;
            if directives.get(&name).is_some() {
                return Err(TokenError::Repeated(name));
            }
            directives.0.push((name, value));
        }
        Ok(directives)
    }

    /// The value of a directive.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let directive = self.0.iter().find(|(directive, _)| directive == name);
        directive.map(|(_, value)| value.as_slice())
    }

    /// Whether the other side writes text as UTF-8. Without that word it is ISO 8859-1.
    #[must_use]
    pub fn is_utf8(&self) -> bool {
        self.get("charset") == Some(b"utf-8")
    }

    /// The value of a directive as text; `None` if there is none, or if it is no text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        let value = self.get(name)?;
        if self.is_utf8() {
            return std::str::from_utf8(value).ok().map(str::to_owned);
        }
        Some(value.iter().copied().map(char::from).collect())
    }
}

/// Shows the names: some values are worth guessing passwords from.
impl std::fmt::Debug for Directives {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

struct Scanner<'a> {
    token: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.token.get(self.at).copied()
    }

    fn skip_while(&mut self, skipped: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&skipped) {
            self.at += 1;
        }
    }

    /// Elements of the list may be empty.
    fn skip_to_directive(&mut self) -> bool {
        self.skip_while(|byte| is_blank(byte) || byte == b',');
        self.peek().is_some()
    }

    fn directive(&mut self) -> Option<(String, Vec<u8>)> {
        let name = self.word()?.to_ascii_lowercase();
        self.skip_while(is_blank);
        if self.peek() != Some(b'=') {
            return None;
        }
        self.at += 1;
        self.skip_while(is_blank);
        let value = match self.peek() {
            Some(b'"') => self.quoted()?,
            _ => self.word()?.into_bytes(),
        };
        self.skip_while(is_blank);
        matches!(self.peek(), None | Some(b',')).then_some((name, value))
    }

    fn word(&mut self) -> Option<String> {
        let start = self.at;
        self.skip_while(|byte| byte.is_ascii_graphic() && !b"\"(),:;<=>?@[\\]{}".contains(&byte));
        let word = &self.token[start..self.at];
        if word.is_empty() { None } else { std::str::from_utf8(word).ok().map(str::to_owned) }
    }

    fn quoted(&mut self) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        self.at += 1;
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => return Some(value),
                b'\\' => {
                    value.push(self.peek()?);
                    self.at += 1;
                }
                byte => value.push(byte),
            }
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The text between quotes, as a token has it.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// All that the two sides hash to prove to each other that they know the password.
#[derive(Clone, Copy)]
pub struct Proof<'a> {
    /// The user.
    pub user: &'a str,
    /// The realm of the user's password.
    pub realm: &'a str,
    /// The password.
    pub password: &'a str,
    /// Of the server.
    pub nonce: &'a [u8],
    /// Of the client.
    pub cnonce: &'a [u8],
    /// What the client calls the server: service, slash, host.
    pub digest_uri: &'a [u8],
    /// Whom the client wants to act for, where it says so.
    pub authzid: Option<&'a [u8]>,
}

impl Proof<'_> {
    /// The client's proof, in hexadecimal.
    #[must_use]
    pub fn response(&self) -> String {
        self.hash(b"AUTHENTICATE:")
    }

    /// The server's proof, in hexadecimal.
    #[must_use]
    pub fn rspauth(&self) -> String {
        self.hash(b":")
    }

    fn hash(&self, method: &[u8]) -> String {
        let user = [&*hashed(self.user), &*hashed(self.realm), &*hashed(self.password)];
        let mut session = Md5::new_with_prefix(Md5::digest(user.join(&b':')));
        for part in [Some(self.nonce), Some(self.cnonce), self.authzid].into_iter().flatten() {
            session.update(b":");
            session.update(part);
        }
        let request = Md5::new_with_prefix(method).chain_update(self.digest_uri).finalize();
        let (session, request) = (hex(&session.finalize()), hex(&request));
        let parts = [
            session.as_bytes(),
            self.nonce,
            NONCE_COUNT.as_bytes(),
            self.cnonce,
            QOP.as_bytes(),
            request.as_bytes(),
        ];
        hex(&Md5::digest(parts.join(&b':')))
    }
}

/// Shows nobody.
impl std::fmt::Debug for Proof<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proof").finish_non_exhaustive()
    }
}

/// Text as it is hashed: ISO 8859-1 where that has all of it, UTF-8 otherwise, whatever the token
/// has it in (RFC 2831, 2.1.2.1; as Java does).
fn hashed(text: &str) -> Cow<'_, [u8]> {
    let latin1 = text.chars().map(|c| u8::try_from(u32::from(c))).collect::<Result<_, _>>();
    latin1.map_or(Cow::Borrowed(text.as_bytes()), Cow::Owned)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 2831, section 4.
    #[test]
    fn the_proofs_are_those_of_the_rfc() {
        let proof = Proof {
            user: "chris",
            realm: "elwood.innosoft.com",
            password: "secret",
            nonce: b"OA6MG9tEQGm2hh",
            cnonce: b"OA6MHXh6VqTrRk",
            digest_uri: b"imap/elwood.innosoft.com",
            authzid: None,
        };
        assert_eq!(proof.response(), "d388dad90d4bbd760a152321f2143af7");
        assert_eq!(proof.rspauth(), "ea40f60335c427b5527b84dbabcdfffd");
        let acting = Proof { authzid: Some(b"boss"), ..proof };
        assert_ne!(acting.response(), proof.response());
        assert!(!format!("{proof:?}").contains("secret"));
    }

    /// As Apache ZooKeeper 3.8 on Java 17 sends it.
    #[test]
    fn a_challenge_is_read() {
        let token = b"realm=\"zk-sasl-md5\",nonce=\"3aRlZgCEzsFc9ub/TddPKz3u\",charset=utf-8,\
                      algorithm=md5-sess";
        let challenge = Directives::parse(token).unwrap();
        assert_eq!(challenge.text("realm").as_deref(), Some(HOST));
        assert_eq!(challenge.get("nonce"), Some(&b"3aRlZgCEzsFc9ub/TddPKz3u"[..]));
        assert_eq!(challenge.get("qop"), None);
        assert!(challenge.is_utf8());
    }

    #[test]
    fn lists_may_be_untidy() {
        let untidy = b" , A = b ,\t,c=\"d,\\\"e\\\\\"\r\n,, ";
        let directives = Directives::parse(untidy).unwrap();
        assert_eq!(directives.get("a"), Some(&b"b"[..]));
        assert_eq!(directives.text("c").as_deref(), Some("d,\"e\\"));
        assert_eq!(Directives::parse(b"").unwrap(), Directives(Vec::new()));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for token in
            [&b"a"[..], b"a=", b"=b", b"a=\"b", b"a=\"b\\", b"a=b c=d", b"a=\"b\"c", b"\xff=\0"]
        {
            let refused = Directives::parse(token);
            assert!(matches!(refused, Err(TokenError::Malformed(_))), "{token:?}");
        }
        let twice = Directives::parse(b"nonce=a,NONCE=b");
        assert_eq!(twice, Err(TokenError::Repeated("nonce".to_owned())));
        let long = vec![b','; TOKEN_LEN_MAX + 1];
        assert_eq!(Directives::parse(&long), Err(TokenError::TooLong(long.len())));
        assert!(Directives::parse(&long[1..]).is_ok());
    }

    #[test]
    fn quotes_and_backslashes_survive() {
        for text in ["", "plain", "a\"b", "\\", "\\\"", "ünï", "日本"] {
            let token = format!("charset=utf-8,x={}", quoted(text));
            let directives = Directives::parse(token.as_bytes()).unwrap();
            assert_eq!(directives.text("x").as_deref(), Some(text));
        }
    }

    #[test]
    fn text_is_latin_1_unless_both_say_utf_8() {
        let directives = Directives::parse(b"username=\"\xfcn\"").unwrap();
        assert_eq!(directives.text("username").as_deref(), Some("ün"));
        let broken = Directives::parse(b"charset=utf-8,username=\"\xfcn\"").unwrap();
        assert_eq!(broken.text("username"), None);
        assert_eq!(*hashed("ü"), [0xfc]);
        assert_eq!(*hashed("ü日"), *"ü日".as_bytes());
    }
}
