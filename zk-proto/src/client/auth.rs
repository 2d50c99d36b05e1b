//! Proving an identity, and asking which ones were proved.

use std::fmt;

use bytes::{Bytes, BytesMut};

use crate::codec::{Decode, DecodeError, Encode, Reader, record};

/// Adds an identity to the connection. Its `Debug` hides the credential.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AuthPacket<'a> {
    /// Always 0.
    pub kind: i32,
    /// The scheme: `digest`, for instance.
    pub scheme: &'a str,
    /// The credential, as the scheme has it: `user:password` for digest.
    pub auth: &'a [u8],
}

impl fmt::Debug for AuthPacket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthPacket").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

impl Encode for AuthPacket<'_> {
    fn encode(&self, out: &mut BytesMut) {
        self.kind.encode(out);
        self.scheme.encode(out);
        self.auth.encode(out);
    }
}

impl<'a> Decode<'a> for AuthPacket<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            kind: Decode::decode(reader)?,
            scheme: Decode::decode(reader)?,
            auth: Decode::decode(reader)?,
        })
    }
}

/// A step of a SASL exchange, from the client. Its `Debug` hides the token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SaslRequest<'a> {
    /// The mechanism's token.
    pub token: Option<&'a [u8]>,
}

impl fmt::Debug for SaslRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaslRequest").finish_non_exhaustive()
    }
}

impl Encode for SaslRequest<'_> {
    fn encode(&self, out: &mut BytesMut) {
        self.token.encode(out);
    }
}

impl<'a> Decode<'a> for SaslRequest<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self { token: Decode::decode(reader)? })
    }
}

/// A step of a SASL exchange, from the server. Its `Debug` hides the token.
#[derive(Clone, PartialEq, Eq)]
pub struct SaslResponse {
    /// The mechanism's token; null at the end.
    pub token: Option<Bytes>,
}

impl fmt::Debug for SaslResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaslResponse").finish_non_exhaustive()
    }
}

impl Encode for SaslResponse {
    fn encode(&self, out: &mut BytesMut) {
        self.token.encode(out);
    }
}

impl<'a> Decode<'a> for SaslResponse {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self { token: Decode::decode(reader)? })
    }
}

record! {
    /// Answers `whoAmI`. Since 3.7.0.
    pub struct WhoAmIResponse {
        /// One entry per identity of the connection; `ip` is always among them.
        pub clients: Vec<ClientInfo>,
    }
}

record! {
    /// An identity, without its secret.
    pub struct ClientInfo {
        /// The scheme.
        pub scheme: String,
        /// The user, as the scheme shows it.
        pub user: String,
    }
}
