//! What one seed does.

use bytes::Bytes;
use zk_proto::{Acl, OpCode, Permissions};

use crate::differences::created;
use crate::generator::Generator;
use crate::normal::{Observed, Part};
use crate::pair::{Mismatch, Pair};
use crate::request::{Body, Request};

/// Requests after which a seed has said what it has to say.
const OPS_PER_SEED: usize = 400;
const SESSIONS_MAX: usize = 4;
/// The session that can do everything and that no seed touches.
const ADMIN: usize = 0;
/// Of the steps that a failure shows.
const TRACE_LEN: usize = 12;
/// Nodes that cannot be deleted.
const SPECIAL: [&str; 4] = ["/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"];

/// Opens the session that cleans up between seeds.
pub(crate) fn prepare(pair: &mut Pair) -> Result<(), Mismatch> {
    let mut rng = fastrand::Rng::with_seed(0);
    pair.open(&mut rng, 0)?;
    pair.learn_peer(ADMIN)?;
    let body = Body::Auth { scheme: "digest".to_owned(), auth: "super:test".to_owned() };
    pair.batch(ADMIN, &[Request::new(OpCode::Auth, body)])?;
    Ok(())
}

/// Runs a seed from a clean tree to a clean tree.
pub(crate) fn run(pair: &mut Pair, seed: u64) -> Result<(), Mismatch> {
    let generator = Generator::new(seed, pair.version);
    let mut run = Run { pair, generator, trace: Vec::new() };
    let result = run.whole();
    let trace = run.trace.split_off(run.trace.len().saturating_sub(TRACE_LEN));
    result.map_err(|Mismatch(text)| Mismatch(format!("{}\n\n{text}", trace.join("\n"))))
}

struct Run<'p> {
    pair: &'p mut Pair,
    generator: Generator,
    trace: Vec<String>,
}

impl Run<'_> {
    fn whole(&mut self) -> Result<(), Mismatch> {
        self.plant()?;
        let end = self.pair.compared + OPS_PER_SEED;
        while self.pair.compared < end {
            self.step()?;
        }
        self.end_sessions()?;
        let nodes = self.walk()?;
        self.clean_up(nodes)
    }

    /// Nodes that most requests are about.
    fn plant(&mut self) -> Result<(), Mismatch> {
        for path in ["/a", "/b"] {
            let path = path.to_owned();
            let body = Body::Create { path, data: Some(Bytes::new()), acl: Acl::open(), flags: 0 };
            self.expect_ok(Request::new(OpCode::Create, body))?;
        }
        for request in self.generator.first_quota() {
            self.note(format!("the administrator asks {request:?}"));
            self.expect_ok(request)?;
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), Mismatch> {
        let open = self.sessions(|session| !session.is_over);
        let connected = self.sessions(|session| session.connection.is_some());
        let chance = self.generator.rng.u32(..100);
        if connected.is_empty() || (chance < 3 && open.len() < SESSIONS_MAX) {
            return self.open();
        }
        let session = connected[self.generator.rng.usize(..connected.len())];
        match chance {
            3..=5 => {
                self.note(format!("{session} disconnects"));
                self.pair.disconnect(session);
                Ok(())
            }
            6..=10 => {
                let session = open[self.generator.rng.usize(..open.len())];
                let is_right = self.generator.rng.u32(..4) > 0;
                self.note(format!("{session} is resumed, password right: {is_right}"));
                self.pair.resume(session, is_right)
            }
            11 => self.resume_what_is_over(),
            12 => self.garbage(session),
            13..=18 => {
                let request = self.generator.alone();
                self.batch(session, vec![request])
            }
            _ => {
                let zxids = self.pair.last_zxid();
                let Some(connection) = &mut self.pair.sessions[session].connection else {
                    return Ok(());
                };
                let batch = self.generator.batch(&mut connection.classes, zxids);
                self.batch(session, batch)
            }
        }
    }

    fn open(&mut self) -> Result<(), Mismatch> {
        let ahead = if self.generator.rng.u32(..6) == 0 { 1 } else { 0 };
        let opened = self.pair.open(&mut self.generator.rng, ahead)?;
        self.note(format!("a session opens: {opened:?}"));
        Ok(())
    }

    fn resume_what_is_over(&mut self) -> Result<(), Mismatch> {
        let over = self.sessions(|session| session.is_over);
        let Some(&session) = self.generator.rng.choice(&over) else { return Ok(()) };
        self.note(format!("{session}, which is over, is resumed"));
        self.pair.resume(session, true)
    }

    fn garbage(&mut self, session: usize) -> Result<(), Mismatch> {
        let frames: [&[u8]; 5] = [
            &[0xff, 0xff, 0xff, 0xff],
            &[0, 0, 0, 0],
            &[0x7f, 0xff, 0xff, 0xff],
            &[0, 0x10, 0, 0],
            &[0, 0, 0, 5, 1, 2, 3, 4, 5],
        ];
        let frame = frames[self.generator.rng.usize(..frames.len())];
        self.note(format!("{session} sends {frame:?}"));
        self.pair.garbage(session, frame)
    }

    fn batch(&mut self, session: usize, requests: Vec<Request>) -> Result<(), Mismatch> {
        self.note(format!("{session} asks {requests:?}"));
        for reply in self.pair.batch(session, &requests)? {
            if let Observed::Reply { err: 0, body, .. } = reply
                && let Some(path) = created(&body)
                && path.ends_with(|last: char| last.is_ascii_digit())
                // What others are called depends on earlier seeds.
                && (path.starts_with("/a/") || path.starts_with("/b/"))
            {
                self.generator.learn(path.to_owned());
            }
        }
        Ok(())
    }

    /// The sessions of the seed that are like that.
    fn sessions(&self, is: impl Fn(&crate::pair::Session) -> bool) -> Vec<usize> {
        let sessions = self.pair.sessions.iter().enumerate().skip(ADMIN + 1);
        sessions.filter(|(_, session)| is(session)).map(|(number, _)| number).collect()
    }

    fn note(&mut self, step: String) {
        self.trace.push(step);
    }

    fn end_sessions(&mut self) -> Result<(), Mismatch> {
        for session in self.sessions(|session| !session.is_over) {
            if self.pair.sessions[session].connection.is_none() {
                self.note(format!("{session} is resumed to be closed"));
                self.pair.resume(session, true)?;
            }
            self.batch(session, vec![Request::new(OpCode::CloseSession, Body::Empty)])?;
        }
        Ok(())
    }

    /// Compares all that is left. Returns its paths, children after their parents.
    fn walk(&mut self) -> Result<Vec<String>, Mismatch> {
        self.note("the whole tree is read".to_owned());
        let mut nodes = vec!["/".to_owned()];
        let mut next = 0;
        while let Some(path) = nodes.get(next).cloned() {
            next += 1;
            let reads = [
                Request::new(OpCode::GetData, Body::PathFlag(path.clone(), false)),
                Request::new(OpCode::GetAcl, Body::Path(path.clone())),
                Request::new(OpCode::GetAllChildrenNumber, Body::Path(path.clone())),
                Request::new(OpCode::GetChildren2, Body::PathFlag(path.clone(), false)),
            ];
            for reply in self.pair.batch(ADMIN, &reads)? {
                if let Observed::Reply { body, .. } = reply
                    && let Some(Part::Names(names)) = body.first()
                {
                    let parent = path.trim_end_matches('/');
                    nodes.extend(names.iter().map(|name| format!("{parent}/{name}")));
                }
            }
        }
        Ok(nodes)
    }

    fn clean_up(&mut self, nodes: Vec<String>) -> Result<(), Mismatch> {
        self.note("the tree is cleaned".to_owned());
        let (special, own): (Vec<_>, Vec<_>) =
            nodes.into_iter().partition(|path| SPECIAL.contains(&path.as_str()));
        for path in own.into_iter().rev() {
            let delete = Request::new(OpCode::Delete, Body::PathNumber(path, -1));
            self.expect_ok(delete)?;
        }
        for path in special {
            let readable = vec![Acl::new(Permissions::READ, "world", "anyone")];
            let acl = if path.ends_with("config") { readable } else { Acl::open() };
            let set_acl = Body::SetAcl { path: path.clone(), acl, version: -1 };
            self.expect_ok(Request::new(OpCode::SetAcl, set_acl))?;
            let set_data = Body::SetData { path, data: Some(Bytes::new()), version: -1 };
            self.expect_ok(Request::new(OpCode::SetData, set_data))?;
        }
        Ok(())
    }

    fn expect_ok(&mut self, request: Request) -> Result<(), Mismatch> {
        let replies = self.pair.batch(ADMIN, std::slice::from_ref(&request))?;
        match replies.first() {
            Some(Observed::Reply { err: 0, .. }) => Ok(()),
            other => Err(Mismatch(format!("the administrator's {request:?} got {other:?}"))),
        }
    }
}
