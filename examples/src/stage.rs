//! Where an example plays.

use std::time::Duration;

use zk_client::{Client, CreateMode, SessionId};
use zk_server::testing::TestServer;

use crate::Result;
use crate::process::Process;

/// How long the servers wait for a silent client before they end its session. Generous, so that a
/// machine under load loses no session; on an ensemble of your own it is also how long it takes
/// until a killed process is missed.
const SESSION_TIMEOUT: Duration = Duration::from_secs(10);

/// An ensemble, and a node of a random name that is the root of all that an example does there.
#[derive(Debug)]
pub struct Stage {
    server: Option<TestServer>,
    /// A client of the whole ensemble, to set up and to clean up.
    keeper: Client,
    root: String,
    connect_string: String,
}

impl Stage {
    pub(crate) async fn open(name: &str, ensemble: Option<String>) -> Result<Self> {
        let server = if ensemble.is_none() { Some(TestServer::start().await?) } else { None };
        let embedded = server.as_ref().map(TestServer::connect_string);
        let ensemble = ensemble.or(embedded).unwrap_or_default();
        let ensemble = ensemble.trim_end_matches('/');

        let keeper = Client::connect(ensemble).await?;
        let root = format!("/{name}-{:08x}", fastrand::u32(..));
        keeper.create(&root, b"", CreateMode::Persistent).await?;
        // A path at the end of a connect string becomes the root of all the client's paths.
        let connect_string = format!("{ensemble}{root}");
        Ok(Self { server, keeper, root, connect_string })
    }

    /// A client, whose paths are below the node of this example.
    ///
    /// # Errors
    ///
    /// When no server answers.
    pub async fn connect(&self) -> Result<Client> {
        connect(&self.connect_string).await
    }

    /// Starts a process: a program with a client and a runtime of its own.
    ///
    /// # Errors
    ///
    /// When no server answers, or no thread can be had.
    pub async fn start<F>(
        &self,
        name: &str,
        program: impl FnOnce(Client) -> F + Send + 'static,
    ) -> Result<Process>
    where
        F: Future<Output = Result> + Send + 'static,
    {
        Process::start(name, connect(self.connect_string.clone()), program).await
    }

    /// Kills a process, as `kill -9` does: no word to anybody, its connection just breaks.
    ///
    /// The servers find out when its session times out. The embedded one does not wait for that.
    ///
    /// # Errors
    ///
    /// When its threads do not end.
    pub async fn kill(&self, process: Process) -> Result {
        let session = process.kill().await?;
        self.expire_session(session);
        Ok(())
    }

    /// Ends the session of a client that lives, as if the network had been gone for too long. False
    /// on an ensemble, which does that for nobody.
    pub fn expire(&self, client: &Client) -> bool {
        self.expire_session(client.session_id())
    }

    fn expire_session(&self, session: Option<SessionId>) -> bool {
        let Some((server, session)) = self.server.as_ref().zip(session) else { return false };
        server.expire_session(session)
    }

    pub(crate) async fn close(&self) -> Result {
        self.keeper.delete_recursive(&self.root).await?;
        Ok(self.keeper.close().await?)
    }
}

async fn connect(servers: impl AsRef<str>) -> Result<Client> {
    Ok(Client::builder(servers.as_ref()).session_timeout(SESSION_TIMEOUT).connect().await?)
}
