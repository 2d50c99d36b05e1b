//! What a SASL mechanism is to the client.

/// A SASL mechanism with all that it needs to know, such as a user and a password.
pub trait Mechanism: Send + Sync + 'static {
    /// The name it is registered under, such as `DIGEST-MD5`.
    fn name(&self) -> &'static str;

    /// Begins an exchange with a server. Called for each connection anew.
    ///
    /// `host` is the server's name or address as the connect string has it. `nonce` is random; an
    /// exchange that needs randomness takes it from there.
    fn start(&self, host: &str, nonce: u128) -> Box<dyn Exchange>;
}

/// The client's side of one exchange.
pub trait Exchange: Send {
    /// The next step. `challenge` is what the server has said; `None` at first: the client begins.
    ///
    /// It may block: it is called where that harms nobody. It has as long as an attempt to connect
    /// may take; what it says later is ignored.
    ///
    /// # Errors
    ///
    /// When there is no next step. The text goes into an error and into logs: no secret belongs
    /// into it.
    fn step(&mut self, challenge: Option<&[u8]>) -> Result<Step, SaslError>;
}

/// What the client does next in an exchange.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Send this token and come back with the answer of the server.
    Send(Vec<u8>),
    /// Send this token. If the server is content with it, so is the client.
    SendLast(Vec<u8>),
    /// The client is content and has nothing more to say.
    Done,
}

/// Tokens may be worth guessing passwords from.
impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Send(_) => "Send(..)",
            Self::SendLast(_) => "SendLast(..)",
            Self::Done => "Done",
        })
    }
}

/// Why an exchange cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SaslError {
    /// It would end the same way with every server: there is no such user or ticket, or the server
    /// has not proved that it is the right one. The end of the client, as
    /// [`AuthFailed`](crate::Error::AuthFailed).
    #[error("{0}")]
    Refused(String),
    /// Something is out of reach for now, such as a KDC. The client tries the next server.
    #[error("{0}")]
    Unavailable(String),
}
