//! A server on a runtime of its own, and an end to every test.

use std::ops::{Deref, DerefMut};
use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use zk_client::ClientBuilder;
use zk_client::blocking::Client;
use zk_server::testing::TestServer;

/// How long a condition may take: far above what it should, so that a slow machine is no failure
/// and a hang is one.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Server {
    server: Option<TestServer>,
    runtime: Option<Runtime>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        // On a thread without a runtime: tests start servers inside of runtimes, too.
        let start = || runtime.block_on(TestServer::start()).expect("the server starts");
        let server = std::thread::scope(|scope| scope.spawn(start).join().unwrap());
        Self { server: Some(server), runtime: Some(runtime) }
    }

    pub(crate) fn stop(&mut self) {
        let runtime = self.runtime.as_ref().unwrap();
        runtime.block_on(self.server.as_mut().unwrap().stop());
    }

    pub(crate) fn restart(&mut self) {
        let runtime = self.runtime.as_ref().unwrap();
        runtime.block_on(self.server.as_mut().unwrap().restart()).expect("it starts again");
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        let builder = Client::builder(&self.connect_string()).close_timeout(PATIENCE);
        builder.session_timeout(Duration::from_secs(20)).seed(1)
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().connect_blocking().expect("the client connects")
    }

    /// Waits until every session is over.
    pub(crate) fn without_sessions(&self) {
        while !self.session_ids().is_empty() {
            std::thread::yield_now();
        }
    }
}

impl Deref for Server {
    type Target = TestServer;

    fn deref(&self) -> &TestServer {
        self.server.as_ref().unwrap()
    }
}

impl DerefMut for Server {
    fn deref_mut(&mut self) -> &mut TestServer {
        self.server.as_mut().unwrap()
    }
}

/// May happen inside of another runtime, where a runtime must not be waited for.
impl Drop for Server {
    fn drop(&mut self) {
        let runtime = self.runtime.take().unwrap();
        let context = runtime.enter();
        self.server.take();
        drop(context);
        runtime.shutdown_background();
    }
}

/// Runs a test on a thread of its own; fails it if it takes too long.
pub(crate) fn bounded<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, outcome) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let _ = done.send(test());
    });
    match outcome.recv_timeout(PATIENCE) {
        Ok(value) => value,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("not within {PATIENCE:?}"),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(thread.join().expect_err("it sent nothing"))
        }
    }
}
