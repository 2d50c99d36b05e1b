//! A server with an AdminServer, and requests to it.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use zk_proto::{Acl, ErrorCode, Permissions, Request, SetAclRequest, Zxid};
use zk_server::ServerConfig;
use zk_server::auth::digest_id;
use zk_server::config::AdminConfig;
use zk_server::runtime::Instance;
use zk_server::storage::log::DiscardTxnLog;

use crate::support::{RawClient, dial};

/// Whom [`Running::boss`] lets in.
pub(crate) const BOSS: &str = "digest boss:pw";

/// A server on a thread of its own, with its data in a directory or in memory.
pub(crate) struct Running {
    pub(crate) addr: SocketAddr,
    pub(crate) admin: SocketAddr,
    stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    pub(crate) fn on(dir: &Path) -> Self {
        Self::with(Some(dir), |admin| admin.rate_limit_interval = Duration::ZERO)
    }

    pub(crate) fn with(dir: Option<&Path>, change: impl FnOnce(&mut AdminConfig)) -> Self {
        let mut config = match dir {
            Some(dir) => ServerConfig::for_development(0, dir),
            None => ServerConfig::default(),
        };
        config.client_port_address = Some("127.0.0.1".to_owned());
        config.client_port = Some(0);
        let mut admin = AdminConfig::default();
        admin.port = 0;
        change(&mut admin);
        config.operators.admin = Some(admin);
        let (stop, in_memory) = (CancellationToken::new(), dir.is_none());
        let shutdown = stop.clone();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let instance = if in_memory {
                    Instance::bind(config, Box::new(DiscardTxnLog::default())).await
                } else {
                    Instance::open(config).await
                };
                let instance = instance.unwrap();
                tell.send((instance.address().unwrap(), instance.admin_address().unwrap()))
                    .unwrap();
                instance.run(shutdown).await.unwrap();
            });
        });
        let (addr, admin) = told.recv().unwrap();
        Self { addr, admin, stop, thread: Some(thread) }
    }

    pub(crate) fn snapshot(&self) -> Answer {
        self.ask("GET", "/commands/snapshot", Some(BOSS), None)
    }

    pub(crate) fn restore(&self, body: &[u8]) -> Answer {
        self.ask("POST", "/commands/restore", Some(BOSS), Some(body))
    }

    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        auth: Option<&str>,
        body: Option<&[u8]>,
    ) -> Answer {
        self.try_ask(method, path, auth, body).expect("an answer")
    }

    /// `None`: the connection was cut before there was an answer.
    pub(crate) fn try_ask(
        &self,
        method: &str,
        path: &str,
        auth: Option<&str>,
        body: Option<&[u8]>,
    ) -> Option<Answer> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: zk\r\nConnection: close\r\n");
        if let Some(auth) = auth {
            head.push_str(&format!("Authorization: {auth}\r\n"));
        }
        if let Some(body) = body {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let mut stream = dial(self.admin);
        // Whoever is refused may not be listened to until the end.
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(body.unwrap_or_default());
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        Answer::parse(&bytes)
    }

    /// The session whose root's ACL lets the boss in and nobody else.
    pub(crate) fn boss(&self) -> RawClient {
        let mut client = RawClient::connect(self.addr);
        let acl = vec![
            Acl::new(Permissions::ALL, "digest", digest_id("boss:pw")),
            Acl::new(Permissions(Permissions::ALL.0 & !Permissions::ADMIN.0), "world", "anyone"),
        ];
        let set = Request::SetAcl(SetAclRequest { path: "/", acl, version: -1 });
        assert_eq!(client.call(&set).header.err, ErrorCode::Ok);
        client
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// What came of a request.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// By names in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers =
            headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        Some(Self { status, headers, body: bytes[end + 4..].to_vec() })
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn zxid(&self) -> Zxid {
        let hex = self.headers["last_zxid"].strip_prefix("0x").unwrap();
        Zxid(i64::from_str_radix(hex, 16).unwrap())
    }
}
