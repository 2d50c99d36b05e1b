//! Which resource a request is for.

use super::AdminCommand;

/// Something that can be asked for by HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resource {
    /// The list of all commands.
    Index,
    /// What a command answers.
    Command {
        /// The command.
        command: AdminCommand,
        /// The parameter `traceMask`, of the one command that has one.
        trace_mask: Option<String>,
    },
    /// All data, as a snapshot.
    Snapshot {
        /// Whether it is sent (`streaming`, true). It is written into `dataDir` in any case.
        streaming: bool,
    },
    /// Replaces all data by those of the snapshot in the body.
    Restore,
    /// A command that is none: Apache answers that with 200.
    UnknownCommand {
        /// What was asked for, as it stood in the path.
        name: String,
    },
    /// Whether the process is there (`/livez`).
    Live,
    /// Whether clients are served (`/readyz`).
    Ready,
    /// All figures for Prometheus (`/metrics`).
    Metrics,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the port must answer each")]
pub enum AdminRoute {
    /// It is answered.
    Found(Resource),
    /// There is nothing of that name: 404.
    NotFound,
    /// There is, but not by this method: 405.
    MethodNotAllowed,
    /// TRACE, which Apache refuses too: 403.
    Forbidden,
}

/// Longest name of a command that is repeated in an answer.
const NAME_LEN_MAX: usize = 100;

impl AdminRoute {
    /// A request to AdminServer, whose commands are below `commands` (`admin.commandURL`).
    #[must_use]
    pub fn of_admin(commands: &str, method: &str, path: &str, query: Option<&str>) -> Self {
        let resource = match path {
            "/livez" => Some(Resource::Live),
            "/readyz" => Some(Resource::Ready),
            _ => below(commands, path).map(|name| resource(name, query)),
        };
        by_method(method, resource)
    }

    /// A request to the port for Prometheus.
    #[must_use]
    pub fn of_metrics(method: &str, path: &str) -> Self {
        by_method(method, (path == "/metrics").then_some(Resource::Metrics))
    }
}

fn by_method(method: &str, resource: Option<Resource>) -> AdminRoute {
    match (method, resource) {
        ("TRACE", _) => AdminRoute::Forbidden,
        (_, None) => AdminRoute::NotFound,
        // These do something, and HEAD must not.
        ("POST", Some(Resource::Restore)) => AdminRoute::Found(Resource::Restore),
        ("HEAD", Some(Resource::Snapshot { .. })) | (_, Some(Resource::Restore)) => {
            AdminRoute::MethodNotAllowed
        }
        ("GET" | "HEAD", Some(resource)) => AdminRoute::Found(resource),
        (_, Some(_)) => AdminRoute::MethodNotAllowed,
    }
}

/// What is behind the prefix, without the slash between them.
fn below<'p>(prefix: &str, path: &'p str) -> Option<&'p str> {
    let rest = path.strip_prefix(prefix.trim_end_matches('/'))?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('/') }
}

fn resource(name: &str, query: Option<&str>) -> Resource {
    match AdminCommand::named(name) {
        Some(AdminCommand::Restore) => Resource::Restore,
        Some(AdminCommand::Snapshot) => Resource::Snapshot { streaming: streaming(query) },
        Some(command) => Resource::Command { command, trace_mask: trace_mask(query) },
        None if name.is_empty() => Resource::Index,
        None => {
            let name = name.chars().take(NAME_LEN_MAX).collect();
            Resource::UnknownCommand { name }
        }
    }
}

fn trace_mask(query: Option<&str>) -> Option<String> {
    Some(parameter(query, "traceMask")?.chars().take(NAME_LEN_MAX).collect())
}

/// As Java reads a truth.
fn streaming(query: Option<&str>) -> bool {
    parameter(query, "streaming").is_none_or(|value| value.eq_ignore_ascii_case("true"))
}

fn parameter<'q>(query: Option<&'q str>, name: &str) -> Option<&'q str> {
    query?.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str) -> AdminRoute {
        AdminRoute::of_admin("/commands", "GET", path, None)
    }

    #[test]
    fn paths_lead_to_commands_by_name_and_alias() {
        let srvr = Resource::Command { command: AdminCommand::ServerStats, trace_mask: None };
        assert_eq!(get("/commands/srvr"), AdminRoute::Found(srvr));
        for index in ["/commands", "/commands/"] {
            assert_eq!(get(index), AdminRoute::Found(Resource::Index));
        }
        let unknown = Resource::UnknownCommand { name: "no/such".to_owned() };
        assert_eq!(get("/commands/no/such"), AdminRoute::Found(unknown));
        assert_eq!(get("/readyz"), AdminRoute::Found(Resource::Ready));
        for nowhere in ["/", "", "/commandsx", "/metrics", "/livez/"] {
            assert_eq!(get(nowhere), AdminRoute::NotFound, "{nowhere}");
        }
        let elsewhere = AdminRoute::of_admin("/", "GET", "/ruok", None);
        let ruok = Resource::Command { command: AdminCommand::Ruok, trace_mask: None };
        assert_eq!(elsewhere, AdminRoute::Found(ruok));
    }

    #[test]
    fn a_name_is_repeated_only_so_far() {
        let path = format!("/commands/{}", "x".repeat(5000));
        let AdminRoute::Found(Resource::UnknownCommand { name }) = get(&path) else {
            panic!("no such command");
        };
        assert_eq!(name.len(), NAME_LEN_MAX);
    }

    #[test]
    fn methods_that_change_something_are_refused_and_trace_is_forbidden() {
        let ask = |method| AdminRoute::of_admin("/commands", method, "/commands/ruok", None);
        assert_eq!(ask("POST"), AdminRoute::MethodNotAllowed);
        assert_eq!(ask("TRACE"), AdminRoute::Forbidden);
        assert!(matches!(ask("HEAD"), AdminRoute::Found(_)));
        assert_eq!(AdminRoute::of_metrics("GET", "/metrics"), AdminRoute::Found(Resource::Metrics));
        assert_eq!(AdminRoute::of_metrics("GET", "/commands/ruok"), AdminRoute::NotFound);
    }

    #[test]
    fn a_restore_is_posted_and_a_snapshot_is_asked_for() {
        let ask = |method, path, query| AdminRoute::of_admin("/commands", method, path, query);
        let restore = AdminRoute::Found(Resource::Restore);
        for path in ["/commands/restore", "/commands/rest"] {
            assert_eq!(ask("POST", path, None), restore);
            for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
                assert_eq!(ask(method, path, None), AdminRoute::MethodNotAllowed, "{method}");
            }
        }
        let snapshot = |streaming| AdminRoute::Found(Resource::Snapshot { streaming });
        for (query, streaming) in [
            (None, true),
            (Some("streaming=true"), true),
            (Some("x=1&streaming=FALSE"), false),
            (Some("streaming="), false),
            (Some("streamingly=false"), true),
        ] {
            assert_eq!(ask("GET", "/commands/snap", query), snapshot(streaming), "{query:?}");
        }
        for method in ["POST", "HEAD", "PUT"] {
            let route = ask(method, "/commands/snapshot", None);
            assert_eq!(route, AdminRoute::MethodNotAllowed, "{method}");
        }
    }

    #[test]
    fn the_trace_mask_is_a_parameter() {
        let query = Some("a=1&traceMask=4");
        let route = AdminRoute::of_admin("/commands", "GET", "/commands/stmk", query);
        let trace_mask = Some("4".to_owned());
        let command = AdminCommand::SetTraceMask;
        assert_eq!(route, AdminRoute::Found(Resource::Command { command, trace_mask }));
    }
}
