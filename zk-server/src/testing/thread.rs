//! The thread a test's server runs on.

use std::thread::JoinHandle;

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::config::ServerConfig;
use crate::runtime::{Controls, Instance, ServeError, StartError};
use crate::storage::log::MemoryTxnLog;

/// A server on a thread and runtime of its own, so that it runs and can be stopped whatever the
/// test's own runtime does.
#[derive(Debug)]
pub(super) struct ServerThread {
    pub(super) controls: Controls,
    shutdown: CancellationToken,
    ended: oneshot::Receiver<()>,
    thread: JoinHandle<Result<(), ServeError>>,
}

impl ServerThread {
    pub(super) async fn start(config: ServerConfig, log: MemoryTxnLog) -> Result<Self, StartError> {
        let shutdown = CancellationToken::new();
        let (ready, is_ready) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let token = shutdown.clone();
        let thread =
            std::thread::Builder::new().name("zk-test-server".to_owned()).spawn(move || {
                let result = serve(config, log, token, ready);
                let _ = end.send(());
                result
            });
        let thread = thread.map_err(|error| StartError::Bind {
            address: "a thread of its own".to_owned(),
            error,
        })?;
        let controls = is_ready.await.expect("invariant: the thread reports before it ends")?;
        Ok(Self { controls, shutdown, ended, thread })
    }

    /// Stops the server and waits for its end without blocking the caller's runtime.
    pub(super) async fn stop(self) -> Result<(), String> {
        self.shutdown.cancel();
        // An error means that the thread ended without a word: the join tells why.
        let _ = self.ended.await;
        outcome(self.thread)
    }

    /// The same for a caller that cannot wait.
    pub(super) fn stop_blocking(self) -> Result<(), String> {
        self.shutdown.cancel();
        outcome(self.thread)
    }
}

fn outcome(thread: JoinHandle<Result<(), ServeError>>) -> Result<(), String> {
    match thread.join() {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("its thread panicked".to_owned()),
    }
}

fn serve(
    config: ServerConfig,
    log: MemoryTxnLog,
    shutdown: CancellationToken,
    ready: oneshot::Sender<Result<Controls, StartError>>,
) -> Result<(), ServeError> {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let address = "a runtime of its own".to_owned();
            let _ = ready.send(Err(StartError::Bind { address, error }));
            return Ok(());
        }
    };
    runtime.block_on(async {
        match Instance::bind(config, Box::new(log)).await {
            Ok(instance) => {
                let _ = ready.send(Ok(instance.controls()));
                instance.run(shutdown).await
            }
            Err(error) => {
                let _ = ready.send(Err(error));
                Ok(())
            }
        }
    })
}
