//! A process of its own, played by a runtime of its own.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use zk_client::{Client, SessionId};

use crate::Result;

/// How long the threads of a process may take to stop where they stand.
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// A program with a client and a runtime of its own, so that it can be killed in a way that no
/// server is told about. Dropping it kills it, too.
#[derive(Debug)]
pub struct Process {
    program: JoinHandle<Result>,
    client: Client,
    threads: Threads,
}

/// A runtime that can be dropped anywhere.
#[derive(Debug)]
struct Threads(Option<Runtime>);

impl Process {
    pub(crate) async fn start<F>(
        name: &str,
        connect: impl Future<Output = Result<Client>> + Send + 'static,
        program: impl FnOnce(Client) -> F + Send + 'static,
    ) -> Result<Self>
    where
        F: Future<Output = Result> + Send + 'static,
    {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let handle = runtime.handle().clone();
        let threads = Threads(Some(runtime));
        let client = handle.spawn(connect).await??;
        let (name, program) = (name.to_owned(), program(client.clone()));
        let program = handle.spawn(async move {
            // Said at once: who waits for this process may not come to ask for its result.
            program.await.inspect_err(|error| eprintln!("{name} failed: {error}"))
        });
        Ok(Self { program, client, threads })
    }

    /// Its client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Stops every task where it stands, and waits until it does. Returns the session that nobody
    /// keeps up any more.
    pub(crate) async fn kill(mut self) -> Result<Option<SessionId>> {
        let session = self.client.session_id();
        if let Some(runtime) = self.threads.0.take() {
            tokio::task::spawn_blocking(move || runtime.shutdown_timeout(STOP_DEADLINE)).await?;
        }
        Ok(session)
    }

    /// Waits until its program has come to its end, and says goodbye to the servers.
    ///
    /// # Errors
    ///
    /// The program's own.
    pub async fn finish(mut self) -> Result {
        (&mut self.program).await??;
        Ok(self.client.close().await?)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
