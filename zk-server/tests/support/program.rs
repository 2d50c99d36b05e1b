//! The program `zk-server` on a data directory.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

/// A running program on a data directory; killed if the test ends before it does.
pub(crate) struct Program {
    pub(crate) child: Child,
    stderr: BufReader<ChildStderr>,
    /// Where it serves clients.
    pub(crate) addr: SocketAddr,
}

impl Program {
    /// Serves the directory with these lines in the configuration, on any port that is free.
    pub(crate) fn start(dir: &Path, lines: &str) -> Self {
        loop {
            let mut program = Self::begin(dir, lines);
            let mut log = String::new();
            while !log.contains("serving clients on") {
                if program.stderr.read_line(&mut log).expect("text") == 0 {
                    break;
                }
            }
            if log.contains("serving clients on") {
                return program;
            }
            // Somebody else may have got the port in between.
            assert!(log.contains("the port is in use"), "{log}");
        }
    }

    /// The same, which may not come to serve anybody.
    pub(crate) fn begin(dir: &Path, lines: &str) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let addr = free.expect("a free port");
        let config = dir.join("zoo.cfg");
        let text = format!(
            "dataDir={}/data\nclientPort={}\nclientPortAddress=127.0.0.1\n{lines}\n",
            dir.display(),
            addr.port()
        );
        std::fs::write(&config, text).expect("a file");
        let mut child = Command::new(env!("CARGO_BIN_EXE_zk-server"))
            .arg(&config)
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        Self { child, stderr, addr }
    }

    /// Ends it without a warning.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ended");
    }

    /// Sends it a signal, such as `-STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().expect("kill").success());
    }

    /// Lets it end as an operator would.
    pub(crate) fn stop(mut self) {
        self.signal("-TERM");
        assert!(self.child.wait().expect("it ends").success());
    }

    /// Reads the log up to a line that contains `text`.
    pub(crate) fn wait_for(&mut self, text: &str) {
        let mut log = String::new();
        while !log.contains(text) {
            assert!(self.stderr.read_line(&mut log).expect("text") > 0, "no {text:?} in {log}");
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The files of a directory whose names begin like this.
pub(crate) fn files(dir: &Path, kind: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("a file"));
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(kind)));
    files
}
