//! Following what a node is.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use zk_proto::{Stat, Zxid};

use super::OneshotWatch;
use crate::client::Client;
use crate::driver::Pace;
use crate::error::{Error, Result};
use crate::ops::Pending;

/// What a node is now, and again each time that changes: `Some` of its data and metadata, `None`
/// while it does not exist. Made by [`Client::observe`].
///
/// The first item is the state at the start. States that a slow consumer did not get to see are
/// skipped, the latest never is: after the last change the stream comes to rest on it. That holds
/// across reconnections, new sessions, servers that refuse for a while to answer (it asks again at
/// growing intervals of up to 10 s), and the node's deletion and re-creation (which is told from
/// an update by [`Stat::czxid`]).
///
/// It costs one read with a one-shot watch for each item, and works on all servers. An error that
/// lasts, such as [`Error::NoAuth`], is the last item; closing the client ends the stream.
///
/// ```no_run
/// # use zk_client::{Client, Error};
/// use futures_util::TryStreamExt;
///
/// # async fn example(client: &Client) -> Result<(), Error> {
/// let mut nodes = client.observe("/config");
/// while let Some(node) = nodes.try_next().await? {
///     match node {
///         Some((data, stat)) => println!("version {}: {data:?}", stat.version),
///         None => println!("not configured"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a stream does nothing unless it is read"]
pub struct Observe {
    client: Client,
    path: String,
    step: Step,
    /// What was shown last: the creation and the last change of the node, or that there is none.
    shown: Option<Option<(Zxid, Zxid)>>,
    pace: Pace,
}

/// What the stream is waiting for.
enum Step {
    Start,
    Reading(Pending<(Bytes, Stat, OneshotWatch)>),
    /// There was no node to read: waiting for the answer that sets a watch for its creation.
    Asking(Pending<(Option<Stat>, OneshotWatch)>),
    Watching(OneshotWatch),
    Ended,
}

impl Observe {
    pub(crate) fn new(client: Client, path: &str) -> Self {
        Self {
            client,
            path: path.to_owned(),
            step: Step::Start,
            shown: None,
            pace: Pace::default(),
        }
    }

    /// Takes note of a state; whether it differs from the one shown last.
    fn is_news(&mut self, node: Option<&Stat>) -> bool {
        let state = node.map(|stat| (stat.czxid, stat.mzxid));
        self.shown.replace(state) != Some(state)
    }

    /// What was read, if it is new; the watch that came with it is waited for next.
    fn read(&mut self, result: Result<(Bytes, Stat, OneshotWatch)>) -> Result<Option<Item>> {
        match result {
            Ok((data, stat, watch)) => {
                self.pace.worked();
                self.step = Step::Watching(watch);
                Ok(self.is_news(Some(&stat)).then_some(Some((data, stat))))
            }
            Err(Error::NoNode { .. }) => {
                self.step = Step::Asking(self.client.exists(&self.path).watch().send());
                Ok(None)
            }
            Err(error) => self.failed(error),
        }
    }

    /// Whether the node is there after all: then it is read.
    fn asked(&mut self, result: Result<(Option<Stat>, OneshotWatch)>) -> Result<Option<Item>> {
        match result {
            Ok((None, watch)) => {
                self.pace.worked();
                self.step = Step::Watching(watch);
                Ok(self.is_news(None).then_some(None))
            }
            Ok((Some(_), _)) => {
                self.step = Step::Start;
                Ok(None)
            }
            Err(error) => self.failed(error),
        }
    }

    /// Reads again what may be read in a later session, or gives up.
    fn failed(&mut self, error: Error) -> Result<Option<Item>> {
        if error.is_retryable() && !self.client.shared().has_ended() {
            // A request waits for a new session by itself; a server that refuses it has reasons.
            if error != Error::SessionExpired {
                self.pace.failed(self.client.shared());
            }
            self.step = Step::Start;
            return Ok(None);
        }
        self.step = Step::Ended;
        Err(error)
    }
}

type Item = Option<(Bytes, Stat)>;

impl Stream for Observe {
    type Item = Result<Option<(Bytes, Stat)>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            let news = match &mut this.step {
                Step::Start => {
                    ready!(this.pace.poll(cx));
                    this.step = Step::Reading(this.client.get(&this.path).watch().send());
                    continue;
                }
                Step::Reading(reading) => {
                    let result = ready!(Pin::new(reading).poll(cx));
                    this.read(result)
                }
                Step::Asking(asking) => {
                    let result = ready!(Pin::new(asking).poll(cx));
                    this.asked(result)
                }
                Step::Watching(watch) => match ready!(Pin::new(watch).poll(cx)) {
                    Ok(_) => {
                        this.step = Step::Start;
                        continue;
                    }
                    Err(error) => this.failed(error),
                },
                Step::Ended => return Poll::Ready(None),
            };
            match news {
                Ok(Some(node)) => return Poll::Ready(Some(Ok(node))),
                Ok(None) => {}
                Err(Error::Closed) => return Poll::Ready(None),
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }
}

impl fmt::Debug for Observe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observe").field("path", &self.path).finish_non_exhaustive()
    }
}
