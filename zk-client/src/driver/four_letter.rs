//! The commands that an operator sends bare to a client port.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zk_proto::four_letter::Word;

use crate::error::{Error, Result};

/// The longest answer that is taken, in bytes: some list every session or watch.
pub const FOUR_LETTER_REPLY_MAX: usize = 64 << 20;

/// How Apache's servers say that a command is switched off.
const NOT_WHITELISTED: &str = "is not executed because it is not in the whitelist.";

/// Asks one server a four-letter command, such as [`Word::Ruok`] or [`Word::Mntr`], and gives its
/// answer as it came. `server` is `host:port`. Connecting, asking and the answer together take at
/// most `within`. It is asked in clear text, without TLS.
///
/// Servers from 3.4.10 and 3.5.3 on answer only the commands in their `4lw.commands.whitelist`, by
/// default `srvr`.
///
/// ```no_run
/// # use std::time::Duration;
/// # use zk_client::{Error, FourLetterWord, four_letter};
/// # async fn example() -> Result<(), Error> {
/// let answer = four_letter("zk1:2181", FourLetterWord::Ruok, Duration::from_secs(2)).await?;
/// assert_eq!(answer, "imok");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// - [`Error::NoServerReachable`]: no answer in time, or the connection broke;
/// - [`Error::Unimplemented`]: the server has the command switched off, or does not know it;
/// - [`Error::ReplyTooLarge`]: the answer is longer than [`FOUR_LETTER_REPLY_MAX`].
///
/// # Panics
///
/// Outside of a tokio runtime with I/O and time enabled.
pub async fn four_letter(server: &str, word: Word, within: Duration) -> Result<String> {
    let unreachable = |why: String| Error::NoServerReachable {
        after: within,
        attempts: format!("{server}: {why}"),
    };
    let answer = match tokio::time::timeout(within, ask(server, word)).await {
        Err(_) => return Err(unreachable("no answer in time".to_owned())),
        Ok(Err(error)) => return Err(unreachable(error.to_string())),
        Ok(Ok(answer)) => answer,
    };
    if answer.len() > FOUR_LETTER_REPLY_MAX {
        let (op, path, limit) = (word.as_str(), String::new(), FOUR_LETTER_REPLY_MAX);
        return Err(Error::ReplyTooLarge { op, path, len: answer.len(), limit });
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    // A server that does not know a word takes it for the length of a frame, and hangs up.
    if answer.is_empty() || answer.trim_end().ends_with(NOT_WHITELISTED) {
        return Err(Error::Unimplemented { op: word.as_str() });
    }
    Ok(answer)
}

/// The answer, or as much of it as shows that it is too long.
async fn ask(server: &str, word: Word) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(word.as_str().as_bytes()).await?;
    let mut answer = Vec::new();
    let limit = FOUR_LETTER_REPLY_MAX as u64 + 1;
    stream.take(limit).read_to_end(&mut answer).await?;
    Ok(answer)
}
