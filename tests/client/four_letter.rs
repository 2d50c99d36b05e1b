//! What an operator asks.

use std::time::Duration;

use tests::{PATIENCE, Target};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use zk_client::{Error, FourLetterWord, four_letter};

#[tokio::test]
async fn a_server_answers() {
    let target = Target::start().await;
    // These go without TLS whatever the clients do.
    let proxy = target.plain_proxy().await;
    let answer =
        four_letter(&proxy.address().to_string(), FourLetterWord::Srvr, PATIENCE).await.unwrap();
    assert!(answer.contains("Mode: standalone"), "{answer}");
}

/// A server that sends `answer`, and then hangs up or not.
async fn server(answer: &'static [u8], hangs_up: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.write_all(answer).await;
        if !hangs_up {
            std::future::pending::<()>().await;
        }
        let _ = stream.shutdown().await;
        std::future::pending::<()>().await;
    });
    address
}

#[tokio::test]
async fn a_command_that_is_switched_off_or_unknown_is_an_error() {
    for refusal in [&b"ruok is not executed because it is not in the whitelist.\n"[..], b""] {
        let server = server(refusal, true).await;
        let error = four_letter(&server, FourLetterWord::Ruok, PATIENCE).await.unwrap_err();
        assert_eq!(error, Error::Unimplemented { op: "ruok" });
    }
}

#[tokio::test]
async fn no_server_holds_it_longer_than_its_bound() {
    let silent = server(b"imok", false).await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    for server in [silent.as_str(), nobody.as_str(), "no such host:1"] {
        let within = Duration::from_millis(100);
        let error = four_letter(server, FourLetterWord::Ruok, within).await.unwrap_err();
        assert!(error.to_string().contains(server), "{error}");
        assert!(matches!(error, Error::NoServerReachable { .. }), "{error}");
    }
}
