//! `zk-server init`: the directories of a server that has not run yet.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use zk_server::runtime::initialize;

use crate::output::{self, Output};
use crate::{ToolFailure, config_file};

/// Makes `dataDir` and `dataLogDir`, with an empty `version-2` in each. A server makes them itself
/// too; this shows beforehand that it will be able to.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("where").required(true).args(["configfile", "data_dir"]))]
pub(crate) struct InitArguments {
    /// The zoo.cfg that names the directories
    #[arg(long, value_name = "FILE")]
    configfile: Option<PathBuf>,
    /// The directory, without a zoo.cfg
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// A directory for the logs alone
    #[arg(long, value_name = "DIR", conflicts_with = "configfile")]
    data_log_dir: Option<PathBuf>,
    /// The number of this server in an ensemble, for the file myid
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    myid: Option<u8>,
    /// Throw away the logs and snapshots that are there
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(arguments: &InitArguments) -> Result<ExitCode, ToolFailure> {
    let (data_dir, log_dir) = match (&arguments.configfile, &arguments.data_dir) {
        (Some(file), _) => {
            let config = config_file::read(Some(file))?;
            (config.data_dir, config.data_log_dir)
        }
        (None, Some(dir)) => (dir.clone(), arguments.data_log_dir.clone()),
        (None, None) => unreachable!("invariant: clap wants one of the two"),
    };
    initialize(&data_dir, log_dir.as_deref(), arguments.myid, arguments.force)?;
    let mut output = Output::new(false);
    output.line(&format!("{} is ready", output::path(&data_dir)))?;
    if let Some(dir) = log_dir {
        output.line(&format!("{} is ready for the logs", output::path(&dir)))?;
    }
    output.finish()?;
    Ok(ExitCode::SUCCESS)
}
