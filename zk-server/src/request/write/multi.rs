//! `multi`: all or nothing.

use zk_proto::txn::Txn;
use zk_proto::{CreateRequest, ErrorCode, MultiOp, MultiRequest};

use super::create::{Verb, mode};
use super::{Judged, Validator};
use crate::request::decode::is_well_formed;

impl Validator<'_> {
    /// A transaction of as many parts as there are operations. If one fails the transaction says
    /// which, and changes nothing.
    pub(super) fn multi(&mut self, request: &MultiRequest<'_>) -> Judged {
        if !request.ops.iter().all(is_well_formed) {
            return Err(ErrorCode::MarshallingError);
        }
        let mut failed = false;
        let mut parts = Vec::with_capacity(request.ops.len());
        for op in &request.ops {
            let judged = if failed { Err(ErrorCode::RuntimeInconsistency) } else { self.part(op) };
            failed |= judged.is_err();
            parts.push(judged.unwrap_or_else(Txn::Error));
        }
        if failed {
            self.draft.roll_back();
        }
        Ok(Txn::Multi(parts))
    }

    fn part(&mut self, op: &MultiOp<'_>) -> Judged {
        match op {
            MultiOp::Create(request) | MultiOp::Create2(request) => {
                // Always as `create`: servers before 3.8.2 stop in the middle of a transaction that
                // has a `create2` in it. The answer's form is settled elsewhere.
                self.create(request, plain_or_container(request))
            }
            MultiOp::CreateContainer(request) => self.create(request, Verb::Container),
            MultiOp::CreateTtl(request) => self.create_ttl(request),
            MultiOp::Delete(request) => self.delete(request),
            MultiOp::SetData(request) => self.set_data(request),
            MultiOp::Check(request) => self.check(request),
            _ => Err(ErrorCode::MarshallingError),
        }
    }
}

/// Clients may ask for a container in a multi by the flags alone, and get one from Apache.
fn plain_or_container(request: &CreateRequest<'_>) -> Verb {
    match mode(request.flags) {
        Ok(mode) if mode.is_container() => Verb::Container,
        _ => Verb::Create,
    }
}
