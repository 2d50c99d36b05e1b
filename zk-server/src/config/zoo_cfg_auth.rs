//! The keys of `zoo.cfg` about who clients are.

use std::path::PathBuf;

use super::ConfigError;
use super::properties::Property;
use super::zoo_cfg::{ConfigReader, shown};
use crate::auth::sasl::{LocalNames, Login, SCHEME, Users};

/// The families of keys with a name behind them.
const USER_PREFIX: &str = "sasl.user.";
const PROVIDER_PREFIX: &str = "authProvider.";
const SUPER_USER_PREFIX: &str = "superUser.";

/// The class of Apache that offers the scheme `sasl`.
const SASL_PROVIDER: &str = "org.apache.zookeeper.server.auth.SASLAuthenticationProvider";

/// The class of Apache that offers the scheme `x509`, which is offered wherever TLS is spoken.
const X509_PROVIDER: &str = "org.apache.zookeeper.server.auth.X509AuthenticationProvider";

impl ConfigReader<'_> {
    /// Takes up a key about SASL or about who must authenticate; false if it is another.
    pub(super) fn set_authentication(&mut self, property: &Property) -> Result<bool, ConfigError> {
        let value = property.value.clone();
        match property.key.as_str() {
            "java.security.auth.login.config" => {
                let file = PathBuf::from(self.not_empty(property, "the path of a login file")?);
                self.config.auth.sasl.login_file = Some(file);
            }
            "sasl.serverconfig" => {
                self.not_empty(property, "the name of a section of the login file")?;
                self.config.auth.sasl.login_section = value;
            }
            "SASLAuthenticationProvider.superPassword" => {
                self.config.auth.sasl.super_password = Some(value);
            }
            "letAnySaslUserDoX" => self.config.auth.sasl.any_user = Some(value),
            "allowSaslFailedClients" => {
                self.config.auth.sasl.failed_clients_stay = self.boolean(property)?;
            }
            "kerberos.removeHostFromPrincipal" => {
                self.config.auth.sasl.principals.remove_host = self.boolean(property)?;
            }
            "kerberos.removeRealmFromPrincipal" => {
                self.config.auth.sasl.principals.remove_realm = self.boolean(property)?;
            }
            "security.auth_to_local" => self.set_local_names(property)?,
            "fips-mode" => self.set_fips_mode(property)?,
            "DigestAuthenticationProvider.digestAlg" => self.set_digest_algorithm(property)?,
            "sessionRequireClientSASLAuth" => self.enforcement.sasl = self.boolean(property)?,
            "enforce.auth.enabled" => self.enforcement.enabled = self.boolean(property)?,
            "enforce.auth.schemes" => {
                let schemes = value.split(',').map(str::trim).filter(|scheme| !scheme.is_empty());
                self.enforcement.schemes = schemes.map(str::to_owned).collect();
            }
            "superUser" => self.add_super_user(property)?,
            key if key.starts_with(SUPER_USER_PREFIX) => self.add_super_user(property)?,
            key if key.starts_with(PROVIDER_PREFIX) => self.set_provider(property),
            key if key.starts_with(USER_PREFIX) => self.add_user(property)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn add_super_user(&mut self, property: &Property) -> Result<(), ConfigError> {
        let user = self.not_empty(property, "the id of a user")?.to_owned();
        self.config.auth.sasl.super_users.push(user);
        Ok(())
    }

    fn add_user(&mut self, property: &Property) -> Result<(), ConfigError> {
        let user = property.key.strip_prefix(USER_PREFIX).unwrap_or_default();
        if user.is_empty() || property.value.is_empty() {
            // The value is a password.
            let problem = "a user without a name or a password".to_owned();
            return Err(self.bad(property.line, problem, "sasl.user.NAME=PASSWORD"));
        }
        let login = &mut self.config.auth.sasl.login;
        if let Login::DigestMd5(users) =
            login.get_or_insert_with(|| Login::DigestMd5(Users::default()))
        {
            users.insert(user, &property.value);
        }
        Ok(())
    }

    fn set_provider(&mut self, property: &Property) {
        if property.value == SASL_PROVIDER {
            self.config.auth.sasl.scheme_enabled = true;
        } else if property.value != X509_PROVIDER {
            let message = format!(
                "{} has no effect on this server: it has its own schemes",
                shown(&property.value)
            );
            self.warn(property.line, message);
        }
    }

    /// Rules that make short names of principals. `DEFAULT` is what is done anyway.
    fn set_local_names(&mut self, property: &Property) -> Result<(), ConfigError> {
        let value = property.value.trim();
        if value != "DEFAULT" {
            let rules = LocalNames::parse(value).map_err(|error| {
                let problem = format!("{}: {error}", shown(&property.key));
                self.bad(
                    property.line,
                    problem,
                    "rules such as RULE:[1:$1@$0](.*@R)s/@.*// DEFAULT",
                )
            })?;
            self.config.auth.sasl.principals.local_names = Some(rules);
        }
        Ok(())
    }

    /// Keeps MD5 out where it is asked for. Whoever writes a login for it and says nothing has it.
    fn set_fips_mode(&mut self, property: &Property) -> Result<(), ConfigError> {
        if self.boolean(property)? {
            self.config.auth.sasl.digest_md5_forbidden = true;
            let message = "`fips-mode` forbids logins by DIGEST-MD5 and does no more on this server: \
                           its TLS is no module that was validated";
            self.warn(property.line, message.to_owned());
        }
        Ok(())
    }

    /// ACLs hold hashes: with another algorithm those that are there would match nobody.
    fn set_digest_algorithm(&self, property: &Property) -> Result<(), ConfigError> {
        match property.value.to_ascii_uppercase().as_str() {
            "SHA1" | "SHA-1" | "SHA" => Ok(()),
            _ => Err(self.bad_value(property, "SHA1, the only one that this server has")),
        }
    }

    /// What needs all keys to be read.
    pub(super) fn finish_authentication(&mut self) -> Result<(), ConfigError> {
        let line = |key: &str| self.seen.get(key).copied().unwrap_or(1);
        let sasl = &self.config.auth.sasl;
        if sasl.login.is_some() && sasl.login_file.is_some() {
            let line = line("java.security.auth.login.config");
            let problem = "there are users here and a login file besides".to_owned();
            return Err(self.bad(line, problem, "one of the two"));
        }
        if sasl.login.is_some() && sasl.digest_md5_forbidden {
            let problem = "fips-mode is true, and there are users of DIGEST-MD5".to_owned();
            return Err(self.bad(
                line("fips-mode"),
                problem,
                "one of the two, or a Kerberos login",
            ));
        }
        let required = match (&self.enforcement, self.enforcement.sasl) {
            (_, true) => vec![SCHEME.to_owned()],
            (enforcement, false) if enforcement.enabled => enforcement.schemes.clone(),
            _ => return Ok(()),
        };
        if required.is_empty() {
            let problem = "enforce.auth.enabled is true, and no scheme is named".to_owned();
            let expected = "enforce.auth.schemes=sasl, or others in a list with commas";
            return Err(self.bad(line("enforce.auth.enabled"), problem, expected));
        }
        let has_login = sasl.login.is_some() || sasl.login_file.is_some();
        if required == [SCHEME] && !has_login {
            let key = if self.enforcement.sasl {
                "sessionRequireClientSASLAuth"
            } else {
                "enforce.auth.schemes"
            };
            let problem = "clients must authenticate by SASL, and nobody could".to_owned();
            let expected = "java.security.auth.login.config, or users as sasl.user.NAME=PASSWORD";
            return Err(self.bad(line(key), problem, expected));
        }
        self.config.auth.required_schemes = required;
        Ok(())
    }
}

/// What the keys say about who must authenticate.
#[derive(Default)]
pub(super) struct Enforcement {
    sasl: bool,
    enabled: bool,
    schemes: Vec<String>,
}
