//! Which servers a client uses, and a change of them while it runs.

use zk_proto::connect_string::ConnectStringError;
use zk_proto::{ConnectString, HostPort};

use crate::chroot::Chroot;
use crate::client::Client;
use crate::driver::Pauses;
use crate::error::{Error, Result};
use crate::queue::Command;

pub(crate) fn parse(servers: &str) -> Result<ConnectString> {
    servers.parse().map_err(|reason: ConnectStringError| invalid(servers, reason.to_string()))
}

fn invalid(input: &str, reason: String) -> Error {
    Error::InvalidConnectString { input: input.to_owned(), reason }
}

impl Client {
    /// Uses these servers from now on, given as a connect string whose chroot, if it has one, must
    /// be that of the client. For an ensemble that grows, shrinks or moves.
    ///
    /// The session stays. Each client decides by chance whether it goes to another server, such
    /// that in the end the clients are spread evenly and as few as possible have moved; a client
    /// whose server is not in the list any more moves in any case. It first waits for what it has
    /// sent to be answered (for up to a third of the session timeout), so no outcome becomes
    /// unknown by it.
    ///
    /// ```no_run
    /// # use zk_client::{Client, Error};
    /// # fn example(client: &Client) -> Result<(), Error> {
    /// client.update_servers("zk1:2181,zk2:2181,zk3:2181,zk4:2181,zk5:2181")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidConnectString`]: nothing has changed. [`Error::Closed`] and the like when
    /// the client has come to its end.
    pub fn update_servers(&self, servers: &str) -> Result<()> {
        let ConnectString { hosts, chroot } = parse(servers)?;
        let shared = self.shared();
        if Chroot::new(chroot.as_deref()) != shared.chroot {
            let reason = "its chroot differs from the one the client was made with; \
                          use Client::in_chroot for another root";
            return Err(invalid(servers, reason.to_owned()));
        }
        self.use_servers(hosts)
    }

    /// Uses the servers that the ensemble's configuration names, now and whenever it is
    /// reconfigured, as by [`update_servers`](Self::update_servers). Runs until the client has
    /// ended or may not read the configuration; run it in a task, or next to other work.
    ///
    /// For clients that reach the servers at the addresses which the configuration has for clients
    /// (the part behind the semicolon of `server.N`), in the clear: it says nothing of proxies and
    /// container networks, and of secure ports only from 3.10 on. While it names none, as that of a
    /// standalone server, the list stays.
    ///
    /// ```no_run
    /// # use zk_client::{Client, Error};
    /// # async fn example(client: Client) {
    /// tokio::spawn(async move { client.follow_config().await });
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What the server says to the read, such as [`Error::NoAuth`], unless it may pass;
    /// [`Error::Closed`] and the like when the client has ended.
    pub async fn follow_config(&self) -> Result<()> {
        let mut pauses = Pauses::new();
        loop {
            let outcome = match self.config().watch().await {
                Ok((config, watch)) => {
                    pauses = Pauses::new();
                    let hosts = config.client_hosts();
                    if !hosts.is_empty() {
                        self.use_servers(hosts)?;
                    }
                    watch.await.map(drop)
                }
                Err(error) => Err(error),
            };
            match outcome {
                Ok(()) => {}
                Err(error) if !error.is_retryable() || self.is_closed() => return Err(error),
                Err(Error::SessionExpired) => {}
                Err(_) => pauses.pause(None).await,
            }
        }
    }

    fn use_servers(&self, hosts: Vec<HostPort>) -> Result<()> {
        let shared = self.shared();
        shared.queue.command(Command::UpdateServers(hosts)).map_err(|_| shared.end_error())
    }
}
