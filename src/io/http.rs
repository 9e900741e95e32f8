//! Owns HTTP: what the process answers about itself, on a thread of its own that no worker waits for.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::{Semaphore, oneshot};

use super::metrics::{self, Metrics, Readiness};

pub mod console;

/// Connections open at a time; others wait.
const CONNECTIONS_MAX: usize = 64;
/// How long answers under way may take once the server is to stop.
const STOP_SECONDS: u64 = 2;

/// The server cannot begin: where, and why.
#[derive(Debug, thiserror::Error)]
#[error("cannot serve HTTP on {address}: {reason}")]
pub struct HttpError {
    /// Where it was to listen.
    address: String,
    /// Why it cannot.
    reason: String,
}

/// A server on a thread of its own. Dropped, it goes on until the process ends.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl HttpServer {
    /// Listens on `address` (`host:port`; port 0 takes a free one) and answers by `router`.
    ///
    /// # Errors
    /// When the address is none, is taken, or no thread can be started.
    pub fn start(address: &str, router: Router) -> Result<HttpServer, HttpError> {
        let failed = |reason: String| HttpError { address: address.to_owned(), reason };
        let listener = bind(address).map_err(failed)?;
        let local = listener.local_addr().map_err(|error| failed(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| failed(format!("no runtime: {error}")))?;
        let (stop, stopped) = oneshot::channel();
        let serve = move || runtime.block_on(serve(listener, router, stopped));
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

/// Everything that is answered.
pub fn router(metrics: Arc<Metrics>) -> Router {
    Router::new().route("/metrics", get(page)).route("/live", get(live)).route("/ready", get(ready)).with_state(metrics)
}

async fn page(State(metrics): State<Arc<Metrics>>) -> Response {
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics.render()).into_response()
}

/// The process runs: whether it does its work is for `/ready` to say.
async fn live() -> &'static str {
    "live\n"
}

async fn ready(State(metrics): State<Arc<Metrics>>) -> Response {
    match metrics.readiness() {
        Readiness::Ready(partitions) => format!("ready: {partitions} partitions live\n").into_response(),
        Readiness::NotReady(lines) => (StatusCode::SERVICE_UNAVAILABLE, lines.join("\n") + "\n").into_response(),
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

async fn serve(listener: TcpListener, router: Router, stopped: oneshot::Receiver<()>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => Limited { listener, permits: Arc::new(Semaphore::new(CONNECTIONS_MAX)) },
        Err(error) => return tracing::error!("the HTTP server cannot begin: {error}"),
    };
    let (closing, closed) = oneshot::channel();
    // A server that is dropped and not stopped serves on.
    let until_stopped = async move {
        if stopped.await.is_err() {
            std::future::pending::<()>().await;
        }
        // Nobody hears this where the server has ended by itself: then there is nothing to limit either.
        closing.send(()).ok();
    };
    let serving = std::pin::pin!(axum::serve(listener, router).with_graceful_shutdown(until_stopped).into_future());
    let limit = async {
        match closed.await {
            Ok(()) => tokio::time::sleep(Duration::from_secs(STOP_SECONDS)).await,
            Err(_) => std::future::pending().await,
        }
    };
    match futures_util::future::select(serving, std::pin::pin!(limit)).await {
        futures_util::future::Either::Left((Err(error), _)) => tracing::error!("the HTTP server ended: {error}"),
        futures_util::future::Either::Left((Ok(()), _)) => {}
        futures_util::future::Either::Right(_) => tracing::warn!("HTTP answers were cut off at the stop"),
    }
}

/// A listener that takes so many connections and no more at a time.
struct Limited {
    listener: tokio::net::TcpListener,
    permits: Arc<Semaphore>,
}

/// A connection, and its place among those that may be open.
struct Held {
    stream: tokio::net::TcpStream,
    _permit: tokio::sync::OwnedSemaphorePermit,
}

impl axum::serve::Listener for Limited {
    type Io = Held;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Held, SocketAddr) {
        let permits = Arc::clone(&self.permits);
        let permit = permits.acquire_owned().await.expect("the semaphore is never closed");
        let (stream, from) = axum::serve::Listener::accept(&mut self.listener).await;
        (Held { stream, _permit: permit }, from)
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

mod held {
    //! Passes reading and writing through to the connection.

    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::Held;

    impl AsyncRead for Held {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.stream).poll_read(cx, buf)
        }
    }

    impl AsyncWrite for Held {
        fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.stream).poll_write(cx, buf)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.stream).poll_flush(cx)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.stream).poll_shutdown(cx)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;
    use crate::base::Currency;
    use crate::io::metrics::MetricsSettings;
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
