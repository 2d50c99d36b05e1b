//! A real Apache ZooKeeper in a container.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, Weak, mpsc};
use std::thread::JoinHandle;

use testcontainers::core::{ContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, Image};

const CLIENT_PORT: ContainerPort = ContainerPort::Tcp(2181);
const DEFAULT_IMAGE: &str = "zookeeper:3.9";

/// What suites set differently.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a suite says all that it wants")]
pub struct ApacheSettings {
    /// Lines of zoo.cfg, separated by spaces.
    pub config: &'static str,
    /// Options of the JVM, separated by spaces.
    pub jvm_flags: &'static str,
}

impl ApacheSettings {
    /// For servers that tests share: some wait for containers and TTL nodes to be deleted.
    const SHARED: Self = Self {
        config: "maxSessionTimeout=60000 extendedTypesEnabled=true",
        jvm_flags: "-Dznode.container.checkIntervalMs=100",
    };
}

/// The official image, or any that takes the same environment; `ZK_TEST_IMAGE` names it.
#[derive(Debug)]
struct ZooKeeperImage {
    name: String,
    tag: String,
    settings: ApacheSettings,
}

impl ZooKeeperImage {
    fn from_environment(settings: ApacheSettings) -> Self {
        let image = std::env::var("ZK_TEST_IMAGE").unwrap_or_else(|_| DEFAULT_IMAGE.to_owned());
        // A colon in front of a slash belongs to a registry's port.
        let tagged = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'));
        let (name, tag) = tagged.unwrap_or((&image, "latest"));
        Self { name: name.to_owned(), tag: tag.to_owned(), settings }
    }
}

impl Image for ZooKeeperImage {
    fn name(&self) -> &str {
        &self.name
    }

    fn tag(&self) -> &str {
        &self.tag
    }

    /// None: its log differs from version to version; `Target` asks the server itself.
    fn ready_conditions(&self) -> Vec<WaitFor> {
        Vec::new()
    }

    /// Ticks as short as the embedded server's, so that sessions expire as soon.
    fn env_vars(
        &self,
    ) -> impl IntoIterator<
        Item = (impl Into<std::borrow::Cow<'_, str>>, impl Into<std::borrow::Cow<'_, str>>),
    > {
        [
            ("ZOO_TICK_TIME", "100"),
            ("ZOO_MAX_CLIENT_CNXNS", "0"),
            ("ZOO_4LW_COMMANDS_WHITELIST", "*"),
            ("ZOO_CFG_EXTRA", self.settings.config),
            ("JVMFLAGS", self.settings.jvm_flags),
        ]
    }

    fn expose_ports(&self) -> &[ContainerPort] {
        &[CLIENT_PORT]
    }
}

/// A real Apache ZooKeeper in a container; dropping it removes the container.
#[derive(Debug)]
pub struct Apache {
    address: SocketAddr,
    /// Dropped to tell the thread that it is over.
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Apache {
    /// The container that other tests of this process use, or a new one if none does.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Apache>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        shared.upgrade().unwrap_or_else(|| {
            let apache = Arc::new(Self::start(ApacheSettings::SHARED));
            *shared = Arc::downgrade(&apache);
            apache
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A server of the caller's own. It may not answer yet. Blocks.
    ///
    /// The container has a thread and a runtime of its own: the test that started it may end, and
    /// its runtime with it, while others go on.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    #[must_use]
    pub fn start(settings: ApacheSettings) -> Self {
        let (started, address) = mpsc::channel();
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime starts");
            let container: ContainerAsync<_> =
                runtime.block_on(ZooKeeperImage::from_environment(settings).start()).expect(
                    "the container starts: is Docker there, and the image (see ZK_TEST_IMAGE)?",
                );
            let port = runtime
                .block_on(container.get_host_port_ipv4(CLIENT_PORT))
                .expect("the client port is mapped");
            let _ = started.send(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
            // An error is the expected end: the other side was dropped.
            let _ = stopped.recv();
            runtime.block_on(container.rm()).expect("the container can be removed");
        });
        let address = address.recv().expect("the container has started");
        Self { address, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Apache {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the container was left behind");
        }
    }
}
