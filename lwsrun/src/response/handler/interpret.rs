//! `interpret`: files of some suffixes go through a protocol on their way to the client, which rewrites them.
//!
//! Around the file service of a mount. The file is asked for as a whole and as it is: ranges, conditions and codings are
//! the client's questions about what the protocol makes of it, which nobody knows yet. What comes out is sent in chunks,
//! without the length and the tags of the file. A protocol that cannot rewrite is answered 501, as in
//! [`Instance::interpret`](crate::protocol::Instance::interpret), and one that panics 500; all that is no file is answered as ever.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use futures_util::future::{BoxFuture, Either};
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_LENGTH, ETAG, HeaderName, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE, VARY,
};
use http::{Method, Request, Response, StatusCode};
use schemas::plan::Mount;
use tower::Service;

use super::attended::attended;
use crate::connection::ConnectionFacts;
use crate::protocol::{InterpretRequest, Running};
use crate::response::error::Refusal;
use crate::response::fault::{Fault, because};
use crate::response::handler::file::InFile;

/// Questions about bytes that the client will not get.
const ASKED: [HeaderName; 7] =
    [ACCEPT_ENCODING, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE];

/// What is true of the file and not of what comes out.
const OF_THE_FILE: [HeaderName; 5] = [ACCEPT_RANGES, CONTENT_LENGTH, ETAG, LAST_MODIFIED, VARY];

/// The file service of a mount with `interpret`.
#[derive(Clone)]
pub(crate) struct Interpreted<S> {
    files: S,
    shared: Arc<Shared>,
}

struct Shared {
    /// Suffixes, in lower case, each with its protocol if that runs.
    suffixes: Vec<(Box<str>, Option<Arc<Running>>)>,
    /// The file of folders.
    default: Box<str>,
}

impl<S> Interpreted<S> {
    /// Around the files of a mount. `running` finds the protocols of the vhost.
    pub(crate) fn new(mount: &Mount<'_>, files: S, running: impl Fn(&str) -> Option<Arc<Running>>) -> Self {
        let of = |suffix: &str, protocol: &str| (suffix.to_ascii_lowercase().into(), running(protocol));
        let suffixes = mount.interpret.iter().map(|entry| of(entry.suffix, entry.protocol)).collect();
        let default = mount.default.unwrap_or("index.html").into();
        Self { files, shared: Arc::new(Shared { suffixes, default }) }
    }
}

impl Shared {
    /// The protocol of a path: the outer `None` if its file is sent as it is, the inner one if it does not run.
    fn protocol(&self, path: &str) -> Option<Option<Arc<Running>>> {
        let name = if path.ends_with('/') { &self.default } else { path }.to_ascii_lowercase();
        let (_, running) = self.suffixes.iter().find(|(suffix, _)| name.ends_with(&**suffix))?;
        Some(running.clone())
    }
}

impl<S> Service<Request<Body>> for Interpreted<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + Unpin + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response<Body>, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.files.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let Some(running) = self.shared.protocol(request.uri().path()) else {
            return Either::Left(self.files.call(request));
        };
        for name in ASKED {
            request.headers_mut().remove(name);
        }
        let only_head = request.method() == Method::HEAD;
        let asked = InterpretRequest {
            path: request.uri().path().to_owned(),
            query: request.uri().query().map(str::to_owned),
            headers: request.headers().clone(),
        };
        let facts = request.extensions().get::<ConnectionFacts>().cloned();
        let answer = self.files.call(request);
        Either::Right(Box::pin(async move {
            let Ok(response) = answer.await;
            if response.status() != StatusCode::OK {
                return Ok(response);
            }
            let (mut parts, file) = response.into_parts();
            parts.extensions.remove::<InFile>();
            let rewritten = match running {
                Some(running) => running.interpret(asked, file),
                None => Err(Fault::new(Refusal::NotImplemented, "the protocol of this file does not run")),
            };
            let body = match rewritten {
                Ok(body) => attended(body, facts.map(|facts| facts.presence.watch())),
                Err(Fault { refusal, words }) => {
                    let page = "the protocol of this file cannot rewrite it";
                    return Ok(because(refusal.explained(page), words));
                }
            };
            for name in OF_THE_FILE {
                parts.headers.remove(name);
            }
            Ok(Response::from_parts(parts, if only_head { Body::empty() } else { body }))
        }))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use http_body_util::BodyExt;
    use schemas::plan::{Interpret, ListenerId, Protocol as Listed, Vhost};
    use tower::ServiceExt;

    use super::*;
    use crate::boot::testing::{PLACE, mount, vhost};
    use crate::protocol::{
        Bytes, Instance, Opening, Options, Protocol, Registry, Session, StartError, VhostContext,
        VhostProtocols,
    };
    use crate::response::handler::file::{FileCache, FileService};

    /// Writes in capitals, and the query first.
    struct Capitals;

    impl Protocol for Capitals {
        fn name(&self) -> &str {
            "capitals"
        }

        fn start(&self, _: VhostContext, _: Options) -> Result<Arc<dyn Instance>, StartError> {
            Ok(Arc::new(Self))
        }
    }

    impl Instance for Capitals {
        fn session(self: Arc<Self>, _: Opening, _: Session) -> BoxFuture<'static, ()> {
            Box::pin(async {})
        }

        fn interpret(self: Arc<Self>, request: InterpretRequest, file: Body) -> Option<Body> {
            assert_ne!(request.query.as_deref(), Some("panic"));
            let query = futures_util::stream::iter(request.query.map(|query| Ok(Bytes::from(query))));
            let capitals =
                file.into_data_stream().map(|piece| piece.map(|piece| piece.to_ascii_uppercase().into()));
            Some(Body::from_stream(query.chain(capitals)))
        }
    }

    fn protocols() -> VhostProtocols {
        let listed = |name| Listed {
            name,
            default: false,
            raw: false,
            basic_auth: None,
            options: Vec::new(),
            place: PLACE,
        };
        let vhost = Vhost {
            listener: Some(ListenerId(0)),
            protocols: vec![listed("capitals"), listed("lws-echo")],
            ..vhost()
        };
        VhostProtocols::start(&vhost, &Registry::default().with(Capitals), None, |_| "x:1".to_owned()).0
    }

    #[tokio::test]
    async fn files_of_a_suffix_are_rewritten_and_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let large = "line of text\n".repeat(50_000);
        for (name, text) in
            [("a.txt", "hello"), ("a.html", "hello"), ("echo.xml", "x"), ("large.txt", &large)]
        {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let interpret = |suffix, protocol| Interpret { suffix, protocol };
        let interpret =
            vec![interpret(".TXT", "capitals"), interpret(".xml", "lws-echo"), interpret(".css", "none")];
        let mount = Mount { interpret, default: Some("a.txt"), ..mount("/") };
        let cache = Arc::new(FileCache::new(1 << 20));
        let files = FileService::new(&mount, folder.path().to_str().unwrap(), "x:1".to_owned(), &cache);
        let protocols = protocols();
        let running = |name: &str| protocols.find(name)?.as_ref().ok().cloned();
        let service = Interpreted::new(&mount, files, running);
        let ask = async |method: &str, target: &str| {
            let request = Request::builder().method(method).uri(target);
            let request = request.header("range", "bytes=0-1").header("accept-encoding", "gzip");
            let response = service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            let (parts, body) = response.into_parts();
            assert!(parts.extensions.get::<InFile>().is_none(), "{target}");
            let text = body.collect().await.unwrap().to_bytes();
            (parts.status.as_u16(), parts.headers, String::from_utf8_lossy(&text).into_owned())
        };
        let (status, headers, text) = ask("GET", "/a.txt?Q").await;
        assert_eq!((status, text.as_str()), (200, "QHELLO"));
        assert_eq!(headers[http::header::CONTENT_TYPE], "text/plain");
        assert!(OF_THE_FILE.iter().all(|name| !headers.contains_key(name)), "{headers:?}");
        assert_eq!(ask("GET", "/").await.2, "HELLO");
        assert_eq!(ask("GET", "/large.txt").await.2, large.to_ascii_uppercase());
        assert_eq!((ask("HEAD", "/a.txt").await.0, ask("HEAD", "/a.txt").await.2.as_str()), (200, ""));
        assert_eq!(ask("GET", "/echo.xml").await.0, 501);
        assert_eq!(ask("GET", "/a.txt?panic").await.0, 500);
        assert_eq!(ask("GET", "/none.txt").await.0, 404);
        assert_eq!(ask("POST", "/a.txt").await.0, 405);
    }
}
