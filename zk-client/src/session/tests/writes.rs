//! What the scripted ensemble does with writes, and how it remembers each by its data.

use bytes::{Bytes, BytesMut};
use zk_proto::codec::Encode;
use zk_proto::{
    CreateResponse, ErrorCode, MultiOp, MultiResponse, MultiResult, Request, SetDataResponse, Stat,
};

use super::server::Ensemble;

/// Whether a read-only server refuses it.
pub(super) fn is_write(request: &Request<'_>) -> bool {
    matches!(
        request,
        Request::SetData(_)
            | Request::Create(_)
            | Request::Delete(_)
            | Request::Multi(_)
            | Request::Sync(_)
    )
}

impl Ensemble {
    pub(super) fn write(
        &mut self,
        request: &Request<'_>,
        body: &mut BytesMut,
    ) -> Result<(), ErrorCode> {
        match request {
            Request::SetData(set) => {
                self.node(set.path)?;
                self.apply(set.path, set.data);
                SetDataResponse { stat: Stat::default() }.encode(body);
            }
            Request::Create(create) => {
                if self.nodes.contains_key(create.path) {
                    return Err(ErrorCode::NodeExists);
                }
                self.apply(create.path, create.data);
                CreateResponse { path: create.path.to_owned() }.encode(body);
            }
            Request::Delete(delete) => {
                self.node(delete.path)?;
                self.delete(delete.path);
            }
            Request::Multi(multi) => {
                let mut results = Vec::new();
                for op in &multi.ops {
                    let MultiOp::SetData(set) = op else { panic!("the script has no {op:?}") };
                    self.node(set.path)?;
                    self.apply(set.path, set.data);
                    results.push(MultiResult::SetData { stat: Stat::default() });
                }
                MultiResponse { results }.encode(body);
            }
            request => panic!("the script has no {request:?}"),
        }
        Ok(())
    }

    fn apply(&mut self, path: &str, data: Option<&[u8]>) {
        let data = data.unwrap_or_default();
        self.applied.push(Bytes::copy_from_slice(data));
        self.set(path, data);
    }
}
