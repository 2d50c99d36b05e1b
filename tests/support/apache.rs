//! A real Apache ZooKeeper in a container.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, Weak, mpsc};
use std::thread::JoinHandle;

use testcontainers::core::{ContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, Image, ImageExt};

use crate::SecureSettings;
use crate::transport::{Transport, authority, jaas};

const CLIENT_PORT: ContainerPort = ContainerPort::Tcp(2181);
const SECURE_CLIENT_PORT: ContainerPort = ContainerPort::Tcp(2281);
const DEFAULT_IMAGE: &str = "zookeeper:3.9";

/// What suites set differently.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "a suite says all that it wants")]
pub struct ApacheSettings {
    /// Lines of zoo.cfg, separated by spaces.
    pub config: String,
    /// Options of the JVM, separated by spaces.
    pub jvm_flags: String,
    /// Paths, and what the files there are to contain.
    pub files: Vec<(&'static str, Vec<u8>)>,
}

impl ApacheSettings {
    /// These lines and options, each separated by spaces, and no files.
    #[must_use]
    pub fn new(config: &str, jvm_flags: &str) -> Self {
        Self { config: config.to_owned(), jvm_flags: jvm_flags.to_owned(), files: Vec::new() }
    }

    /// For servers that tests share: some wait for containers and TTL nodes to be deleted. With what
    /// `ZK_TEST_TRANSPORT` asks for.
    fn shared() -> Self {
        let transport = Transport::of_environment();
        let mut settings = if transport.tls {
            SecureSettings::of(authority()).of_apache()
        } else {
            Self::default()
        };
        if transport.sasl {
            settings.files.push((JAAS, jaas().into_bytes()));
            settings.add(
                "authProvider.sasl=org.apache.zookeeper.server.auth.SASLAuthenticationProvider",
                // 3.9 does no DIGEST-MD5 in its mode for FIPS, which is its default.
                &format!("-Djava.security.auth.login.config={JAAS} -Dzookeeper.fips-mode=false"),
            );
        }
        settings.add(
            "maxSessionTimeout=60000 extendedTypesEnabled=true",
            "-Dznode.container.checkIntervalMs=100",
        );
        settings
    }

    /// More lines of zoo.cfg, and more options of the JVM.
    pub(crate) fn add(&mut self, config: &str, jvm_flags: &str) {
        for (all, more) in [(&mut self.config, config), (&mut self.jvm_flags, jvm_flags)] {
            all.push(' ');
            all.push_str(more);
        }
    }
}

/// Where the users are.
const JAAS: &str = "/secrets/jaas.conf";

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
            ("ZOO_CFG_EXTRA", &*self.settings.config),
            ("JVMFLAGS", &*self.settings.jvm_flags),
        ]
    }

    fn expose_ports(&self) -> &[ContainerPort] {
        &[CLIENT_PORT, SECURE_CLIENT_PORT]
    }
}

/// A real Apache ZooKeeper in a container; dropping it removes the container.
#[derive(Debug)]
pub struct Apache {
    address: SocketAddr,
    secure_address: SocketAddr,
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
            let apache = Arc::new(Self::start(ApacheSettings::shared()));
            *shared = Arc::downgrade(&apache);
            apache
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for TLS, if its settings say so.
    #[must_use]
    pub fn secure_address(&self) -> SocketAddr {
        self.secure_address
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
        let (started, addresses) = mpsc::channel();
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime starts");
            let container = runtime.block_on(run(settings));
            let _ = started.send(runtime.block_on(addresses_of(&container)));
            // An error is the expected end: the other side was dropped.
            let _ = stopped.recv();
            runtime.block_on(container.rm()).expect("the container can be removed");
        });
        let [address, secure_address] = addresses.recv().expect("the container has started");
        Self { address, secure_address, stop: Some(stop), thread: Some(thread) }
    }
}

async fn run(settings: ApacheSettings) -> ContainerAsync<ZooKeeperImage> {
    let files = settings.files.clone();
    let mut image = ContainerRequest::from(ZooKeeperImage::from_environment(settings));
    for (path, bytes) in files {
        image = image.with_copy_to(path, bytes);
    }
    image
        .start()
        .await
        .expect("the container starts: is Docker there, and the image (see ZK_TEST_IMAGE)?")
}

/// The plain one, and the one for TLS.
async fn addresses_of(container: &ContainerAsync<ZooKeeperImage>) -> [SocketAddr; 2] {
    let mut addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); 2];
    for (address, port) in addresses.iter_mut().zip([CLIENT_PORT, SECURE_CLIENT_PORT]) {
        let mapped = container.get_host_port_ipv4(port).await.expect("the port is mapped");
        address.set_port(mapped);
    }
    addresses
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
