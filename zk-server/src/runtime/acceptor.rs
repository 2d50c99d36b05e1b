//! The SASL mechanism that is the system's: Kerberos, by way of GSSAPI (RFC 4752).
//!
//! Each connection has an [`Acceptor`] of its own. It works on a thread for what blocks: the
//! library reads the keytab and writes its cache of what it has seen.

use bytes::Bytes;

use super::StartError;
use crate::auth::sasl::{KerberosLogin, MechanismAnswer};

/// Where the library looks for the service's keys.
#[cfg(feature = "sasl-gssapi")]
const KEYTAB_VARIABLE: &str = "KRB5_KTNAME";

/// The server's side of one exchange.
#[cfg(feature = "sasl-gssapi")]
#[derive(Default)]
pub(super) struct Acceptor {
    exchange: Option<gssapi::Exchange>,
}

#[cfg(feature = "sasl-gssapi")]
impl Acceptor {
    /// Looks into a client's token.
    pub(super) async fn answer(&mut self, login: &KerberosLogin, token: Bytes) -> MechanismAnswer {
        let (exchange, login) = (self.exchange.take(), login.clone());
        let work = move || {
            let mut exchange = match exchange {
                Some(exchange) => exchange,
                None => gssapi::Exchange::new(&login)?,
            };
            let answer = exchange.step(&token)?;
            Ok::<_, libgssapi::error::Error>((exchange, answer))
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok((exchange, answer))) => {
                self.exchange = Some(exchange);
                answer
            }
            Ok(Err(error)) => MechanismAnswer::Failed(error.to_string()),
            Err(error) => MechanismAnswer::Failed(error.to_string()),
        }
    }
}

/// Whether the library would find the service's keys.
#[cfg(feature = "sasl-gssapi")]
pub(super) fn check(login: &KerberosLogin) -> Result<(), StartError> {
    use libgssapi::credential::{Cred, CredUsage};

    let unusable = |reason: String| StartError::Kerberos { reason };
    if let Some(keytab) = &login.keytab {
        let wanted = keytab.display().to_string();
        let set = std::env::var(KEYTAB_VARIABLE).unwrap_or_default();
        if set.strip_prefix("FILE:").unwrap_or(&set) != wanted {
            return Err(unusable(format!(
                "the login names the keytab {wanted:?}, but the library looks where \
                 {KEYTAB_VARIABLE} says: set {KEYTAB_VARIABLE} to it when the server is started"
            )));
        }
    }
    let name = gssapi::name(login).map_err(|error| unusable(error.to_string()))?;
    let mechanisms = gssapi::mechanisms().map_err(|error| unusable(error.to_string()))?;
    let cred = Cred::acquire(name.as_ref(), None, CredUsage::Accept, Some(&mechanisms));
    cred.map(drop).map_err(|error| {
        unusable(format!(
            "the keys of {} cannot be used: {error}. Check the keytab and who may read it",
            login.principal.as_deref().unwrap_or("the service"),
        ))
    })
}

/// A server that knows no Kerberos refuses to start with a login that needs it.
#[cfg(not(feature = "sasl-gssapi"))]
pub(super) fn check(_: &KerberosLogin) -> Result<(), StartError> {
    let reason = "this server was built without Kerberos: build it with the feature sasl-gssapi, \
                  or use a login with DigestLoginModule";
    Err(StartError::Kerberos { reason: reason.to_owned() })
}

#[cfg(not(feature = "sasl-gssapi"))]
#[derive(Default)]
pub(super) struct Acceptor {}

#[cfg(not(feature = "sasl-gssapi"))]
impl Acceptor {
    /// Nobody gets here: see [`check`].
    pub(super) async fn answer(&mut self, _: &KerberosLogin, _: Bytes) -> MechanismAnswer {
        MechanismAnswer::Failed("this server was built without Kerberos".to_owned())
    }
}

#[cfg(feature = "sasl-gssapi")]
mod gssapi {
    use libgssapi::context::{SecurityContext, ServerCtx};
    use libgssapi::credential::{Cred, CredUsage};
    use libgssapi::error::Error;
    use libgssapi::name::Name;
    use libgssapi::oid::{GSS_MECH_KRB5, GSS_NT_KRB5_PRINCIPAL, OidSet};

    use super::{Bytes, KerberosLogin, MechanismAnswer};

    /// What the server offers once the client is known: no security layer, and so no buffer.
    const NO_LAYER: [u8; 4] = [1, 0, 0, 0];

    /// The principal that the server is, if it is a certain one.
    pub(super) fn name(login: &KerberosLogin) -> Result<Option<Name>, Error> {
        let principal = login.principal.as_deref();
        principal.map(|name| Name::new(name.as_bytes(), Some(GSS_NT_KRB5_PRINCIPAL))).transpose()
    }

    pub(super) fn mechanisms() -> Result<OidSet, Error> {
        let mut mechanisms = OidSet::new();
        mechanisms.add(GSS_MECH_KRB5)?;
        Ok(mechanisms)
    }

    /// One exchange.
    pub(super) struct Exchange {
        context: ServerCtx,
        stage: Stage,
    }

    #[derive(Clone, Copy)]
    enum Stage {
        /// The client is not known yet.
        Context,
        /// It is, and will say that it has understood.
        Established,
        /// It has been told that there is no security layer, and has to agree.
        Offered,
    }

    impl Exchange {
        pub(super) fn new(login: &KerberosLogin) -> Result<Self, Error> {
            let (name, mechanisms) = (name(login)?, mechanisms()?);
            let cred = Cred::acquire(name.as_ref(), None, CredUsage::Accept, Some(&mechanisms))?;
            Ok(Self { context: ServerCtx::new(Some(cred)), stage: Stage::Context })
        }

        pub(super) fn step(&mut self, token: &[u8]) -> Result<MechanismAnswer, Error> {
            match self.stage {
                Stage::Context => {
                    let answer = self.context.step(token, None)?;
                    let answer = answer.filter(|answer| !answer.is_empty());
                    if self.context.is_complete() {
                        self.stage = Stage::Established;
                    }
                    match answer {
                        Some(answer) => Ok(challenge(&answer)),
                        None => self.offer(),
                    }
                }
                Stage::Established => self.offer(),
                Stage::Offered => self.conclude(token),
            }
        }

        fn offer(&mut self) -> Result<MechanismAnswer, Error> {
            self.stage = Stage::Offered;
            Ok(challenge(&self.context.wrap(false, &NO_LAYER)?))
        }

        /// Whom the client wants to act for, which may follow the layer, makes no difference.
        fn conclude(&mut self, token: &[u8]) -> Result<MechanismAnswer, Error> {
            let choice = self.context.unwrap(token)?;
            if choice.len() < NO_LAYER.len() || choice[0] != NO_LAYER[0] {
                let reason = "the client wants a security layer, which ZooKeeper has not got";
                return Ok(MechanismAnswer::Failed(reason.to_owned()));
            }
            let principal = self.context.source_name()?.display_name()?;
            let principal = String::from_utf8_lossy(&principal).into_owned();
            Ok(MechanismAnswer::Done { token: None, principal })
        }
    }

    fn challenge(token: &[u8]) -> MechanismAnswer {
        MechanismAnswer::Challenge(Bytes::copy_from_slice(token))
    }
}
