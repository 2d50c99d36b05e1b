//! Looping over what async code has as streams.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use futures_core::Stream;

use super::wait::{TimedOut, drive};

/// Waiting for the items of a stream by blocking the thread.
///
/// ```no_run
/// # use std::time::Duration;
/// use zk_client::blocking::{Client, WaitNext};
///
/// # fn example(client: &Client) -> Result<(), Box<dyn std::error::Error>> {
/// for node in client.observe("/config").iter() {
///     println!("the configuration is {:?}", node?);
/// }
///
/// let mut states = client.states();
/// match states.wait_next_timeout(Duration::from_secs(60))? {
///     Some(state) => println!("the session is {state}"),
///     None => println!("there will be no other state"),
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Panics
///
/// As [`Wait`](super::Wait).
pub trait WaitNext: Stream + Unpin {
    /// Waits for the next item; `None` at the end of the stream.
    fn wait_next(&mut self) -> Option<Self::Item> {
        self.iter().next()
    }

    /// Waits for the next item, but no longer than `timeout`; `Ok(None)` at the end of the stream.
    /// No item is lost when it takes longer.
    ///
    /// # Errors
    ///
    /// [`TimedOut`].
    fn wait_next_timeout(&mut self, timeout: Duration) -> Result<Option<Self::Item>, TimedOut> {
        next(self, Some(timeout))
    }

    /// An iterator that waits for each item, until the stream ends.
    fn iter(&mut self) -> Iter<'_, Self> {
        Iter { stream: self }
    }
}

impl<S: Stream + Unpin + ?Sized> WaitNext for S {}

/// The items of a stream, each waited for; made by [`WaitNext::iter`].
#[derive(Debug)]
#[must_use = "an iterator does nothing unless it is read"]
pub struct Iter<'a, S: ?Sized> {
    stream: &'a mut S,
}

impl<S: Stream + Unpin + ?Sized> Iterator for Iter<'_, S> {
    type Item = S::Item;

    fn next(&mut self) -> Option<S::Item> {
        next(self.stream, None).expect("a wait without a limit ends with the output")
    }
}

fn next<S: Stream + Unpin + ?Sized>(
    stream: &mut S,
    timeout: Option<Duration>,
) -> Result<Option<S::Item>, TimedOut> {
    drive(poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)), timeout)
}
