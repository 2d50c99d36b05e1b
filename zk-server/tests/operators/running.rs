//! A server with both HTTP ports, and how they are asked.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use zk_server::ServerConfig;
use zk_server::config::{AdminConfig, MetricsConfig};
use zk_server::runtime::Instance;
use zk_server::storage::log::DiscardTxnLog;

/// Far longer than anything takes; a test that waits for it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a thread of its own, with both ports.
pub(crate) struct Running {
    pub(crate) clients: SocketAddr,
    #[cfg(feature = "tls")]
    pub(crate) secure: Option<SocketAddr>,
    pub(crate) admin: SocketAddr,
    pub(crate) metrics: SocketAddr,
    stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    pub(crate) fn start(change: impl FnOnce(&mut AdminConfig)) -> Self {
        Self::with(|config| change(config.operators.admin.get_or_insert_default()))
    }

    pub(crate) fn with(change: impl FnOnce(&mut ServerConfig)) -> Self {
        let mut config = ServerConfig::default();
        config.client_port_address = Some("127.0.0.1".to_owned());
        let mut admin = AdminConfig::default();
        admin.port = 0;
        let mut metrics = MetricsConfig::default();
        (metrics.host, metrics.port) = ("127.0.0.1".to_owned(), 0);
        config.operators.admin = Some(admin);
        config.operators.metrics = Some(metrics);
        change(&mut config);
        let stop = CancellationToken::new();
        let shutdown = stop.clone();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let log = Box::new(DiscardTxnLog::default());
                let instance = Instance::bind(config, log).await.unwrap();
                let operators = (instance.admin_address(), instance.metrics_address());
                let clients = (instance.address(), instance.secure_address());
                tell.send((clients, operators)).unwrap();
                instance.run(shutdown).await.unwrap();
            });
        });
        let ((clients, secure), (admin, metrics)) = told.recv().unwrap();
        let _ = secure;
        Self {
            clients: clients.unwrap(),
            #[cfg(feature = "tls")]
            secure,
            admin: admin.unwrap(),
            metrics: metrics.unwrap(),
            stop,
            thread: Some(thread),
        }
    }

    /// A figure as Prometheus reads it.
    pub(crate) fn figure(&self, name: &str) -> String {
        let (_, body) = ask(self.metrics, "GET", "/metrics");
        let line = body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} in {body}")).to_owned()
    }

    /// Waits until a figure is that.
    pub(crate) fn until(&self, name: &str, wanted: &str) {
        let give_up = std::time::Instant::now() + PATIENCE;
        loop {
            let found = self.figure(name);
            if found == wanted {
                return;
            }
            assert!(std::time::Instant::now() < give_up, "{name} is {found}, not {wanted}");
        }
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

pub(crate) fn dial(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Everything that comes until the server closes, or drops, the connection.
pub(crate) fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
    }
    String::from_utf8(bytes).unwrap()
}

/// The head and the body of the answer.
pub(crate) fn ask(address: SocketAddr, method: &str, path: &str) -> (String, String) {
    let mut stream = dial(address);
    let request = format!("{method} {path} HTTP/1.1\r\nHost: zk\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let answer = read_all(&mut stream);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    (head.to_owned(), body.to_owned())
}
