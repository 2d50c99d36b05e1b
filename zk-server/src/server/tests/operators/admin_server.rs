//! What AdminServer answers over HTTP, and Prometheus gets.

use super::*;

/// What AdminServer answers, put together.
pub(super) fn ask_admin(
    world: &mut World,
    command: AdminCommand,
    trace_mask: Option<&str>,
) -> Value {
    let text = match admin::answer(&mut world.server, world.now, command, trace_mask) {
        admin::Body::Whole(text) => text,
        admin::Body::Report(mut report) => {
            let mut text = String::new();
            while report.piece(&world.server, world.now, &mut text) {}
            text
        }
    };
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Every key, with those around it. Keys that are data are as good as any other.
fn keys(value: &Value, above: &str, keys: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let is_data = key.starts_with('/') || key.parse::<u64>().is_ok();
                let key = if is_data { format!("{above}.*") } else { format!("{above}.{key}") };
                self::keys(value, &key, keys);
                keys.insert(key);
            }
        }
        Value::Array(items) => {
            items.iter().for_each(|item| self::keys(item, &format!("{above}[]"), keys));
        }
        _ => {}
    }
}

/// Fields that only a Java machine, or connections of another kind, would have.
fn has_no_place_here(key: &str) -> bool {
    key.starts_with(".java.")
        || key.starts_with(".jdk.")
        || key.starts_with(".sun.")
        || key.starts_with(".jvm.")
        || key.starts_with(".os.memory.")
}

#[test]
fn admin_server_answers_with_apaches_fields() {
    for &command in AdminCommand::ALL {
        let name = command.name();
        // The one has fields of the machine, the others are of 3.9 and need a disk.
        if ["system_properties", "snapshot", "restore"].contains(&name) {
            continue;
        }
        let mut world = as_captured();
        let ours = ask_admin(&mut world, command, Some("2"));
        let file =
            format!("{}/tests/captures/operators/http/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let theirs: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let (mut our_keys, mut their_keys) = (BTreeSet::new(), BTreeSet::new());
        keys(&ours, "", &mut our_keys);
        keys(&theirs, "", &mut their_keys);
        their_keys.retain(|key| !has_no_place_here(key));
        our_keys.retain(|key| !is_of_3_9(key));
        if name == "monitor" {
            assert!(our_keys.is_subset(&their_keys), "{:?}", our_keys.difference(&their_keys));
        } else if name == "environment" {
            // Nobody tells this server about its process.
            assert!(our_keys.is_subset(&their_keys), "{:?}", our_keys.difference(&their_keys));
        } else {
            assert_eq!(our_keys, their_keys, "{name}");
        }
        assert_eq!(ours["command"], theirs["command"]);
        assert_eq!(ours["error"], theirs["error"], "{name}");
        for same in ["node_count", "num_total_watches", "read_only", "zabstate"] {
            assert_eq!(ours[same], theirs[same], "{name}: {same}");
        }
    }
}

#[test]
fn admin_server_shows_watches_and_ephemerals_by_session() {
    let mut world = as_captured();
    let watches = ask_admin(&mut world, AdminCommand::Watches, None);
    let id = FIRST_SESSION.0.to_string();
    assert_eq!(
        watches["session_id_to_watched_paths"][&id],
        serde_json::json!(["/app/config", "/app/e", "/nothere"])
    );
    let by_path = ask_admin(&mut world, AdminCommand::WatchesByPath, None);
    assert_eq!(by_path["path_to_session_ids"]["/app/e"], serde_json::json!([FIRST_SESSION.0]));
    let dump = ask_admin(&mut world, AdminCommand::Dump, None);
    assert_eq!(
        dump["session_id_to_ephemeral_paths"][&id],
        serde_json::json!(["/app/e", "/app/seq-0000000002"])
    );
    let nothing = ask_admin(&mut World::new(), AdminCommand::Dump, None);
    assert_eq!(nothing["expiry_time_to_session_ids"], serde_json::json!({}));
}

#[test]
fn a_trace_mask_that_is_no_number_is_refused_in_apaches_words() {
    let mut world = World::new();
    let mut set = |mask| ask_admin(&mut world, AdminCommand::SetTraceMask, mask);
    assert_eq!(set(None)["error"], "setTraceMask requires long traceMask argument");
    assert_eq!(set(Some("x"))["error"], "setTraceMask requires long traceMask argument, got x");
    assert_eq!(set(Some("4"))["tracemask"], 4);
}

#[test]
fn prometheus_gets_each_figure_with_its_kind() {
    let world = as_captured();
    let text = crate::ops::metrics::prometheus(&world.server.view(world.now));
    for expected in [
        "# TYPE znode_count gauge\nznode_count 9\n",
        "# TYPE packets_sent gauge\n",
        "# TYPE connection_request_count counter\nconnection_request_count 1\n",
        "# TYPE fsynctime summary\nfsynctime{quantile=\"0.5\",} NaN\nfsynctime_count 0\nfsynctime_sum 0\n",
        "# TYPE updatelatency summary\nupdatelatency{quantile=\"0.5\",} 0\n\
         updatelatency{quantile=\"0.9\",} 0\nupdatelatency{quantile=\"0.99\",} 0\nupdatelatency_count 6\n",
        "updatelatency_count 6\n",
        "readlatency{quantile=\"0.99\",} 0\n",
        "propagation_latency_sum 0\n",
    ] {
        assert!(text.contains(expected), "{expected:?} in {text}");
    }
    assert!(!text.contains("jvm_memory"));
    let mut kinds = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("# TYPE ")) {
        let mut words = line.split(' ').skip(2);
        let name = words.next().unwrap();
        assert_eq!(kinds.insert(name, words.next().unwrap()), None, "{name} twice");
    }
}
