//! Answers of 5xx in the server's log: one line each, with the mount's `file:line`, method and path.
//!
//! A handler that says more of its own marks its answer as [`said`], and there is no second line. So many lines are
//! written in each [`PERIOD`], for each mount; more are counted, since whoever sends requests makes them.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::Body;
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode};
use tower::{Layer, Service};

/// Lines of a mount in each [`PERIOD`].
const MOST: u32 = 10;

const PERIOD: Duration = Duration::from_secs(10);

/// The most characters of method and of path in a line; the rest is left out.
const LONGEST: usize = 1024;

/// The fault is in the log already, with the mount's place: an extension of answers.
#[derive(Debug, Clone, Copy)]
struct Said;

/// Marks an answer whose fault is in the log, with the mount's place, or counted among those that found no room in it.
pub(crate) fn said(mut response: Response<Body>) -> Response<Body> {
    response.extensions_mut().insert(Said);
    response
}

/// The layer of one mount.
#[derive(Debug, Clone)]
pub(crate) struct FaultsLayer(Arc<Log>);

/// What a mount's faults are written to.
#[derive(Debug)]
struct Log {
    /// `file:line: mount …`
    what: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    begun: Instant,
    told: u32,
    untold: u64,
}

impl FaultsLayer {
    /// `place` is the mount's `file:line`.
    pub(crate) fn new(place: &str, mountpoint: &str) -> Self {
        let state = State { begun: Instant::now(), told: 0, untold: 0 };
        Self(Arc::new(Log { what: format!("{place}: mount `{mountpoint}`"), state: Mutex::new(state) }))
    }
}

impl Log {
    fn tell(&self, method: &Method, target: Option<&PathAndQuery>, status: StatusCode) {
        let Some(untold) = self.may_tell(Instant::now()) else { return };
        let what = &self.what;
        if untold > 0 {
            tracing::warn!("{what}: {untold} more answers of 5xx were not written down");
        }
        tracing::warn!("{what}: {}", words(method, target, status));
    }

    /// Whether a line may be written, and how many could not before.
    fn may_tell(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(state.begun) >= PERIOD {
            (state.begun, state.told) = (now, 0);
        }
        if state.told >= MOST {
            state.untold += 1;
            return None;
        }
        state.told += 1;
        Some(std::mem::take(&mut state.untold))
    }
}

/// Nothing that the client sent can end the line or move a cursor: it is visible ASCII, in quotes, and cut.
fn words(method: &Method, target: Option<&PathAndQuery>, status: StatusCode) -> String {
    let shown = |text: &str| text.escape_default().take(LONGEST).collect::<String>();
    let path = target.map_or("/", PathAndQuery::path);
    format!("\"{} {}\" answered {}", shown(method.as_str()), shown(path), status.as_u16())
}

impl<S> Layer<S> for FaultsLayer {
    type Service = Faults<S>;

    fn layer(&self, inner: S) -> Faults<S> {
        Faults { inner, log: Arc::clone(&self.0) }
    }
}

/// A service whose faults are written down.
#[derive(Debug, Clone)]
pub(crate) struct Faults<S> {
    inner: S,
    log: Arc<Log>,
}

impl<S> Service<Request<Body>> for Faults<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Unpin,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // Two counts of references: nothing is copied.
        let (method, target) = (request.method().clone(), request.uri().path_and_query().cloned());
        Answering { answer: self.inner.call(request), method, target, log: Arc::clone(&self.log) }
    }
}

/// The answer to come.
#[derive(Debug)]
pub(crate) struct Answering<F> {
    answer: F,
    method: Method,
    target: Option<PathAndQuery>,
    log: Arc<Log>,
}

impl<F> Future for Answering<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>> + Unpin,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Ok(response) = ready!(Pin::new(&mut self.answer).poll(cx));
        if response.status().is_server_error() && response.extensions().get::<Said>().is_none() {
            self.log.tell(&self.method, self.target.as_ref(), response.status());
        }
        Poll::Ready(Ok(response))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_client_forges_a_line_or_makes_a_long_one() {
        let target = PathAndQuery::try_from("/a\"b\u{e9}?secret").unwrap();
        let line = words(&Method::GET, Some(&target), StatusCode::BAD_GATEWAY);
        assert_eq!(line, r#""GET /a\"b\u{e9}" answered 502"#);
        let long = PathAndQuery::try_from(format!("/{}", "x".repeat(60_000))).unwrap();
        assert!(words(&Method::GET, Some(&long), StatusCode::BAD_GATEWAY).len() < 1100);
    }

    #[test]
    fn a_flood_is_counted() {
        let FaultsLayer(log) = FaultsLayer::new("x:1", "/");
        let begun = log.state.lock().unwrap().begun;
        let told = (0..1000).filter(|_| log.may_tell(begun).is_some()).count();
        assert_eq!(told, usize::try_from(MOST).unwrap());
        assert_eq!(log.may_tell(begun + PERIOD), Some(1000 - u64::from(MOST)));
        assert_eq!(log.may_tell(begun + PERIOD), Some(0));
    }
}
