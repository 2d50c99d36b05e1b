//! A client of the Kerberos suite: authenticates, works, and says who it is and how it went.
//!
//! `kerberos_client CONNECT_STRING [NAME=VALUE…]`, where the names are those of the options of
//! [`Gssapi`], or `leave_for=USER` to make a node that only this user of SASL may read, and
//! `read_left=` to read it. The last line is `ok: SCHEME:USER …` or `error: …`.

use std::process::ExitCode;
use std::time::Duration;

use zk_client::sasl::{Gssapi, Sasl};
use zk_client::{Acl, Client, CreateMode, Error, Permissions};

/// What is left for another client.
const LEFT: &str = "/left";

/// What to do besides.
enum Errand {
    LeaveFor(String),
    ReadLeft,
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let servers = arguments.next().expect("a connect string");
    let (mut gssapi, mut errand) = (Gssapi::new(), None);
    for argument in arguments {
        let (name, value) = argument.split_once('=').expect("name=value");
        gssapi = match name {
            "leave_for" => {
                errand = Some(Errand::LeaveFor(value.to_owned()));
                gssapi
            }
            "read_left" => {
                errand = Some(Errand::ReadLeft);
                gssapi
            }
            "client_principal" => gssapi.client_principal(value),
            "service" => gssapi.service(value),
            "host" => gssapi.host(value),
            "realm" => gssapi.realm(value),
            "server_principal" => gssapi.server_principal(value),
            "canonicalize_host" => gssapi.canonicalize_host(value == "true"),
            other => panic!("there is no option {other}"),
        };
    }
    match work(&servers, gssapi.into(), errand).await {
        Ok(who) => {
            println!("ok: {who}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("error: {error:?}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Makes a node that nobody else may read, and reads it, over two connections.
async fn work(servers: &str, sasl: Sasl, errand: Option<Errand>) -> Result<String, Error> {
    let builder = Client::builder(servers).connect_timeout(Duration::from_secs(5)).sasl(sasl);
    let client = builder.connect().await?;
    // Servers before 3.7 do not know whoAmI.
    let who = client.who_am_i().await?;
    let who: Vec<_> = who.iter().map(|id| format!("{}:{}", id.scheme, id.user)).collect();
    let own = [Acl { perms: Permissions::ALL, scheme: "auth".into(), id: String::new() }];
    let path = format!("/kerberos-{}", std::process::id());
    client.create(&path, b"mine", CreateMode::Ephemeral).acl(own.to_vec()).await?;
    client.get(&path).await?;
    let (acl, _) = client.get_acl(&path).await?;
    let acl: Vec<_> = acl.iter().map(|acl| format!("{}:{}", acl.scheme, acl.id)).collect();
    match errand {
        Some(Errand::LeaveFor(user)) => {
            let acl = vec![Acl { perms: Permissions::READ, scheme: "sasl".into(), id: user }];
            client.create(LEFT, b"left", CreateMode::Persistent).acl(acl).await?;
        }
        Some(Errand::ReadLeft) => drop(client.get(LEFT).await?),
        None => {}
    }
    client.close().await?;
    Ok(format!("{} acl {}", who.join(" "), acl.join(" ")))
}
