//! DIGEST-MD5 (RFC 2831), the client's side.

use std::fmt;

use zk_proto::digest_md5::{
    Directives, HOST, NONCE_COUNT, Proof, QOP, SERVICE, TOKEN_LEN_MAX, quoted,
};

use super::{Exchange, Mechanism, Sasl, SaslError, Step};

/// The mechanism DIGEST-MD5: user and password, where the password itself does not travel, and
/// where the server has to prove that it knows it as well. Needs the feature `sasl-digest-md5`.
///
/// [`Sasl::digest_md5`] does for every Apache server; here is what can be chosen otherwise.
#[derive(Clone)]
#[must_use = "it is for `ClientBuilder::sasl`"]
pub struct DigestMd5 {
    user: String,
    password: String,
    service: String,
    host: String,
    realm: Option<String>,
}

impl DigestMd5 {
    /// This user, to any server of ZooKeeper.
    pub fn new(user: &str, password: &str) -> Self {
        Self {
            user: user.to_owned(),
            password: password.to_owned(),
            service: SERVICE.to_owned(),
            host: HOST.to_owned(),
            realm: None,
        }
    }

    /// The name of the service; `zookeeper` unless set, to which all servers are wired.
    pub fn service(mut self, service: &str) -> Self {
        self.service = service.to_owned();
        self
    }

    /// The name that servers go by, whatever they are called; `zk-sasl-md5` unless set, to which
    /// all servers are wired.
    pub fn host(mut self, host: &str) -> Self {
        self.host = host.to_owned();
        self
    }

    /// The realm of the password. Unless it is set, it is the one that the server says it has.
    pub fn realm(mut self, realm: &str) -> Self {
        self.realm = Some(realm.to_owned());
        self
    }
}

/// Never shows the password.
impl fmt::Debug for DigestMd5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigestMd5")
            .field("user", &self.user)
            .field("service", &self.service)
            .field("host", &self.host)
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}

impl From<DigestMd5> for Sasl {
    fn from(mechanism: DigestMd5) -> Self {
        Self::new(mechanism)
    }
}

impl Sasl {
    /// DIGEST-MD5, as this user. Needs the feature `sasl-digest-md5`.
    #[must_use]
    pub fn digest_md5(user: &str, password: &str) -> Self {
        DigestMd5::new(user, password).into()
    }
}

impl Mechanism for DigestMd5 {
    fn name(&self) -> &'static str {
        "DIGEST-MD5"
    }

    fn start(&self, _: &str, nonce: u128) -> Box<dyn Exchange> {
        let config = self.clone();
        Box::new(DigestExchange { config, cnonce: format!("{nonce:032x}"), stage: Stage::Start })
    }
}

struct DigestExchange {
    config: DigestMd5,
    cnonce: String,
    stage: Stage,
}

enum Stage {
    Start,
    Challenged,
    /// What the server has to answer.
    Responded {
        rspauth: String,
    },
}

impl Exchange for DigestExchange {
    fn step(&mut self, challenge: Option<&[u8]>) -> Result<Step, SaslError> {
        let challenge = challenge.unwrap_or_default();
        match &self.stage {
            Stage::Start => {
                self.stage = Stage::Challenged;
                Ok(Step::Send(Vec::new()))
            }
            Stage::Challenged => self.respond(challenge),
            Stage::Responded { rspauth } => verify(challenge, rspauth),
        }
    }
}

impl DigestExchange {
    fn respond(&mut self, challenge: &[u8]) -> Result<Step, SaslError> {
        let challenge = read(challenge)?;
        let nonce = challenge.get("nonce").filter(|nonce| !nonce.is_empty());
        let nonce = nonce.ok_or_else(|| refused("the server's challenge has no nonce"))?;
        // Anything else would protect less, or is none that ZooKeeper has.
        if challenge.get("algorithm") != Some(b"md5-sess") {
            return Err(refused("the server does not hash by md5-sess"));
        }
        let offered = challenge.text("qop").unwrap_or_else(|| QOP.to_owned());
        if !offered.split(',').any(|offer| offer.trim() == QOP) {
            return Err(refused("the server does not offer the quality of protection `auth`"));
        }
        let offered = challenge.text("realm").unwrap_or_default();
        let realm = self.config.realm.as_deref().unwrap_or(&offered);
        let digest_uri = format!("{}/{}", self.config.service, self.config.host);
        let proof = Proof {
            user: &self.config.user,
            realm,
            password: &self.config.password,
            nonce,
            cnonce: self.cnonce.as_bytes(),
            digest_uri: digest_uri.as_bytes(),
            authzid: None,
        };
        let token = self.token(&proof, challenge.is_utf8())?;
        self.stage = Stage::Responded { rspauth: proof.rspauth() };
        Ok(Step::Send(token))
    }

    /// In the order in which Java's client writes it.
    fn token(&self, proof: &Proof<'_>, utf8: bool) -> Result<Vec<u8>, SaslError> {
        let mut token = Vec::new();
        if utf8 {
            token.extend_from_slice(b"charset=utf-8,");
        }
        for (name, text) in [("username", proof.user), ("realm", proof.realm)] {
            token.extend_from_slice(format!("{name}=").as_bytes());
            token.extend_from_slice(&written(&quoted(text), utf8)?);
            token.push(b',');
        }
        token.extend_from_slice(b"nonce=\"");
        for byte in proof.nonce {
            if matches!(byte, b'"' | b'\\') {
                token.push(b'\\');
            }
            token.push(*byte);
        }
        let rest = format!(
            "\",nc={NONCE_COUNT},cnonce=\"{}\",digest-uri={},maxbuf=65536,response={},qop={QOP}",
            self.cnonce,
            quoted(&String::from_utf8_lossy(proof.digest_uri)),
            proof.response(),
        );
        token.extend_from_slice(&written(&rest, utf8)?);
        if token.len() > TOKEN_LEN_MAX {
            return Err(refused("the user's name is longer than a token may be"));
        }
        Ok(token)
    }
}

/// Text as the token has it.
fn written(text: &str, utf8: bool) -> Result<Vec<u8>, SaslError> {
    if utf8 {
        return Ok(text.as_bytes().to_vec());
    }
    let latin1 = text.chars().map(|c| u8::try_from(u32::from(c))).collect::<Result<_, _>>();
    latin1.map_err(|_| {
        refused("the server takes ISO 8859-1 only, which the user's name or realm does not fit in")
    })
}

fn verify(answer: &[u8], rspauth: &str) -> Result<Step, SaslError> {
    match read(answer)?.get("rspauth") {
        Some(proof) if proof == rspauth.as_bytes() => Ok(Step::Done),
        Some(_) => Err(refused("the server does not know the password: it is not the right one")),
        None => Err(refused(
            "the server has not proved that it knows the password: it refuses the client without \
             saying so (allowSaslFailedClients), or is not the right one",
        )),
    }
}

fn read(token: &[u8]) -> Result<Directives, SaslError> {
    Directives::parse(token).map_err(|error| SaslError::Refused(error.to_string()))
}

fn refused(reason: &str) -> SaslError {
    SaslError::Refused(reason.to_owned())
}

#[cfg(test)]
#[path = "digest_md5_tests.rs"]
mod tests;
