//! `getEphemerals`, `whoAmI`: what the connection itself has and is.

use bytes::BytesMut;
use zk_proto::codec::Encode;
use zk_proto::{ErrorCode, GetEphemeralsRequest};

use super::children::encode_strings;
use super::{NAMES_LEN_MAX, ReadContext};

impl ReadContext<'_> {
    /// The session's own nodes, so no permission is asked for. The prefix is text, not a path: `/a`
    /// matches `/ab`, and `/` and blank match all.
    pub(super) fn get_ephemerals(
        &mut self,
        request: &GetEphemeralsRequest<'_>,
        body: &mut BytesMut,
    ) -> Result<(), ErrorCode> {
        let prefix = match request.prefix {
            blank if blank.trim().is_empty() => "/",
            prefix => prefix,
        };
        let owned = self.tree.ephemerals_of(self.session);
        let paths: Vec<&str> = owned.filter(|path| path.starts_with(prefix)).collect();
        encode_strings(paths.len(), paths.iter().copied(), NAMES_LEN_MAX, body)
    }

    pub(super) fn who_am_i(&mut self, body: &mut BytesMut) -> Result<(), ErrorCode> {
        self.access.who_am_i(self.identities).encode(body);
        Ok(())
    }
}
