//! The ports for operators: AdminServer, and the one that Prometheus asks.
//!
//! Each has [`CONNECTIONS_MAX`](super::http_places::CONNECTIONS_MAX) places; who comes when all are
//! taken gets that of whoever keeps the server waiting. A head of a request is bounded in bytes and
//! lines, its body is not read unless it is a snapshot to restore. A connection that has nothing to
//! ask, does not finish asking or does not read its answer is cut in any case, only later.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::StartError;
use super::backup_commands::{Asking, BackupAnswer, BackupCommands};
use super::doors::listen;
use super::durable::Backup;
use super::http_answer::{Answer, Content, LongReport};
use super::http_places::{Answering, Place, Places, Taking};
use super::http_stream::HttpStream;
use super::shared::Shared;
use crate::admin::{self, AdminCommand, AdminRoute, Refusal, Resource};
use crate::config::{AdminConfig, OperatorsConfig};
use crate::ops::metrics;

/// Lines and bytes of the head of a request.
const HEADERS_MAX: usize = 64;
const HEAD_LEN_MAX: usize = 16 << 10;

/// How long a connection of Prometheus may have nothing to ask, which it does every 15 s, or not
/// read its answer.
const METRICS_IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long the last answer of a connection may take to go out that has to leave its place.
const FAREWELL: Duration = Duration::from_millis(500);

/// How long to wait before `accept` is tried again after it failed.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

const JSON: &str = "application/json";
const HTML: &str = "text/html;charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const OCTETS: &str = "application/octet-stream";
/// The version of Prometheus's text format.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A port that listens.
pub(super) struct HttpPort {
    listener: TcpListener,
    site: Arc<Site>,
}

/// What is at a port.
struct Site {
    kind: SiteKind,
    idle_timeout: Duration,
}

enum SiteKind {
    /// AdminServer, with its commands below a path.
    Admin {
        command_url: String,
        config: AdminConfig,
        backup: OnceLock<Arc<BackupCommands>>,
    },
    Metrics,
}

/// The ports that the configuration asks for.
#[derive(Default)]
pub(super) struct HttpPorts {
    admin: Option<HttpPort>,
    metrics: Option<HttpPort>,
}

impl HttpPorts {
    pub(super) async fn open(config: &OperatorsConfig) -> Result<Self, StartError> {
        let mut ports = Self::default();
        if let Some(admin) = &config.admin {
            let listener = listen(Some(&admin.address), admin.port).await?;
            let (command_url, config) = (admin.command_url.clone(), admin.clone());
            let kind = SiteKind::Admin { command_url, config, backup: OnceLock::new() };
            let site = Arc::new(Site { kind, idle_timeout: admin.idle_timeout });
            ports.admin = Some(HttpPort { listener, site });
        }
        if let Some(metrics) = &config.metrics {
            let listener = listen(Some(&metrics.host), metrics.port).await?;
            let (kind, idle_timeout) = (SiteKind::Metrics, METRICS_IDLE_TIMEOUT);
            ports.metrics =
                Some(HttpPort { listener, site: Arc::new(Site { kind, idle_timeout }) });
        }
        Ok(ports)
    }

    /// Where AdminServer is.
    pub(super) fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().and_then(|port| port.listener.local_addr().ok())
    }

    /// Where Prometheus asks.
    pub(super) fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().and_then(|port| port.listener.local_addr().ok())
    }

    /// Serves them. `backup` is what all data are taken and restored with, if they are on disk.
    pub(super) fn serve(
        self,
        shared: &Arc<Shared>,
        backup: Option<Backup>,
        tasks: &mut JoinSet<()>,
    ) {
        if let Some(admin) = &self.admin
            && let SiteKind::Admin { config, backup: place, .. } = &admin.site.kind
        {
            // Nobody has asked for anything yet.
            let _ = place.set(BackupCommands::new(backup, config));
        }
        for port in [self.admin, self.metrics].into_iter().flatten() {
            tasks.spawn(port.serve(Arc::clone(shared)));
        }
    }
}

/// A connection that has no place yet.
struct Newcomer {
    socket: TcpStream,
    peer: SocketAddr,
    came: Instant,
}

impl HttpPort {
    /// Answers until the server stops. One newcomer at a time waits for a place, so that nobody has to
    /// leave theirs as long as nobody wants it.
    async fn serve(self, shared: Arc<Shared>) {
        let mut connections = JoinSet::new();
        let mut places = Places::default();
        let changed = places.changed();
        let mut newcomer: Option<Newcomer> = None;
        loop {
            let mut look_again = None;
            if let Some(Newcomer { socket, peer, came }) = newcomer.take() {
                match places.take(came, Instant::now()) {
                    Taking::Place(place) => {
                        let (shared, site) = (Arc::clone(&shared), Arc::clone(&self.site));
                        connections.spawn(converse(shared, site, socket, peer, place));
                    }
                    Taking::Later(at) => {
                        newcomer = Some(Newcomer { socket, peer, came });
                        look_again = at;
                    }
                }
            }
            tokio::select! {
                biased;
                () = shared.halt.stopped() => return,
                Some(_) = connections.join_next() => {}
                () = changed.notified(), if newcomer.is_some() => {}
                () = until(look_again), if newcomer.is_some() => {}
                accepted = self.listener.accept(), if newcomer.is_none() => match accepted {
                    Ok((socket, peer)) => {
                        newcomer = Some(Newcomer { socket, peer, came: Instant::now() });
                    }
                    Err(error) => {
                        tracing::debug!(%error, "cannot accept an operator's connection");
                        tokio::time::sleep(ACCEPT_BACKOFF).await;
                    }
                },
            }
        }
    }
}

/// Waits for a moment, if there is one to wait for.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}

/// Answers one connection until it ends, or stands still.
async fn converse(
    shared: Arc<Shared>,
    site: Arc<Site>,
    socket: TcpStream,
    peer: SocketAddr,
    place: Arc<Place>,
) {
    let idle_timeout = site.idle_timeout;
    let service = {
        let (shared, place) = (Arc::clone(&shared), Arc::clone(&place));
        service_fn(move |request: Request<Incoming>| {
            let (shared, site) = (Arc::clone(&shared), Arc::clone(&site));
            let answering = place.answer();
            async move {
                // Who asks much at once lets others in between.
                tokio::task::yield_now().await;
                Ok::<_, Infallible>(respond(&shared, &site, peer, request, answering).await)
            }
        })
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(idle_timeout)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_LEN_MAX)
        .serve_connection(TokioIo::new(HttpStream::new(socket, Arc::clone(&place))), service);
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        () = shared.halt.stopped() => {}
        ended = connection.as_mut() => if let Err(error) = ended {
            tracing::debug!(%peer, %error, "lost an operator's connection");
        },
        () = stands_still(&place, idle_timeout) => {
            tracing::debug!(%peer, "cut off an operator's connection that stood still");
        }
        () = place.has_to_leave() => {
            tracing::debug!(%peer, "an operator's connection leaves its place to another");
            // Who has never asked has nothing to wait for, and who does not read will not begin to.
            if place.progress() > 0 && !place.is_blocked() {
                connection.as_mut().graceful_shutdown();
                let _ = tokio::time::timeout(FAREWELL, connection).await;
            }
        }
    }
}

/// Waits until nothing happens from one look to the next.
async fn stands_still(place: &Place, between: Duration) {
    loop {
        let seen = place.progress();
        tokio::time::sleep(between).await;
        if place.progress() == seen {
            return;
        }
    }
}

async fn respond(
    shared: &Arc<Shared>,
    site: &Site,
    peer: SocketAddr,
    request: Request<Incoming>,
    answering: Answering,
) -> Response<Answer> {
    let (method, uri) = (request.method().as_str(), request.uri());
    let route = match &site.kind {
        SiteKind::Admin { command_url, .. } => {
            AdminRoute::of_admin(command_url, method, uri.path(), uri.query())
        }
        SiteKind::Metrics => AdminRoute::of_metrics(method, uri.path()),
    };
    let (status, kind, body) = match route {
        AdminRoute::Found(wanted @ (Resource::Snapshot { .. } | Resource::Restore)) => {
            return back_up(shared, site, peer.ip(), request, answering, wanted).await;
        }
        AdminRoute::Found(resource) => answer(shared, site, resource),
        AdminRoute::NotFound => (StatusCode::NOT_FOUND, TEXT, whole("there is nothing here\n")),
        AdminRoute::MethodNotAllowed => {
            (StatusCode::METHOD_NOT_ALLOWED, TEXT, whole("that method is not answered here\n"))
        }
        AdminRoute::Forbidden => (StatusCode::FORBIDDEN, TEXT, whole("")),
    };
    let content = match body {
        admin::Body::Whole(text) => Content::Whole(text.into()),
        admin::Body::Report(report) => Content::Report(LongReport::new(shared, report)),
    };
    response(status, kind, content, answering)
}

fn response(
    status: StatusCode,
    kind: &'static str,
    content: Content,
    answering: Answering,
) -> Response<Answer> {
    let mut response = Response::new(Answer { answering, content });
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Takes all data as a snapshot, or restores one.
async fn back_up(
    shared: &Arc<Shared>,
    site: &Site,
    peer: IpAddr,
    request: Request<Incoming>,
    answering: Answering,
    wanted: Resource,
) -> Response<Answer> {
    let commands = match &site.kind {
        SiteKind::Admin { backup, .. } => backup.get(),
        SiteKind::Metrics => None,
    };
    let asking = Asking { shared, peer: peer.to_canonical(), answering: &answering };
    let (command, done) = match (commands, wanted) {
        (None, _) => (AdminCommand::Snapshot, Err(Refusal::Stops)),
        (Some(commands), Resource::Snapshot { streaming }) => {
            (AdminCommand::Snapshot, commands.snapshot(asking, &request, streaming).await)
        }
        (Some(commands), _) => (AdminCommand::Restore, commands.restore(asking, request).await),
    };
    match done {
        Err(refusal) => {
            let status = StatusCode::from_u16(refusal.status());
            let text = admin::failed(command.name(), &refusal.to_string());
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            response(status, JSON, Content::Whole(text.into()), answering)
        }
        Ok(BackupAnswer::Restored(text)) => {
            response(StatusCode::OK, JSON, Content::Whole(text.into()), answering)
        }
        Ok(BackupAnswer::Snapshot { zxid, len, pieces }) => {
            let (kind, content) = match pieces {
                Some(pieces) => (OCTETS, Content::Pieces { pieces, left: len }),
                None => (JSON, Content::Whole(admin::succeeded(command).into())),
            };
            let mut response = response(StatusCode::OK, kind, content, answering);
            let headers = response.headers_mut();
            if let Ok(zxid) = HeaderValue::from_str(&format!("{:#x}", zxid.0)) {
                headers.insert("last_zxid", zxid);
            }
            headers.insert("snapshot_size", HeaderValue::from(len));
            response
        }
    }
}

fn whole(text: &str) -> admin::Body {
    admin::Body::Whole(text.to_owned())
}

fn answer(
    shared: &Shared,
    site: &Site,
    resource: Resource,
) -> (StatusCode, &'static str, admin::Body) {
    let stops = || (StatusCode::SERVICE_UNAVAILABLE, TEXT, whole("the server stops\n"));
    match resource {
        Resource::Index => {
            let SiteKind::Admin { command_url, .. } = &site.kind else { return stops() };
            (StatusCode::OK, HTML, admin::Body::Whole(admin::index(command_url)))
        }
        Resource::UnknownCommand { name } => {
            let error = format!("Unknown command: {name}");
            (StatusCode::OK, JSON, admin::Body::Whole(admin::failed(&name, &error)))
        }
        Resource::Command { command: AdminCommand::Ruok, .. } => {
            (StatusCode::OK, JSON, admin::Body::Whole(admin::imok()))
        }
        Resource::Command { command, trace_mask } => {
            let answered = shared
                .act(|server, now| admin::answer(server, now, command, trace_mask.as_deref()));
            answered.map_or_else(|_| stops(), |body| (StatusCode::OK, JSON, body))
        }
        Resource::Live => (StatusCode::OK, TEXT, whole("ok\n")),
        Resource::Ready if shared.halt.is_paused() => stops(),
        Resource::Ready => {
            let served = shared.act(|_, _| ());
            served.map_or_else(|_| stops(), |()| (StatusCode::OK, TEXT, whole("ok\n")))
        }
        // They are answered elsewhere.
        Resource::Snapshot { .. } | Resource::Restore => stops(),
        Resource::Metrics => {
            let text = shared.act(|server, now| metrics::prometheus(&server.view(now)));
            let found = |text| (StatusCode::OK, EXPOSITION, admin::Body::Whole(text));
            text.map_or_else(|_| stops(), found)
        }
    }
}
