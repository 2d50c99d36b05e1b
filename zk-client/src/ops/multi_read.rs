//! Several reads in one round trip.

use bytes::Bytes;
use zk_proto::{
    GetChildrenRequest, GetDataRequest, MultiOp, MultiRequest, MultiResponse, OpCode, Stat,
};

use super::pending::Context;
use super::{Call, Pending, node_data, request};
use crate::error::{Error, Result};
use crate::session::Outcome;

/// What one read of a multi-read found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadResult {
    /// A node's data.
    Data {
        /// The data.
        data: Bytes,
        /// The node's metadata.
        stat: Stat,
    },
    /// The names of a node's children, in no particular order.
    Children {
        /// The names.
        children: Vec<String>,
    },
    /// This read failed; the others are not affected.
    Failed(Error),
}

/// Several reads in one round trip; made by [`Client::multi_read`](crate::Client::multi_read).
/// Servers from 3.6 on.
#[derive(Debug)]
#[must_use = "nothing is sent until the reads are awaited or sent"]
pub struct MultiRead<'a> {
    call: Call<'a>,
    reads: Vec<Read<'a>>,
}

#[derive(Debug)]
struct Read<'a> {
    path: &'a str,
    children: bool,
}

impl<'a> MultiRead<'a> {
    pub(crate) fn new(call: Call<'a>) -> Self {
        Self { call, reads: Vec::new() }
    }

    /// Reads a node's data.
    pub fn get(mut self, path: &'a str) -> Self {
        self.reads.push(Read { path, children: false });
        self
    }

    /// Lists a node's children.
    pub fn children(mut self, path: &'a str) -> Self {
        self.reads.push(Read { path, children: true });
        self
    }

    /// Sends the reads now; the results are awaited later. They come in the order of the reads.
    pub fn send(self) -> Pending<Vec<ReadResult>> {
        for Read { path, .. } in &self.reads {
            if let Err(reason) = zk_proto::path::validate(path) {
                let (path, reason) = ((*path).to_owned(), reason.to_string());
                return Pending::failed(Error::InvalidPath { path, reason });
            }
        }
        let chroot = self.call.client().chroot();
        let server_paths =
            self.reads.iter().map(|read| chroot.to_server(read.path)).collect::<Vec<_>>();
        let paths = self.reads.iter().map(|read| read.path.to_owned()).collect::<Vec<_>>();
        let ops = self.reads.iter().zip(&server_paths);
        let ops = ops
            .map(|(read, path)| match read.children {
                true => MultiOp::GetChildren(GetChildrenRequest { path, watch: false }),
                false => MultiOp::GetData(GetDataRequest { path, watch: false }),
            })
            .collect();
        let request = MultiRequest { ops };
        self.call.submit_unchecked(OpCode::MultiRead, &request, move |context, outcome| {
            results(context, outcome, &paths)
        })
    }
}

fn results(context: &Context, outcome: Outcome, paths: &[String]) -> Result<Vec<ReadResult>> {
    let MultiResponse { results } = context.decode(outcome)?;
    if results.len() != paths.len() {
        let (got, want) = (results.len(), paths.len());
        return Err(context.protocol(format_args!("{got} results for {want} reads")));
    }
    results
        .into_iter()
        .zip(paths)
        .map(|(result, path)| match result {
            zk_proto::MultiResult::GetData { data, stat } => {
                Ok(ReadResult::Data { data: node_data(data), stat })
            }
            zk_proto::MultiResult::GetChildren { children } => {
                Ok(ReadResult::Children { children })
            }
            zk_proto::MultiResult::Error(code) => {
                Ok(ReadResult::Failed(Error::from_code(code, context.op.name(), path)))
            }
            _ => Err(context.protocol("a result that belongs to no read")),
        })
        .collect()
}

request!(MultiRead => Vec<ReadResult>);
