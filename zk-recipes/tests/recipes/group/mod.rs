//! Groups.

use futures_util::StreamExt;
use zk_recipes::group::GroupChange;
use zk_recipes::persistent_node::NodeState;
use zk_recipes::{Error, Group};

use crate::support::{children, client, expire, server, soon, until, until_children};

const PATH: &str = "/groups/a";

#[tokio::test]
async fn members_come_change_and_go() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let (here, there) = (Group::new(&one, PATH), Group::new(&two, PATH));
    let members = soon(here.watch()).await.unwrap();
    assert!(members.list().is_empty() && !members.is_stale());
    let mut changes = members.changes();

    let a = soon(here.join("a", "1")).await.unwrap();
    let b = soon(there.join("b", "2")).await.unwrap();
    let listed = soon(members.wait_for(|members| members.len() == 2)).await.unwrap();
    assert_eq!((listed[0].id.as_str(), listed[1].id.as_str()), ("a", "b"));
    assert_eq!(listed[1].payload, "2");
    assert_eq!(Some(listed[1].session), two.session_id());
    soon(b.set_payload("3")).await.unwrap();
    soon(a.leave()).await.unwrap();
    soon(members.wait_for(|members| members.len() == 1 && members[0].payload == "3")).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(match soon(changes.next()).await.unwrap() {
            GroupChange::Joined(member) => format!("+{}", member.id),
            GroupChange::Updated(member) => format!("={}", member.id),
            GroupChange::Left(member) => format!("-{}", member.id),
            other => format!("{other:?}"),
        });
    }
    assert_eq!(seen, ["+a", "+b", "=b", "-a"]);
    drop(b);
    until_children(&one, PATH, 0).await;
}

#[tokio::test]
async fn an_id_is_for_one_at_a_time() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let first = soon(Group::new(&one, PATH).join("a", "")).await.unwrap();
    let owner = one.session_id().unwrap();
    let error = soon(Group::new(&two, PATH).join("a", "")).await.unwrap_err();
    assert_eq!(error, Error::Taken { path: format!("{PATH}/a"), owner });
    let waiting = tokio::spawn(async move { Group::new(&two, PATH).join_when_free("a", "").await });
    drop(first);
    assert_eq!(soon(waiting).await.unwrap().unwrap().id(), "a");
}

#[tokio::test]
async fn a_member_whose_session_expires_joins_again() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let member = soon(Group::new(&one, PATH).join("a", "1")).await.unwrap();
    let members = soon(Group::new(&two, PATH).watch()).await.unwrap();
    let before = members.list()[0].clone();
    expire(&server, &one);
    let again = |members: &[zk_recipes::group::Member]| {
        members.len() == 1 && members[0].joined > before.joined
    };
    let after = soon(members.wait_for(again)).await.unwrap();
    assert_eq!((after[0].id.as_str(), after[0].payload.as_ref()), ("a", &b"1"[..]));
    soon(member.wait_for(|state| *state == NodeState::Present)).await;
    assert_eq!(member.state(), NodeState::Present);
}

#[tokio::test]
async fn parties_are_laid_out_as_kazoo_does() {
    let server = server().await;
    let client = client(&server).await;
    let party = Group::party(&client, "/party");
    let shallow = Group::shallow_party(&client, "/shallow");
    let joined = [
        soon(party.join("me", "")).await.unwrap(),
        soon(party.join("me", "")).await.unwrap(),
        soon(shallow.join("me-too", "")).await.unwrap(),
    ];
    let names = children(&client, "/party").await;
    assert_eq!(names.len(), 2, "ids need not be unique there");
    assert!(names.iter().all(|name| name.len() == 41 && name.ends_with("__party__")));
    assert_eq!(client.get(joined[0].path()).await.unwrap().0, "me");
    let names = children(&client, "/shallow").await;
    assert!(names[0].len() == 39 && names[0].ends_with("-me-too"));
    for (group, ids) in [(&party, vec!["me", "me"]), (&shallow, vec!["me-too"])] {
        let members = soon(group.watch()).await.unwrap();
        let listed: Vec<_> = members.list().into_iter().map(|member| member.id).collect();
        assert_eq!(listed, ids);
    }
}

#[tokio::test]
async fn a_view_ends_with_its_client() {
    let server = server().await;
    let (one, two) = (client(&server).await, client(&server).await);
    let _member = soon(Group::new(&one, PATH).join("a", "")).await.unwrap();
    let members = soon(Group::new(&two, PATH).watch()).await.unwrap();
    let mut changes = members.changes();
    soon(two.close()).await.unwrap();
    assert!(soon(changes.next()).await.is_none());
    until(|| async { members.is_stale() && one.exists("/").await.is_ok() }).await;
    assert_eq!(members.list().len(), 1);
}
