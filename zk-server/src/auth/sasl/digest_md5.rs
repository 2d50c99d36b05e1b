//! DIGEST-MD5 (RFC 2831), the server's side.

use zk_proto::digest_md5::{Directives, HOST, NONCE_COUNT, Proof, QOP, SERVICE};

use super::{SaslFailure, Users};

/// What the client has to answer; as Java's server writes it.
pub(super) fn challenge(nonce: &str) -> Vec<u8> {
    format!("realm=\"{HOST}\",nonce=\"{nonce}\",charset=utf-8,algorithm=md5-sess").into_bytes()
}

/// A user that has shown to know its password, and what shows the same of the server.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) user: String,
    pub(super) answer: Vec<u8>,
}

/// Looks into what the client has answered. The rules are those of Java's server.
pub(super) fn verify(token: &[u8], nonce: &str, users: &Users) -> Result<Verified, SaslFailure> {
    let response = Directives::parse(token)?;
    let text = |name| response.text(name).ok_or(SaslFailure::Missing(name));
    let raw = |name| response.get(name).ok_or(SaslFailure::Missing(name));
    let expect = |name, holds: bool| if holds { Ok(()) } else { Err(SaslFailure::Mismatch(name)) };

    expect("charset", response.get("charset").is_none() || response.is_utf8())?;
    let user = text("username")?;
    expect("username", !user.is_empty())?;
    expect("realm", text("realm")? == HOST)?;
    expect("nonce", raw("nonce")? == nonce.as_bytes())?;
    expect("nc", raw("nc")? == NONCE_COUNT.as_bytes())?;
    expect("qop", response.get("qop").unwrap_or(QOP.as_bytes()) == QOP.as_bytes())?;
    let digest_uri = raw("digest-uri")?;
    let uri = format!("{SERVICE}/{HOST}");
    expect("digest-uri", digest_uri.eq_ignore_ascii_case(uri.as_bytes()))?;
    let cnonce = raw("cnonce")?;
    expect("cnonce", !cnonce.is_empty())?;

    // Whom the client wants to act for goes into the proof and makes no difference otherwise: it is
    // who it has shown to be.
    let authzid = response.get("authzid");
    let password = users.password(&user);
    let proof = Proof {
        user: &user,
        realm: HOST,
        password: password.unwrap_or_default(),
        nonce: nonce.as_bytes(),
        cnonce,
        digest_uri,
        authzid,
    };
    let proved = is_same(proof.response().as_bytes(), raw("response")?);
    let answer = format!("rspauth={}", proof.rspauth()).into_bytes();
    // A user that is not known must cost as much time as a wrong password.
    if password.is_none() {
        return Err(SaslFailure::UnknownUser(user));
    }
    if !proved {
        return Err(SaslFailure::WrongPassword(user));
    }
    Ok(Verified { user, answer })
}

/// Takes as long for any two texts of one length.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).fold(0, |found, (a, b)| found | (a ^ b));
    one.len() == other.len() && differences == 0
}

#[cfg(test)]
#[path = "digest_md5_tests.rs"]
mod tests;
