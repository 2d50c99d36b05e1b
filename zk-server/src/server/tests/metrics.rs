//! What Prometheus gets.

use std::collections::BTreeMap;

use zk_proto::{CheckVersionRequest, GetChildrenRequest, MultiOp, MultiRequest};

use super::*;
use crate::by_namespace::{NAMESPACES_MAX, OTHERS};
use crate::ops::metrics::prometheus;

fn page(world: &World) -> String {
    prometheus(&world.server.view(world.now))
}

/// The samples, by their names and labels.
fn samples(page: &str) -> BTreeMap<&str, &str> {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap()).collect()
}

fn listed(file: &str) -> String {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures/operators");
    std::fs::read_to_string(format!("{dir}/{file}")).unwrap()
}

/// A server on which something of everything was done.
fn busy() -> World {
    let mut world = World::with(ServerConfig { enforce_quota: true, ..config() });
    let (conn, _) = world.session(30_000);
    for (path, data) in [
        ("/app", ""),
        ("/app/child", "data"),
        ("/zookeeper/quota/app", ""),
        ("/zookeeper/quota/app/zookeeper_limits", "count=5,bytes=-1=;byteHardLimit=20"),
        ("/zookeeper/quota/app/zookeeper_stats", ""),
    ] {
        let (data, acl) = (Some(data.as_bytes()), Acl::open());
        let flags = CreateMode::Persistent.flags();
        world.call(conn, &Request::Create(CreateRequest { path, data, acl, flags }));
    }
    world.call(conn, &get("/app/child", true));
    let children = GetChildrenRequest { path: "/app", watch: false };
    world.call(conn, &Request::GetChildren(children));
    assert_eq!(world.call(conn, &set("/app/child", &[0; 30])).err(), ErrorCode::QuotaExceeded);
    world
}

/// Figures of 3.9 that this server does not give: of members of an ensemble by the other member, of
/// Netty, of sockets, and of a time that is not taken apart from another. Of the process only the
/// runtime knows.
const NOT_HERE: [&str; 8] = [
    "ack_latency",
    "learner_handler_qp_size",
    "learner_handler_qp_time_ms",
    "netty_queued_buffer_capacity",
    "socket_closing_time",
    "sync_processor_queue_time_ms",
    "open_file_descriptor_count",
    "max_file_descriptor_count",
];

#[test]
fn each_figure_of_apaches_is_there_with_its_kind() {
    let page = page(&busy());
    let kinds: BTreeMap<_, _> =
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    let listed = listed("metrics.txt");
    for line in listed.lines() {
        let (name, kind) = line.split_once(' ').unwrap();
        let found = kinds.get(name).copied();
        assert_eq!(found, (!NOT_HERE.contains(&name)).then_some(kind), "{name}");
    }
    let ours = kinds.keys().find(|name| !listed.contains(&format!("{name} ")));
    assert_eq!(ours, None, "Apache has no such figure");
}

/// The panels of the dashboard that most people have.
#[test]
fn the_stock_dashboard_gets_its_series() {
    /// Apache's server without an ensemble does not give these either.
    const OF_AN_ENSEMBLE: [&str; 10] = [
        "ack_latency_sum",
        "last_proposal_size",
        "leader_uptime",
        "learner_handler_qp_size_sum",
        "learners",
        "max_proposal_size",
        "min_proposal_size",
        "quorum_size",
        "synced_non_voting_followers",
        "synced_observers",
    ];
    let page = page(&busy());
    let found = samples(&page);
    let name = |sample: &&str| -> String { sample.split('{').next().unwrap_or_default().into() };
    let found: std::collections::BTreeSet<_> = found.keys().map(name).collect();
    for asked in listed("dashboard.txt").lines() {
        let of_java = asked.starts_with("jvm_") && asked != "jvm_pause_time_ms_sum";
        let of_the_process = asked == "open_file_descriptor_count";
        let is_not_here = of_java || of_the_process || OF_AN_ENSEMBLE.contains(&asked);
        assert_eq!(found.contains(asked), !is_not_here, "{asked}");
    }
}

/// The bytes as Apache counts them: the path and the data, or the names of the children, and 68 for
/// the `Stat` of what is read.
#[test]
fn namespaces_are_told_apart() {
    let mut world = busy();
    let (conn, _) = world.session(30_000);
    world.call(conn, &exists("/app", false));
    world.call(conn, &exists("/app/not/there", false));
    world.call(conn, &get("/", false));
    world.call(conn, &create("/app/e", CreateMode::Ephemeral));
    let ops = vec![MultiOp::Check(CheckVersionRequest { path: "/app", version: 0 })];
    world.call(conn, &Request::Multi(MultiRequest { ops }));
    let close = Request::CloseSession;
    world.call(conn, &close);
    let page = page(&world);
    let samples = samples(&page);
    for (sample, value) in [
        // Of a node with data, of its parent's children, and that one is there.
        ("read_per_namespace_count{key=\"app\",}", "3"),
        ("read_per_namespace_sum{key=\"app\",}", "231"),
        // Two nodes with data, and one that came and went with its session.
        ("write_per_namespace_count{key=\"app\",}", "4"),
        ("write_per_namespace_sum{key=\"app\",}", "30"),
        ("write_per_namespace{key=\"app\",quantile=\"0.5\",}", "6"),
        ("write_per_namespace_count{key=\"zookeeper\",}", "3"),
        ("quota_exceeded_error_per_namespace{key=\"app\",}", "1"),
        ("quota_count_limit_per_namespace{key=\"app\",}", "5"),
        ("quota_bytes_limit_per_namespace{key=\"app\",}", "20"),
        ("quota_count_usage_per_namespace{key=\"app\",}", "2"),
        ("quota_bytes_usage_per_namespace{key=\"app\",}", "4"),
    ] {
        assert_eq!(samples.get(sample).copied(), Some(value), "{sample} in {page}");
    }
    assert!(page.matches("# TYPE write_per_namespace summary\n").count() == 1, "{page}");
}

/// Apache has a line for each name that a client makes up, for as long as it runs.
#[test]
fn the_page_does_not_grow_with_the_names_that_a_client_makes_up() {
    let mut world = World::new();
    let (conn, _) = world.session(30_000);
    for n in 0..20 * NAMESPACES_MAX {
        let path = format!("/n{n}-{}", "x".repeat(n % 300));
        world.call(conn, &create(&path, CreateMode::Persistent));
        world.call(conn, &get(&path, false));
        let quota = format!("/zookeeper/quota/n{n}");
        world.call(conn, &create(&quota, CreateMode::Persistent));
        world.call(conn, &create(&format!("{quota}/zookeeper_limits"), CreateMode::Persistent));
        world.call(conn, &create(&format!("{quota}/zookeeper_stats"), CreateMode::Persistent));
    }
    let page = page(&world);
    let of = |name: &str| page.lines().filter(|line| line.starts_with(name)).count();
    assert_eq!(of("write_per_namespace_sum{"), NAMESPACES_MAX + 1);
    assert_eq!(of("read_per_namespace_sum{"), NAMESPACES_MAX + 1);
    assert_eq!(of("quota_count_usage_per_namespace{"), NAMESPACES_MAX);
    assert!(page.contains(&format!("write_per_namespace_sum{{key=\"{OTHERS}\",}} ")), "{page}");
    assert!(page.len() < 200_000, "{}", page.len());
}

#[test]
fn throttled_sessions_show_in_tokens_and_in_chance() {
    let mut config = config();
    let throttle = &mut config.limits.connection_throttle;
    (throttle.tokens, throttle.fill_time) = (2, Duration::from_secs(60));
    (throttle.freeze_time, throttle.drop_increase) = (Some(Duration::from_millis(100)), 250_000);
    let mut world = World::with(config);
    world.session(10_000);
    world.session(10_000);
    let before = page(&world);
    assert_eq!(samples(&before)["connection_drop_probability"], "0");
    assert_eq!(samples(&before)["connection_token_deficit_sum"], "3");
    world.advance(Duration::from_secs(1));
    let late = world.accept();
    assert!(world.connect(late, SessionId::NONE, Password::NONE, 10_000).is_none());
    assert_eq!(samples(&page(&world))["connection_drop_probability"], "0.25");
}

#[test]
fn a_write_whose_client_is_gone_is_a_stale_reply() {
    let mut world = World::new();
    let (conn, _) = world.session(30_000);
    world.slow_log = true;
    world.send(conn, 1, &create("/a", CreateMode::Persistent));
    world.handle(Event::Disconnected { conn });
    assert_eq!(samples(&page(&world))["stale_replies"], "0");
    world.sync(1);
    let page = page(&world);
    assert_eq!(samples(&page)["stale_replies"], "1");
    assert_eq!(samples(&page)["sync_processor_queue_size{quantile=\"0.5\",}"], "1");
}

#[test]
fn handshakes_count_until_they_are_over() {
    let mut world = World::new();
    let [first, second, third] = [0; 3].map(|_| world.accept());
    let outstanding = |world: &World| samples(&page(world))["outstanding_tls_handshake"].to_owned();
    for conn in [first, second, third, third] {
        world.server.note_entering(conn);
    }
    assert_eq!(outstanding(&world), "3");
    world.server.note_plain(first);
    world.handle(Event::Disconnected { conn: first });
    world.handle(Event::Disconnected { conn: second });
    assert_eq!(outstanding(&world), "1");
}
