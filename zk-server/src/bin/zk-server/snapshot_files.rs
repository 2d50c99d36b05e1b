//! `zk-server snapshot`: what is in snapshots, and in what two differ.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use sha1::{Digest as _, Sha1};
use zk_proto::{Acl, EphemeralOwner, SessionId};
use zk_server::storage::format::{
    FileName, OPEN_ACL, Packing, SnapshotError, SnapshotNode, SnapshotReader, SnapshotTrailer,
};

use crate::ToolFailure;
use crate::fields::{Fields, Value};
use crate::output::{self, DumpForm, Output};

/// What to do with snapshots.
#[derive(Debug, Subcommand)]
pub(crate) enum SnapshotCommand {
    /// Print every session and node of a snapshot, one a line, and check its checksums
    Dump(DumpArguments),
    /// Print what two snapshots differ in
    ///
    /// Ends with 0 if they hold the same, 1 if they differ, 2 if one cannot be read. Lines begin
    /// with - for what is in the first only, + in the second only, ~ in both but not the same.
    Compare(CompareArguments),
}

#[derive(Debug, Args)]
pub(crate) struct DumpArguments {
    /// The snapshot, such as version-2/snapshot.0
    file: PathBuf,
    #[command(flatten)]
    form: DumpForm,
}

#[derive(Debug, Args)]
pub(crate) struct CompareArguments {
    /// The first snapshot
    a: PathBuf,
    /// The second snapshot
    b: PathBuf,
}

pub(crate) fn run(command: &SnapshotCommand) -> Result<ExitCode, ToolFailure> {
    match command {
        SnapshotCommand::Dump(arguments) => dump(arguments),
        SnapshotCommand::Compare(arguments) => compare(arguments),
    }
}

/// A snapshot that is being read, with its name for errors.
struct Snapshot<'p> {
    path: &'p Path,
    reader: SnapshotReader<'static>,
    acls: HashMap<i64, Vec<Acl>>,
}

impl<'p> Snapshot<'p> {
    fn open(path: &'p Path) -> Result<Self, ToolFailure> {
        let file = File::open(path).map_err(ToolFailure::at(path))?;
        let mut reader = SnapshotReader::new(file, packing(path)).map_err(|error| {
            // Nothing tells how far it got.
            ToolFailure::Path { path: path.to_owned(), reason: error.to_string() }
        })?;
        let mut acls: HashMap<_, _> = std::mem::take(&mut reader.acls).into_iter().collect();
        acls.insert(OPEN_ACL, Acl::open());
        Ok(Self { path, reader, acls })
    }

    fn next(&mut self) -> Result<Option<SnapshotNode>, ToolFailure> {
        let offset = self.reader.offset();
        self.reader.next_node().map_err(|error| damaged(self.path, offset, &error))
    }

    fn finish(self) -> Result<SnapshotTrailer, ToolFailure> {
        let offset = self.reader.offset();
        self.reader.finish().map_err(|error| damaged(self.path, offset, &error))
    }

    /// The ACL of a node; `None` if the snapshot does not say, which a fuzzy one may not.
    fn acl(&self, key: i64) -> Option<&[Acl]> {
        self.acls.get(&key).map(Vec::as_slice)
    }
}

fn damaged(path: &Path, offset: u64, error: &SnapshotError) -> ToolFailure {
    ToolFailure::Damaged { path: path.to_owned(), offset, reason: error.to_string() }
}

/// How a file is packed, by its name. One that was renamed is taken for plain unless it still ends
/// like a packed one.
fn packing(path: &Path) -> Packing {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match FileName::parse(&name) {
        Some(FileName::Snapshot(_, packing)) => packing,
        _ if name.ends_with(".gz") => Packing::Gzip,
        _ if name.ends_with(".snappy") => Packing::Snappy,
        _ => Packing::Plain,
    }
}

/// As clients write it: the root has no name in the file.
fn client_path(path: &str) -> &str {
    if path.is_empty() { "/" } else { path }
}

fn dump(arguments: &DumpArguments) -> Result<ExitCode, ToolFailure> {
    let mut snapshot = Snapshot::open(&arguments.file)?;
    let mut output = Output::new(arguments.form.json);
    for (session, timeout_ms) in std::mem::take(&mut snapshot.reader.sessions) {
        let fields = Fields::default().text("session", session).int("timeout_ms", timeout_ms);
        output.record(&fields)?;
    }
    let mut count = 0;
    loop {
        let node = match snapshot.next() {
            Ok(Some(node)) => node,
            Ok(None) => break,
            Err(failure) => {
                // All that could be read comes first.
                output.finish()?;
                return Err(failure);
            }
        };
        count += 1;
        let data = node.data.as_deref();
        let fields = Fields::default()
            .text("path", client_path(&node.path))
            .text("czxid", node.stat.czxid)
            .text("mzxid", node.stat.mzxid)
            .text("pzxid", node.stat.pzxid)
            .with("ctime", Value::Time(node.stat.ctime_ms))
            .with("mtime", Value::Time(node.stat.mtime_ms))
            .int("version", node.stat.version)
            .int("create_count", node.stat.create_count)
            .int("acl_version", node.stat.acl_version)
            .owner(EphemeralOwner::from_bits(node.stat.owner_bits, true))
            .data(data, arguments.form.data);
        output.record(&match snapshot.acl(node.acl) {
            Some(acl) => fields.acl(acl),
            None => fields.int("acl_missing", node.acl),
        })?;
    }
    let end = match snapshot.finish() {
        Ok(trailer) => trailer,
        Err(failure) => {
            output.finish()?;
            return Err(failure);
        }
    };
    let mut fields = Fields::default().text("end", "whole").count("nodes", count);
    if let Some((zxid, _, sum)) = end.digest {
        fields = fields.text("digest", format!("{sum:#x}")).text("digest_zxid", zxid);
    }
    if let Some(zxid) = end.last_zxid {
        fields = fields.text("last_zxid", zxid);
    }
    output.record(&fields)?;
    output.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// What stands for data: a million nodes of a megabyte are not held.
type DataSum = (usize, [u8; 20]);

type Summary = SnapshotNode<(), DataSum>;

/// The path, and a summary of the rest.
fn summarised(node: SnapshotNode) -> (String, Summary) {
    let mut path = String::new();
    let summary =
        node.map(|own| path = own, |data| (data.len(), <[u8; 20]>::from(Sha1::digest(data))));
    (path, summary)
}

fn compare(arguments: &CompareArguments) -> Result<ExitCode, ToolFailure> {
    let mut output = Output::new(false);
    let mut a = Snapshot::open(&arguments.a)?;
    let mut b = Snapshot::open(&arguments.b)?;
    let mut differ = compare_sessions(&a.reader.sessions, &b.reader.sessions, &mut output)?;
    let mut only_a: BTreeMap<String, Summary> = BTreeMap::new();
    while let Some(node) = a.next()? {
        let (path, summary) = summarised(node);
        only_a.insert(path, summary);
    }
    while let Some(node) = b.next()? {
        let (path, summary) = summarised(node);
        let former = only_a.remove(&path);
        let path = Value::Text(client_path(&path).to_owned());
        let Some(former) = former else {
            output.line(&format!("+ {path}"))?;
            differ = true;
            continue;
        };
        let differences = differences(&former, &summary, &a, &b);
        if !differences.is_empty() {
            output.line(&format!("~ {path} {}", differences.join(" ")))?;
            differ = true;
        }
    }
    for path in only_a.keys() {
        output.line(&format!("- {}", Value::Text(client_path(path).to_owned())))?;
        differ = true;
    }
    output.finish()?;
    // What was read is worth nothing if a checksum says so.
    a.finish()?;
    b.finish()?;
    Ok(ExitCode::from(u8::from(differ)))
}

fn compare_sessions(
    a: &[(SessionId, i32)],
    b: &[(SessionId, i32)],
    output: &mut Output,
) -> Result<bool, ToolFailure> {
    let map = |sessions: &[(SessionId, i32)]| sessions.iter().copied().collect();
    let (a, b): (BTreeMap<_, _>, BTreeMap<_, _>) = (map(a), map(b));
    let mut differ = false;
    let mut ids: Vec<_> = a.keys().chain(b.keys()).collect();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        let line = match (a.get(id), b.get(id)) {
            (Some(one), Some(other)) if one == other => continue,
            (Some(one), Some(other)) => format!("~ session {id} timeout_ms={one}/{other}"),
            (Some(_), None) => format!("- session {id}"),
            _ => format!("+ session {id}"),
        };
        output.line(&line)?;
        differ = true;
    }
    Ok(differ)
}

/// Each field that is not the same, with both values.
fn differences(a: &Summary, b: &Summary, of_a: &Snapshot<'_>, of_b: &Snapshot<'_>) -> Vec<String> {
    let mut all = Vec::new();
    let mut check = |name: &str, one: &dyn std::fmt::Display, other: &dyn std::fmt::Display| {
        let (one, other) = (one.to_string(), other.to_string());
        if one != other {
            all.push(format!("{name}={one}/{other}"));
        }
    };
    let len = |node: &Summary| match node.data {
        Some((len, _)) => len.to_string(),
        None => "null".to_owned(),
    };
    check("data_len", &len(a), &len(b));
    check("czxid", &a.stat.czxid, &b.stat.czxid);
    check("mzxid", &a.stat.mzxid, &b.stat.mzxid);
    check("pzxid", &a.stat.pzxid, &b.stat.pzxid);
    check("ctime", &output::utc(a.stat.ctime_ms), &output::utc(b.stat.ctime_ms));
    check("mtime", &output::utc(a.stat.mtime_ms), &output::utc(b.stat.mtime_ms));
    check("version", &a.stat.version, &b.stat.version);
    check("create_count", &a.stat.create_count, &b.stat.create_count);
    check("acl_version", &a.stat.acl_version, &b.stat.acl_version);
    check("owner", &format!("{:#x}", a.stat.owner_bits), &format!("{:#x}", b.stat.owner_bits));
    if a.data != b.data && len(a) == len(b) {
        all.push("data".to_owned());
    }
    if of_a.acl(a.acl) != of_b.acl(b.acl) {
        all.push("acl".to_owned());
    }
    all
}
