//! Who gets in, who does not, and what is said about it.

use tests::within;
use zk_client::sasl::{DigestMd5, Sasl};
use zk_client::{Client, CreateMode, Error, ErrorCode, SessionState};

use crate::server::{Kind, Server, USERS, unique};

async fn sasl_users(client: &Client) -> Vec<String> {
    let identities = within("who it is", client.who_am_i()).await.expect("the server says");
    let sasl = identities.into_iter().filter(|identity| identity.scheme == "sasl");
    sasl.map(|identity| identity.user).collect()
}

fn refused(outcome: Result<Client, Error>) -> String {
    match outcome {
        Err(error @ Error::AuthFailed { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_user_is_known_by_its_password() {
    let server = Server::start(Kind::Login).await;
    for (user, password) in USERS {
        let client = server.try_as(user, password).await.expect(user);
        assert_eq!(sasl_users(&client).await, [user]);
        client.close().await.unwrap();
    }
}

#[tokio::test]
async fn nobody_else_gets_in() {
    let server = Server::start(Kind::Login).await;
    let wrong = [("bob", "hush"), ("bob", ""), ("Bob", "hush"), ("eve", "hush"), ("日本", "hush")];
    for (user, password) in wrong {
        let error = refused(server.try_as(user, password).await);
        assert!(error.contains("DIGEST-MD5") && !error.contains("hush"), "{user}: {error}");
    }
    let other = DigestMd5::new("bob", "builder").host("elsewhere");
    refused(within("a word", server.builder().sasl(other).connect()).await);
    let other = DigestMd5::new("bob", "builder").realm("elsewhere");
    refused(within("a word", server.builder().sasl(other).connect()).await);
    assert_eq!(sasl_users(&server.client_as("bob").await).await, ["bob"], "it still serves");
}

#[tokio::test]
async fn a_refusal_is_the_end_of_the_client() {
    let server = Server::start(Kind::Login).await;
    let sasl = Sasl::digest_md5("bob", "hush");
    let client = server.builder().sasl(sasl).connect_lazily().unwrap();
    let error = within("the read's end", client.get("/")).await.unwrap_err();
    assert!(matches!(error, Error::AuthFailed { .. }), "{error}");
    assert_eq!(client.state(), SessionState::AuthFailed);
    assert!(matches!(client.get("/").await, Err(Error::AuthFailed { .. })));
    within("the close", client.close()).await.unwrap();
}

#[tokio::test]
async fn a_server_without_sasl_is_refused_by_the_client() {
    let server = Server::start(Kind::Without).await;
    let error = refused(server.try_as("bob", "builder").await);
    assert!(error.contains("does not do SASL"), "{error}");
}

#[tokio::test]
async fn a_server_that_lets_failed_clients_stay_is_refused_by_the_client() {
    let server = Server::start(Kind::Lenient).await;
    let error = refused(server.try_as("bob", "hush").await);
    assert!(error.contains("allowSaslFailedClients"), "{error}");
    assert_eq!(sasl_users(&server.client_as("bob").await).await, ["bob"]);
}

#[tokio::test]
async fn a_server_may_insist() {
    let server = Server::start(Kind::Insists).await;
    let client = server.client_as("alice").await;
    client.create(&unique("insists"), b"", CreateMode::Ephemeral).await.unwrap();
    refused(server.try_as("alice", "hush").await);
    let nobody = within("a session", server.builder().connect()).await.unwrap();
    let error = within("a refusal", nobody.get("/")).await.unwrap_err();
    let code = ErrorCode::SessionClosedRequireSaslAuth;
    assert_eq!(error.code(), Some(code), "{error}");
}

#[tokio::test]
async fn requests_wait_until_the_server_knows_who_asks() {
    let server = Server::start(Kind::Login).await;
    let bob = server.client_as("bob").await;
    let path = unique("early");
    let own = zk_client::Acl::creator_all();
    bob.create(&path, b"mine", CreateMode::Persistent).acl(own).await.unwrap();
    let sasl = Sasl::digest_md5("bob", "builder");
    let early = server.builder().sasl(sasl).connect_lazily().unwrap();
    let reads: Vec<_> = (0..50).map(|_| early.get(&path).send()).collect();
    for read in reads {
        assert_eq!(within("an early read", read).await.unwrap().0, "mine");
    }
}

#[tokio::test]
async fn other_credentials_may_come_besides() {
    let server = Server::start(Kind::Login).await;
    let builder = server.builder().auth_digest("app", "secret");
    let sasl = Sasl::digest_md5("bob", "builder");
    let client = within("a session", builder.sasl(sasl).connect()).await.unwrap();
    let identities = client.who_am_i().await.unwrap();
    for scheme in ["sasl", "digest"] {
        assert!(identities.iter().any(|identity| identity.scheme == scheme), "{identities:?}");
    }
}
