//! GSSAPI with Kerberos (RFC 4752), the client's side, by the system's library.

use libgssapi::context::{ClientCtx, CtxFlags, SecurityContext};
use libgssapi::credential::{Cred, CredUsage};
use libgssapi::error::Error;
use libgssapi::name::Name;
use libgssapi::oid::{GSS_MECH_KRB5, GSS_NT_HOSTBASED_SERVICE, GSS_NT_KRB5_PRINCIPAL, OidSet};

use super::{Exchange, Mechanism, Sasl, SaslError, Step};

/// The client's choice among security layers: none, as is all that ZooKeeper has.
const NO_LAYER: [u8; 4] = [1, 0, 0, 0];

/// What the library says when no KDC answers (`KRB5_KDC_UNREACH`, `KRB5_REALM_CANT_RESOLVE`).
const OUT_OF_REACH: [i32; 2] = [-1_765_328_228, -1_765_328_230];

/// The mechanism GSSAPI: a ticket of Kerberos. Needs the feature `sasl-gssapi`.
///
/// The ticket comes from where the system's library finds it: the credentials cache that `kinit`
/// fills (`KRB5CCNAME`), or the keytab that `KRB5_CLIENT_KTNAME` names, from which the library gets
/// tickets, and new ones in time, by itself.
#[derive(Clone, Debug)]
#[must_use = "it is for `ClientBuilder::sasl`"]
pub struct Gssapi {
    client: Option<String>,
    service: String,
    host: Option<String>,
    realm: Option<String>,
    principal: Option<String>,
    canonicalizes: bool,
}

impl Default for Gssapi {
    fn default() -> Self {
        Self::new()
    }
}

impl Gssapi {
    /// Whoever the system has a ticket for, to the servers' principals `zookeeper/HOST`, with each
    /// host as the connect string has it, in the default realm.
    pub fn new() -> Self {
        Self {
            client: None,
            service: "zookeeper".to_owned(),
            host: None,
            realm: None,
            principal: None,
            canonicalizes: false,
        }
    }

    /// The principal of the client, where the system has tickets for several.
    pub fn client_principal(mut self, principal: &str) -> Self {
        self.client = Some(principal.to_owned());
        self
    }

    /// The first part of the servers' principals; `zookeeper` unless set. Java's
    /// `zookeeper.sasl.client.username`.
    pub fn service(mut self, service: &str) -> Self {
        self.service = service.to_owned();
        self
    }

    /// The second part of the servers' principals, whatever the servers are called in the connect
    /// string.
    pub fn host(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    /// The realm of the servers; the default realm of the system unless set. Java's
    /// `zookeeper.server.realm`.
    pub fn realm(mut self, realm: &str) -> Self {
        self.realm = Some(realm.to_owned());
        self
    }

    /// The whole principal of all servers. Java's `zookeeper.server.principal`.
    pub fn server_principal(mut self, principal: &str) -> Self {
        self.principal = Some(principal.to_owned());
        self
    }

    /// Whether the library looks for the full name of the host, by DNS forwards and backwards as
    /// `krb5.conf` says, and for its realm; no unless set. Whoever can forge answers of DNS can then
    /// send the client to another server of the realm. Java does so unless
    /// `zookeeper.sasl.client.canonicalize.hostname` is false.
    pub fn canonicalize_host(mut self, canonicalize: bool) -> Self {
        self.canonicalizes = canonicalize;
        self
    }

    /// The server's principal as text, and whether the library is to find the rest of it.
    fn target(&self, host: &str) -> (String, bool) {
        if let Some(principal) = &self.principal {
            return (principal.clone(), false);
        }
        let host = self.host.as_deref().unwrap_or(host);
        if self.canonicalizes {
            return (format!("{}@{host}", self.service), true);
        }
        let realm = self.realm.as_ref().map(|realm| format!("@{realm}")).unwrap_or_default();
        (format!("{}/{host}{realm}", self.service), false)
    }
}

impl From<Gssapi> for Sasl {
    fn from(mechanism: Gssapi) -> Self {
        Self::new(mechanism)
    }
}

impl Sasl {
    /// GSSAPI with Kerberos, as whoever the system has a ticket for. Needs the feature
    /// `sasl-gssapi`; [`Gssapi`] has the choices.
    #[must_use]
    pub fn gssapi() -> Self {
        Gssapi::new().into()
    }
}

impl Mechanism for Gssapi {
    fn name(&self) -> &'static str {
        "GSSAPI"
    }

    fn start(&self, host: &str, _: u128) -> Box<dyn Exchange> {
        let (target, canonicalizes) = self.target(host);
        let client = self.client.clone();
        Box::new(GssapiExchange { client, target, canonicalizes, stage: Stage::Start })
    }
}

struct GssapiExchange {
    client: Option<String>,
    target: String,
    canonicalizes: bool,
    stage: Stage,
}

enum Stage {
    Start,
    /// The two sides get to know each other.
    Context(ClientCtx),
    /// They do, and the server has to say which layers it has.
    Layers(ClientCtx),
    Over,
}

impl Exchange for GssapiExchange {
    fn step(&mut self, challenge: Option<&[u8]>) -> Result<Step, SaslError> {
        let challenge = challenge.unwrap_or_default();
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Start => {
                let context = self.context().map_err(|error| self.explain(error))?;
                self.establish(context, None)
            }
            Stage::Context(context) => self.establish(context, Some(challenge)),
            Stage::Layers(context) => self.choose_layer(context, challenge),
            Stage::Over => Err(SaslError::Refused("the server does not come to an end".to_owned())),
        }
    }
}

impl GssapiExchange {
    fn context(&self) -> Result<ClientCtx, Error> {
        let kind =
            if self.canonicalizes { GSS_NT_HOSTBASED_SERVICE } else { GSS_NT_KRB5_PRINCIPAL };
        let target = Name::new(self.target.as_bytes(), Some(kind))?;
        let client = self.client.as_deref();
        let client = client
            .map(|name| Name::new(name.as_bytes(), Some(GSS_NT_KRB5_PRINCIPAL)))
            .transpose()?;
        let mut mechanisms = OidSet::new();
        mechanisms.add(GSS_MECH_KRB5)?;
        let cred = Cred::acquire(client.as_ref(), None, CredUsage::Initiate, Some(&mechanisms))?;
        let flags = CtxFlags::GSS_C_MUTUAL_FLAG
            | CtxFlags::GSS_C_INTEG_FLAG
            | CtxFlags::GSS_C_SEQUENCE_FLAG;
        Ok(ClientCtx::new(Some(cred), target, flags, Some(GSS_MECH_KRB5)))
    }

    fn establish(
        &mut self,
        mut context: ClientCtx,
        challenge: Option<&[u8]>,
    ) -> Result<Step, SaslError> {
        let token = context.step(challenge, None).map_err(|error| self.explain(error))?;
        let token = token.map(|token| token.to_vec()).unwrap_or_default();
        self.stage =
            if context.is_complete() { Stage::Layers(context) } else { Stage::Context(context) };
        Ok(Step::Send(token))
    }

    fn choose_layer(&self, mut context: ClientCtx, offer: &[u8]) -> Result<Step, SaslError> {
        let flags = context.flags().map_err(|error| self.explain(error))?;
        if !flags.contains(CtxFlags::GSS_C_MUTUAL_FLAG) {
            let reason = format!("the server has not shown that it is {}", self.target);
            return Err(SaslError::Refused(reason));
        }
        let offer = context.unwrap(offer).map_err(|error| self.explain(error))?;
        if offer.len() != NO_LAYER.len() || offer[0] & NO_LAYER[0] == 0 {
            let reason = "the server insists on a security layer, which ZooKeeper has not got";
            return Err(SaslError::Refused(reason.to_owned()));
        }
        let choice = context.wrap(false, &NO_LAYER).map_err(|error| self.explain(error))?;
        Ok(Step::SendLast(choice.to_vec()))
    }

    /// In the library's words, which it has for the thread that got the error.
    fn explain(&self, error: Error) -> SaslError {
        let reason = format!("{error}; the server is to be {}", self.target);
        if OUT_OF_REACH.contains(&error.minor.cast_signed()) {
            SaslError::Unavailable(reason)
        } else {
            SaslError::Refused(reason)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_principal_is_made_from_what_is_set() {
        let target = |gssapi: Gssapi| gssapi.target("zk1.example.com");
        let principal = |text: &str| (text.to_owned(), false);
        assert_eq!(target(Gssapi::new()), principal("zookeeper/zk1.example.com"));
        let realm = Gssapi::new().service("zk").realm("EXAMPLE.COM");
        assert_eq!(target(realm), principal("zk/zk1.example.com@EXAMPLE.COM"));
        assert_eq!(target(Gssapi::new().host("zk")), principal("zookeeper/zk"));
        assert_eq!(target(Gssapi::new().server_principal("a/b@C")), principal("a/b@C"));
        let found = ("zookeeper@zk1.example.com".to_owned(), true);
        assert_eq!(target(Gssapi::new().canonicalize_host(true)), found);
    }
}
