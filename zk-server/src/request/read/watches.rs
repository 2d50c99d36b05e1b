//! `addWatch`, `checkWatches`, `removeWatches`.

use bytes::BytesMut;
use zk_proto::codec::Encode;
use zk_proto::{
    AddWatchMode, AddWatchRequest, CheckWatchesRequest, ErrorCode, ErrorResponse,
    RemoveWatchesRequest, WatcherType,
};

use super::ReadContext;

impl ReadContext<'_> {
    /// The node may be missing and the ACL may forbid to read it: whether the connection may see an
    /// event is asked when there is one.
    pub(super) fn add_watch(
        &mut self,
        request: &AddWatchRequest<'_>,
        body: &mut BytesMut,
    ) -> Result<(), ErrorCode> {
        let mode = AddWatchMode::try_from(request.mode);
        let mode = mode.map_err(|_| ErrorCode::MarshallingError)?;
        self.watches.add(self.connection, request.path, mode.into());
        ErrorResponse { err: ErrorCode::Ok }.encode(body);
        Ok(())
    }

    pub(super) fn check_watches(
        &mut self,
        request: &CheckWatchesRequest<'_>,
    ) -> Result<(), ErrorCode> {
        let kind = watcher_type(request.kind)?;
        found(self.watches.has(self.connection, request.path, kind))
    }

    pub(super) fn remove_watches(
        &mut self,
        request: &RemoveWatchesRequest<'_>,
    ) -> Result<(), ErrorCode> {
        let kind = watcher_type(request.kind)?;
        found(self.watches.remove(self.connection, request.path, kind))
    }
}

fn watcher_type(kind: i32) -> Result<WatcherType, ErrorCode> {
    WatcherType::try_from(kind).map_err(|_| ErrorCode::MarshallingError)
}

fn found(any: bool) -> Result<(), ErrorCode> {
    if any { Ok(()) } else { Err(ErrorCode::NoWatcher) }
}
