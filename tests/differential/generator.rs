//! Requests by chance.

mod quotas;
mod watches;

use fastrand::Rng;
use zk_proto::OpCode;

pub(crate) use watches::{WatchClass, WatchClasses};

use crate::pool;
use crate::request::{Body, Damage, Request};
use crate::version::Version;

/// What a run is about. They don't mix, see [`NOT_GENERATED`](crate::differences::NOT_GENERATED).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Watches of all kinds, on nodes that everybody may read.
    Watches,
    /// ACLs of all kinds, and nobody watches.
    Acls,
    /// Watches of all kinds and ACLs of all kinds, see
    /// [`NOT_GENERATED`](crate::differences::NOT_GENERATED).
    HiddenWatches,
    /// Quotas, on nodes that everybody may read and that nobody watches; one request at a time, see
    /// [`NOT_GENERATED`](crate::differences::NOT_GENERATED).
    Quotas,
}

impl Profile {
    fn has_watches(self) -> bool {
        matches!(self, Self::Watches | Self::HiddenWatches)
    }
}

/// A seed's source of requests.
#[derive(Debug)]
pub(crate) struct Generator {
    pub(crate) rng: Rng,
    pub(crate) profile: Profile,
    /// Of Apache's server.
    version: Version,
    /// Paths that servers made up.
    learned: Vec<String>,
}

const LEARNED_MAX: usize = 12;

impl Generator {
    pub(crate) fn new(seed: u64, version: Version) -> Self {
        let profile = match seed % 5 {
            0 => Profile::Quotas,
            1 | 3 => Profile::Acls,
            4 if version.hides_nodes() => Profile::HiddenWatches,
            _ => Profile::Watches,
        };
        Self { rng: Rng::with_seed(seed), profile, version, learned: Vec::new() }
    }

    /// Takes a path into the pool.
    pub(crate) fn learn(&mut self, path: String) {
        if self.learned.len() < LEARNED_MAX {
            self.learned.push(path);
        } else {
            let at = self.rng.usize(..LEARNED_MAX);
            self.learned[at] = path;
        }
    }

    /// Requests for one connection, to be sent at once. `zxid` is the last.
    pub(crate) fn batch(&mut self, classes: &mut WatchClasses, zxid: i64) -> Vec<Request> {
        let len = match self.rng.u32(..10) {
            _ if self.profile == Profile::Quotas => 1,
            0..=5 => 1,
            6..=8 => self.rng.usize(2..6),
            _ => self.rng.usize(6..20),
        };
        let mut batch = Vec::new();
        while batch.len() < len {
            let mut request = self.request(classes, zxid);
            if self.profile == Profile::Acls && request.is(OpCode::Exists) {
                // Tells whether a difference in `exists` is the known one.
                batch.push(Request { op: OpCode::GetData.code(), ..request.clone() });
            } else if self.rng.u32(..40) == 0 {
                request.damage = self.damage(&request);
            }
            let is_last = request.is(OpCode::SetAcl);
            batch.push(request);
            if is_last {
                break;
            }
        }
        batch
    }

    fn damage(&mut self, request: &Request) -> Damage {
        let echoes_or_watches =
            [OpCode::Sync, OpCode::AddWatch, OpCode::RemoveWatches, OpCode::CheckWatches];
        let has_path = match request.body {
            Body::Multi(_) | Body::SetWatches { .. } | Body::Raw(_) | Body::Empty => false,
            Body::CreateTtl { .. } => false,
            Body::Create { flags, .. } => (0..=4).contains(&flags),
            _ => true,
        };
        match self.rng.u32(..4) {
            0 => Damage::Tail,
            1 if has_path && !echoes_or_watches.iter().any(|op| request.is(*op)) => {
                Damage::NullPath
            }
            _ if self.version.is_3_9() || !is_write(request) => Damage::Cut(self.rng.usize(..40)),
            _ => Damage::Tail,
        }
    }

    fn request(&mut self, classes: &mut WatchClasses, zxid: i64) -> Request {
        match self.rng.u32(..100) {
            0..=24 if self.profile == Profile::Quotas => self.about_quota(),
            0..=19 => self.create(),
            20..=27 => self.path_number(OpCode::Delete),
            28..=37 => self.set_data(),
            38..=57 => self.node_read(classes),
            58..=62 => self.path_read(),
            63..=66 => self.set_acl(),
            67..=78 => self.multi(),
            79..=82 => self.multi_read(),
            83..=86 => self.add_watch(classes),
            87..=91 => self.ask_for_watch(classes),
            92..=94 => self.set_watches(classes, zxid),
            95..=96 => Request::new(OpCode::WhoAmI, Body::Empty),
            97 => Request::new(OpCode::Reconfig, Body::Raw(reconfig())),
            98 => self.refused_by_ours(),
            _ => Request::new(OpCode::GetEphemerals, Body::Path(self.path())),
        }
    }

    fn path(&mut self) -> String {
        pool::path(&mut self.rng, &self.learned)
    }

    /// Any of the family, with flags that suit the op code, or with none that exist.
    fn create(&mut self) -> Request {
        let rng = &mut self.rng;
        let flags = match rng.u32(..20) {
            0 => [-1, 7, 8, i32::MAX, i32::MIN][rng.usize(..5)],
            1..=3 => 4,
            4..=5 => 5,
            6 => 6,
            n => (n % 4).cast_signed(),
        };
        let is_sequential = [2, 3, 6].contains(&flags);
        let path = if is_sequential {
            pool::sequential_path(rng, &self.learned)
        } else if rng.u32(..60) == 0 {
            pool::SUPPLEMENTARY.to_owned()
        } else {
            pool::path(rng, &self.learned)
        };
        let (data, acl) =
            (pool::data(rng), pool::acl(rng, self.profile, self.version.knows_ipv6()));
        if [5, 6].contains(&flags) {
            let ttl_ms = match rng.u32(..8) {
                0 => [0, -1, -5, i64::MIN, i64::MAX, 0x100_0000_0000][rng.usize(..6)],
                1 => 0xff_ffff_ffff,
                _ => 3_600_000,
            };
            let body = Body::CreateTtl { path, data, acl, flags, ttl_ms };
            return Request::new(OpCode::CreateTtl, body);
        }
        let op = match flags {
            4 => OpCode::CreateContainer,
            0..=3 if rng.bool() => OpCode::Create2,
            0..=3 => OpCode::Create,
            _ => [OpCode::Create, OpCode::Create2, OpCode::CreateContainer][rng.usize(..3)],
        };
        Request::new(op, Body::Create { path, data, acl, flags })
    }

    fn set_data(&mut self) -> Request {
        let path = self.path();
        let (data, version) = (pool::data(&mut self.rng), pool::version(&mut self.rng));
        Request::new(OpCode::SetData, Body::SetData { path, data, version })
    }

    fn set_acl(&mut self) -> Request {
        let path = self.path();
        let (acl, version) = (
            pool::acl(&mut self.rng, self.profile, self.version.knows_ipv6()),
            pool::version(&mut self.rng),
        );
        Request::new(OpCode::SetAcl, Body::SetAcl { path, acl, version })
    }

    fn path_number(&mut self, op: OpCode) -> Request {
        let path = self.path();
        Request::new(op, Body::PathNumber(path, pool::version(&mut self.rng)))
    }

    fn node_read(&mut self, classes: &mut WatchClasses) -> Request {
        let ops = [OpCode::Exists, OpCode::GetData, OpCode::GetChildren, OpCode::GetChildren2];
        let op = ops[self.rng.usize(..ops.len())];
        let path = self.path();
        let wants = self.profile.has_watches() && self.rng.u32(..3) > 0;
        let watch = wants && self.admits(classes, &path, WatchClass::OneShot);
        Request::new(op, Body::PathFlag(path, watch))
    }

    fn path_read(&mut self) -> Request {
        let ops = [OpCode::GetAcl, OpCode::GetAcl, OpCode::Sync, OpCode::GetAllChildrenNumber];
        let op = ops[self.rng.usize(..ops.len())];
        Request::new(op, Body::Path(self.path()))
    }

    fn multi(&mut self) -> Request {
        let len = self.rng.usize(..6);
        let mut parts: Vec<Request> = (0..len).map(|_| self.part()).collect();
        if self.rng.u32(..20) == 0 {
            // What may not be in it: reads, setACL, something that does not exist.
            parts.push(match self.rng.u32(..3) {
                0 => Request::new(OpCode::GetData, Body::PathFlag(self.path(), false)),
                1 => self.set_acl(),
                _ => Request { op: 77, body: Body::Empty, damage: Damage::None },
            });
        }
        Request::new(OpCode::Multi, Body::Multi(parts))
    }

    fn part(&mut self) -> Request {
        match self.rng.u32(..10) {
            0..=4 => self.create(),
            5 => self.path_number(OpCode::Delete),
            6..=7 => self.set_data(),
            _ => self.path_number(OpCode::Check),
        }
    }

    fn multi_read(&mut self) -> Request {
        let len = self.rng.usize(..5);
        let mut parts = Vec::new();
        for _ in 0..len {
            let op = if self.rng.bool() { OpCode::GetData } else { OpCode::GetChildren };
            // The flag must not set a watch here.
            let flag = self.rng.bool();
            parts.push(Request::new(op, Body::PathFlag(self.path(), flag)));
        }
        if self.rng.u32(..10) == 0 {
            parts.push(self.path_number(OpCode::Check));
        }
        Request::new(OpCode::MultiRead, Body::Multi(parts))
    }

    /// Flags that don't suit the op code, only where Apache fails as well.
    fn refused_by_ours(&mut self) -> Request {
        let path = pool::NOWHERE.to_owned();
        let (data, acl) = (None, zk_proto::Acl::open());
        match self.rng.u32(..4) {
            0 => {
                let (flags, ttl_ms) = ([0, 1, 2, 3, 4][self.rng.usize(..5)], -1);
                let body = Body::CreateTtl { path, data, acl, flags, ttl_ms };
                Request::new(OpCode::CreateTtl, body)
            }
            1 => {
                let flags = [0, 1, 2, 3][self.rng.usize(..4)];
                Request::new(OpCode::CreateContainer, Body::Create { path, data, acl, flags })
            }
            n => {
                let op = if n == 2 { OpCode::Create } else { OpCode::Create2 };
                Request::new(op, Body::Create { path, data, acl, flags: 4 })
            }
        }
    }

    /// What gets the connection closed, or is answered out of order.
    pub(crate) fn alone(&mut self) -> Request {
        match self.rng.u32(..16) {
            0..=7 => {
                let (scheme, auth) = pool::credentials(&mut self.rng);
                let body = Body::Auth { scheme: scheme.to_owned(), auth: auth.to_owned() };
                Request::new(OpCode::Auth, body)
            }
            8 => Request::new(OpCode::Sasl, Body::Raw(vec![0, 0, 0, 1, 7])),
            9..=12 => Request::new(OpCode::Ping, Body::Empty),
            13 => Request::new(OpCode::CloseSession, Body::Empty),
            14 if self.version.refuses_check() => self.path_number(OpCode::Check),
            _ => {
                let unknown = [0, -1, 10, 23, 99, 108, 1000, i32::MIN];
                let op = unknown[self.rng.usize(..unknown.len())];
                Request { op, body: Body::Raw(vec![0; 12]), damage: Damage::None }
            }
        }
    }
}

/// Whether it is one that 3.8 gives a zxid before it reads it, see
/// [`NOT_GENERATED`](crate::differences::NOT_GENERATED).
fn is_write(request: &Request) -> bool {
    !matches!(request.body, Body::Multi(_))
        && OpCode::try_from(request.op).is_ok_and(OpCode::is_write)
}

/// Nobody joins, nobody leaves, any configuration.
fn reconfig() -> Vec<u8> {
    let null_text = [0xff; 4];
    [&null_text[..], &null_text, &null_text, &[0xff; 8]].concat()
}
