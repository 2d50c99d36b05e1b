//! Waiting at several queues at once.

use std::sync::Arc;

use futures_util::future::{BoxFuture, select_all};
use tokio::sync::Mutex;

use crate::error::Result;

/// An attempt to get something out of one queue.
pub(super) type Try<T> = BoxFuture<'static, Result<Option<T>>>;

/// The hands of one who waits at several queues: they reach into one at a time, so that nothing has
/// to be put back that was got from two, and into none any more once they have got something, or it
/// is not known whether they have.
#[derive(Clone, Debug, Default)]
pub(super) struct Hands {
    are_done: Arc<Mutex<bool>>,
}

impl Hands {
    /// Carries out `attempt`, alone; `None` also if something was got before, or went wrong.
    pub(super) async fn reach<T>(
        &self,
        attempt: impl Future<Output = Result<Option<T>>>,
    ) -> Result<Option<T>> {
        let mut are_done = self.are_done.lock().await;
        if *are_done {
            return Ok(None);
        }
        let got = attempt.await;
        *are_done = !matches!(got, Ok(None));
        got
    }

    /// What the first of `waits` gets. Where one ends without anything, that is told, but not before
    /// these hands are out of every queue: the other waits end with it, and nobody would hear that
    /// one of them has got something, or may have lost it.
    pub(super) async fn first_got<T>(&self, mut waits: Vec<Try<T>>) -> Result<Option<T>> {
        let mut word = None;
        while !waits.is_empty() {
            tokio::select! {
                biased;
                (got, _, others) = select_all(std::mem::take(&mut waits)) => {
                    if matches!(got, Ok(Some(_))) {
                        return got;
                    }
                    let is_grave = |word: &Result<Option<T>>| {
                        matches!(word, Err(error) if error.is_outcome_unknown())
                    };
                    if word.as_ref().is_none_or(|word| got.is_err() && !is_grave(word)) {
                        word = Some(got);
                    }
                    waits = others;
                }
                _out = self.are_done.lock(), if word.is_some() => break,
            }
        }
        word.unwrap_or(Ok(None))
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures_util::FutureExt;
    use tokio::sync::oneshot;
    use zk_client::Error as ClientError;

    use super::*;
    use crate::error::Error;

    fn lost() -> Error {
        Error::Client(ClientError::SessionExpired)
    }

    #[tokio::test]
    async fn nothing_is_told_while_the_hands_are_in_a_queue() {
        let hands = Hands::default();
        let (answer, asked) = oneshot::channel();
        let reaching = hands.clone();
        let waits: Vec<Try<u8>> = vec![
            Box::pin(async move {
                let attempt = async { asked.await.expect("it is answered") };
                reaching.reach(attempt).await
            }),
            Box::pin(ready(Ok(None))),
            Box::pin(pending()),
        ];
        let mut got = Box::pin(hands.first_got(waits));
        assert!(got.as_mut().now_or_never().is_none());
        answer.send(Ok(Some(7))).expect("somebody waits");
        assert_eq!(got.await.expect("it went well"), Some(7));
    }

    #[tokio::test]
    async fn an_error_is_heard_whoever_waits_for_the_hands() {
        let hands = Hands::default();
        let (answer, asked) = oneshot::channel();
        let (first, second) = (hands.clone(), hands.clone());
        let waits: Vec<Try<u8>> = vec![
            Box::pin(
                async move { first.reach(async { asked.await.expect("it is answered") }).await },
            ),
            Box::pin(ready(Ok(None))),
            Box::pin(async move { second.reach(ready(Ok(Some(1)))).await }),
        ];
        let mut got = Box::pin(hands.first_got(waits));
        assert!(got.as_mut().now_or_never().is_none());
        answer.send(Err(lost())).expect("somebody waits");
        assert!(got.await.is_err(), "and nothing is got after it");
    }

    #[tokio::test]
    async fn a_wait_that_ends_with_nothing_ends_the_others() {
        let waits: Vec<Try<u8>> = vec![Box::pin(pending()), Box::pin(ready(Ok(None)))];
        assert_eq!(Hands::default().first_got(waits).await.expect("it went well"), None);
        assert_eq!(Hands::default().first_got::<u8>(Vec::new()).await.expect("nobody"), None);
    }
}
