//! Who belongs to the ensemble, and who is to.

use tests::Target;
use zk_client::{EnsembleConfig, Error, Member, Zxid};

#[tokio::test]
async fn a_standalone_server_has_no_members_and_takes_no_others() {
    let target = Target::start().await;
    let client = target.client().await;
    assert_eq!(client.config().await, Ok(EnsembleConfig::default()));
    let (config, watch) = client.config().watch().await.unwrap();
    assert_eq!(config.version, Zxid::ZERO);
    drop(watch);
    let member = "server.2=127.0.0.1:2888:3888:observer;2181";
    assert_eq!(client.reconfig().join(member).await, Err(Error::ReconfigDisabled));
    assert!(client.is_connected());
}

#[tokio::test]
async fn a_reconfiguration_that_makes_no_sense_is_refused_before_anything_is_sent() {
    let target = Target::start().await;
    let client = target.client().await;
    let member: Member = "server.2=zk2:2888:3888;2181".parse().unwrap();
    for reconfig in [client.reconfig(), client.reconfig().leave(1).replace_all([&member])] {
        let error = reconfig.await.unwrap_err();
        assert!(matches!(error, Error::InvalidRequest { .. }), "{error}");
    }
    let error = client.reconfig().join("zk2:2181").await.unwrap_err();
    assert!(matches!(&error, Error::InvalidConfig { setting: "reconfig", .. }), "{error}");
}

/// Needs an ensemble; one of a single server is one.
#[cfg(feature = "containers")]
#[tokio::test]
async fn an_ensemble_is_reconfigured() {
    use tests::{Apache, ApacheSettings, until_serving, within};
    use zk_client::{Client, Role};

    let config = "initLimit=10 syncLimit=5 standaloneEnabled=false reconfigEnabled=true \
                  skipACL=yes server.1=127.0.0.1:2888:3888:participant;2181";
    let settings = ApacheSettings::new(config, "");
    let apache = tokio::task::spawn_blocking(move || Apache::start(settings)).await.unwrap();
    until_serving(apache.address()).await;
    let client = Client::connect(&format!("{}/any/root", apache.address())).await.unwrap();

    let (first, watch) = client.config().watch().await.unwrap();
    let [member] = &first.members[..] else { panic!("{first}") };
    assert_eq!(member.to_string(), "server.1=127.0.0.1:2888:3888:participant;0.0.0.0:2181");

    let observer = "server.2=127.0.0.1:2889:3889:observer;127.0.0.1:2182";
    let second = client.reconfig().join(observer).if_version(first.version).await.unwrap();
    assert_eq!(second.members.len(), 2);
    assert_eq!((second.members[1].id, second.members[1].role), (2, Role::Observer));
    assert!(second.version > first.version);
    let event = within("the watch fires", watch).await.unwrap();
    assert_eq!(event.path, "/zookeeper/config");
    assert_eq!(client.config().await.unwrap(), second);

    let stale = client.reconfig().leave(2).if_version(first.version).await;
    assert_eq!(stale, Err(Error::BadVersion { path: "/zookeeper/config".to_owned() }));
    let absent = "server.3=127.0.0.1:2890:3890:participant;127.0.0.1:2183";
    assert_eq!(client.reconfig().join(absent).await, Err(Error::NewConfigNoQuorum));
    let third = client.reconfig().leave(2).if_version(second.version).await.unwrap();
    assert_eq!(third.members, first.members);
    let all = [member.to_string(), observer.to_owned()];
    let fourth = client.reconfig().replace_all(all).await.unwrap();
    assert_eq!(fourth.members, second.members);
}
