//! The program `zk-server`, started as an operator starts it.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests touch the world")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Output, Stdio};

use support::{RawClient, four_letter};
use tokio::net::TcpSocket;
use zk_proto::{CreateMode, ErrorCode, Password, SessionId};

/// A running program; killed if the test ends before it does.
struct Program {
    child: Child,
    addr: SocketAddr,
    /// Keeps the port from others until the program listens; only Linux lets both have it.
    _port: Option<TcpSocket>,
}

impl Program {
    fn dev() -> Self {
        let mut child = program()
            .args(["--dev", "--port", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let words = line.strip_prefix("zk-server is ready: connect to ").expect(&line);
        let addr = words.split(' ').next().and_then(|addr| addr.parse().ok()).expect(&line);
        Self { child, addr, _port: None }
    }

    /// Serves a configuration file on a port that nobody else has.
    fn configured(dir: &std::path::Path) -> Self {
        Self::configured_with(dir, "", &[])
    }

    /// The same with more lines in the file and more options.
    fn configured_with(dir: &std::path::Path, more: &str, options: &[&str]) -> Self {
        let (reserved, addr) = port_for_a_program();
        let path = dir.join("zoo.cfg");
        let (dir, port) = (dir.display(), addr.port());
        let lines = format!("dataDir={dir}/data\nclientPort={port}\nclientPortAddress=127.0.0.1\n");
        std::fs::write(&path, lines + more).expect("a file");
        let mut program = program();
        let child = program.arg(&path).args(options).stderr(Stdio::piped());
        let child = child.spawn().expect("it starts");
        Self { child, addr, _port: reserved }
    }

    /// Reads the log up to a line that contains `text`.
    fn wait_for(&mut self, text: &str) -> String {
        let mut log = String::new();
        let mut stderr = BufReader::new(self.child.stderr.as_mut().expect("a pipe"));
        while !log.contains(text) {
            assert!(stderr.read_line(&mut log).expect("text") > 0, "no {text:?} in {log}");
        }
        log
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args([name, &pid]).status().expect("kill exists");
        assert!(status.success());
    }

    fn wait(&mut self) -> (Option<i32>, String) {
        let status = self.child.wait().expect("it ends");
        let mut log = String::new();
        let stderr = self.child.stderr.as_mut().expect("a pipe");
        stderr.read_to_string(&mut log).expect("text");
        (status.code(), log)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody else gets while what comes with it lives: only Linux lets a program listen
/// there meanwhile.
fn port_for_a_program() -> (Option<TcpSocket>, SocketAddr) {
    let port = TcpSocket::new_v4().expect("a socket");
    port.set_reuseaddr(true).expect("a socket has this option");
    port.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let addr = port.local_addr().expect("a bound socket has an address");
    (cfg!(target_os = "linux").then_some(port), addr)
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_zk-server"))
}

/// Runs the program with a configuration file that it must refuse.
fn refused(config: &str) -> (String, Output) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("zoo.cfg");
    let config = config.replace("{dir}", &dir.path().display().to_string());
    std::fs::write(&path, config).expect("a file");
    let output = program().arg(&path).output().expect("the program runs");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    (path.display().to_string(), output)
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[cfg(unix)]
#[test]
fn the_dev_server_says_how_to_connect_and_stops_on_a_signal() {
    for signal in ["-TERM", "-INT"] {
        let mut server = Program::dev();
        let mut client = RawClient::connect(server.addr);
        assert_eq!(client.create("/a", b"", CreateMode::Persistent).header.err, ErrorCode::Ok);
        assert!(four_letter(server.addr, "srvr").contains("Mode: standalone\nNode count: 6\n"));
        let files = four_letter(server.addr, "mntr").contains("zk_open_file_descriptor_count\t");
        assert_eq!(files, cfg!(target_os = "linux"));
        server.signal(signal);
        let (code, log) = server.wait();
        assert_eq!(code, Some(0), "{log}");
        assert!(client.is_closed());
    }
}

#[cfg(unix)]
#[test]
fn each_line_of_a_log_in_json_is_an_object_and_says_where_the_server_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let [admin, metrics] = [(); 2].map(|()| port_for_a_program());
    let lines = format!(
        "admin.enableServer=true\nadmin.serverPort={}\n\
         metricsProvider.className=\
         org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider\n\
         metricsProvider.httpHost=127.0.0.1\nmetricsProvider.httpPort={}\n",
        admin.1.port(),
        metrics.1.port()
    );
    let mut server = Program::configured_with(dir.path(), &lines, &["--log-format", "json"]);
    let log = server.wait_for("serving clients on");
    for (who, port) in [("operators", admin), ("Prometheus", metrics)] {
        assert!(log.contains(&format!("answering {who} by HTTP on {}", port.1)), "{log}");
    }
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect(line);
        let message = line["fields"]["message"].as_str();
        assert!(line["level"].is_string() && message.is_some(), "{line}");
    }
    server.signal("-TERM");
    assert_eq!(server.wait().0, Some(0));
}

#[cfg(unix)]
#[test]
fn a_configured_server_says_what_it_has_read_and_stops_on_a_signal() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut server = Program::configured(dir.path());
    let log = server.wait_for("serving clients on 127.0.0.1:");
    assert_eq!(log.matches(" WARN ").count(), 0, "{log}");
    assert!(log.contains("read the data zxid=0x0 nodes=5 replayed=0"), "{log}");
    assert!(dir.path().join("data/version-2").is_dir());
    RawClient::connect(server.addr);
    server.signal("-TERM");
    assert_eq!(server.wait().0, Some(0));
}

#[cfg(unix)]
#[test]
fn a_malformed_frame_costs_its_connection_and_one_log_line() {
    let mut server = Program::dev();
    let mut client = RawClient::connect(server.addr);
    let mut stranger = support::dial(server.addr);
    let from = stranger.local_addr().expect("an address");
    stranger.write_all(b"GET /\x1b[31m HTTP/1.1\r\n\r\n").expect("sent");
    assert!(!matches!(stranger.read(&mut [0]), Ok(1..)), "closed without an answer");
    assert_eq!(client.create("/a", b"", CreateMode::Persistent).header.err, ErrorCode::Ok);
    server.signal("-TERM");
    let (_, log) = server.wait();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("malformed frame")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(lines[0].contains(&from.to_string()) && lines[0].contains("over the limit"), "{log}");
    assert!(!log.contains("[31m HTTP"), "{log}");
}

/// Anybody can be sent away as often as they like; the log must not fill the disk over it.
#[cfg(unix)]
#[test]
fn clients_that_are_sent_away_do_not_cost_a_line_each() {
    const REFUSED: usize = 300;
    let mut server = Program::dev();
    let begun = std::time::Instant::now();
    for _ in 0..REFUSED {
        let refused = RawClient::connect_as(server.addr, SessionId(7), Password::NONE);
        assert_eq!(refused.granted.session_id, SessionId::NONE);
    }
    let seconds = begun.elapsed().as_secs();
    server.signal("-TERM");
    let (_, log) = server.wait();
    let lines = log.lines().filter(|line| line.contains("whose password differs")).count();
    assert!((1..=2 + seconds).contains(&(lines as u64)), "{lines} in {seconds} s");
}

#[test]
fn a_port_in_use_is_named_with_what_to_do() {
    let server = Program::dev();
    let port = server.addr.port().to_string();
    let output = program().args(["--dev", "--port", &port]).output().expect("the program runs");
    assert_eq!(output.status.code(), Some(1));
    let message = errors(&output);
    let expected = format!("zk-server: cannot listen on 127.0.0.1:{port}: the port is in use.");
    assert!(message.contains(&expected) && message.contains("--port"), "{message}");
}

#[test]
fn a_bad_line_is_named_by_file_and_line() {
    let (path, output) = refused("dataDir={dir}\nclientPort=2181\n# fine\ntickTime=2s\n");
    let expected = format!("zk-server: {path}:4: tickTime is `2s`: expected a time");
    assert!(errors(&output).contains(&expected), "{}", errors(&output));
}

#[test]
fn an_ensemble_is_refused() {
    let servers = "server.1=a:2888:3888\nserver.2=b:2888:3888\n";
    let (path, output) = refused(&format!("dataDir={{dir}}\nclientPort=2181\n{servers}"));
    let message = errors(&output);
    assert!(message.contains(&format!("{path}:3: the 2 servers named here are")), "{message}");
}

fn check(dir: &std::path::Path, lines: &str) -> (Option<i32>, String, String) {
    let path = dir.join("zoo.cfg");
    std::fs::write(&path, lines).expect("a file");
    let output = program().arg("--check-config").arg(&path).output().expect("the program runs");
    let said = String::from_utf8(output.stdout.clone()).expect("text");
    (output.status.code(), said, errors(&output))
}

#[test]
fn a_configuration_is_checked_without_a_server() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("members"), "server.1=zk:2888:3888;2999\n").expect("a file");
    let lines = format!(
        "# Caf\u{e9}\r\ndataDir = {0}/data  \r\ndynamicConfigFile={0}/members\r\ntickTme=1\r\n\
         DigestAuthenticationProvider.superDigest=super:planted\r\n",
        dir.path().display()
    );
    let (code, said, complaints) = check(dir.path(), &lines);
    assert_eq!((code, complaints.as_str()), (Some(0), ""));
    assert!(said.contains("zoo.cfg:4: unknown key `tickTme`, did you mean `tickTime`?"), "{said}");
    assert!(said.contains("/data\n") && said.contains("\nclientPort=2999\n"), "{said}");
    assert!(said.contains("\nmaxSessionTimeout=60000\n"), "the default: {said}");
    assert!(!said.contains("planted"), "{said}");
    assert!(!dir.path().join("data").exists(), "nothing was made");
    let (code, said, complaints) = check(dir.path(), "tickTime=x\nclientPort=y\ndataDir=/d\n");
    assert_eq!((code, said.as_str()), (Some(1), ""));
    assert!(complaints.contains("zoo.cfg:1: tickTime is `x`"), "{complaints}");
    assert!(complaints.contains("zoo.cfg:2: clientPort is `y`"), "{complaints}");
}

/// The stores are opened as a start does, and no password is shown.
#[cfg(feature = "tls")]
#[test]
fn a_configuration_is_checked_with_its_key_stores() {
    let dir = tempfile::tempdir().expect("a directory");
    let stores = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/key-stores");
    let lines = |password: &str, trust: &str| {
        format!(
            "dataDir={}\nsecureClientPort=2281\nssl.keyStore.location={stores}/rsa.p12\n\
             ssl.keyStore.password={password}\nssl.trustStore.location={stores}/{trust}\n\
             ssl.trustStore.passwordPath={stores}/password\n",
            dir.path().display()
        )
    };
    let (code, said, complaints) = check(dir.path(), &lines("changeit", "trust.jks"));
    assert_eq!((code, complaints.as_str()), (Some(0), ""));
    assert!(said.contains("rsa.p12 (Pkcs12)") && !said.contains("changeit"), "{said}");
    for (password, trust, expected) in [
        ("planted", "trust.jks", "Check ssl.keyStore.password"),
        ("changeit", "empty.jks", "holds no certificate that is trusted"),
        ("changeit", "none.jks", "cannot be read"),
    ] {
        let (code, said, complaints) = check(dir.path(), &lines(password, trust));
        assert_eq!(code, Some(1), "{complaints}");
        assert!(said.contains("\nsecureClientPort=2281\n"), "the rest is told: {said}");
        assert!(complaints.contains(expected) && !complaints.contains("planted"), "{complaints}");
    }
}

/// A file that was written before UTF-8 had won.
#[test]
fn comments_in_latin_1_are_passed_over() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("zoo.cfg");
    std::fs::write(&path, b"# Verf\xfcgbarkeit\ndataDir=/d\nclientPort=1\n").expect("a file");
    let output = program().arg("--check-config").arg(&path).output().expect("the program runs");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_file_in_utf_16_is_told_from_one_without_settings() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("zoo.cfg");
    let text = "\u{feff}dataDir=/d\r\nclientPort=1\r\n";
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(&path, bytes).expect("a file");
    let output = program().arg("--check-config").arg(&path).output().expect("the program runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains("save it as UTF-8"), "{told}");
}

#[cfg(unix)]
#[test]
fn without_a_file_the_environment_makes_the_settings() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut child = program()
        .env("ZOO_DATA_DIR", dir.path().join("data"))
        .env("ZOO_DATA_LOG_DIR", dir.path().join("log"))
        .env("ZOO_CFG_EXTRA", "clientPort=1 clientPortAddress=203.0.113.1")
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
    let mut log = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut log).expect("text");
    assert!(log.contains("cannot listen on 203.0.113.1:1"), "{log}");
    let refused = program().env("ZOO_TICK_TIME", "2s").output().expect("the program runs");
    assert_eq!(refused.status.code(), Some(1));
    let message = errors(&refused);
    assert!(message.contains("zk-server: ZOO_TICK_TIME:1: tickTime is `2s`"), "{message}");
    let conf = dir.path().join("zoo.cfg");
    std::fs::write(&conf, "tickTime=3s\n").expect("a file");
    let mounted = program()
        .env("ZOO_CONF_DIR", dir.path())
        .env("ZOO_TICK_TIME", "2s")
        .output()
        .expect("the program runs");
    assert!(errors(&mounted).contains("zoo.cfg:1: tickTime is `3s`"), "{mounted:?}");
}

#[test]
fn a_missing_file_is_named() {
    let output = program().arg("/no/such/zoo.cfg").output().expect("the program runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("cannot read /no/such/zoo.cfg: "), "{}", errors(&output));
}

#[test]
fn data_that_cannot_be_read_stops_the_server() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(dir.path().join("version-2")).expect("a directory");
    std::fs::write(dir.path().join("version-2/snapshot.0"), b"ZKSN").expect("a file");
    let data_dir = dir.path().display();
    let (_, output) = refused(&format!("dataDir={data_dir}\nclientPort=2181\n"));
    let message = errors(&output);
    assert!(message.contains("cannot start on the data in"), "{message}");
    assert!(message.contains("the snapshot snapshot.0 cannot be used"), "{message}");
}

/// Serving nothing would look like a loss of everything.
#[test]
fn data_beside_their_place_are_not_passed_over() {
    let fixture =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/apache-3.8");
    let dir = tempfile::tempdir().expect("a directory");
    let copy = |name: &str, to: &std::path::Path| {
        std::fs::create_dir_all(to).expect("a directory");
        std::fs::copy(fixture.join("plain").join(name), to.join(name)).expect("a copy");
    };
    let flat = dir.path().join("flat");
    copy("snapshot.23", &flat);
    let (_, output) = refused(&format!("dataDir={}\nclientPort=1\n", flat.display()));
    let message = errors(&output);
    assert!(message.contains("snapshot.23 is in it, and belongs into"), "{message}");
    assert!(!flat.join("version-2").exists());
    let bare = dir.path().join("bare");
    copy("snapshot.23", &bare.join("version-2"));
    let lines = "clientPort=1\nclientPortAddress=203.0.113.1\nextendedTypesEnabled=true\n";
    let (_, output) = refused(&format!("dataDir={}\n{lines}", bare.display()));
    let message = errors(&output);
    assert!(message.contains("a snapshot of transaction 0x23 and no log at all"), "{message}");
}

#[test]
fn a_configured_server_warns_of_what_it_does_not_do() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("zoo.cfg");
    let config = format!(
        "dataDir={}\nclientPort=1\nclientPortAddress=203.0.113.1\ncommitLogCount=5\ntickTme=1\n",
        dir.path().display()
    );
    std::fs::write(&path, config).expect("a file");
    let output = program().arg(&path).output().expect("the program runs");
    let message = errors(&output);
    assert!(message.contains("zoo.cfg:4: `commitLogCount` has no effect"), "{message}");
    assert!(message.contains("zoo.cfg:5: unknown key `tickTme`, did you mean"), "{message}");
    assert!(message.contains("cannot listen on 203.0.113.1:1"), "{message}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn help_and_version_are_there() {
    let help = program().arg("--help").output().expect("the program runs");
    let text = String::from_utf8_lossy(&help.stdout);
    assert!(help.status.success() && text.contains("--dev") && text.contains("zoo.cfg"), "{text}");
    let version = program().arg("--version").output().expect("the program runs");
    assert!(String::from_utf8_lossy(&version.stdout).starts_with("zk-server 0."));
    let neither = program().output().expect("the program runs");
    assert_eq!(neither.status.code(), Some(2));
    assert!(errors(&neither).contains("Give the path of a zoo.cfg"), "{neither:?}");
    assert!(text.contains("ZOO_CFG_EXTRA") && text.contains("--check-config"), "{text}");
}

#[cfg(unix)]
#[test]
fn what_is_hardly_a_configuration_is_refused_at_once() {
    let output = program().arg("/dev/zero").output().expect("the program runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("/dev/zero is longer than 1048576 bytes"));
    let output = program().arg("/").output().expect("the program runs");
    assert!(errors(&output).contains("cannot read /: "), "{}", errors(&output));
}

#[test]
fn control_characters_of_a_configuration_do_not_reach_the_terminal() {
    let lines = [
        "dataDir=/dev/null/\\u001b[31m\nclientPort=1\n",
        "dataDir={dir}\nclientPort=1\nclientPortAddress=\\u001b[31m\\nno such host\n",
    ];
    for line in lines {
        let (_, output) = refused(line);
        let message = errors(&output);
        assert!(!message.contains('\u{1b}') && message.contains("\\u{1b}[31m"), "{message}");
    }
}

/// `fips-mode=true` forbids DIGEST-MD5 wherever its users stand: their file is read at the start.
#[test]
fn users_of_digest_md5_in_a_login_file_are_refused_under_fips_mode() {
    let dir = tempfile::tempdir().expect("a directory");
    let login = dir.path().join("jaas.conf");
    let module = "org.apache.zookeeper.server.auth.DigestLoginModule";
    let section = format!("Server {{ {module} required user_bob=\"hush\"; }};\n");
    std::fs::write(&login, section).expect("a file");
    let file = format!("java.security.auth.login.config={}", login.display());
    let (_, output) = refused(&format!("dataDir={{dir}}\nclientPort=1\n{file}\nfips-mode=true\n"));
    let said = errors(&output);
    assert!(said.contains("has users of DIGEST-MD5, and fips-mode is true"), "{said}");
    assert!(said.contains("jaas.conf") && !said.contains("hush"), "{said}");
    Program::configured_with(dir.path(), &format!("{file}\nfips-mode=false\n"), &[])
        .wait_for("serving clients on");
}
