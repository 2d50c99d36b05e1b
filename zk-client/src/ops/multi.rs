//! Several writes, all or none.

use zk_proto::path::{validate, validate_sequential};
use zk_proto::{
    ANY_VERSION, Acl, CheckVersionRequest, CreateMode, DeleteRequest, ErrorCode, MultiOp,
    MultiRequest, MultiResponse, OpCode, SetDataRequest, Stat,
};

use super::create::create_request;
use super::pending::Context;
use super::{Call, Pending, request};
use crate::error::{Error, Result};
use crate::session::Outcome;

/// What one operation of a multi did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MultiResult {
    /// A node was created. Its metadata is not given: servers before 3.7 tell it wrong here.
    Created {
        /// The node's path, with its sequence number if the mode is sequential.
        path: String,
    },
    /// A node's data was set.
    Set {
        /// The node's metadata with the new version.
        stat: Stat,
    },
    /// A node was deleted.
    Deleted,
    /// A node had the version asked for.
    Checked,
}

/// Several writes that are applied together or not at all; made by
/// [`Client::multi`](crate::Client::multi). Servers from 3.4 on.
///
/// The operations see each other's effects in order, share one transaction, and nobody ever sees
/// some of them without the others. The whole must fit into one frame (1 MiB by default).
///
/// ```no_run
/// # use zk_client::{Client, CreateMode, Error};
/// # async fn example(client: &Client) -> Result<(), Error> {
/// let results = client
///     .multi()
///     .check("/config", 3)
///     .set("/config/size", b"7")
///     .create("/config/log/n-", b"size=7", CreateMode::PersistentSequential)
///     .commit()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent until the multi is awaited or committed"]
pub struct Multi<'a> {
    call: Call<'a>,
    ops: Vec<Op<'a>>,
    /// Whether the first operation is not the caller's but the guard of the others.
    guarded: bool,
}

#[derive(Debug)]
struct Op<'a> {
    path: &'a str,
    kind: Kind<'a>,
}

#[derive(Debug)]
enum Kind<'a> {
    Check { version: i32 },
    Create { data: &'a [u8], mode: CreateMode, acl: Option<Vec<Acl>> },
    Set { data: &'a [u8], version: i32 },
    Delete { version: i32 },
}

impl<'a> Multi<'a> {
    pub(crate) fn new(call: Call<'a>) -> Self {
        Self { call, ops: Vec::new(), guarded: false }
    }

    /// A multi that takes effect only if `guard` has this version.
    pub(crate) fn guarded(call: Call<'a>, guard: &'a str, version: i32) -> Self {
        Self { guarded: true, ..Self::new(call).check(guard, version) }
    }

    fn add(mut self, path: &'a str, kind: Kind<'a>) -> Self {
        self.ops.push(Op { path, kind });
        self
    }

    /// Insists that the data of `path` has this version.
    pub fn check(self, path: &'a str, version: i32) -> Self {
        self.add(path, Kind::Check { version })
    }

    /// Insists that `path` exists.
    pub fn check_exists(self, path: &'a str) -> Self {
        self.check(path, ANY_VERSION)
    }

    /// Creates a node with the client's default ACL. Modes with a time to live are not for multis.
    pub fn create(
        self,
        path: &'a str,
        data: &'a (impl AsRef<[u8]> + ?Sized),
        mode: CreateMode,
    ) -> Self {
        self.add(path, Kind::Create { data: data.as_ref(), mode, acl: None })
    }

    /// Creates a node with an ACL. Modes with a time to live are not for multis.
    pub fn create_with_acl(
        self,
        path: &'a str,
        data: &'a (impl AsRef<[u8]> + ?Sized),
        mode: CreateMode,
        acl: impl IntoIterator<Item = Acl>,
    ) -> Self {
        let (data, acl) = (data.as_ref(), Some(acl.into_iter().collect()));
        self.add(path, Kind::Create { data, mode, acl })
    }

    /// Sets the data of a node.
    pub fn set(self, path: &'a str, data: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        self.set_version(path, data, ANY_VERSION)
    }

    /// Sets the data of a node that must have this version.
    pub fn set_version(
        self,
        path: &'a str,
        data: &'a (impl AsRef<[u8]> + ?Sized),
        version: i32,
    ) -> Self {
        self.add(path, Kind::Set { data: data.as_ref(), version })
    }

    /// Deletes a node.
    pub fn delete(self, path: &'a str) -> Self {
        self.delete_version(path, ANY_VERSION)
    }

    /// Deletes a node whose data must have this version.
    pub fn delete_version(self, path: &'a str, version: i32) -> Self {
        self.add(path, Kind::Delete { version })
    }

    /// Sends the multi; awaiting it does the same. Fails with [`Error::Multi`], which names the
    /// first operation that could not be done.
    pub fn commit(self) -> Pending<Vec<MultiResult>> {
        self.send()
    }

    /// Sends the multi now; the result is awaited later.
    pub fn send(self) -> Pending<Vec<MultiResult>> {
        if let Some(error) = self.first_error() {
            return Pending::failed(error);
        }
        let client = self.call.client();
        let chroot = client.chroot();
        let server_paths = self.ops.iter().map(|op| chroot.to_server(op.path)).collect::<Vec<_>>();
        let paths = self.ops.iter().map(|op| op.path.to_owned()).collect::<Vec<_>>();
        let ops = self.ops.into_iter().zip(&server_paths);
        let ops = ops
            .map(|(op, path)| match op.kind {
                Kind::Check { version } => MultiOp::Check(CheckVersionRequest { path, version }),
                Kind::Create { data, mode, acl } => {
                    let acl = acl.unwrap_or_else(|| client.default_acl(path));
                    let request = create_request(path, data, mode, acl);
                    match mode.is_container() {
                        true => MultiOp::CreateContainer(request),
                        false => MultiOp::Create(request),
                    }
                }
                Kind::Set { data, version } => {
                    MultiOp::SetData(SetDataRequest { path, data: Some(data), version })
                }
                Kind::Delete { version } => MultiOp::Delete(DeleteRequest { path, version }),
            })
            .collect();
        let request = MultiRequest { ops };
        let guarded = self.guarded;
        self.call.submit_unchecked(OpCode::Multi, &request, move |context, outcome| {
            results(context, outcome, paths, guarded)
        })
    }

    /// What is wrong before anything is sent.
    fn first_error(&self) -> Option<Error> {
        self.ops.iter().enumerate().find_map(|(index, Op { path, kind })| {
            let path = (*path).to_owned();
            let source = match kind {
                Kind::Create { mode, .. } if mode.is_ttl() => {
                    let reason = "a node with a time to live cannot be created in a multi";
                    Error::InvalidRequest { path: path.clone(), reason }
                }
                Kind::Create { mode, .. } if mode.is_sequential() => {
                    invalid(&path, validate_sequential(&path))?
                }
                _ => invalid(&path, validate(&path))?,
            };
            Some(failure(index, path, source, self.guarded))
        })
    }
}

fn invalid(path: &str, checked: Result<(), zk_proto::path::PathError>) -> Option<Error> {
    let reason = checked.err()?.to_string();
    Some(Error::InvalidPath { path: path.to_owned(), reason })
}

/// The results in the order of the operations, or the error of the one that failed.
fn results(
    context: &Context,
    outcome: Outcome,
    paths: Vec<String>,
    guarded: bool,
) -> Result<Vec<MultiResult>> {
    let MultiResponse { results } = context.decode(outcome)?;
    // A multi that failed is answered with a code for each operation; 0 in front of the culprit.
    let culprit = results.iter().enumerate().find_map(|(index, result)| match result {
        zk_proto::MultiResult::Error(code) if !code.is_ok() => Some((index, *code)),
        _ => None,
    });
    if let Some((index, code)) = culprit {
        return Err(failed(context, index, code, paths, guarded));
    }
    if results.len() != paths.len() {
        let (got, want) = (results.len(), paths.len());
        return Err(context.protocol(format_args!("{got} results for {want} operations")));
    }
    let chroot = &context.chroot;
    let created = |path: &str| MultiResult::Created { path: chroot.to_client(path).to_owned() };
    results
        .into_iter()
        .skip(usize::from(guarded))
        .map(|result| match result {
            zk_proto::MultiResult::Create { path } => Ok(created(&path)),
            zk_proto::MultiResult::Create2(response) => Ok(created(&response.path)),
            zk_proto::MultiResult::SetData { stat } => Ok(MultiResult::Set { stat }),
            zk_proto::MultiResult::Delete => Ok(MultiResult::Deleted),
            zk_proto::MultiResult::Check => Ok(MultiResult::Checked),
            _ => Err(context.protocol("a result that belongs to no write")),
        })
        .collect()
}

fn failed(
    context: &Context,
    index: usize,
    code: ErrorCode,
    mut paths: Vec<String>,
    guarded: bool,
) -> Error {
    if index >= paths.len() {
        return context.protocol("more results than operations");
    }
    let path = paths.swap_remove(index);
    let source = Error::from_code(code, context.op.name(), &path);
    failure(index, path, source, guarded)
}

/// The error of the operation at `index` of those that were sent.
fn failure(index: usize, path: String, source: Error, guarded: bool) -> Error {
    let source = Box::new(source);
    match index.checked_sub(usize::from(guarded)) {
        Some(index) => Error::Multi { index, path, source },
        None => Error::GuardFailed { path, source },
    }
}

request!(Multi => Vec<MultiResult>);
