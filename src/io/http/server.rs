//! Owns the server: its threads, its connections, TLS, and its end. What is answered is a router's matter.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use futures_util::future::{Either, select};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot, watch};
use tower_service::Service;

use super::tls::Tls;

/// Connections open at a time, where nothing else is said; others wait.
const CONNECTIONS_MAX: usize = 64;
/// How long answers under way may take once the server is to stop.
const STOP_SECONDS: u64 = 2;
/// How long a head of a request may take to come, and a connection be idle.
const IDLE_SECONDS: u64 = 60;
/// How long it may take to agree on TLS.
const HANDSHAKE_SECONDS: u64 = 10;
/// The head of a request at most, whatever a guard behind it says: more is not read.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// The headers of a request at most, whatever a guard behind it says.
const HEADERS_MAX: usize = 128;
/// How long it is waited after a connection could not be taken: that there are no more files passes.
const AGAIN_MS: u64 = 100;

/// The server cannot begin: where, and why.
#[derive(Debug, thiserror::Error)]
#[error("cannot serve HTTP on {address}: {reason}")]
pub struct HttpError {
    /// Where it was to listen.
    address: String,
    /// Why it cannot.
    reason: String,
}

/// How a server listens.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Where, as `host:port`; port 0 takes a free one.
    pub address: String,
    /// Threads that answer.
    pub threads: usize,
    /// Connections open at a time; others wait.
    pub connections_max: usize,
    /// TLS, where it speaks that.
    pub tls: Option<Tls>,
}

impl ServerSettings {
    /// One thread that answers a few, in plain HTTP.
    #[must_use]
    pub fn plain(address: &str) -> ServerSettings {
        ServerSettings { address: address.to_owned(), threads: 1, connections_max: CONNECTIONS_MAX, tls: None }
    }
}

/// Who is at the other end of the connection of a request: among its extensions.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The address it comes from: a proxy's, where there is one.
    pub address: SocketAddr,
    /// The name in its certificate, where it showed one of the client CA.
    pub certificate_name: Option<Arc<str>>,
}

/// A server on a thread of its own. Dropped, it goes on until the process ends.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl HttpServer {
    /// Listens on `address` (`host:port`; port 0 takes a free one) and answers by `router`, in plain HTTP.
    ///
    /// # Errors
    /// When the address is none, is taken, or no thread can be started.
    pub fn start(address: &str, router: Router) -> Result<HttpServer, HttpError> {
        HttpServer::start_with(&ServerSettings::plain(address), router)
    }

    /// Listens as the settings say, and answers by `router`.
    ///
    /// # Errors
    /// When the address is none, is taken, or no thread can be started.
    pub fn start_with(settings: &ServerSettings, router: Router) -> Result<HttpServer, HttpError> {
        let failed = |reason: String| HttpError { address: settings.address.clone(), reason };
        let listener = bind(&settings.address).map_err(failed)?;
        let local = listener.local_addr().map_err(|error| failed(error.to_string()))?;
        let runtime = runtime(settings.threads).map_err(|error| failed(format!("no runtime: {error}")))?;
        let server =
            Serving { router, tls: settings.tls.clone(), permits: Arc::new(Semaphore::new(settings.connections_max)) };
        let (stop, stopped) = oneshot::channel();
        let serve = move || {
            runtime.block_on(server.run(listener, stopped));
            // Nothing is waited for any more: what is left was cut off.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("http".to_owned()).spawn(serve);
        let thread = thread.map_err(|error| failed(format!("no thread can be started: {error}")))?;
        Ok(HttpServer { address: local, stop, thread })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, finishes the answers under way within two seconds, and ends.
    pub fn stop(self) {
        let is_gone = self.stop.send(()).is_err() | self.thread.join().is_err();
        if is_gone {
            tracing::warn!("the HTTP server had ended before it was stopped");
        }
    }
}

fn runtime(threads: usize) -> std::io::Result<tokio::runtime::Runtime> {
    match threads {
        0 | 1 => tokio::runtime::Builder::new_current_thread().enable_all().build(),
        _ => {
            tokio::runtime::Builder::new_multi_thread().worker_threads(threads).thread_name("http").enable_all().build()
        }
    }
}

fn bind(address: &str) -> Result<TcpListener, String> {
    let addresses = address.to_socket_addrs().map_err(|error| format!("it should be host:port ({error})"))?;
    let listener = TcpListener::bind(&*addresses.collect::<Vec<_>>()).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => "the port is taken: name another one, or end what listens there".to_owned(),
        _ => error.to_string(),
    })?;
    listener.set_nonblocking(true).map_err(|error| error.to_string())?;
    Ok(listener)
}

struct Serving {
    router: Router,
    tls: Option<Tls>,
    permits: Arc<Semaphore>,
}

impl Serving {
    async fn run(self, listener: TcpListener, stopped: oneshot::Receiver<()>) {
        let listener = match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => return tracing::error!("the HTTP server cannot begin: {error}"),
        };
        // Each connection holds a receiver for as long as it is open.
        let (closing, closed) = watch::channel(());
        // A server that is dropped and not stopped serves on.
        let until_stopped = async move {
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        select(std::pin::pin!(self.take(listener, closed)), std::pin::pin!(until_stopped)).await;
        closing.send_replace(());
        if tokio::time::timeout(Duration::from_secs(STOP_SECONDS), closing.closed()).await.is_err() {
            tracing::warn!("HTTP answers were cut off at the stop");
        }
    }

    /// Takes connections, for ever. One over those that may be open is left to wait where the system keeps it.
    async fn take(self, listener: tokio::net::TcpListener, closed: watch::Receiver<()>) {
        loop {
            let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed");
            let (stream, address) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::debug!("a connection could not be taken: {error}");
                    tokio::time::sleep(Duration::from_millis(AGAIN_MS)).await;
                    continue;
                }
            };
            let (router, tls, closed) = (self.router.clone(), self.tls.clone(), closed.clone());
            tokio::spawn(async move {
                connection(stream, address, router, tls, closed).await;
                drop(permit);
            });
        }
    }
}

/// Answers what comes by a connection until it ends. How it ends is of interest to whoever is at the other end alone.
async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    router: Router,
    tls: Option<Tls>,
    closed: watch::Receiver<()>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("a connection could not be set up: {error}");
    }
    let Some(tls) = tls else {
        return requests(stream, router, Peer { address, certificate_name: None }, closed).await;
    };
    match tokio::time::timeout(Duration::from_secs(HANDSHAKE_SECONDS), tls.accept(stream)).await {
        Ok(Ok((stream, certificate_name))) => {
            requests(stream, router, Peer { address, certificate_name }, closed).await;
        }
        Ok(Err(error)) => tracing::debug!(address = %address.ip(), "no TLS was agreed on: {error}"),
        Err(_elapsed) => tracing::debug!(address = %address.ip(), "no TLS was agreed on in time"),
    }
}

async fn requests<S>(stream: S, router: Router, peer: Peer, mut closed: watch::Receiver<()>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer.clone());
        router.clone().call(request)
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(IDLE_SECONDS))
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = match select(connection.as_mut(), std::pin::pin!(closed.changed())).await {
        Either::Left((ended, _)) => ended,
        Either::Right(_) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended: {error}");
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;
    use crate::base::Currency;
    use crate::io::http::router;
    use crate::io::metrics::{Metrics, MetricsSettings};
    use crate::runtime::Observed;
    use crate::runtime::observed::{PartitionState, Phase};

    fn started() -> (Arc<Metrics>, HttpServer) {
        let metrics = Arc::new(Metrics::new(MetricsSettings {
            topics: Vec::new(),
            inputs: Vec::new(),
            base: Currency::parse("EUR").expect("a currency"),
            most_retained_max: 0,
        }));
        let server = HttpServer::start("127.0.0.1:0", router(Arc::clone(&metrics))).expect("started");
        (metrics, server)
    }

    fn ask(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).expect("connected");
        write!(stream, "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").expect("asked");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    }

    #[test]
    fn ready_answers_with_a_line_for_each_partition_that_is_not() {
        let (metrics, server) = started();
        assert!(ask(server.address(), "/live").starts_with("HTTP/1.1 200 "));
        let answer = ask(server.address(), "/ready");
        assert!(
            answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("waiting for the group to assign partitions\n")
        );
        let state = |phase| PartitionState { phase, ..PartitionState::default() };
        let mut observed = Observed::default();
        observed.partitions.insert(4, state(Phase::CatchingUp));
        observed.partitions.insert(5, state(Phase::Recovering));
        metrics.flush(0, observed.clone());
        let answer = ask(server.address(), "/ready");
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.ends_with("\r\n\r\npartition 4: catching up\npartition 5: recovering\n"), "{answer}");
        observed.partitions.values_mut().for_each(|partition| partition.phase = Phase::Live);
        metrics.flush(0, observed);
        let answer = ask(server.address(), "/ready");
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ready: 2 partitions live\n"), "{answer}");
        server.stop();
    }

    #[test]
    fn metrics_are_served_and_other_paths_are_not() {
        let (_, server) = started();
        let answer = ask(server.address(), "/metrics");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.contains("content-type: text/plain; version=0.0.4") && answer.contains("\nvigie_build_info{"));
        assert!(ask(server.address(), "/other").starts_with("HTTP/1.1 404 "));
        server.stop();
    }

    #[test]
    fn a_stop_ends_idle_connections_and_frees_the_port() {
        let (_, server) = started();
        let address = server.address();
        let mut idle = TcpStream::connect(address).expect("connected");
        write!(idle, "GET /live HTTP/1.1\r\nhost: a\r\n\r\n").expect("asked");
        let mut first = [0; 12];
        idle.read_exact(&mut first).expect("answered");
        server.stop();
        let mut rest = Vec::new();
        idle.read_to_end(&mut rest).expect("closed");
        assert!(TcpStream::connect(address).is_err());
    }

    #[test]
    fn more_connections_than_may_be_open_wait_for_their_turn() {
        let (_, server) = started();
        let mut open: Vec<TcpStream> =
            (0..CONNECTIONS_MAX).map(|_| TcpStream::connect(server.address()).expect("connected")).collect();
        for stream in &mut open {
            write!(stream, "GET /live HTTP/1.1\r\nhost: a\r\n\r\n").expect("asked");
            stream.read_exact(&mut [0; 12]).expect("answered");
        }
        let address = server.address();
        let late = std::thread::spawn(move || ask(address, "/live"));
        drop(open);
        assert!(late.join().expect("joined").starts_with("HTTP/1.1 200 "));
        server.stop();
    }

    #[test]
    fn an_address_that_cannot_be_listened_on_is_told_in_a_line() {
        let (_, server) = started();
        let taken = server.address().to_string();
        let error = HttpServer::start(&taken, Router::new()).expect_err("taken").to_string();
        assert_eq!(
            error,
            format!("cannot serve HTTP on {taken}: the port is taken: name another one, or end what listens there")
        );
        let error = HttpServer::start("nowhere", Router::new()).expect_err("no address").to_string();
        assert!(error.starts_with("cannot serve HTTP on nowhere: it should be host:port ("), "{error}");
        server.stop();
    }
}
