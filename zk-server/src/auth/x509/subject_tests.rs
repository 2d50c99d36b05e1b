use super::*;

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Each line of the file is a name in DER and `new X500Principal(der).getName()` of Java 17.0.21, with
/// control characters as `\u{..}`.
#[test]
fn names_are_written_as_java_writes_them() {
    let mut checked = 0;
    for line in include_str!("java_subjects.txt").lines() {
        let (der, expected) = line.split_once('|').unwrap();
        let der = bytes(der);
        let name = Elements::of(&der).take(der::SEQUENCE).unwrap();
        let shown: String = name_of(name.content).unwrap().chars().map(visible).collect();
        assert_eq!(shown, expected);
        checked += 1;
    }
    assert!(checked > 100, "{checked}");
}

fn visible(c: char) -> String {
    if c.is_control() { format!("\\u{{{:x}}}", c as u32) } else { c.to_string() }
}

#[test]
fn garbage_is_nobody() {
    for garbage in [&[][..], &[0x30], &[0x30, 3, 0x30, 1, 0], &[0; 100], &[0xff; 100]] {
        assert_eq!(subject_of(garbage), None);
    }
}

/// An attribute whose type or value is missing, and a set that ends in the middle.
#[test]
fn malformed_names_are_none() {
    // The last one has a character of four bytes where none can be.
    for name in [
        "31023000",
        "3107300506035504030c",
        "310330010c",
        "3003020105",
        "310d300b06035504031e04d83dde00",
    ] {
        assert_eq!(name_of(&bytes(name)), None, "{name}");
    }
    assert_eq!(name_of(&[]), Some(String::new()));
}
