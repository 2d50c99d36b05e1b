//! Who is known by SASL, and what follows from having authenticated by it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use super::PrincipalRules;

/// How the server does SASL. By default it does not.
#[derive(Clone)]
#[non_exhaustive]
pub struct SaslConfig {
    /// Who is known, and by which mechanism. `None`: what [`login_file`](Self::login_file) says, or
    /// nobody.
    pub login: Option<Login>,
    /// A file of JAAS login sections, as Apache's servers have it (`java.security.auth.login.config`).
    /// It is read at start, unless there is a [`login`](Self::login).
    pub login_file: Option<PathBuf>,
    /// The section of it that is the server's (`sasl.serverconfig`, `Server`).
    pub login_section: String,
    /// Whether ACLs may name the scheme although there is no login
    /// (`authProvider.N=…SASLAuthenticationProvider`). With a login they may.
    pub scheme_enabled: bool,
    /// The ids that pass every check (`superUser`, `superUser.*`).
    pub super_users: Vec<String>,
    /// The password of the user `super`, instead of the one in the login
    /// (`SASLAuthenticationProvider.superPassword`).
    pub super_password: Option<String>,
    /// The id that in an ACL means everybody who has authenticated (`letAnySaslUserDoX`).
    pub any_user: Option<String>,
    /// Whether who fails to authenticate may stay, as nobody (`allowSaslFailedClients`).
    pub failed_clients_stay: bool,
    /// How principals of Kerberos become ids.
    pub principals: PrincipalRules,
    /// Whether a login by DIGEST-MD5 keeps the server from starting (`fips-mode=true`).
    pub digest_md5_forbidden: bool,
}

impl Default for SaslConfig {
    fn default() -> Self {
        Self {
            login: None,
            login_file: None,
            login_section: "Server".to_owned(),
            scheme_enabled: false,
            super_users: Vec::new(),
            super_password: None,
            any_user: None,
            failed_clients_stay: false,
            principals: PrincipalRules::default(),
            digest_md5_forbidden: false,
        }
    }
}

/// Shows no password.
impl fmt::Debug for SaslConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaslConfig")
            .field("login", &self.login)
            .field("login_file", &self.login_file)
            .field("login_section", &self.login_section)
            .field("super_users", &self.super_users)
            .field("super_password", &self.super_password.as_ref().map(|_| ".."))
            .field("any_user", &self.any_user)
            .field("failed_clients_stay", &self.failed_clients_stay)
            .field("principals", &self.principals)
            .finish_non_exhaustive()
    }
}

/// Who is known, and by which mechanism. A server has one: clients know which, and do not ask.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Login {
    /// DIGEST-MD5: these users.
    DigestMd5(Users),
    /// GSSAPI: whoever has a ticket of Kerberos for this server.
    Kerberos(KerberosLogin),
}

/// Users and their passwords.
#[derive(Clone, Default)]
pub struct Users(BTreeMap<String, String>);

impl Users {
    /// Adds a user, or gives it another password.
    pub fn insert(&mut self, user: impl Into<String>, password: impl Into<String>) {
        self.0.insert(user.into(), password.into());
    }

    /// The user's password.
    #[must_use]
    pub fn password(&self, user: &str) -> Option<&str> {
        self.0.get(user).map(String::as_str)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Shows the users' names only.
impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Which service of Kerberos the server is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KerberosLogin {
    /// The file with the service's keys. `None`: where the library looks by itself (`KRB5_KTNAME`,
    /// `/etc/krb5.keytab`).
    pub keytab: Option<PathBuf>,
    /// The principal, as `zookeeper/zk1.example.com@EXAMPLE.COM`. `None`: whichever the client has
    /// asked for and the keytab has.
    pub principal: Option<String>,
}
