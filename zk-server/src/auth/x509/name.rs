//! Which texts are distinguished names: those that Java's `X500Principal` takes, which an Apache
//! server asks before it stores an ACL of the scheme `x509`.

use crate::der;

/// The attributes that Java knows by a word.
const KEYWORDS: &[&str] = &[
    "CN",
    "C",
    "L",
    "S",
    "ST",
    "O",
    "OU",
    "T",
    "IP",
    "STREET",
    "DC",
    "DNQUALIFIER",
    "DNQ",
    "SURNAME",
    "GIVENNAME",
    "INITIALS",
    "GENERATION",
    "EMAIL",
    "EMAILADDRESS",
    "UID",
    "SERIALNUMBER",
];

/// What a backslash may stand in front of, besides two hexadecimal digits.
const ESCAPABLE: &str = ",=+<>#;\"\\ ";

/// Whether an ACL may name this: `key=value` pairs with `,`, `;` or `+` between them, or nothing.
pub(super) fn is_distinguished_name(text: &str) -> bool {
    if text.is_empty() {
        return true;
    }
    let mut rest = text;
    loop {
        let Some((key, value)) = rest.split_once('=') else { return false };
        if !is_key(key.trim()) {
            return false;
        }
        let Some(behind) = behind_value(value.trim_start_matches(' ')) else { return false };
        match behind.strip_prefix([',', ';', '+']) {
            Some(next) => rest = next,
            None => return behind.is_empty(),
        }
    }
}

fn is_key(key: &str) -> bool {
    if KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(key)) {
        return true;
    }
    let number = match key.get(..4) {
        Some(prefix) if prefix.eq_ignore_ascii_case("OID.") => &key[4..],
        _ => key,
    };
    let parts: Vec<_> = number.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if parts.len() < 2 || !parts.iter().all(is_number) {
        return false;
    }
    let value = |part: &str| part.trim_start_matches('0').parse::<u8>();
    match parts[0].trim_start_matches('0') {
        "2" => true,
        "" | "1" => {
            let second = parts[1].trim_start_matches('0');
            second.is_empty() || value(second).is_ok_and(|second| second < 40)
        }
        _ => false,
    }
}

/// What stands behind a value: nothing, or a separator and more. `None` if the value is malformed.
fn behind_value(text: &str) -> Option<&str> {
    if let Some(digits) = text.strip_prefix('#') {
        let end = digits.find([',', ';', '+']).unwrap_or(digits.len());
        return is_element(&digits[..end]).then(|| &digits[end..]);
    }
    if let Some(quoted) = text.strip_prefix('"') {
        let end = end_of(quoted, |c| c == '"', |_| false)?;
        return Some(quoted.get(end + 1..)?.trim_start_matches(' '));
    }
    let end = end_of(text, |c| ",;+".contains(c), |c| "<>\"".contains(c))?;
    Some(&text[end..])
}

/// Where a value ends, at the first character of `ends` that is not escaped, or with the text.
fn end_of(
    text: &str,
    ends: impl Fn(char) -> bool,
    refuses: impl Fn(char) -> bool,
) -> Option<usize> {
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            let (_, escaped) = chars.next()?;
            if escaped.is_ascii_hexdigit() {
                chars.next().filter(|(_, second)| second.is_ascii_hexdigit())?;
            } else if !ESCAPABLE.contains(escaped) {
                return None;
            }
        } else if ends(c) {
            return Some(at);
        } else if refuses(c) {
            return None;
        }
    }
    Some(text.len())
}

/// Whether these are the digits of one element of DER.
fn is_element(digits: &str) -> bool {
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return false;
    }
    let byte = |pair: &[u8]| {
        std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())
    };
    let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(byte).collect();
    bytes.is_some_and(|bytes| {
        let mut elements = der::Elements::of(&bytes);
        elements.pop().is_some() && elements.is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line of the file is a text and what `new X500Principal(text)` of Java 17 says to it.
    #[test]
    fn what_is_a_name_is_what_java_says() {
        let mut checked = 0;
        for line in include_str!("java_names.txt").lines() {
            let (verdict, text) = line.split_once('|').unwrap();
            assert_eq!(is_distinguished_name(text), verdict == "yes", "{text:?}");
            checked += 1;
        }
        assert!(checked > 200, "{checked}");
    }
}
