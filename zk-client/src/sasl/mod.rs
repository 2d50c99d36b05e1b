//! Showing servers by SASL who the client is.
//!
//! Two mechanisms come with the crate, behind a feature each; [`Mechanism`] is for others.
//!
//! | mechanism | feature | what the client needs |
//! | --- | --- | --- |
//! | DIGEST-MD5: `Sasl::digest_md5`, `DigestMd5` | `sasl-digest-md5` | a user and a password |
//! | GSSAPI: `Sasl::gssapi`, `Gssapi` | `sasl-gssapi` | a ticket of Kerberos, or a keytab |
//!
#![cfg_attr(feature = "sasl-digest-md5", doc = "```no_run")]
#![cfg_attr(not(feature = "sasl-digest-md5"), doc = "```ignore")]
//! use zk_client::{Acl, Client, CreateMode, sasl::Sasl};
//!
//! # async fn example() -> Result<(), zk_client::Error> {
//! let client = Client::builder("zk1.example.com:2181,zk2.example.com:2181")
//!     .sasl(Sasl::digest_md5("bob", "secret"))
//!     .connect()
//!     .await?;
//! // Nobody but bob may see it:
//! client.create("/bobs", b"", CreateMode::Persistent).acl(Acl::creator_all()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What happens
//!
//! On each connection anew, the exchange comes right after the session is granted or resumed.
//! Nothing else goes out before it is over: no request, no watch, no ping. Only then is the client
//! connected, and it is known to ACLs as `sasl:` and its user, or its principal;
//! [`Client::who_am_i`](crate::Client::who_am_i) tells.
//!
//! The exchange shares the time of an attempt to connect. If a connection breaks meanwhile, or a KDC
//! does not answer, the client tries the next server. All else that goes wrong is final, as
//! [`Error::AuthFailed`](crate::Error::AuthFailed): the client is not what the servers know, and
//! would be refused again. A server that does no SASL, or that lets those stay whom it has refused
//! (`allowSaslFailedClients`), is refused by the client: nothing is done under no name.
//!
//! With both mechanisms the server has to prove who it is, too. Neither protects what follows: for
//! that there is `tls`, which goes with SASL.
//!
//! # DIGEST-MD5
//!
//! The servers have their users in a login file, which
//! `-Djava.security.auth.login.config=/etc/zookeeper/jaas.conf` in `SERVER_JVMFLAGS` names:
//!
//! ```text
//! Server {
//!     org.apache.zookeeper.server.auth.DigestLoginModule required
//!     user_bob="secret";
//! };
//! ```
//!
//! and in `zoo.cfg` a line that lets ACLs name them:
//!
//! ```text
//! authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider
//! ```
//!
//! Late servers of 3.9 (3.9.6 does, 3.9.3 does not) refuse DIGEST-MD5 unless they are started with
//! `-Dzookeeper.fips-mode=false`.
//! All servers go by the realm and host `zk-sasl-md5`, whatever they are called.
//!
//! MD5 is long broken for signatures; here it hides a password, and who has seen an exchange can try
//! passwords against it. Take long, random ones, or Kerberos.
//!
//! # Kerberos
//!
//! To build with it takes libkrb5 with its headers, and libclang: on Debian `libkrb5-dev`,
//! `libclang-dev` and `pkg-config`. The library finds its realm by `/etc/krb5.conf` (`KRB5_CONFIG`).
//!
//! 1. Each server is a principal of its own, `zookeeper/zk1.example.com@EXAMPLE.COM`, with its keys in
//!    a keytab, and this login:
//!
//!    ```text
//!    Server {
//!        com.sun.security.auth.module.Krb5LoginModule required
//!        useKeyTab=true storeKey=true useTicketCache=false
//!        keyTab="/etc/zookeeper/zookeeper.keytab"
//!        principal="zookeeper/zk1.example.com@EXAMPLE.COM";
//!    };
//!    ```
//! 2. The connect string has the very names of the principals, unless `Gssapi` is told otherwise. The
//!    client does not look names up backwards, as Java's does.
//! 3. The client has tickets, by `kinit`, or, as a service, a keytab of its own:
//!    `KRB5_CLIENT_KTNAME=/etc/app/app.keytab` in its environment, from which the library gets tickets
//!    and renews them by itself.
//!
//! | Java | here |
//! | --- | --- |
//! | `zookeeper.sasl.client.username` | `Gssapi::service` |
//! | `zookeeper.sasl.client.canonicalize.hostname` (true) | `Gssapi::canonicalize_host` (false) |
//! | `zookeeper.server.realm` | `Gssapi::realm` |
//! | `zookeeper.server.principal` | `Gssapi::server_principal` |
//! | `useKeyTab`, `keyTab` of the login | `KRB5_CLIENT_KTNAME` |
//! | `principal` of the login | `Gssapi::client_principal` |
//!
//! # When it does not work
//!
//! The error says which side gave up, and the log of a server more than it tells its clients.
//!
//! | the error says | look here |
//! | --- | --- |
//! | the server does not do SASL | the server has no login section: is the file named, and the section called `Server`? |
//! | the server refused the client | the password; the user; Kerberos on one side and DIGEST-MD5 on the other; `fips-mode` of a late server of 3.9; the keytab of the server is not of the principal that the client asked for |
//! | the server closed the connection | a server of 3.4 that has refused the client |
//! | the server does not know the password | it is another server, or its password is out of date |
//! | No credentials were supplied, no Kerberos credentials available | `kinit`, or `KRB5_CLIENT_KTNAME`; `klist` shows what there is |
//! | Ticket expired | `kinit` again; a keytab does so by itself |
//! | Server not found in Kerberos database | there is no such principal as the error names: the connect string has another name than the KDC |
//! | Cannot contact any KDC | `krb5.conf`, the network; the client goes on trying |
//! | Clock skew too great | the clocks of client, server and KDC; five minutes are allowed |
//! | requests fail with "the server requires authentication" | the server insists (`sessionRequireClientSASLAuth`), and the client has no SASL |
//!
//! `KRB5_TRACE=/dev/stderr` lets the library tell all that it does.

#[cfg(feature = "sasl-digest-md5")]
mod digest_md5;
#[cfg(feature = "sasl-gssapi")]
mod gssapi;
mod mechanism;

use std::fmt;
use std::sync::Arc;

#[cfg(feature = "sasl-digest-md5")]
pub use digest_md5::DigestMd5;
#[cfg(feature = "sasl-gssapi")]
pub use gssapi::Gssapi;
pub use mechanism::{Exchange, Mechanism, SaslError, Step};

/// By which mechanism a client authenticates, and as whom; for
/// [`ClientBuilder::sasl`](crate::ClientBuilder::sasl).
#[derive(Clone)]
pub struct Sasl(Arc<dyn Mechanism>);

impl Sasl {
    /// A mechanism of your own.
    #[must_use]
    pub fn new(mechanism: impl Mechanism) -> Self {
        Self(Arc::new(mechanism))
    }

    pub(crate) fn mechanism(&self) -> &dyn Mechanism {
        &*self.0
    }
}

/// Shows the mechanism's name, and no secret.
impl fmt::Debug for Sasl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sasl").field(&self.0.name()).finish()
    }
}
