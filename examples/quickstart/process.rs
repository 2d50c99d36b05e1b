//! A process of its own, played by a runtime of its own: it has its own client, and it can be
//! killed in a way that no server is told about, just like `kill -9`.

use std::future::Future;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use crate::Result;

pub(crate) struct Process {
    runtime: Runtime,
    program: JoinHandle<Result>,
}

impl Process {
    /// Starts `program` as a process.
    pub(crate) fn start(program: impl Future<Output = Result> + Send + 'static) -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let program = runtime.spawn(program);
        Ok(Self { runtime, program })
    }

    /// Stops every task where it stands. The connection just breaks: the server has to find out by
    /// itself, when the session times out.
    pub(crate) fn kill(self) {
        self.runtime.shutdown_background();
    }

    /// Waits until the program has come to its end.
    pub(crate) async fn finish(self) -> Result {
        let result = self.program.await;
        self.runtime.shutdown_background();
        result?
    }
}
