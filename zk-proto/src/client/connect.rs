//! Setting up a session: the only records without a header in front.

use bytes::BytesMut;

use crate::codec::{Decode, DecodeError, Encode, Reader};
use crate::{Password, SessionId, Zxid};

/// The first frame of a client.
///
/// Nothing may follow it until the answer has come: a server that refuses closes at once, and
/// bytes still under way would turn that close into a reset that hides the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectRequest {
    /// Always 0; servers ignore it.
    pub protocol_version: i32,
    /// The highest zxid this client has seen. A server that is behind it closes without an answer.
    pub last_zxid_seen: Zxid,
    /// The session timeout the client would like, in ms.
    pub timeout_ms: i32,
    /// The session to resume; 0 for a new one.
    pub session_id: SessionId,
    /// The session's password; zeros for a new one.
    pub password: Password,
    /// Whether a read-only server will do. `None` leaves the byte away, as C clients before 3.5
    /// and Java clients before 3.4 do.
    pub read_only: Option<bool>,
}

impl Encode for ConnectRequest {
    fn encode(&self, out: &mut BytesMut) {
        self.protocol_version.encode(out);
        self.last_zxid_seen.encode(out);
        self.timeout_ms.encode(out);
        self.session_id.encode(out);
        self.password.encode(out);
        encode_trailing(self.read_only, out);
    }
}

impl<'a> Decode<'a> for ConnectRequest {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            protocol_version: Decode::decode(reader)?,
            last_zxid_seen: Decode::decode(reader)?,
            timeout_ms: Decode::decode(reader)?,
            session_id: Decode::decode(reader)?,
            password: decode_offered(reader)?,
            read_only: decode_trailing(reader)?,
        })
    }
}

/// The first frame of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectResponse {
    /// Always 0.
    pub protocol_version: i32,
    /// The session timeout agreed on, in ms. 0 or less: the session has expired, or the password
    /// was wrong; the two cannot be told apart.
    pub timeout_ms: i32,
    /// The session; 0 if refused.
    pub session_id: SessionId,
    /// What resumes it; zeros if refused.
    pub password: Password,
    /// Whether this server is read-only. `None` if the byte is missing: a server without read-only
    /// mode, or an answer to a request without the byte.
    pub read_only: Option<bool>,
}

impl ConnectResponse {
    /// The answer to a session that has expired or a password that is wrong.
    #[must_use]
    pub fn expired(read_only: Option<bool>) -> Self {
        Self {
            protocol_version: 0,
            timeout_ms: 0,
            session_id: SessionId::NONE,
            password: Password::NONE,
            read_only,
        }
    }
}

impl Encode for ConnectResponse {
    fn encode(&self, out: &mut BytesMut) {
        self.protocol_version.encode(out);
        self.timeout_ms.encode(out);
        self.session_id.encode(out);
        self.password.encode(out);
        encode_trailing(self.read_only, out);
    }
}

impl<'a> Decode<'a> for ConnectResponse {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            protocol_version: Decode::decode(reader)?,
            timeout_ms: Decode::decode(reader)?,
            session_id: Decode::decode(reader)?,
            password: Decode::decode(reader)?,
            read_only: decode_trailing(reader)?,
        })
    }
}

/// A password of another length than 16 is a wrong password, not a broken frame: it reads as
/// zeros, which resume no session.
fn decode_offered(reader: &mut Reader<'_>) -> Result<Password, DecodeError> {
    let offered = reader.buffer()?.unwrap_or_default();
    Ok(offered.try_into().map_or(Password::NONE, Password))
}

fn encode_trailing(read_only: Option<bool>, out: &mut BytesMut) {
    if let Some(read_only) = read_only {
        read_only.encode(out);
    }
}

fn decode_trailing(reader: &mut Reader<'_>) -> Result<Option<bool>, DecodeError> {
    if reader.is_empty() { Ok(None) } else { bool::decode(reader).map(Some) }
}
