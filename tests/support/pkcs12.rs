//! Stores of certificates as Java has them.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::TestCertificate;

/// Opens the stores. Java makes none without.
pub(crate) const PASSWORD: &str = "changeit";

/// A certificate and its key.
pub(crate) fn key_store(certificate: &TestCertificate) -> Vec<u8> {
    converted(&certificate.key_store(), |pem, store| {
        let mut command = Command::new("openssl");
        command.args(["pkcs12", "-export", "-passout", &format!("pass:{PASSWORD}")]);
        command.args([Path::new("-in"), pem, Path::new("-out"), store]);
        command
    })
}

/// A root to trust. OpenSSL cannot mark one as Java wants it.
pub(crate) fn trust_store(root: &str) -> Vec<u8> {
    converted(root, |pem, store| {
        let mut command = Command::new("keytool");
        command.args(["-importcert", "-noprompt", "-alias", "ca", "-storetype", "PKCS12"]);
        command.args(["-storepass", PASSWORD]);
        command.args([Path::new("-file"), pem, Path::new("-keystore"), store]);
        command
    })
}

fn converted(pem: &str, command: impl FnOnce(&Path, &Path) -> Command) -> Vec<u8> {
    let directory = tempfile::tempdir().expect("there is room for two files");
    let (from, to) = (directory.path().join("from.pem"), directory.path().join("to.p12"));
    fs::write(&from, pem).expect("it can be written");
    let mut command = command(&from, &to);
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {told}");
    fs::read(&to).expect("it was just made")
}
