//! What writes are answered with.

use bytes::BytesMut;
use zk_proto::{
    Acl, Create2Response, CreateMode, CreateResponse, ErrorCode, Request, SetAclResponse,
    SetDataResponse,
};

use super::{
    World, create, create_request, create_ttl, decoded, delete, persistent, set_acl, set_data,
};
use crate::request::respond::{self, ReplyShape};
use crate::tree::Outcome;

#[test]
fn create_answers_the_path_and_the_others_a_stat_too() {
    let mut world = World::new();
    let (code, body) = world.reply(&create("/a-", CreateMode::PersistentSequential));
    assert_eq!(code, ErrorCode::Ok);
    assert_eq!(decoded::<CreateResponse>(&body).path, "/a-0000000000");

    let requests = [
        Request::Create2(create_request("/b", CreateMode::Ephemeral)),
        Request::CreateContainer(create_request("/c", CreateMode::Container)),
        create_ttl("/t", CreateMode::PersistentWithTtl.flags(), 5),
    ];
    for request in requests {
        let (code, body) = world.reply(&request);
        assert_eq!(code, ErrorCode::Ok);
        let answer = decoded::<Create2Response>(&body);
        assert_eq!(Some(answer.path.as_str()), request.path());
        assert_eq!(answer.stat, world.tree.node(&answer.path).expect("created").stat());
        assert_eq!(answer.stat.czxid, world.zxid);
    }
}

#[test]
fn the_other_writes_answer_a_stat_or_nothing() {
    let mut world = World::new();
    world.must(&persistent("/a"));
    let (_, body) = world.reply(&set_data("/a", 0));
    assert_eq!(decoded::<SetDataResponse>(&body).stat.version, 1);
    let (_, body) = world.reply(&set_acl("/a", Acl::read_only(), 0));
    assert_eq!(decoded::<SetAclResponse>(&body).stat.aversion, 1);
    let (code, body) = world.reply(&delete("/a", -1));
    assert_eq!((code, body.len()), (ErrorCode::Ok, 0));
}

#[test]
fn an_error_leaves_the_output_as_it_was() {
    let mut body = BytesMut::from(&b"header"[..]);
    let shape = ReplyShape::of(&persistent("/a"));
    let answer = respond::encode(&shape, &Outcome::Failed(ErrorCode::NoAuth), &mut body);
    assert_eq!((answer, &body[..]), (Err(ErrorCode::NoAuth), &b"header"[..]));
}
