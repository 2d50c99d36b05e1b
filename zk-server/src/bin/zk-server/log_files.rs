//! `zk-server log`: what is in transaction logs, and whether it is whole.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use zk_proto::Zxid;
use zk_server::storage::format::{EntryError, FileName, LogEnd, LogReader, VERSION_DIR};
use zk_server::storage::order::follows;

use crate::ToolFailure;
use crate::fields::{Fields, Value};
use crate::log_cut::{self, CutArguments};
use crate::output::{self, DumpForm, Output};

/// Bytes of the longest transaction that is shown. Whoever looks at a log may not know its server's
/// `jute.maxbuffer`, of which this is the greatest.
pub(crate) const RECORD_LEN_MAX: usize = 1 << 30;

/// What to do with logs.
#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Print every transaction of a log, one a line
    Dump(DumpArguments),
    /// Read logs to their ends, and say whether they are whole and follow each other
    ///
    /// Ends with 0 if a server would start on them. A log that breaks off in the middle of a
    /// transaction, as a crash may leave the last one, is no damage: the server cuts it off.
    Verify(VerifyArguments),
    /// Copy the beginning of a damaged log to FILE.cut, and say what is lost without the rest
    ///
    /// For a log that no backup has, on which a server does not start. Every transaction behind ZXID
    /// is given up, though clients were told that it is done. Nothing else is changed: it is up to
    /// you to put FILE.cut in the place of FILE.
    Cut(CutArguments),
}

#[derive(Debug, Args)]
pub(crate) struct DumpArguments {
    /// The log, such as version-2/log.1
    file: PathBuf,
    #[command(flatten)]
    form: DumpForm,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// Logs of one server in their order, or directories with logs (or with a version-2 of them)
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

pub(crate) fn run(command: &LogCommand) -> Result<ExitCode, ToolFailure> {
    match command {
        LogCommand::Dump(arguments) => dump(arguments),
        LogCommand::Verify(arguments) => verify(arguments),
        LogCommand::Cut(arguments) => log_cut::run(arguments),
    }
}

fn open(path: &Path) -> Result<LogReader<BufReader<File>>, ToolFailure> {
    let file = File::open(path).map_err(ToolFailure::at(path))?;
    LogReader::with_longest(BufReader::with_capacity(1 << 20, file), RECORD_LEN_MAX)
        .map_err(ToolFailure::at(path))
}

fn damaged(path: &Path, offset: u64, error: &EntryError) -> ToolFailure {
    ToolFailure::Damaged { path: path.to_owned(), offset, reason: error.to_string() }
}

fn dump(arguments: &DumpArguments) -> Result<ExitCode, ToolFailure> {
    let path = &arguments.file;
    let mut reader = open(path)?;
    let mut output = Output::new(arguments.form.json);
    while let Some((offset, entry)) = reader.next().map_err(ToolFailure::at(path))? {
        let header = &entry.record.header;
        let mut fields = Fields::default()
            .text("zxid", header.zxid)
            .with("time", Value::Time(header.time_ms))
            .text("session", header.session)
            .int("cxid", header.cxid)
            .count("offset", offset);
        if let Some(digest) = entry.record.digest {
            fields = fields.text("digest", format!("{:#x}", digest.tree));
        }
        output.record(&fields.txn(&entry.record.txn, arguments.form.data))?;
    }
    let (kind, at, error) = match reader.end() {
        None => ("open", 0, None),
        Some(LogEnd::Torn { at, error }) => ("torn", *at, Some(error)),
        Some(LogEnd::Damaged { at, error, .. }) => ("damaged", *at, Some(error)),
        Some(LogEnd::Clean { at }) => ("clean", *at, None),
        Some(_) => ("unknown", 0, None),
    };
    let mut end = Fields::default().text("end", kind).count("offset", at);
    if let Some(error) = error {
        end = end.text("reason", error);
    }
    output.record(&end)?;
    output.finish()?;
    match reader.end() {
        Some(LogEnd::Damaged { at, error, .. }) => Err(damaged(path, *at, error)),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// A log that was read to its end.
struct Verified {
    /// The first transaction and the last.
    span: Option<(Zxid, Zxid)>,
    /// Where it breaks off in the middle of a transaction.
    torn: Option<(u64, EntryError)>,
}

fn verify(arguments: &VerifyArguments) -> Result<ExitCode, ToolFailure> {
    let mut output = Output::new(false);
    for chain in chains(&arguments.paths)? {
        let mut former: Option<(PathBuf, Verified)> = None;
        for path in chain {
            let (verified, line) = verify_one(&path)?;
            if let Some((former_path, former)) = &former {
                follow(former_path, former, &path, &verified)?;
            }
            output.line(&format!("{}: {line}", output::path(&path)))?;
            let span = verified.span.or(former.and_then(|(_, former)| former.span));
            former = Some((path, Verified { span, ..verified }));
        }
    }
    output.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn verify_one(path: &Path) -> Result<(Verified, String), ToolFailure> {
    let mut reader = open(path)?;
    let (mut span, mut count): (Option<(Zxid, Zxid)>, u64) = (None, 0);
    while let Some((offset, entry)) = reader.next().map_err(ToolFailure::at(path))? {
        let found = entry.record.header.zxid;
        if let Some((_, last)) = span
            && !follows(last, found)
        {
            let reason = format!("transaction {found} does not follow {last}");
            return Err(ToolFailure::Damaged { path: path.to_owned(), offset, reason });
        }
        span = Some((span.map_or(found, |(first, _)| first), found));
        count += 1;
    }
    let mut line = match span {
        Some((first, last)) => format!("{count} transactions, {first} to {last}"),
        None => "no transaction".to_owned(),
    };
    let torn = match reader.end() {
        Some(LogEnd::Damaged { at, error, .. }) => return Err(damaged(path, *at, error)),
        Some(LogEnd::Torn { at, error }) => {
            line.push_str(&format!(
                ", torn at offset {at} ({error}): a server cuts that off when it starts"
            ));
            Some((*at, error.clone()))
        }
        Some(LogEnd::Clean { at }) => {
            line.push_str(&format!(", whole, ends at offset {at}"));
            None
        }
        _ => None,
    };
    Ok((Verified { span, torn }, line))
}

/// Holds a log to go on where the one before it ended.
fn follow(
    former_path: &Path,
    former: &Verified,
    path: &Path,
    verified: &Verified,
) -> Result<(), ToolFailure> {
    let (Some((_, last)), Some((first, _))) = (former.span, verified.span) else {
        return Ok(());
    };
    match &former.torn {
        // What could not be read there was written anew here, or it is missing.
        Some((at, error)) if first.0 != last.0.saturating_add(1) => {
            Err(damaged(former_path, *at, error))
        }
        _ if !follows(last, first) => {
            let reason = format!(
                "it begins with transaction {first}, which does not follow {last} in {}",
                output::path(former_path)
            );
            Err(ToolFailure::Path { path: path.to_owned(), reason })
        }
        _ => Ok(()),
    }
}

/// The files that are meant, those of one server together: the files that are named, and those of
/// each directory, in the order of their transactions.
fn chains(paths: &[PathBuf]) -> Result<Vec<Vec<PathBuf>>, ToolFailure> {
    let (directories, files): (Vec<_>, Vec<_>) =
        paths.iter().cloned().partition(|path| path.is_dir());
    let mut chains = vec![files];
    for directory in directories {
        chains.push(logs_of(&directory)?);
    }
    Ok(chains)
}

/// The logs in a directory, or in its version-2, in the order of their transactions.
pub(crate) fn logs_of(path: &Path) -> Result<Vec<PathBuf>, ToolFailure> {
    let inner = path.join(VERSION_DIR);
    let dir = if inner.is_dir() { &inner } else { path };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(ToolFailure::at(dir))? {
        let name = entry.map_err(ToolFailure::at(dir))?.file_name();
        if let Some(FileName::Log(zxid)) = name.to_str().and_then(FileName::parse) {
            found.push((zxid, dir.join(name)));
        }
    }
    if found.is_empty() {
        let reason = "there is no log in it (a file named log.<hex>)".to_owned();
        return Err(ToolFailure::Path { path: path.to_owned(), reason });
    }
    found.sort_unstable();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}
