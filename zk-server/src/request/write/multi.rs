//! `multi`: all or nothing.

use zk_proto::txn::Txn;
use zk_proto::{CreateMode, CreateRequest, ErrorCode, MultiOp, MultiRequest};

use super::create::{Verb, mode};
use super::{Judged, Validator};

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

/// What is not well-formed fails the request as a whole, like one that cannot be decoded: reads among
/// writes, and a time to live asked for by an operation that has no field for it. Unknown flags are
/// the operation's own failure. All as in Apache 3.8.
fn is_well_formed(op: &MultiOp<'_>) -> bool {
    match op {
        MultiOp::Create(request)
        | MultiOp::Create2(request)
        | MultiOp::CreateContainer(request) => !mode(request.flags).is_ok_and(CreateMode::is_ttl),
        op => !op.is_read(),
    }
}
