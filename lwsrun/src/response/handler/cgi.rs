//! `cgi://` mounts: programs that answer requests (RFC 3875).
//!
//! | module | does |
//! |---|---|
//! | [`program`] | which program a path names: the one of the mount, or one inside its folder |
//! | [`content`] | how long the request's content is |
//! | [`environment`] | what the program is told |
//! | [`running`] | counts it: there may be only so many |
//! | [`spawn`] | starts it: three descriptors, and words if that fails |
//! | [`vfork`] | the process that it runs in: its own group, nothing copied |
//! | [`child`] | holds it: killed with all of its group unless it ends by itself, always reaped |
//! | [`feed`] | the request's content to its standard input, and then the end of file |
//! | [`clock`] | how long it is waited for |
//! | [`output`](self::output) | its head, and its content as the body of the answer |
//! | [`parse`] | the bytes of that head |
//! | [`redirect`] | a path that it names instead |
//! | [`ending`] | what becomes of it once its answer is complete |
//! | [`stderr`] | its standard error, in the log of the mount |
//!
//! `cgi-timeout` is how long a program may be waited for: no byte comes from it, it takes none, and the client is not
//! the one who keeps it waiting. Before its head that is 504, and later the connection is cut. How long it takes in all
//! is its own business.
//!
//! The group of a program is killed (SIGKILL) at that timeout, when the client has gone, and when the server ends. Once
//! its answer is complete (it has closed its output, or the answer has no body) it goes on to get its input, has then as
//! long as `cgi-timeout` to end, and counts among those that run as long as it does. A program that ends by itself may
//! leave others behind that have left its output alone.
//!
//! Content that breaks off never looks like content that ends: standard input stays open until the group is killed.
//!
//! Differs from lwsws: the whole environment of RFC 3875; standard input ends; a program that says nothing or nonsense
//! is 502, one that is too slow 504; a HEAD has no body; bodies have no bound; no descriptor leaks.

mod child;
mod clock;
mod content;
mod ending;
mod environment;
mod feed;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod output;
mod parse;
mod program;
mod redirect;
mod running;
pub(crate) mod spawn;
mod stderr;
mod vfork;

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Body as _;
use schemas::plan::{Mount, Vhost};
use schemas::route::is_ambiguous;
use tower::Service;

use crate::connection::{ConnectionFacts, Watch};
use crate::request::path::AsSent;
use crate::response::complaints::Complaints;
use crate::response::error::{Nothing, Refusal};
use child::Child;
use content::Content;
use environment::Environment;
use feed::Feed;
use output::{Answer, Fault, Output};
use program::Programs;
use running::Counted;
use spawn::Start;

pub(crate) use redirect::LocalRedirect;
pub(crate) use running::Running;

/// `cgi-timeout` where the mount has none (lwsws's own default).
const TIMEOUT: Duration = Duration::from_secs(5);

/// Why a program is one too many.
const CROWDED: &str = "as many programs run as `limit-cgi-programs` allows";

/// The service of one CGI mount.
#[derive(Debug, Clone)]
pub(crate) struct Cgi {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    programs: Programs,
    environment: Environment,
    timeout: Duration,
    running: Arc<Running>,
    complaints: Arc<Complaints>,
}

impl Cgi {
    /// The mount of a program, or of a folder of programs. `port` is that of its listener.
    pub(crate) fn new(
        vhost: &Vhost<'_>,
        mount: &Mount<'_>,
        program: &str,
        port: Option<u16>,
        complaints: Arc<Complaints>,
        running: &Arc<Running>,
    ) -> Self {
        let timeout = mount.cgi_timeout.map_or(TIMEOUT, Duration::from);
        let shared = Shared {
            programs: Programs::new(mount, program),
            environment: Environment::new(vhost, mount, port),
            timeout,
            running: Arc::clone(running),
            complaints,
        };
        Self { shared: Arc::new(shared) }
    }
}

impl Shared {
    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (mut parts, content) = request.into_parts();
        let watch = parts.extensions.get::<ConnectionFacts>().map(|facts| facts.presence.watch());
        if watch.as_ref().is_some_and(Watch::is_gone) {
            // It has left while others of its requests were answered.
            return Fault::Gone.response();
        }
        let sent = parts.extensions.get::<AsSent>().map_or(parts.uri.path(), |sent| sent.0.path());
        if is_ambiguous(sent) {
            return Refusal::BadRequest
                .explained("a program's path has no dot segments and no escaped slashes");
        }
        let program = match self.programs.find(parts.uri.path()) {
            Ok(program) => program,
            Err(refusal) => return refusal.response(),
        };
        let counted = match parts.extensions.remove::<Counted>() {
            // It takes the place of one that named it.
            Some(counted) => counted,
            None => match self.running.begin().await {
                Some(counted) => counted,
                None => return Refusal::Unavailable.because(CROWDED),
            },
        };
        let Ok(content) = Content::of(&mut parts, content).await else { return Fault::Gone.response() };
        let has_content = !content.is_empty();
        let environment = self.environment.of(&parts, &program);
        let start = match Start::new(&program, environment, has_content) {
            Ok(start) => start,
            Err(fault) => return fault.response(),
        };
        let mut child = match Child::start(start, counted.clone(), &self.complaints).await {
            Ok(child) => child,
            Err(fault) => return fault.response(),
        };
        let feed = child.input().map(|input| Feed::start(content, input));
        let output = Output::new(child, feed, watch, self.timeout, Arc::clone(&self.complaints));
        self.answer_with(output, parts, counted).await
    }

    /// Answers with what a program says.
    async fn answer_with(&self, mut output: Output, mut parts: Parts, counted: Counted) -> Response<Body> {
        let answer = match output.head().await {
            Ok(answer) => answer,
            Err(fault) => return fault.response(),
        };
        match answer {
            Answer::Local(target) => {
                output.forget();
                parts.extensions.insert(counted);
                LocalRedirect::to(target, parts)
            }
            Answer::Response(response) => {
                let status = response.status();
                if parts.method == Method::HEAD || !output::may_have_body(status) || output.is_end_stream() {
                    output.forget();
                    return response.map(|()| nothing(status));
                }
                response.map(|()| Body::new(output))
            }
        }
    }
}

/// The body of an answer that has none. Only that of a 205 has a length, which is zero.
fn nothing(status: StatusCode) -> Body {
    if status == StatusCode::RESET_CONTENT { Body::empty() } else { Body::new(Nothing) }
}

impl Service<Request<Body>> for Cgi {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { Ok(shared.answer(request).await) })
    }
}
