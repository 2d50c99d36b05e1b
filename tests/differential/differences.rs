//! Everything in which our server may differ from Apache's, each by name, with the reason and the
//! versions in which it is so: compared with are 3.8.0, 3.9.3 and 3.9.6.
//! What is not here is a failure.

use zk_proto::{ErrorCode, OpCode};

use crate::normal::{Observed, Part};
use crate::request::{Body, Request};
use crate::version::Version;

/// Two observations of the same step that are not equal.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) apache: &'a Observed,
    pub(crate) ours: &'a Observed,
    /// What the same connections showed right before.
    pub(crate) before: Option<(&'a Observed, &'a Observed)>,
    /// The request that both answer, if they are replies to one.
    pub(crate) request: Option<&'a Request>,
    /// The first and the last transaction of the step; first > last: none.
    pub(crate) zxids: (i64, i64),
    /// Whether another connection may watch a path, or this one a path above it recursively.
    pub(crate) is_watched_by_others: &'a dyn Fn(&str) -> bool,
    /// Whether somebody tried to resume this connection's session with a wrong password.
    pub(crate) was_impersonated: bool,
}

/// A difference that is known.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) name: &'static str,
    pub(crate) reason: &'static str,
    /// In which versions of Apache's server.
    pub(crate) is_in: fn(Version) -> bool,
    pub(crate) is: fn(&Case<'_>) -> bool,
}

/// The differences that a run meets.
pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "zxid of an event",
        reason: "3.8 sends -1 in an event's header, 3.9 and ours the zxid of the change; for what \
                 setWatches reports all send -1",
        is_in: BEFORE_3_9,
        is: event_zxid,
    },
    Difference {
        name: "exists needs READ",
        reason: "since 3.8.4 and 3.9.2 exists answers NOAUTH to whoever may not read the node",
        is_in: |version| !version.hides_nodes(),
        is: exists_without_read,
    },
    Difference {
        name: "create2 in a multi",
        reason: "Apache makes it a create and answers without the Stat; ours answers what was \
                 asked for",
        is_in: BEFORE_3_9,
        is: create2_in_multi,
    },
    Difference {
        name: "body of a refused multi",
        reason: "Apache sends the end of an empty list of results behind the header of an \
                 undecodable multiRead, and up to 3.8 of such a multi; a failed request has no body",
        is_in: ALL,
        is: body_of_refused_multi,
    },
    Difference {
        name: "unknown flags in a multi",
        reason: "in 3.8 they are the failure of one operation; since 3.9 and in ours a multi with \
                 them cannot be decoded",
        is_in: BEFORE_3_9,
        is: unknown_flags_in_multi,
    },
    Difference {
        name: "kinds of lasting watches",
        reason: "3.9 knows the watcher types 4 and 5, 3.8 cannot decode them",
        is_in: BEFORE_3_9,
        is: |case| match case.request.map(|request| (&request.body, request.op)) {
            Some((Body::PathNumber(_, 4 | 5), op)) => {
                let asks = [OpCode::CheckWatches.code(), OpCode::RemoveWatches.code()];
                asks.contains(&op)
                    && errors(case) == Some((MARSHALLING_ERROR, ErrorCode::NoWatcher.code()))
            }
            _ => false,
        },
    },
    Difference {
        name: "checkWatches of what others watch",
        reason: "3.8 says yes if anybody watches the path, or this connection a path above it \
                 recursively; 3.9 and ours only if this connection watches the path",
        is_in: BEFORE_3_9,
        is: |case| match case.request.map(|request| (&request.body, request)) {
            Some((Body::PathNumber(path, _), request)) => {
                request.is(OpCode::CheckWatches)
                    && errors(case) == Some((0, ErrorCode::NoWatcher.code()))
                    && (case.is_watched_by_others)(path)
            }
            _ => false,
        },
    },
    Difference {
        name: "descendants of the empty path",
        reason: "Apache takes it for the root in every read, but here counts the root as its own \
                 descendant",
        is_in: ALL,
        is: |case| match (case.request.map(|request| &request.body), case.apache, case.ours) {
            (
                Some(Body::Path(path)),
                Observed::Reply { body: apache, .. },
                Observed::Reply { body: ours, .. },
            ) => match (&apache[..], &ours[..]) {
                ([Part::Number(apache)], [Part::Number(ours)]) => {
                    path.is_empty() && errors(case) == Some((0, 0)) && *apache == ours + 1
                }
                _ => false,
            },
            _ => false,
        },
    },
    Difference {
        name: "flags that don't suit the op code",
        reason: "Apache makes a node of another kind than its pending record says; ours answers \
                 BADARGUMENTS",
        is_in: ALL,
        is: |case| {
            let refused = (ErrorCode::NoNode.code(), ErrorCode::BadArguments.code());
            case.request.is_some_and(mismatches) && errors(case) == Some(refused)
        },
    },
    Difference {
        name: "wrong password",
        reason: "Apache closes a session's connection before it looks at the password of whoever \
                 wants to resume the session; ours looks first",
        is_in: ALL,
        is: |case| {
            let spared = matches!(case.ours, Observed::Reply { .. });
            case.was_impersonated && *case.apache == Observed::Closed && spared
        },
    },
    Difference {
        name: "order of identities that stand for auth",
        reason: "Apache keeps who a connection is in a hash set, and an entry of the scheme auth \
                 becomes one for each in that set's order; in ours in the order of authentication",
        is_in: ALL,
        is: order_of_auth,
    },
];

/// What is never tried, since the servers would be in different states afterwards.
#[derive(Debug)]
pub(crate) struct NotGenerated {
    pub(crate) what: &'static str,
    pub(crate) why: &'static str,
    /// In which versions of Apache's server.
    pub(crate) is_in: fn(Version) -> bool,
}

const fn never(what: &'static str, why: &'static str) -> NotGenerated {
    NotGenerated { what, why, is_in: ALL }
}

/// All of them.
pub(crate) const NOT_GENERATED: &[NotGenerated] = &[
    NotGenerated {
        what: "watches on nodes that not everybody may read",
        why: "since 3.8.4 and 3.9.2 events are filtered",
        is_in: |version| !version.hides_nodes(),
    },
    NotGenerated {
        what: "setWatches on nodes that not everybody may read",
        why: "3.9.6 and ours tell only who may read them; 3.9.3 and others before tell anybody",
        is_in: |version| !version.hides_nodes_from_set_watches(),
    },
    NotGenerated {
        what: "watches of several kinds by one connection on one path",
        why: "up to 3.8 the latest replaces the others, and a recursive one counts as one of \
              children; so is a lasting one asked for by its type only as any",
        is_in: BEFORE_3_9,
    },
    never(
        "flags that don't suit the op code, where the parent exists",
        "Apache creates a node, ours answers BADARGUMENTS",
    ),
    never(
        "deleteContainer",
        "Apache lets every client delete every empty node with it, unasked for any permission; it \
         is the server's own operation, and ours closes the connection of who asks for it",
    ),
    NotGenerated {
        what: "check outside of a multi",
        why: "refused since 3.8.5 and 3.9.3; before, Apache answers only once something else happens",
        is_in: |version| !version.refuses_check(),
    },
    never(
        "pings and auth among pipelined requests",
        "ours answers pings, both do auth out of turn",
    ),
    never(
        "requests pipelined behind a setACL",
        "Apache judges a write by the old ACL as long as the setACL is not yet applied; ours by \
         the new one, always",
    ),
    never(
        "watches of paths that do not start with a slash",
        "3.8 sometimes fails in looking for the parent of such a path",
    ),
    never(
        "requests pipelined where there is a quota",
        "both judge a write by what is applied, which is a matter of chance while others are on \
         their way",
    ),
    never(
        "data of zookeeper_limits and zookeeper_stats that cannot be read, or is null",
        "Apache's server stops over it when it next counts; for ours it is empty",
    ),
    never(
        "a quota of the root",
        "Apache's server stops over it; ours takes it for an ordinary node",
    ),
    never("createSession among requests", "Apache opens another session over the same connection"),
    never(
        "null paths in sync, addWatch, checkWatches, removeWatches, lists and beside bad flags, null ACL ids",
        "Apache's answer is that of the exception that happens to be thrown first",
    ),
    never(
        "bytes that are not UTF-8",
        "Apache reads them as U+FFFD, which is BADARGUMENTS or NONODE; ours as undecodable",
    ),
    never(
        "supplementary characters, other than in create",
        "Apache writes them as two surrogates, which is not UTF-8",
    ),
    NotGenerated {
        what: "IPv6 addresses in ACLs",
        why: "accepted since 3.9.4",
        is_in: |version| !version.knows_ipv6(),
    },
    never("credentials beyond ASCII", "the JVM's locale decides what they mean"),
    NotGenerated {
        what: "writes, other than a multi, that end too early",
        why: "3.8 gives them a zxid before it reads them; since 3.9 and in ours they have none",
        is_in: BEFORE_3_9,
    },
];

const ALL: fn(Version) -> bool = |_| true;
const BEFORE_3_9: fn(Version) -> bool = |version| !version.is_3_9();

const MARSHALLING_ERROR: i32 = -5;

fn errors(case: &Case<'_>) -> Option<(i32, i32)> {
    match (case.apache, case.ours) {
        (
            Observed::Reply { xid, zxid, err, .. },
            Observed::Reply { xid: our_xid, zxid: our_zxid, err: our_err, .. },
        ) if xid == our_xid && zxid == our_zxid => Some((*err, *our_err)),
        _ => None,
    }
}

fn event_zxid(case: &Case<'_>) -> bool {
    let (
        Observed::Event { zxid: -1, kind, state, path },
        Observed::Event { zxid, kind: our_kind, state: our_state, path: our_path },
    ) = (case.apache, case.ours)
    else {
        return false;
    };
    let (first, last) = case.zxids;
    (kind, state, path) == (our_kind, our_state, our_path) && (first..=last).contains(zxid)
}

/// The generator puts a getData of the same node right in front, which both must refuse.
fn exists_without_read(case: &Case<'_>) -> bool {
    let no_auth = ErrorCode::NoAuth.code();
    let refused = |observed: &Observed| matches!(observed, Observed::Reply { err, body, .. } if *err == no_auth && body.is_empty());
    case.request.is_some_and(|request| request.is(OpCode::Exists))
        && errors(case) == Some((0, no_auth))
        && case.before.is_some_and(|(apache, ours)| refused(apache) && refused(ours))
}

fn body_of_refused_multi(case: &Case<'_>) -> bool {
    let multis = [OpCode::Multi, OpCode::MultiRead];
    let is_multi = case.request.is_some_and(|request| multis.iter().any(|op| request.is(*op)));
    let end = Part::Result { op: -1, err: -1 };
    match (case.apache, case.ours) {
        (Observed::Reply { body: apache, .. }, Observed::Reply { body: ours, .. }) => {
            is_multi
                && errors(case) == Some((MARSHALLING_ERROR, MARSHALLING_ERROR))
                && *apache == [end]
                && ours.is_empty()
        }
        _ => false,
    }
}

fn unknown_flags_in_multi(case: &Case<'_>) -> bool {
    let is_unknown = |part: &Request| match part.body {
        Body::Create { flags, .. } => !(0..=4).contains(&flags),
        _ => false,
    };
    let has_unknown = case.request.is_some_and(
        |request| matches!(&request.body, Body::Multi(parts) if parts.iter().any(is_unknown)),
    );
    let (Observed::Reply { body: apache, .. }, Observed::Reply { body: ours, .. }) =
        (case.apache, case.ours)
    else {
        return false;
    };
    let failure = |part: &Part| matches!(part, Part::Result { op: -1, err } if *err != 0);
    has_unknown
        && errors(case) == Some((0, MARSHALLING_ERROR))
        && apache.iter().any(failure)
        && ours.is_empty()
}

/// All parts are equal but for the op code and the `Stat` of those that are meant.
fn create2_in_multi(case: &Case<'_>) -> bool {
    let (
        Observed::Reply { zxid, body: apache, .. },
        Observed::Reply { zxid: our_zxid, body: ours, .. },
    ) = (case.apache, case.ours)
    else {
        return false;
    };
    let is_multi = case.request.is_some_and(|request| request.is(OpCode::Multi));
    let result = |op: OpCode| Part::Result { op: op.code(), err: 0 };
    let (create, create2) = (result(OpCode::Create), result(OpCode::Create2));
    let (mut apache, mut ours) = (apache.as_slice(), ours.as_slice());
    while let ([part, after @ ..], [our_part, our_after @ ..]) = (apache, ours) {
        (apache, ours) = match (after, our_after) {
            _ if part == our_part => (after, our_after),
            ([path, after @ ..], [our_path, Part::Stat(_), our_after @ ..])
                if (part, our_part, path) == (&create, &create2, our_path) =>
            {
                (after, our_after)
            }
            _ => return false,
        };
    }
    is_multi && errors(case) == Some((0, 0)) && zxid == our_zxid && apache.len() == ours.len()
}

/// The pool names at most one identity of the scheme `digest` in a list: several with the same
/// permissions in a row stand for one entry of the scheme `auth`.
fn order_of_auth(case: &Case<'_>) -> bool {
    let (Observed::Reply { body: apache, .. }, Observed::Reply { body: ours, .. }) =
        (case.apache, case.ours)
    else {
        return false;
    };
    let ([Part::Acl(apache), stat], [Part::Acl(ours), our_stat]) = (&apache[..], &ours[..]) else {
        return false;
    };
    case.request.is_some_and(|request| request.is(OpCode::GetAcl))
        && errors(case) == Some((0, 0))
        && stat == our_stat
        && by_runs_of_digest(apache) == by_runs_of_digest(ours)
}

/// The entries, with neighbours of the scheme `digest` and the same permissions sorted.
fn by_runs_of_digest(acl: &[String]) -> Vec<String> {
    let digest = |entry: &str| {
        let (perms, id) = entry.split_once(':')?;
        id.starts_with("digest:").then(|| perms.to_owned())
    };
    let mut acl = acl.to_vec();
    for run in acl.chunk_by_mut(|a, b| digest(a).is_some() && digest(a) == digest(b)) {
        run.sort_unstable();
    }
    acl
}

fn mismatches(request: &Request) -> bool {
    let has_flags_of_container = |flags: i32| flags == 4;
    match &request.body {
        Body::Create { flags, .. } if request.is(OpCode::CreateContainer) => {
            !has_flags_of_container(*flags)
        }
        Body::Create { flags, .. } => has_flags_of_container(*flags),
        Body::CreateTtl { flags, .. } => ![5, 6].contains(flags),
        _ => false,
    }
}

/// Whether a body tells that a create succeeded, and of which path.
pub(crate) fn created(body: &[Part]) -> Option<&str> {
    match body.first() {
        Some(Part::Text(path)) => Some(path),
        _ => None,
    }
}
