//! The syntax of JAAS login files, which Apache's servers have their users in.
//!
//! ```text
//! Server {
//!     org.apache.zookeeper.server.auth.DigestLoginModule required
//!     user_bob="secret";
//! };
//! ```

use super::ConfigError;
use crate::auth::sasl::{KerberosLogin, Login, Users};

const DIGEST_MODULE: &str = "org.apache.zookeeper.server.auth.DigestLoginModule";
const KERBEROS_MODULE: &str = "com.sun.security.auth.module.Krb5LoginModule";

/// What stands in front of the name of a user.
const USER_PREFIX: &str = "user_";

/// Reads the section of that name. `file` is the name that errors carry.
///
/// Options of a module that say how Java should go about it (`storeKey`, `useTicketCache`, …) have
/// no meaning here and are left alone.
///
/// # Errors
///
/// The first line that cannot be used, a section that is not there, or one with neither users nor
/// Kerberos in it.
pub fn parse(file: &str, text: &str, section: &str) -> Result<Login, ConfigError> {
    let mut reader = Reader { file, text, at: 0 };
    let mut found = None;
    while let Some(name) = reader.next()? {
        let modules = reader.section(name)?;
        if found.is_none() && modules.name == section {
            found = Some(modules);
        }
    }
    let Some(found) = found else {
        let problem = format!("there is no section {section:?}");
        return Err(reader.error(problem, "one that begins with its name and {"));
    };
    reader.login(found)
}

/// Why a section with users of DIGEST-MD5 is not taken under `fips-mode=true`.
#[must_use]
pub(crate) fn forbidden(file: &str, section: &str) -> ConfigError {
    ConfigError::Line {
        file: file.to_owned(),
        line: 1,
        problem: format!("section {section:?} has users of DIGEST-MD5, and fips-mode is true"),
        expected: "one of the two, or a Kerberos login".to_owned(),
    }
}

#[derive(Debug, PartialEq)]
enum Token {
    /// A word, or text in quotes.
    Text(String),
    /// One of `{};=`.
    Mark(char),
}

struct Section {
    name: String,
    modules: Vec<Module>,
}

struct Module {
    class: String,
    options: Vec<(String, String)>,
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn section(&mut self, name: Token) -> Result<Section, ConfigError> {
        let name = self.text_of(Some(name), "the name of a section")?;
        self.expect('{')?;
        let mut modules = Vec::new();
        loop {
            match self.next()? {
                Some(Token::Mark('}')) => break,
                class => modules.push(self.module(class)?),
            }
        }
        self.expect(';')?;
        Ok(Section { name, modules })
    }

    fn module(&mut self, class: Option<Token>) -> Result<Module, ConfigError> {
        let class = self.text_of(class, "the class of a login module, or }")?;
        let flag = self.next()?;
        self.text_of(flag, "`required` or the like")?;
        let mut options = Vec::new();
        loop {
            match self.next()? {
                Some(Token::Mark(';')) => return Ok(Module { class, options }),
                key => {
                    let key = self.text_of(key, "an option, or ;")?;
                    self.expect('=')?;
                    let value = self.next()?;
                    let value = self.text_of(value, "the value of an option")?;
                    if value.contains("${") {
                        let problem = format!("the value of {key:?} has ${{ in it");
                        return Err(self.error(problem, "a value as it is: none is expanded"));
                    }
                    options.push((key, value));
                }
            }
        }
    }

    fn login(&self, section: Section) -> Result<Login, ConfigError> {
        if let Some(kerberos) =
            section.modules.iter().find(|module| module.class == KERBEROS_MODULE)
        {
            let option = |name: &str| {
                let option = kerberos.options.iter().find(|(key, _)| key == name);
                option.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
            };
            let file = |keytab: String| keytab.strip_prefix("FILE:").unwrap_or(&keytab).into();
            let login = KerberosLogin {
                keytab: option("keyTab").map(file),
                // A star stands for whichever key fits, as in Java.
                principal: option("principal").filter(|principal| principal != "*"),
            };
            return Ok(Login::Kerberos(login));
        }
        let mut users = Users::default();
        for (key, value) in section.modules.into_iter().flat_map(|module| module.options) {
            if let Some(user) = key.strip_prefix(USER_PREFIX) {
                users.insert(user, value);
            }
        }
        if users.is_empty() {
            let problem = format!("the section {:?} knows nobody", section.name);
            let expected =
                format!("{DIGEST_MODULE} with user_NAME=\"PASSWORD\", or {KERBEROS_MODULE}");
            return Err(self.error(problem, &expected));
        }
        Ok(Login::DigestMd5(users))
    }

    fn expect(&mut self, mark: char) -> Result<(), ConfigError> {
        match self.next()? {
            Some(Token::Mark(found)) if found == mark => Ok(()),
            found => Err(self.unexpected(found.as_ref(), &format!("{mark:?}"))),
        }
    }

    fn text_of(&self, token: Option<Token>, expected: &str) -> Result<String, ConfigError> {
        match token {
            Some(Token::Text(text)) => Ok(text),
            other => Err(self.unexpected(other.as_ref(), expected)),
        }
    }

    /// Text is not shown: it may be a password.
    fn unexpected(&self, found: Option<&Token>, expected: &str) -> ConfigError {
        let problem = match found {
            None => "the file ends".to_owned(),
            Some(Token::Text(_)) => "a word is out of place".to_owned(),
            Some(Token::Mark(mark)) => format!("{mark:?} is out of place"),
        };
        self.error(problem, expected)
    }

    fn error(&self, problem: String, expected: &str) -> ConfigError {
        let line = 1 + self.text[..self.at].matches('\n').count();
        let (file, expected) = (self.file.to_owned(), expected.to_owned());
        ConfigError::Line { file, line, problem, expected }
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn next(&mut self) -> Result<Option<Token>, ConfigError> {
        self.skip_blanks_and_comments()?;
        let Some(first) = self.rest().chars().next() else { return Ok(None) };
        if is_mark(first) {
            self.at += 1;
            return Ok(Some(Token::Mark(first)));
        }
        if first == '"' {
            return self.quoted().map(Some);
        }
        let ends = |c: char| c.is_whitespace() || is_mark(c) || c == '"';
        let word = self.rest().split(ends).next().unwrap_or_default().to_owned();
        self.at += word.len();
        Ok(Some(Token::Text(word)))
    }

    fn skip_blanks_and_comments(&mut self) -> Result<(), ConfigError> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
            let skipped = rest.len() - trimmed.len();
            let comment = if trimmed.starts_with("//") || trimmed.starts_with('#') {
                trimmed.find('\n').unwrap_or(trimmed.len())
            } else if trimmed.starts_with("/*") {
                let end = trimmed.find("*/").map(|end| end + 2);
                end.ok_or_else(|| self.error("a comment has no end".to_owned(), "*/"))?
            } else {
                self.at += skipped;
                return Ok(());
            };
            self.at += skipped + comment;
        }
    }

    /// Text in quotes, with the escapes of Java.
    fn quoted(&mut self) -> Result<Token, ConfigError> {
        let mut text = String::new();
        let mut chars = self.rest()[1..].char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += 1 + at + 1;
                    return Ok(Token::Text(text));
                }
                '\n' => break,
                '\\' => {
                    let Some((_, escaped)) = chars.next() else { break };
                    text.push(match escaped {
                        'n' => '\n',
                        't' => '\t',
                        'r' => '\r',
                        'f' => '\u{c}',
                        'b' => '\u{8}',
                        'a' => '\u{7}',
                        'v' => '\u{b}',
                        '0'..='7' => {
                            let mut code = escaped.to_digit(8).unwrap_or_default();
                            while let Some(digit) = chars.peek().and_then(|(_, c)| c.to_digit(8))
                                && code * 8 + digit <= 0o377
                            {
                                code = code * 8 + digit;
                                chars.next();
                            }
                            char::from_u32(code).unwrap_or_default()
                        }
                        other => other,
                    });
                }
                other => text.push(other),
            }
        }
        Err(self.error("a text has no end".to_owned(), "a quote on the same line"))
    }
}

fn is_mark(c: char) -> bool {
    matches!(c, '{' | '}' | ';' | '=')
}

#[cfg(test)]
#[path = "login_tests.rs"]
mod tests;
