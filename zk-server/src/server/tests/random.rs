//! Random clients, a random log, and what must hold whatever they do.

use fastrand::Rng;

use super::*;

const SEEDS: u64 = 300;
const STEPS: usize = 120;

/// A client of the simulation and what it remembers.
struct Actor {
    conn: ConnectionId,
    session: ConnectResponse,
    next_xid: i32,
    last_xid: i32,
    last_zxid: Zxid,
}

#[test]
fn whatever_clients_do_answers_keep_their_order_and_nothing_is_left_over() {
    for seed in 0..SEEDS {
        let mut rng = Rng::with_seed(seed);
        let limits = ServerConfig { global_outstanding_limit: 1 + rng.usize(..6), ..config() };
        let mut world = World::with(limits);
        world.server.config.limits.pending_requests = 1 + rng.usize(..4);
        let mut actors = Vec::new();
        for _ in 0..STEPS {
            step(&mut world, &mut actors, &mut rng);
            for actor in &mut actors {
                check_replies(&mut world, actor, seed);
            }
        }
        settle_down(&mut world, &mut actors, seed);
    }
}

fn step(world: &mut World, actors: &mut Vec<Actor>, rng: &mut Rng) {
    match rng.u8(..20) {
        0 | 1 if world.synced == world.log.len() => {
            let slow = std::mem::replace(&mut world.slow_log, false);
            let (conn, session) = world.session(4000 + rng.i32(..30_000));
            actors.push(Actor { conn, session, next_xid: 1, last_xid: 0, last_zxid: Zxid::ZERO });
            world.slow_log = slow;
        }
        2 => world.slow_log = !world.slow_log,
        3 => world.advance(Duration::from_millis(rng.u64(..3000))),
        4..=6 if world.synced < world.log.len() => {
            let count = 1 + rng.usize(..world.log.len() - world.synced);
            world.sync(count);
        }
        7 => {
            if let Some(index) = pick(actors, rng) {
                resume(world, &mut actors[index]);
            }
        }
        8 => {
            if let Some(index) = pick(actors, rng) {
                let conn = actors.swap_remove(index).conn;
                world.disconnect(conn);
            }
        }
        _ => {
            if let Some(index) = pick(actors, rng) {
                request(world, &mut actors[index], rng);
            }
        }
    }
    if !world.slow_log {
        world.settle();
    }
}

fn pick(actors: &[Actor], rng: &mut Rng) -> Option<usize> {
    (!actors.is_empty()).then(|| rng.usize(..actors.len()))
}

/// The same session over a new connection.
fn resume(world: &mut World, actor: &mut Actor) {
    let conn = world.accept();
    let (id, password) = (actor.session.session_id, actor.session.password);
    let answer = world.connect(conn, id, password, 10_000).expect("an answer at once");
    *actor = Actor { conn, session: actor.session.clone(), next_xid: 1, last_xid: 0, ..*actor };
    assert!(answer.timeout_ms == 0 || answer.session_id == id);
}

fn request(world: &mut World, actor: &mut Actor, rng: &mut Rng) {
    let xid = actor.next_xid;
    actor.next_xid += 1;
    let path = ["/a", "/b", "/a/c"][rng.usize(..3)];
    let request = match rng.u8(..8) {
        0 => create(path, CreateMode::Persistent),
        1 => create(path, CreateMode::EphemeralSequential),
        2 => set(path, b"x"),
        3 => Request::Delete(zk_proto::DeleteRequest { path, version: -1 }),
        4 => get(path, rng.bool()),
        5 => exists(path, rng.bool()),
        6 => Request::Sync(zk_proto::SyncRequest { path }),
        _ if rng.u8(..10) == 0 => Request::CloseSession,
        _ => exists("/", false),
    };
    world.send(actor.conn, xid, &request);
}

fn check_replies(world: &mut World, actor: &mut Actor, seed: u64) {
    for reply in world.replies(actor.conn) {
        let ReplyHeader { xid, zxid, .. } = reply.header;
        assert!(zxid >= actor.last_zxid, "seed {seed}: zxids go back to {zxid}");
        actor.last_zxid = zxid;
        if xid != zk_proto::xid::NOTIFICATION {
            assert_eq!(xid, actor.last_xid + 1, "seed {seed}: a reply is missing or out of order");
            actor.last_xid = xid;
        }
    }
}

/// With a fast log everything is answered, and with time every session ends and takes its
/// ephemerals along.
fn settle_down(world: &mut World, actors: &mut [Actor], seed: u64) {
    world.slow_log = false;
    world.settle();
    for actor in actors.iter_mut() {
        check_replies(world, actor, seed);
        if world.closed(actor.conn).is_none()
            && world.server.sessions.is_live(actor.session.session_id)
        {
            assert_eq!(actor.last_xid, actor.next_xid - 1, "seed {seed}: everything is answered");
            assert!(world.client(actor.conn).unread.is_empty(), "seed {seed}: nobody stays paused");
        }
    }
    world.advance(Duration::from_secs(60));
    let server = &world.server;
    assert!(server.sessions.is_empty(), "seed {seed}");
    assert_eq!(server.tree.ephemeral_count(), 0, "seed {seed}");
    assert_eq!(server.in_flight, 0, "seed {seed}");
    assert!(server.connections.is_empty() && server.per_address.is_empty(), "seed {seed}");
    assert!(server.barriers.is_empty() && server.starved_by_load.is_empty(), "seed {seed}");
    assert_eq!(server.watches.watch_count(), 0, "seed {seed}");
}
