//! The keys of `zoo.cfg` about the secure port.

use super::ConfigError;
use super::properties::Property;
use super::tls_keys::Taken;
use super::zoo_cfg::{ConfigReader, shown};

impl ConfigReader<'_> {
    /// Takes up a key about the secure port; false if it is another.
    pub(super) fn set_secure(&mut self, property: &Property) -> Result<bool, ConfigError> {
        match property.key.as_str() {
            "secureClientPort" => {
                self.config.secure_client_port = Some(self.port(property)?);
            }
            "secureClientPortAddress" => {
                let address = self.not_empty(property, "an address or host name")?;
                self.config.secure_client_port_address = Some(address.to_owned());
            }
            "client.portUnification" => self.config.port_unification = self.boolean(property)?,
            "client.certReload" => self.tls.reload = self.boolean(property)?,
            "X509AuthenticationProvider.superUser" => {
                self.config.auth.x509_super_user = Some(property.value.clone());
            }
            "netty.server.outstandingHandshake.limit" if property.value == "-1" => {}
            "netty.server.outstandingHandshake.limit" => {
                self.config.limits.tls_handshakes =
                    self.number(property, "a number above 0, or -1 for the default", 1)?;
            }
            _ => match self.tls.take(property) {
                Taken::Yes => {}
                Taken::No => return Ok(false),
                Taken::Warning(message) => self.warn(property.line, message),
                Taken::Bad(expected) => return Err(self.bad_value(property, expected)),
                Taken::Refused(why) => return Err(self.refused(property, why)),
            },
        }
        Ok(true)
    }

    /// Asks for what is not offered, and must not seem to be.
    pub(super) fn refused(&self, property: &Property, why: &str) -> ConfigError {
        let problem = format!(
            "{} asks for what this server cannot do: {why}. Remove the line only if the server may \
             run without it",
            shown(&property.key)
        );
        ConfigError::Unsupported { file: self.file.to_owned(), line: property.line, problem }
    }

    /// What needs all keys to be read.
    pub(super) fn finish_tls(&mut self) -> Result<(), ConfigError> {
        let keys = std::mem::take(&mut self.tls);
        let needed = self.config.secure_client_port.is_some() || self.config.port_unification;
        if !needed {
            if let Some(line) = self.seen.get("ssl.keyStore.location").copied() {
                let message = "`ssl.keyStore.location` has no effect without `secureClientPort` \
                               or `client.portUnification`";
                self.warn(line, message.to_owned());
            }
            return Ok(());
        }
        if !keys.has_key_store() {
            let example = "ssl.keyStore.location=/etc/zookeeper/server.pem";
            return Err(self.missing("ssl.keyStore.location", example));
        }
        if keys.lacks_trust() {
            let example = "ssl.trustStore.location=/etc/zookeeper/clients.pem, or \
                           ssl.clientAuth=none to ask clients for no certificate";
            return Err(self.missing("ssl.trustStore.location", example));
        }
        self.config.tls = keys.finish();
        self.config.auth.x509_enabled = true;
        Ok(())
    }
}
