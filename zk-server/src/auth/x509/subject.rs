//! The subject of a certificate as Java writes it: `X500Principal.getName()`, which is RFC 2253 with
//! decisions of its own. Held to by what Java said of a hundred names (`subject_tests.rs`).

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::der::{self, Element, Elements};

/// The attributes that RFC 2253 has a word for. All others are written as numbers.
const KEYWORDS: &[(&str, &str)] = &[
    ("2.5.4.3", "CN"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
];

/// What has a meaning in the notation.
const ESCAPED: &[char] = &[',', '=', '+', '<', '>', '#', ';', '"', '\\'];

/// In front of the version of a certificate, which the first version leaves out.
const VERSION: u8 = 0xa0;

/// Who an X.509 certificate (DER) is for: its subject, the last part first. `None` if that cannot
/// be read.
#[must_use]
pub fn subject_of(certificate: &[u8]) -> Option<String> {
    let certificate = Elements::of(certificate).take(der::SEQUENCE)?;
    let to_be_signed = Elements::of(certificate.content).take(der::SEQUENCE)?;
    let mut fields = Elements::of(to_be_signed.content);
    if fields.peek() == Some(VERSION) {
        fields.pop();
    }
    fields.take(der::INTEGER)?; // The serial number,
    fields.take(der::SEQUENCE)?; // the algorithm of the signature,
    fields.take(der::SEQUENCE)?; // the issuer,
    fields.take(der::SEQUENCE)?; // from when to when it is valid.
    let subject = fields.take(der::SEQUENCE)?;
    name_of(subject.content)
}

/// A name from the inside of its sequence.
fn name_of(content: &[u8]) -> Option<String> {
    let mut sets = Elements::of(content);
    let mut parts = Vec::new();
    while let Some(set) = sets.take(der::SET) {
        let mut attributes = Elements::of(set.content);
        let mut part = Vec::new();
        while let Some(attribute) = attributes.take(der::SEQUENCE) {
            part.push(attribute_of(attribute.content)?);
        }
        if !attributes.is_empty() {
            return None;
        }
        parts.push(part.join("+"));
    }
    parts.reverse();
    sets.is_empty().then(|| parts.join(","))
}

fn attribute_of(content: &[u8]) -> Option<String> {
    let mut fields = Elements::of(content);
    let kind = der::dotted(fields.take(der::OBJECT_IDENTIFIER)?.content)?;
    let value = fields.pop()?;
    match KEYWORDS.iter().find(|(number, _)| *number == kind) {
        Some((_, keyword)) => match text_of(value) {
            Text::Of(text) => Some(format!("{keyword}={}", escaped(&text))),
            Text::None => Some(format!("{keyword}={}", in_hex(value))),
            Text::Invalid => None,
        },
        None => Some(format!("{kind}={}", in_hex(value))),
    }
}

/// What a value is as text.
enum Text<'a> {
    Of(Cow<'a, str>),
    /// It is of a type that is none.
    None,
    /// It is not what its type says.
    Invalid,
}

/// As Java reads it from 17.0.21.1 on; before, it took the bytes of every type for UTF-8, and had
/// other names for the rare certificates where that makes a difference.
fn text_of(value: Element<'_>) -> Text<'_> {
    match value.tag {
        // UTF-8 string.
        0x0c => Text::Of(String::from_utf8_lossy(value.content)),
        // Printable, T61, IA5 and general strings.
        0x13 | 0x14 | 0x16 | 0x1b => {
            Text::Of(value.content.iter().map(|byte| char::from(*byte)).collect())
        }
        // BMP string: two bytes for each character.
        0x1e => {
            let pairs = value.content.chunks(2).map(|pair| match pair {
                [high, low] => u16::from_be_bytes([*high, *low]),
                _ => REPLACEMENT,
            });
            let characters = char::decode_utf16(pairs);
            let text: String =
                characters.map(|found| found.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
            // What takes four bytes cannot be said in this type.
            if text.contains(|c| c > '\u{ffff}') { Text::Invalid } else { Text::Of(text.into()) }
        }
        _ => Text::None,
    }
}

/// In the place of half a character.
const REPLACEMENT: u16 = 0xfffd;

fn in_hex(value: Element<'_>) -> String {
    value.whole.iter().fold("#".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Spaces are escaped at both ends only; Java counts carriage returns among them.
fn escaped(value: &str) -> String {
    let is_space = |c: char| c == ' ' || c == '\r';
    let inner = value.trim_start_matches(is_space);
    let lead = value.len() - inner.len();
    let trail = lead + inner.trim_end_matches(is_space).len();
    let mut text = String::with_capacity(value.len());
    for (at, c) in value.char_indices() {
        if at < lead || at >= trail || ESCAPED.contains(&c) {
            text.push('\\');
        }
        if c == '\0' { text.push_str("\\00") } else { text.push(c) }
    }
    text
}

#[cfg(test)]
#[path = "subject_tests.rs"]
mod tests;
