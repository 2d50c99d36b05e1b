//! A server whose nodes were all set very often: a network that adds a number to each version on its
//! way to the clients, and takes it off on the way back.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const EXISTS: i32 = 3;
const GET_DATA: i32 = 4;
const SET_DATA: i32 = 5;
const MULTI: i32 = 14;

/// The version that means any.
const ANY: i32 = -1;

/// The length of a `Stat`, and where in it the version is.
const STAT_LEN: usize = 68;
const VERSION_AT: usize = 32;

/// What a request starts with: xid and op code. A reply: xid, zxid and error.
const REQUEST_HEADER: usize = 8;
const REPLY_HEADER: usize = 16;
/// What each part of a multi starts with: op code, whether it is the last one, error.
const PART_HEADER: usize = 9;

pub(crate) struct WrappedVersions {
    address: SocketAddr,
    acceptor: JoinHandle<()>,
}

/// The op codes of the requests under way, by xid.
type Asked = Arc<Mutex<HashMap<i32, i32>>>;

impl WrappedVersions {
    /// The server at `server`, as if each node had been set `sets` times more.
    pub(crate) async fn start(server: SocketAddr, sets: i32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let acceptor = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let Ok(server) = TcpStream::connect(server).await else { return };
                    let (from_client, to_client) = client.into_split();
                    let (from_server, to_server) = server.into_split();
                    let asked = Asked::default();
                    tokio::select! {
                        _ = forward(from_client, to_server, |frame| request(frame, sets, &asked)) => {}
                        _ = forward(from_server, to_client, |frame| reply(frame, sets, &asked)) => {}
                    }
                });
            }
        });
        Self { address, acceptor }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn connect_string(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for WrappedVersions {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

/// Forwards frames; all but the first, which opens the session, after a change.
async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    change: impl Fn(&mut [u8]),
) -> std::io::Result<()> {
    let mut is_handshake = true;
    loop {
        let length = from.read_i32().await?;
        let mut frame = vec![0; usize::try_from(length).expect("a frame has a length")];
        from.read_exact(&mut frame).await?;
        if !std::mem::take(&mut is_handshake) {
            change(&mut frame);
        }
        let mut bytes = length.to_be_bytes().to_vec();
        bytes.append(&mut frame);
        to.write_all(&bytes).await?;
    }
}

fn int(frame: &[u8], at: usize) -> i32 {
    i32::from_be_bytes(frame[at..at + 4].try_into().expect("four bytes"))
}

fn put(frame: &mut [u8], at: usize, number: i32) {
    frame[at..at + 4].copy_from_slice(&number.to_be_bytes());
}

fn request(frame: &mut [u8], sets: i32, asked: &Asked) {
    let (xid, op) = (int(frame, 0), int(frame, 4));
    asked.lock().expect("nobody panics").insert(xid, op);
    let set = match op {
        SET_DATA => REQUEST_HEADER,
        // Recipes set the node first, and then what is their own.
        MULTI if int(frame, REQUEST_HEADER) == SET_DATA => REQUEST_HEADER + PART_HEADER,
        _ => return,
    };
    let data = skip(frame, set).end;
    let version = skip(frame, data).end;
    match int(frame, version) {
        ANY => {}
        shown => put(frame, version, shown.wrapping_sub(sets)),
    }
}

/// The bytes of a string or buffer that starts at `at` with its length.
fn skip(frame: &[u8], at: usize) -> Range<usize> {
    let length = usize::try_from(int(frame, at)).unwrap_or(0);
    at + 4..at + 4 + length
}

fn reply(frame: &mut [u8], sets: i32, asked: &Asked) {
    let (xid, error) = (int(frame, 0), int(frame, 12));
    let op = asked.lock().expect("nobody panics").remove(&xid);
    let stat = match op {
        _ if error != 0 => return,
        Some(EXISTS | GET_DATA | SET_DATA) => frame.len() - STAT_LEN,
        Some(MULTI) if int(frame, REPLY_HEADER) == SET_DATA => REPLY_HEADER + PART_HEADER,
        _ => return,
    };
    let version = stat + VERSION_AT;
    put(frame, version, int(frame, version).wrapping_add(sets));
}
