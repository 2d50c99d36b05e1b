//! `zk-server log cut`: the part of a damaged log that an operator wants to go on with.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::BytesMut;
use clap::Args;
use zk_proto::Zxid;
use zk_server::storage::format::{FileName, LOG_HEADER_LEN, LogEnd, LogReader, encode_header};
use zk_server::storage::order::follows;

use crate::ToolFailure;
use crate::log_files::{RECORD_LEN_MAX, logs_of};
use crate::output::{self, Output};

/// What the name of the copy ends with. No server takes a file that is named so for a log.
const SUFFIX: &str = ".cut";

#[derive(Debug, Args)]
pub(crate) struct CutArguments {
    /// The log, such as version-2/log.1. It stays as it is
    file: PathBuf,
    /// The last transaction to keep, as `log dump` shows it
    #[arg(long, value_name = "ZXID", value_parser = parse_zxid)]
    keep_to: Zxid,
}

fn parse_zxid(text: &str) -> Result<Zxid, String> {
    let digits = text.strip_prefix("0x").ok_or("a zxid begins with 0x here")?;
    i64::from_str_radix(digits, 16).map(Zxid).map_err(|error| error.to_string())
}

/// Transactions, counted.
#[derive(Default)]
struct Tally {
    count: u64,
    span: Option<(Zxid, Zxid)>,
}

impl Tally {
    fn add(&mut self, zxid: Zxid) {
        self.count += 1;
        self.span = Some((self.span.map_or(zxid, |(first, _)| first), zxid));
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let s = if self.count == 1 { "" } else { "s" };
        match self.span {
            None => f.write_str("no transaction"),
            Some((first, last)) => write!(f, "{} transaction{s}, {first} to {last}", self.count),
        }
    }
}

/// A log as it would be cut.
#[derive(Default)]
struct Plan {
    kept: Tally,
    /// Bytes to keep; `None` while the last transaction to keep was not found.
    len: Option<u64>,
    /// Transactions behind them that can be read.
    lost: Tally,
    /// Where something cannot be read, and why.
    unreadable: Vec<String>,
    /// Whether some of that was durable.
    damaged: bool,
}

impl Plan {
    /// Reads the whole log, what is behind damage as well.
    fn of(path: &Path, keep_to: Zxid) -> io::Result<Self> {
        let (mut plan, mut from) = (Self::default(), LOG_HEADER_LEN);
        loop {
            let mut header = BytesMut::new();
            if from > LOG_HEADER_LEN {
                encode_header(&mut header);
            }
            let mut file = File::open(path)?;
            let skipped = from - LOG_HEADER_LEN;
            file.seek(SeekFrom::Start(skipped + header.len() as u64))?;
            let source = Cursor::new(header).chain(BufReader::with_capacity(1 << 20, file));
            match plan.read(source, skipped, keep_to)? {
                Some(readable_at) => from = readable_at,
                None => return Ok(plan),
            }
        }
    }

    /// Reads to an end. Gives where it goes on behind damage.
    fn read(&mut self, source: impl Read, skipped: u64, keep_to: Zxid) -> io::Result<Option<u64>> {
        let mut reader = LogReader::with_longest(source, RECORD_LEN_MAX)?;
        while let Some((offset, entry)) = reader.next()? {
            let is_kept = self.len.is_none() && self.unreadable.is_empty();
            if is_kept && self.kept.span.is_some_and(|(_, last)| last == keep_to) {
                self.len = Some(offset);
            }
            let tally = match is_kept && self.len.is_none() {
                true => &mut self.kept,
                false => &mut self.lost,
            };
            tally.add(entry.record.header.zxid);
        }
        self.damaged |= matches!(reader.end(), Some(LogEnd::Damaged { .. }));
        let (at, error, next) = match reader.end() {
            Some(LogEnd::Damaged { at, error, readable_at }) => (*at, Some(error), *readable_at),
            Some(LogEnd::Torn { at, error }) => (*at, Some(error), None),
            Some(LogEnd::Clean { at }) => (*at, None, None),
            _ => return Ok(None),
        };
        let was_found = self.kept.span.is_some_and(|(_, last)| last == keep_to);
        if was_found && self.unreadable.is_empty() {
            self.len.get_or_insert(at);
        }
        if let Some(error) = error {
            self.unreadable.push(format!("offset {}: {error}", skipped + at));
        }
        Ok(next.map(|at| skipped + at))
    }
}

pub(crate) fn run(arguments: &CutArguments) -> Result<ExitCode, ToolFailure> {
    let (path, keep_to) = (&arguments.file, arguments.keep_to);
    let refused = |reason| ToolFailure::Path { path: path.clone(), reason };
    let plan = Plan::of(path, keep_to).map_err(ToolFailure::at(path))?;
    let Some(len) = plan.len else {
        return Err(refused(format!(
            "it has no transaction {keep_to} in front of what cannot be read, but {}. To go on \
             without any of them, move the file away, and all logs behind it",
            plan.kept
        )));
    };
    if plan.lost.count == 0 && plan.unreadable.is_empty() {
        return Err(refused(format!(
            "it ends with {keep_to} and is whole: there is nothing to cut"
        )));
    }
    let later = later_logs(path, keep_to, &plan)?;
    let mut cut = path.clone().into_os_string();
    cut.push(SUFFIX);
    let cut = PathBuf::from(cut);
    copy(path, &cut, len).map_err(ToolFailure::at(&cut))?;
    let mut output = Output::new(false);
    output.line(&format!("{}: {}", output::path(&cut), plan.kept))?;
    output.line(&format!("lost: {}", plan.lost))?;
    for place in &plan.unreadable {
        output.line(&format!("lost: what cannot be read at {place}"))?;
    }
    for log in &later {
        output.line(&format!("lost: all of {}, which does not go on there", output::path(log)))?;
    }
    output.line(&format!(
        "Nothing has changed yet. To go on without what is lost: stop the server, move {}{} to \
         another directory, and rename {} to {}",
        output::path(path),
        later.iter().map(|log| format!(", {}", output::path(log))).collect::<String>(),
        output::path(&cut),
        output::path(path),
    ))?;
    output.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// Copies the first bytes into a new file, for the same user.
fn copy(path: &Path, cut: &Path, len: u64) -> io::Result<()> {
    let source = File::open(path)?;
    let metadata = source.metadata()?;
    let mut file = OpenOptions::new().write(true).create_new(true).open(cut)?;
    let copied = io::copy(&mut source.take(len), &mut file).and_then(|_| {
        file.set_permissions(metadata.permissions())?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, fchown};
            // Only root may give files away; for anybody else they are the same user's.
            let _ = fchown(&file, Some(metadata.uid()), Some(metadata.gid()));
        }
        file.sync_all()
    });
    copied.inspect_err(|_| {
        // A part of it would look like all.
        let _ = fs::remove_file(cut);
    })
}

/// The logs behind this one, if they do not go on behind a transaction of it: a later epoch goes on
/// behind what is cut only if nobody was told that it is done.
fn later_logs(path: &Path, last: Zxid, plan: &Plan) -> Result<Vec<PathBuf>, ToolFailure> {
    let zxid_of = |path: &Path| match path.file_name()?.to_str().and_then(FileName::parse) {
        Some(FileName::Log(zxid)) => Some(zxid),
        _ => None,
    };
    let Some(own) = zxid_of(path) else { return Ok(Vec::new()) };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let all = logs_of(parent.unwrap_or(Path::new(".")))?;
    let later = all.into_iter().filter(|path| zxid_of(path) > Some(own)).collect::<Vec<_>>();
    let only_torn = plan.lost.count == 0 && !plan.damaged;
    let goes_on = |next: Zxid| follows(last, next) && (only_torn || next.epoch() == last.epoch());
    let next = later.first().and_then(|path| zxid_of(path));
    Ok(if next.is_none_or(goes_on) { Vec::new() } else { later })
}
