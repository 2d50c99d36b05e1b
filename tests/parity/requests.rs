//! Random requests over a few nodes, drawn so that most find something and many are refused.
//!
//! Left out, because servers differ by version or on purpose: a top-level check, deleteContainer, an
//! op code that does not fit the flags, two kinds of watches on one path of one client (3.9 keeps
//! both), nodes that somebody may not read (3.9 refuses exists and drops events), create2 in a multi
//! (Apache answers it as a create), the quota nodes.

use bytes::BytesMut;
use fastrand::Rng;
use zk_proto::codec::Encode;
use zk_proto::*;

/// A request to send, and what to call it in a report.
pub(crate) struct Wanted {
    pub(crate) op: i32,
    pub(crate) body: BytesMut,
    pub(crate) text: String,
}

impl Wanted {
    pub(crate) fn new(request: &Request<'_>) -> Self {
        let mut body = BytesMut::new();
        request.encode(&mut body);
        Self { op: request.op().code(), body, text: format!("{request:?}") }
    }
}

/// The sequence of one seed.
pub(crate) struct Requests {
    rng: Rng,
    root: String,
    made_root: bool,
}

impl Requests {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed), root: format!("/seed{seed}"), made_root: false }
    }

    /// Which client asks, and what.
    pub(crate) fn next(&mut self, clients: usize) -> (usize, Wanted) {
        if !self.made_root {
            self.made_root = true;
            let root = self.root.clone();
            let create =
                CreateRequest { path: &root, data: Some(b"root"), acl: Acl::open(), flags: 0 };
            return (0, Wanted::new(&Request::Create(create)));
        }
        let who = self.rng.usize(0..clients);
        let wanted = match self.rng.u8(0..100) {
            0..26 => self.create(),
            26..36 => self.delete(),
            36..46 => self.set_data(),
            46..66 => self.read(),
            66..71 => self.acl_request(),
            71..80 => self.multi(),
            80..83 => self.multi_read(),
            83..87 => self.watch_request(who),
            87..94 => self.change_what_is_watched(clients),
            94..97 => self.about_oneself(),
            _ => self.nonsense(),
        };
        (who, wanted)
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.rng.usize(0..of.len())].clone()
    }

    fn below(&mut self, tails: &[&str]) -> String {
        let tail = self.pick(tails);
        format!("{}{tail}", self.root)
    }

    fn path(&mut self) -> String {
        let names = ["", "/a", "/a", "/a/x", "/a/y", "/b", "/b/x", "/b/x/deep", "/none/x", "/c"];
        self.below(&names)
    }

    /// Also such as no client should send.
    fn any_path(&mut self) -> String {
        let odd = ["/a/", "//x", "/./x", "/a/../b", "/\u{1}", "/n\u{0}ul", "/\u{e000}", "/a//"];
        match self.rng.u8(0..20) {
            0 => self.below(&odd),
            1 => self.pick(&["", "/", "x", "/zookeeper", "/zookeeper/config"]).to_owned(),
            _ => self.path(),
        }
    }

    fn data(&mut self) -> Option<&'static [u8]> {
        self.pick(&[Some(&b""[..]), Some(b"1"), Some(b"some data"), None])
    }

    fn version(&mut self) -> i32 {
        self.pick(&[-1, -1, -1, 0, 0, 1, 2, -2])
    }

    fn acl(&mut self) -> Vec<Acl> {
        let digest = Acl::new(Permissions::ALL, "digest", "user:5w9W4eL3797Y4Wq8AcKUPPk8ha4=");
        let world = |perms| Acl::new(Permissions(perms), "world", "anyone");
        match self.rng.u8(0..30) {
            0 => Vec::new(),
            1 => vec![Acl::new(Permissions::ALL, "auth", ""), world(1)],
            2 => vec![Acl::new(Permissions::ALL, "nonsense", "x")],
            3 => vec![Acl::new(Permissions::ALL, "world", "nobody")],
            4 => vec![Acl::new(Permissions::ALL, "digest", "without-a-colon")],
            5 => vec![Acl::new(Permissions::ALL, "ip", "not-an-address")],
            6 => vec![Acl::new(Permissions::ALL, "ip", "10.0.0.0/8"), world(1)],
            7 => vec![digest, world(1)],
            8 => vec![world(1 | 4), world(1 | 4)],
            9 => vec![world(1 | 2 | 8 | 16)],
            10 => vec![world(64 | 31)],
            _ => Acl::open(),
        }
    }

    fn create(&mut self) -> Wanted {
        let (path, data, acl) = (self.any_path(), self.data(), self.acl());
        let flags = self.pick(&[0, 0, 0, 1, 1, 2, 3, 9, -1]);
        let request = CreateRequest { path: &path, data, acl: acl.clone(), flags };
        match self.rng.u8(0..10) {
            0 => Wanted::new(&Request::CreateContainer(CreateRequest { flags: 4, ..request })),
            1 => {
                let ttl_ms = self.pick(&[1_000_000, 0, -1, 1 << 40, (1 << 40) - 1]);
                let flags = self.pick(&[5, 6]);
                let request = CreateTtlRequest { path: &path, data, acl, flags, ttl_ms };
                Wanted::new(&Request::CreateTtl(request))
            }
            2..5 => Wanted::new(&Request::Create2(request)),
            _ => Wanted::new(&Request::Create(request)),
        }
    }

    fn delete(&mut self) -> Wanted {
        let (path, version) = (self.any_path(), self.version());
        Wanted::new(&Request::Delete(DeleteRequest { path: &path, version }))
    }

    fn set_data(&mut self) -> Wanted {
        let (path, data, version) = (self.any_path(), self.data(), self.version());
        Wanted::new(&Request::SetData(SetDataRequest { path: &path, data, version }))
    }

    fn read(&mut self) -> Wanted {
        let (path, watch) = (self.any_path(), self.rng.u8(0..3) == 0);
        let path = &*path;
        Wanted::new(&match self.rng.u8(0..6) {
            0 => Request::Exists(ExistsRequest { path, watch }),
            1 => Request::GetData(GetDataRequest { path, watch }),
            2 => Request::GetChildren(GetChildrenRequest { path, watch }),
            3 => Request::GetChildren2(GetChildren2Request { path, watch }),
            // Apache counts the root as a child of "", the other name of the root.
            4 if !path.is_empty() => {
                Request::GetAllChildrenNumber(GetAllChildrenNumberRequest { path })
            }
            _ => Request::Sync(SyncRequest { path }),
        })
    }

    fn acl_request(&mut self) -> Wanted {
        // Not the root of the seed: closed to everyone, it would end the seed's work.
        let (path, acl, version) = (self.path(), self.acl(), self.version());
        if self.rng.bool() || path == self.root {
            return Wanted::new(&Request::GetAcl(GetAclRequest { path: &path }));
        }
        Wanted::new(&Request::SetAcl(SetAclRequest { path: &path, acl, version }))
    }

    fn multi(&mut self) -> Wanted {
        let count = self.rng.usize(0..5);
        let parts: Vec<_> = (0..count)
            .map(|_| (self.any_path(), self.data(), self.acl(), self.version(), self.rng.u8(0..12)))
            .collect();
        let mut ops = Vec::new();
        for (path, data, acl, version, kind) in &parts {
            let (path, data, version) = (&**path, *data, *version);
            let create = |flags| CreateRequest { path, data, acl: acl.clone(), flags };
            ops.push(match kind {
                0..3 => MultiOp::Create(create(0)),
                3 => MultiOp::Create(create(3)),
                4 => MultiOp::Create(create(2)),
                5 => MultiOp::CreateContainer(create(4)),
                6 => MultiOp::CreateTtl(CreateTtlRequest {
                    path,
                    data,
                    acl: acl.clone(),
                    flags: 5,
                    ttl_ms: 1_000_000,
                }),
                7 => MultiOp::Delete(DeleteRequest { path, version }),
                8..10 => MultiOp::SetData(SetDataRequest { path, data, version }),
                _ => MultiOp::Check(CheckVersionRequest { path, version }),
            });
        }
        Wanted::new(&Request::Multi(MultiRequest { ops }))
    }

    fn multi_read(&mut self) -> Wanted {
        let paths: Vec<_> = (0..self.rng.usize(1..4)).map(|_| self.any_path()).collect();
        let ops = paths.iter().map(|path| {
            if self.rng.bool() {
                MultiOp::GetData(GetDataRequest { path, watch: false })
            } else {
                MultiOp::GetChildren(GetChildrenRequest { path, watch: false })
            }
        });
        let ops = ops.collect();
        Wanted::new(&Request::MultiRead(MultiRequest { ops }))
    }

    /// Lasting watches have paths of their own, where nobody sets one-shot ones. And each client
    /// its own: asked by one for a watch, servers before 3.9 say yes if anybody has one there.
    fn watch_request(&mut self, who: usize) -> Wanted {
        let path = format!("{}/watched-by-{who}", self.root);
        let path = &*path;
        Wanted::new(&match self.rng.u8(0..3) {
            // One kind for each: before 3.9 a second one on the same path replaces the first.
            0 => {
                let mode = i32::try_from(who % 2).expect("there are few clients");
                Request::AddWatch(AddWatchRequest { path, mode: self.pick(&[mode, mode, 7]) })
            }
            1 => {
                // Before 3.9, Children (1) and Data (2) find lasting watches too.
                let kind = self.pick(&[3, 3, 42]);
                Request::CheckWatches(CheckWatchesRequest { path, kind })
            }
            _ => Request::RemoveWatches(RemoveWatchesRequest { path, kind: self.pick(&[3, 42]) }),
        })
    }

    fn change_what_is_watched(&mut self, clients: usize) -> Wanted {
        let below = self.pick(&["", "/child"]);
        let path = format!("{}/watched-by-{}{below}", self.root, self.rng.usize(0..clients));
        let path = &*path;
        Wanted::new(&match self.rng.u8(0..4) {
            0 => Request::SetData(SetDataRequest { path, data: None, version: -1 }),
            1 => Request::Delete(DeleteRequest { path, version: -1 }),
            _ => Request::Create(CreateRequest { path, data: None, acl: Acl::open(), flags: 0 }),
        })
    }

    fn about_oneself(&mut self) -> Wanted {
        let prefix = self.path();
        Wanted::new(&match self.rng.u8(0..4) {
            0 => Request::WhoAmI,
            1 => Request::GetEphemerals(GetEphemeralsRequest { prefix: &prefix }),
            2 => Request::GetEphemerals(GetEphemeralsRequest { prefix: "" }),
            _ => Request::Auth(AuthPacket { kind: 0, scheme: "digest", auth: b"user:secret" }),
        })
    }

    /// A body that is cut off, or random.
    fn nonsense(&mut self) -> Wanted {
        let whole = match self.rng.u8(0..3) {
            0 => self.create(),
            1 => self.set_data(),
            _ => self.multi(),
        };
        let len = self.rng.usize(0..=whole.body.len());
        let mut body = whole.body;
        body.truncate(len);
        Wanted { op: whole.op, body, text: format!("{} cut to {len} bytes", whole.text) }
    }
}
