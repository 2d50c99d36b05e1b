//! The keys of `zoo.cfg` about TLS.

use std::path::PathBuf;

use super::properties::Property;
use super::tls_config::{ClientAuth, Store, StoreFormat, StorePassword, TlsConfig, TlsProtocol};

/// What the file has said about TLS so far.
#[derive(Debug, Default)]
pub(super) struct TlsKeys {
    key_store: StoreKeys,
    trust_store: StoreKeys,
    client_auth: Option<ClientAuth>,
    protocols: Option<Vec<TlsProtocol>>,
    /// Whether `ssl.enabledProtocols` was given, which wins over `ssl.protocol`.
    enabled_protocols: bool,
    cipher_suites: Vec<String>,
    pub(super) reload: bool,
}

#[derive(Debug, Default)]
struct StoreKeys {
    location: Option<PathBuf>,
    format: Option<StoreFormat>,
    password: Option<StorePassword>,
}

/// What became of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is set.
    Yes,
    /// It is set; the author should know this.
    Warning(String),
    /// The value is none; this was expected.
    Bad(&'static str),
    /// The server cannot do it, and must not seem to.
    Refused(&'static str),
    /// It is no key of this family that has an effect.
    No,
}

/// Checks that an operator has asked for, which are not made here. Going on without them would let
/// clients in who are to be kept out.
const NOT_CHECKED: &[(&str, &str)] = &[
    ("ssl.crl", "revocation lists are not read yet"),
    ("ssl.ocsp", "revocation is not asked for yet"),
    ("ssl.clientHostnameVerification", "the names of clients' hosts are not verified"),
];

impl TlsKeys {
    pub(super) fn take(&mut self, property: &Property) -> Taken {
        let (key, value) = (property.key.as_str(), property.value.as_str());
        if let Some(key) = key.strip_prefix("ssl.keyStore.") {
            return self.key_store.take(key, value);
        }
        if let Some(key) = key.strip_prefix("ssl.trustStore.") {
            return self.trust_store.take(key, value);
        }
        if let Some((_, why)) = NOT_CHECKED.iter().find(|(known, _)| *known == key) {
            return if value == "true" { Taken::Refused(why) } else { Taken::Yes };
        }
        match key {
            "ssl.clientAuth" => self.set_client_auth(value),
            "ssl.protocol" if self.enabled_protocols => Taken::Yes,
            "ssl.protocol" => self.set_protocols(value),
            "ssl.enabledProtocols" => {
                self.enabled_protocols = true;
                self.set_protocols(value)
            }
            "ssl.ciphersuites" => {
                self.cipher_suites = words(value).map(str::to_owned).collect();
                Taken::Yes
            }
            "ssl.authProvider" if value == "x509" => Taken::Yes,
            "ssl.authProvider" => Taken::Refused("clients are who their certificate says (x509)"),
            "ssl.context.supplier.class" => Taken::Refused("there are no Java classes here"),
            _ => Taken::No,
        }
    }

    /// The settings, if there are any: what is missing for them is found when they are needed.
    pub(super) fn finish(self) -> Option<TlsConfig> {
        let mut config = TlsConfig::new(self.key_store.finish()?, self.trust_store.finish());
        config.client_auth = self.client_auth.unwrap_or_default();
        config.cipher_suites = self.cipher_suites;
        config.reload = self.reload;
        if let Some(protocols) = self.protocols {
            config.protocols = protocols;
        }
        Some(config)
    }

    /// Whether clients' certificates are checked against nothing.
    pub(super) fn lacks_trust(&self) -> bool {
        self.trust_store.location.is_none() && self.client_auth != Some(ClientAuth::None)
    }

    pub(super) fn has_key_store(&self) -> bool {
        self.key_store.location.is_some()
    }

    fn set_client_auth(&mut self, value: &str) -> Taken {
        let auth = match value.to_ascii_lowercase().as_str() {
            "none" => ClientAuth::None,
            "want" => ClientAuth::Want,
            "need" | "" => ClientAuth::Need,
            _ => return Taken::Bad("none, want or need"),
        };
        self.client_auth = Some(auth);
        Taken::Yes
    }

    fn set_protocols(&mut self, value: &str) -> Taken {
        let known = |word: &str| match word {
            "TLSv1.2" => Some(TlsProtocol::V1_2),
            "TLSv1.3" => Some(TlsProtocol::V1_3),
            _ => None,
        };
        let protocols: Vec<_> = words(value).filter_map(known).collect();
        if protocols.is_empty() {
            return Taken::Bad("TLSv1.2, TLSv1.3 or both");
        }
        let all_known = words(value).all(|word| known(word).is_some());
        self.protocols = Some(protocols);
        if all_known {
            Taken::Yes
        } else {
            Taken::Warning("only TLSv1.2 and TLSv1.3 are spoken here".to_owned())
        }
    }
}

impl StoreKeys {
    fn take(&mut self, key: &str, value: &str) -> Taken {
        match key {
            "location" if value.is_empty() => return Taken::Bad("a file"),
            "location" => self.location = Some(PathBuf::from(value)),
            "type" if value.is_empty() => self.format = None,
            "type" => match StoreFormat::of_name(value) {
                Some(format) => self.format = Some(format),
                None => return Taken::Bad("PEM, PKCS12, JKS or BCFKS"),
            },
            // As in Apache, a file with the password wins over the password.
            "password" if matches!(self.password, Some(StorePassword::File(_))) => {}
            "password" => self.password = Some(StorePassword::Text(value.to_owned())),
            "passwordPath" => self.password = Some(StorePassword::File(PathBuf::from(value))),
            _ => return Taken::No,
        }
        Taken::Yes
    }

    fn finish(self) -> Option<Store> {
        let path = self.location?;
        let by_name = || StoreFormat::of_file(&path.to_string_lossy());
        let format = self.format.or_else(by_name).unwrap_or(StoreFormat::Jks);
        Some(Store::File { path, format, password: self.password })
    }
}

fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(keys: &mut TlsKeys, key: &str, value: &str) -> Taken {
        keys.take(&Property { key: key.to_owned(), value: value.to_owned(), line: 1 })
    }

    #[test]
    fn stores_are_of_the_format_their_name_says_unless_a_type_is_given() {
        let cases = [
            ("/a/k.pem", None, StoreFormat::Pem),
            ("/a/k.p12", None, StoreFormat::Pkcs12),
            ("/a/k.pfx", None, StoreFormat::Pkcs12),
            ("/a/k.jks", None, StoreFormat::Jks),
            ("/a/k", None, StoreFormat::Jks),
            ("/a/k", Some("PEM"), StoreFormat::Pem),
            ("/a/k.pem", Some("PKCS12"), StoreFormat::Pkcs12),
            ("/a/k.pem", Some("jks"), StoreFormat::Jks),
            ("/a/k.pem", Some(""), StoreFormat::Pem),
        ];
        for (path, kind, expected) in cases {
            let mut keys = TlsKeys::default();
            assert_eq!(take(&mut keys, "ssl.keyStore.location", path), Taken::Yes);
            if let Some(kind) = kind {
                assert_eq!(take(&mut keys, "ssl.keyStore.type", kind), Taken::Yes);
            }
            let Store::File { format, .. } = keys.finish().unwrap().key_store else { panic!() };
            assert_eq!(format, expected, "{path} {kind:?}");
        }
    }

    #[test]
    fn checks_that_are_not_made_are_refused_and_not_passed_over() {
        let mut keys = TlsKeys::default();
        for key in ["ssl.crl", "ssl.ocsp", "ssl.clientHostnameVerification"] {
            assert!(matches!(take(&mut keys, key, "true"), Taken::Refused(_)), "{key}");
            assert_eq!(take(&mut keys, key, "false"), Taken::Yes);
        }
        assert!(matches!(take(&mut keys, "ssl.authProvider", "mine"), Taken::Refused(_)));
        assert_eq!(take(&mut keys, "ssl.authProvider", "x509"), Taken::Yes);
    }

    #[test]
    fn old_protocols_are_named_and_left_out() {
        let mut keys = TlsKeys::default();
        assert!(matches!(take(&mut keys, "ssl.protocol", "TLSv1.1"), Taken::Bad(_)));
        let both = take(&mut keys, "ssl.enabledProtocols", "TLSv1.1, TLSv1.3");
        assert!(matches!(both, Taken::Warning(_)), "{both:?}");
        assert_eq!(take(&mut keys, "ssl.protocol", "TLSv1.2"), Taken::Yes, "which is older");
        assert_eq!(keys.protocols, Some(vec![TlsProtocol::V1_3]));
    }

    #[test]
    fn passwords_never_show() {
        let mut keys = TlsKeys::default();
        take(&mut keys, "ssl.keyStore.location", "/k.p12");
        take(&mut keys, "ssl.keyStore.password", "planted");
        assert!(!format!("{keys:?}").contains("planted"));
        assert!(!format!("{:?}", keys.finish()).contains("planted"));
    }
}
