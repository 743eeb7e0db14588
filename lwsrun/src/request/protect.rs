//! `basic-auth`: who may use a mount (RFC 7617).
//!
//! A layer around all of the mount's service, upgrades to websockets included. Websocket protocols may ask for
//! credentials of their own; for them [`Doorkeeper`] does the same without a layer. The steps:
//!
//! 1. the one request that may pass without credentials: the redirect from a file mount's mountpoint to its slash, which
//!    says nothing that the config of the client does not say;
//! 2. [`header`]: user and password of the request; what cannot be read is as good as none;
//! 3. [`watch`]: the credentials file, looked at again at most once a second;
//! 4. [`credentials`]: all lines are compared, in a time that does not depend on what is right of a guess.
//!
//! Without a readable file nobody is let in.
//!
//! Differs from lwsws: unreadable credentials are 401 instead of 403, credentials are asked for before a redirect mount
//! redirects (lwsws leaves that door open), and passwords may be kept as salted hashes.

mod base64;
mod credentials;
mod header;
mod watch;

use std::convert::Infallible;
use std::future::{self, Ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use futures_util::future::{BoxFuture, Either};
use http::header::{UPGRADE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use schemas::plan::{Mount, Origin};
use schemas::route::canonical_path;
use tower::{Layer, Service};

pub(crate) use self::header::Given;
use self::watch::CredentialsFile;
use crate::response::error::Refusal;
use crate::response::log::User;

/// What a client is asked for; the realm is that of lwsws.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"lwsws\"");

/// The layer for a mount with `basic-auth`.
#[derive(Debug, Clone)]
pub(crate) struct ProtectLayer {
    guard: Arc<Guard>,
}

/// The service that the layer makes.
#[derive(Debug, Clone)]
pub(crate) struct Protect<S> {
    inner: S,
    guard: Arc<Guard>,
}

/// Knows who may enter. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Doorkeeper(Arc<CredentialsFile>);

/// What is known of a request's credentials without waiting for a disk.
#[derive(Debug)]
pub(crate) enum Entry {
    /// They are right; who it is.
    Admitted(User),
    /// There are none, or wrong ones.
    Refused,
    /// The file has to be looked at first, see [`Doorkeeper::look`].
    Unknown(Given),
}

#[derive(Debug)]
struct Guard {
    door: Doorkeeper,
    /// The path that is redirected to its slash before credentials are asked for.
    slash_redirect: Option<Box<str>>,
}

impl ProtectLayer {
    /// The layer of a mount; `None` for one without `basic-auth`. `place` is the mount's `file:line`, for the log. The
    /// file is read when the first credentials come.
    pub(crate) fn new(mount: &Mount<'_>, place: String) -> Option<Self> {
        let door = Doorkeeper::new(mount.basic_auth?, place);
        Some(Self { guard: Arc::new(Guard { door, slash_redirect: slash_redirect(mount) }) })
    }
}

impl<S> Layer<S> for ProtectLayer {
    type Service = Protect<S>;

    fn layer(&self, inner: S) -> Protect<S> {
        Protect { inner, guard: Arc::clone(&self.guard) }
    }
}

impl<S> Service<Request<Body>> for Protect<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + Unpin + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<
        Ready<Result<Response<Body>, Infallible>>,
        Either<Named<S::Future>, BoxFuture<'static, Result<Response<Body>, Infallible>>>,
    >;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if self.guard.lets_pass(&request) {
            return Either::Right(Either::Left(Named { inner: self.inner.call(request), user: None }));
        }
        let given = match self.guard.door.entry(request.headers()) {
            Entry::Admitted(user) => {
                request.extensions_mut().insert(user.clone());
                return Either::Right(Either::Left(Named {
                    inner: self.inner.call(request),
                    user: Some(user),
                }));
            }
            Entry::Refused => return Either::Left(future::ready(Ok(challenge()))),
            Entry::Unknown(given) => given,
        };
        // The clone is the one that was not asked whether it is ready.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        let door = self.guard.door.clone();
        Either::Right(Either::Right(Box::pin(after_a_look(door, given, inner, request))))
    }
}

/// Looks at the file, then goes on.
async fn after_a_look<S>(
    door: Doorkeeper,
    given: Given,
    mut inner: S,
    mut request: Request<Body>,
) -> Result<Response<Body>, Infallible>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Unpin,
{
    match door.look(given).await {
        Ok(user) => {
            request.extensions_mut().insert(user.clone());
            Named { inner: inner.call(request), user: Some(user) }.await
        }
        Err(refusal) => Ok(refusal),
    }
}

impl Doorkeeper {
    /// With the credentials in a file. `place` is the `file:line` of its key, for the log.
    pub(crate) fn new(path: &str, place: String) -> Self {
        Self(Arc::new(CredentialsFile::new(path, place)))
    }

    /// Whether a request may enter.
    pub(crate) fn entry(&self, headers: &HeaderMap) -> Entry {
        match Given::of(headers) {
            None => Entry::Refused,
            Some(given) if !self.0.is_fresh() => Entry::Unknown(given),
            Some(given) if self.0.admits(&given) => Entry::Admitted(given.name()),
            Some(_) => Entry::Refused,
        }
    }

    /// Looks at the file on the blocking pool, and says who it is that gave that.
    ///
    /// # Errors
    /// The answer to those who may not.
    pub(crate) async fn look(self, given: Given) -> Result<User, Response<Body>> {
        let file = Arc::clone(&self.0);
        if let Err(error) = tokio::task::spawn_blocking(move || file.look()).await {
            let words = format!("looking at the credentials failed: {error}");
            return Err(Refusal::Internal.because(words));
        }
        if self.0.admits(&given) { Ok(given.name()) } else { Err(challenge()) }
    }
}

impl Given {
    fn name(&self) -> User {
        User(self.user().into())
    }
}

/// The answer of the mount, which names the user to the log.
#[derive(Debug)]
pub(crate) struct Named<F> {
    inner: F,
    user: Option<User>,
}

impl<F> Future for Named<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>> + Unpin,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Ok(mut response) = ready!(Pin::new(&mut self.inner).poll(context));
        if let Some(user) = self.user.take() {
            response.extensions_mut().insert(user);
        }
        Poll::Ready(Ok(response))
    }
}

impl Guard {
    fn lets_pass(&self, request: &Request<Body>) -> bool {
        self.slash_redirect.as_deref() == Some(request.uri().path())
            && matches!(*request.method(), Method::GET | Method::HEAD)
            && !request.headers().contains_key(UPGRADE)
    }
}

/// File mounts redirect to their slash before credentials are asked for, as in lwsws.
fn slash_redirect(mount: &Mount<'_>) -> Option<Box<str>> {
    let path = canonical_path(mount.mountpoint.as_bytes());
    let redirects = matches!(mount.origin, Origin::File { .. }) && !path.ends_with('/');
    redirects.then(|| path.into())
}

/// 401, the request for credentials.
pub(crate) fn challenge() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = Refusal::Unauthorized.status();
    response.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE);
    response
}

#[cfg(test)]
mod tests;
