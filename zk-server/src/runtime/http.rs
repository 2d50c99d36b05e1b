//! The ports for operators: AdminServer, and the one that Prometheus asks.
//!
//! Each has room for [`CONNECTIONS_MAX`] connections; more wait in the system's queue. A head of a
//! request is bounded in bytes and lines, its body is not read. A connection that has nothing to
//! ask, does not finish asking or does not read its answer is cut.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::StartError;
use super::doors::listen;
use super::shared::Shared;
use crate::admin::{self, AdminCommand, AdminRoute, Resource};
use crate::config::OperatorsConfig;
use crate::ops::{Report, metrics};

/// Connections of one port at the same time. Prometheus has one, a script one.
const CONNECTIONS_MAX: usize = 50;

/// Lines and bytes of the head of a request.
const HEADERS_MAX: usize = 64;
const HEAD_LEN_MAX: usize = 16 << 10;

/// How long a connection of Prometheus may have nothing to ask, which it does every 15 s, or not
/// read its answer.
const METRICS_IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long to wait before `accept` is tried again after it failed.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

const JSON: &str = "application/json";
const HTML: &str = "text/html;charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
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
            let kind = SiteKind::Admin { command_url: admin.command_url.clone() };
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

    pub(super) fn serve(self, shared: &Arc<Shared>, tasks: &mut JoinSet<()>) {
        for port in [self.admin, self.metrics].into_iter().flatten() {
            tasks.spawn(port.serve(Arc::clone(shared)));
        }
    }
}

impl HttpPort {
    /// Answers until the server stops.
    async fn serve(self, shared: Arc<Shared>) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = shared.stop.cancelled() => return,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept(), if connections.len() < CONNECTIONS_MAX => {
                    match accepted {
                        Ok((socket, peer)) => {
                            let (shared, site) = (Arc::clone(&shared), Arc::clone(&self.site));
                            connections.spawn(converse(shared, site, socket, peer));
                        }
                        Err(error) => {
                            tracing::debug!(%error, "cannot accept an operator's connection");
                            tokio::time::sleep(ACCEPT_BACKOFF).await;
                        }
                    }
                }
            }
        }
    }
}

/// Answers one connection until it ends, or stands still.
async fn converse(shared: Arc<Shared>, site: Arc<Site>, socket: TcpStream, peer: SocketAddr) {
    let progress = Arc::new(AtomicU64::new(0));
    let idle_timeout = site.idle_timeout;
    let service = {
        let (shared, progress) = (Arc::clone(&shared), Arc::clone(&progress));
        service_fn(move |request: Request<Incoming>| {
            progress.fetch_add(1, Ordering::Relaxed);
            let answer = respond(&shared, &site, &request, Arc::clone(&progress));
            std::future::ready(Ok::<_, Infallible>(answer))
        })
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(idle_timeout)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_LEN_MAX)
        .serve_connection(TokioIo::new(socket), service);
    tokio::select! {
        biased;
        () = shared.stop.cancelled() => {}
        ended = connection => if let Err(error) = ended {
            tracing::debug!(%peer, %error, "lost an operator's connection");
        },
        () = stands_still(&progress, idle_timeout) => {
            tracing::debug!(%peer, "cut off an operator's connection that stood still");
        }
    }
}

/// Waits until nothing happens from one look to the next.
async fn stands_still(progress: &AtomicU64, between: Duration) {
    loop {
        let seen = progress.load(Ordering::Relaxed);
        tokio::time::sleep(between).await;
        if progress.load(Ordering::Relaxed) == seen {
            return;
        }
    }
}

fn respond(
    shared: &Arc<Shared>,
    site: &Site,
    request: &Request<Incoming>,
    progress: Arc<AtomicU64>,
) -> Response<Answer> {
    let (method, uri) = (request.method().as_str(), request.uri());
    let route = match &site.kind {
        SiteKind::Admin { command_url } => {
            AdminRoute::of_admin(command_url, method, uri.path(), uri.query())
        }
        SiteKind::Metrics => AdminRoute::of_metrics(method, uri.path()),
    };
    let (status, kind, body) = match route {
        AdminRoute::Found(resource) => answer(shared, site, resource),
        AdminRoute::NotFound => (StatusCode::NOT_FOUND, TEXT, whole("there is nothing here\n")),
        AdminRoute::MethodNotAllowed => {
            (StatusCode::METHOD_NOT_ALLOWED, TEXT, whole("only GET is answered here\n"))
        }
        AdminRoute::Forbidden => (StatusCode::FORBIDDEN, TEXT, whole("")),
    };
    let (first, rest) = match body {
        admin::Body::Whole(text) => (Some(Bytes::from(text)), None),
        admin::Body::Report(report) => (None, Some(Box::new(report))),
    };
    let mut response = Response::new(Answer { shared: Arc::clone(shared), progress, first, rest });
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
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
            let SiteKind::Admin { command_url } = &site.kind else { return stops() };
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
        Resource::Ready if *shared.paused.borrow() => stops(),
        Resource::Ready => {
            let served = shared.act(|_, _| ());
            served.map_or_else(|_| stops(), |()| (StatusCode::OK, TEXT, whole("ok\n")))
        }
        Resource::Metrics => {
            let text = shared.act(|server, now| metrics::prometheus(&server.view(now)));
            let found = |text| (StatusCode::OK, EXPOSITION, admin::Body::Whole(text));
            text.map_or_else(|_| stops(), found)
        }
    }
}

/// A body that is there, or comes piece by piece as it is read.
struct Answer {
    shared: Arc<Shared>,
    progress: Arc<AtomicU64>,
    first: Option<Bytes>,
    rest: Option<Box<Report>>,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.progress.fetch_add(1, Ordering::Relaxed);
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        let Some(mut report) = self.rest.take() else { return Poll::Ready(None) };
        let mut piece = String::new();
        let more = self.shared.act(|server, now| report.piece(server, now, &mut piece));
        let Ok(more) = more else {
            return Poll::Ready(Some(Err(io::Error::other("the server stops"))));
        };
        if more {
            self.rest = Some(report);
        }
        match (more, piece.is_empty()) {
            // Others may go first.
            (true, true) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            (false, true) => Poll::Ready(None),
            _ => Poll::Ready(Some(Ok(Frame::data(Bytes::from(piece))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.first, &self.rest) {
            (first, None) => {
                SizeHint::with_exact(first.as_ref().map_or(0, |first| first.len() as u64))
            }
            _ => SizeHint::default(),
        }
    }
}
