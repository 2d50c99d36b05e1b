//! PURE: SASL, and the scheme `sasl` of those that have authenticated by it.
//!
//! A client sends tokens (op code 102) as soon as its session is granted; [`SaslServer`] answers
//! them. DIGEST-MD5 is decided here. Kerberos needs the system's library, which may block: its
//! tokens go to the runtime and come back answered.
//!
//! An operator has the users in a JAAS login file, as on Apache's servers, which a line of `zoo.cfg`
//! names (`java.security.auth.login.config=/etc/zookeeper/jaas.conf`), or in `zoo.cfg` itself
//! (`sasl.user.bob=secret`). A login with `Krb5LoginModule` needs the feature `sasl-gssapi`, and its
//! keytab in `KRB5_KTNAME`; the program `zk-server` sees to that by itself.
//!
//! | file | what |
//! | --- | --- |
//! | `config` | who is known, and what follows from having authenticated |
//! | `exchange` | whose turn it is, on one connection |
//! | `digest_md5` | the mechanism DIGEST-MD5 |
//! | `principal` | names of Kerberos, and the identities that they become |
//! | `local_names` | rules that make short names of them |
//! | `scheme` | the scheme `sasl` in ACLs |

mod config;
mod digest_md5;
mod exchange;
mod local_names;
mod principal;
mod scheme;

pub use config::{KerberosLogin, Login, SaslConfig, Users};
pub use exchange::{Exchange, MechanismAnswer, SaslAnswer, SaslFailure, SaslServer, TOKEN_LEN_MAX};
pub use local_names::{LocalNames, LocalNamesError};
pub use principal::PrincipalRules;
pub use scheme::{SCHEME, Sasl};
