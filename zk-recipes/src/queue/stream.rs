//! Items one after the other.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::stream::{self, BoxStream};
use zk_client::Error as ClientError;

use super::core::Core;
use super::{Claim, ShardedQueue};
use crate::error::{Error, Result};

/// The items of a queue, taken one after the other. Made by [`Queue::items`](super::Queue::items).
#[must_use = "streams do nothing unless polled"]
pub struct Items(BoxStream<'static, Result<Bytes>>);

/// The items of a queue, claimed one after the other. Made by
/// [`Queue::claims`](super::Queue::claims).
#[must_use = "streams do nothing unless polled"]
pub struct Claims(BoxStream<'static, Result<Claim>>);

impl Items {
    pub(super) fn new(core: Core) -> Self {
        Self(Box::pin(stream::unfold(core, |core| async move {
            let taken = core.take().await;
            unless_closed(taken).map(|taken| (taken, core))
        })))
    }

    pub(super) fn of_shards(queue: ShardedQueue) -> Self {
        Self(Box::pin(stream::unfold(queue, |queue| async move {
            let taken = queue.take().await;
            unless_closed(taken).map(|taken| (taken, queue))
        })))
    }
}

impl Claims {
    pub(super) fn new(core: Core) -> Self {
        Self(Box::pin(stream::unfold(core, |core| async move {
            let claimed = core.claim().await;
            unless_closed(claimed).map(|claimed| (claimed, core))
        })))
    }

    pub(super) fn of_shards(queue: ShardedQueue) -> Self {
        Self(Box::pin(stream::unfold(queue, |queue| async move {
            let claimed = queue.claim().await;
            unless_closed(claimed).map(|claimed| (claimed, queue))
        })))
    }
}

fn unless_closed<T>(result: Result<T>) -> Option<Result<T>> {
    if let Err(Error::Client(ClientError::Closed)) = result { None } else { Some(result) }
}

impl Stream for Items {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl Stream for Claims {
    type Item = Result<Claim>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for Items {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Items")
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims")
    }
}
