mod bookkeeping;
mod events;
mod set_watches;

use std::borrow::Cow;

use zk_proto::{Acl, EventType};

use super::{Notification, WatchManager};
use crate::connection_id::ConnectionId;
use crate::tree::{Change, ChangeKind};

const ONE: ConnectionId = ConnectionId(1);
const TWO: ConnectionId = ConnectionId(2);

fn change(kind: ChangeKind, path: &str) -> Change<'_> {
    let (acl, parent_acl) = (Acl::open().into(), Acl::open().into());
    Change { kind, path: Cow::Borrowed(path), acl, parent_acl }
}

/// Fires with everybody allowed to read everything.
fn fire(watches: &mut WatchManager, kind: ChangeKind, path: &str) -> Vec<Notification> {
    let fired = watches.fire(&change(kind, path), |_, _| true);
    watches.assert_invariants();
    fired
}

fn events(fired: &[Notification]) -> Vec<(EventType, &str, &[ConnectionId])> {
    fired.iter().map(|n| (n.kind, n.path.as_str(), &n.connections[..])).collect()
}
