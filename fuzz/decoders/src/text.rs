//! Rules over strings.

use zk_proto::four_letter::Word;
use zk_proto::{ConnectString, path as rules};

/// What is accepted comes back from its own text.
pub(crate) fn connect_string(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match text.parse::<ConnectString>() {
        Ok(parsed) => {
            assert!(!parsed.hosts.is_empty());
            assert!(parsed.hosts.iter().all(|host| !host.host.is_empty() && host.port != 0));
            if let Some(chroot) = &parsed.chroot {
                assert_eq!(rules::validate(chroot), Ok(()));
            }
            assert_eq!(parsed.to_string().parse(), Ok(parsed));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A valid path is its parent joined with its basename.
pub(crate) fn path(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = rules::validate_sequential(text).map_err(|error| error.to_string());
    let (parent, name) = (rules::parent(text), rules::basename(text));
    if rules::validate(text).is_ok() && text != "/" {
        let parent = parent.expect("a valid path other than the root has a parent");
        assert_eq!(rules::validate(parent), Ok(()));
        assert_eq!(rules::join(parent, name), text);
    }
}

pub(crate) fn four_letter(data: &[u8]) {
    if let Some(&first) = data.first_chunk::<4>()
        && let Some(word) = Word::detect(first)
    {
        // Telnet's close is the one word that is no text.
        assert!(word.as_str().as_bytes() == first || !first.is_ascii());
    }
}
