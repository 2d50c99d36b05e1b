//! A connect ends within the bound it was given, whatever the servers of its list are like.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use zk_client::{Client, Error, Result};
use zk_server::testing::TestServer;

use super::nobody;
use super::servers::{Malice, bad_server};

/// How much later than its bound a connect may end on a machine that is busy with other things.
/// What ignores the bound ends never, or when the session's time is over, which is later.
const LATE: Duration = Duration::from_secs(60);
const SESSION: Duration = Duration::from_secs(600);

/// Connects, and fails the test if the bound is not kept.
async fn connect(servers: &str, bound: Duration, seed: u64) -> Result<Client> {
    let builder = Client::builder(servers).session_timeout(SESSION);
    let start = Instant::now();
    let connecting = builder.connect_timeout(bound).seed(seed).connect();
    let connected = tokio::time::timeout(bound + LATE, connecting).await;
    let connected = connected.unwrap_or_else(|_| panic!("not in {bound:?}: {servers}"));
    if let Err(error) = &connected {
        assert!(matches!(error, Error::NoServerReachable { .. }), "{error}");
        assert!(start.elapsed() >= bound, "it gave up after {:?}", start.elapsed());
    }
    connected
}

/// Connects as often, each time from another place in the list, and asks for something. Where the
/// machine stood still for somebody's share of the bound, there is a longer one.
async fn reached(servers: &str, bound: Duration, clients: u64) {
    let mut errors = Vec::new();
    for times in [1, 4] {
        errors.clear();
        let connecting = (0..clients).map(|seed| connect(servers, bound * times, seed));
        for connected in join_all(connecting).await {
            match connected {
                Ok(client) => drop(client.get("/").await.unwrap()),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() {
            return;
        }
    }
    panic!("{errors:?}");
}

/// An address where connecting neither works nor fails: those who knock are not answered. `None`
/// where the system answers them all the same.
struct BlackHole {
    listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl BlackHole {
    async fn open(address: &str) -> Option<Self> {
        let address: SocketAddr = address.parse().unwrap();
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
        let socket = socket.ok()?;
        socket.bind(address).ok()?;
        let listener = socket.listen(1).unwrap();
        let mut waiting = Vec::new();
        // Nobody accepts, so the queue of those who wait is soon full.
        for _ in 0..8 {
            let knock = TcpStream::connect(listener.local_addr().unwrap());
            match tokio::time::timeout(Duration::from_millis(200), knock).await {
                Ok(stream) => waiting.push(stream.unwrap()),
                Err(_) => return Some(Self { listener, _waiting: waiting }),
            }
        }
        None
    }

    fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }
}

async fn bad_servers(malice: Malice, count: usize) -> String {
    let servers = join_all((0..count).map(|_| bad_server(malice))).await;
    servers.iter().map(|(address, _)| format!("{address},")).collect()
}

#[tokio::test]
async fn a_server_behind_six_that_never_answer_is_reached() {
    let server = TestServer::start().await.unwrap();
    // Each has its share of the ten seconds, and the pauses between them have room.
    let mut servers = bad_servers(Malice::Silent, 6).await;
    servers.push_str(&server.connect_string());
    reached(&servers, Duration::from_secs(10), 5).await;
}

#[tokio::test]
async fn a_server_behind_many_that_close_or_are_not_there_is_reached() {
    let server = TestServer::start().await.unwrap();
    let mut servers = bad_servers(Malice::Closing, 10).await;
    let gone: Vec<_> = (0..10).map(|_| nobody()).collect();
    for (_socket, gone) in &gone {
        servers.push_str(&format!("{gone},"));
    }
    servers.push_str(&server.connect_string());
    reached(&servers, Duration::from_secs(15), 5).await;
}

#[tokio::test]
async fn with_no_good_server_the_bound_is_the_end() {
    let runs = [Malice::Silent, Malice::Closing, Malice::Drips].map(|malice| async move {
        let servers = bad_servers(malice, 3).await;
        let servers = servers.trim_end_matches(',');
        let mut told = String::new();
        // A machine that stands still may use up a bound before all had their turn.
        for seconds in [4, 16] {
            let error = connect(servers, Duration::from_secs(seconds), 1).await.unwrap_err();
            told = error.to_string();
            if servers.split(',').all(|server| told.contains(server)) {
                return;
            }
        }
        panic!("what one of {servers} did is not told: {told}");
    });
    join_all(runs).await;
}

#[tokio::test]
async fn a_server_that_drips_does_not_use_up_the_time_of_the_others() {
    let server = TestServer::start().await.unwrap();
    let (drips, _) = bad_server(Malice::Drips).await;
    let servers = format!("{drips},{}", server.connect_string());
    reached(&servers, Duration::from_secs(6), 5).await;
}

#[tokio::test]
async fn an_address_that_swallows_everything_costs_no_more_than_its_share() {
    let server = TestServer::start().await.unwrap();
    let Some(hole) = BlackHole::open("127.0.0.1:0").await else {
        return eprintln!("this system answers everyone who knocks");
    };
    let error = connect(&hole.address().to_string(), Duration::from_secs(1), 1).await.unwrap_err();
    assert!(error.to_string().contains(&hole.address().to_string()), "{error}");
    let servers = format!("{},{}", hole.address(), server.connect_string());
    reached(&servers, Duration::from_secs(6), 5).await;
}

#[tokio::test]
async fn a_name_with_several_addresses_is_tried_address_by_address() {
    let addresses: Vec<_> = tokio::net::lookup_host(("localhost", 0)).await.unwrap().collect();
    if addresses.len() < 2 {
        return eprintln!("localhost has one address only: {addresses:?}");
    }
    let server = TestServer::start().await.unwrap();
    let port = server.addr().port();
    // The other address refuses, then swallows.
    let name = format!("localhost:{port}");
    let bound = Duration::from_secs(6);
    reached(&name, bound, 1).await;
    let hole = BlackHole::open(&format!("[::1]:{port}")).await;
    reached(&name, bound, 1).await;
    drop(hole);
}

#[tokio::test]
async fn bad_names_among_good_ones_cost_nothing() {
    let server = TestServer::start().await.unwrap();
    let good = server.connect_string();
    let servers = format!("no-such-host.invalid:2181,{good},also-none.invalid,-.invalid:1");
    reached(&servers, Duration::from_secs(15), 5).await;
}

/// A server whose first connections end, each at another byte of the answer to the connect request
/// or by a reset, before one gets through.
async fn flapping_server(server: SocketAddr, flaps: usize) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let number = count.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(flap(client, server, (number < flaps).then_some(number)));
        }
    });
    (address, taken)
}

async fn flap(mut client: TcpStream, server: SocketAddr, flap: Option<usize>) {
    let mut server = TcpStream::connect(server).await.unwrap();
    let Some(number) = flap else {
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        return;
    };
    let mut chunk = [0; 100];
    let asked = client.read(&mut chunk).await.unwrap_or(0);
    let _ = server.write_all(&chunk[..asked]).await;
    let answered = server.read(&mut chunk).await.unwrap_or(0);
    let _ = client.write_all(&chunk[..(number * 7 % 41).min(answered)]).await;
    if number % 3 == 0 {
        let _ = client.set_zero_linger();
    }
}

#[tokio::test]
async fn a_flapping_server_is_reached_when_it_settles_and_not_hammered_before() {
    let server = TestServer::start().await.unwrap();
    let (address, _) = flapping_server(server.addr(), 5).await;
    reached(&address.to_string(), Duration::from_secs(20), 1).await;
    let (address, taken) = flapping_server(server.addr(), usize::MAX).await;
    let start = Instant::now();
    // A machine that stands still may leave time for few.
    while taken.load(Ordering::Relaxed) < 3 {
        connect(&address.to_string(), Duration::from_secs(3), 1).await.unwrap_err();
    }
    let (taken, time) = (taken.load(Ordering::Relaxed), start.elapsed());
    assert!(taken as u64 <= 20 * time.as_secs(), "{taken} connections in {time:?}");
}
