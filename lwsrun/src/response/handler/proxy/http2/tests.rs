//! Streams of a connection whose other end does what the test says.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use axum::body::Body;
use futures_util::stream;
use h2::server;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use http_body::{Frame, SizeHint};
use http_body_util::StreamBody;
use schemas::plan::{ProxyLimits, Upstream, UpstreamAddress};
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::time::sleep;

use super::*;
use crate::boot::testing;
use crate::connection::Presence;
use crate::response::handler::proxy::forward::Forward;
use crate::response::handler::proxy::origin::Origin;
use crate::response::handler::proxy::pool;
use crate::response::handler::proxy::relay::Exchanging as _;

fn origin() -> Origin {
    let address = UpstreamAddress::Host { host: "127.0.0.1", port: 1 };
    Origin::new(&Upstream { tls: false, address, path: "/" }, &ProxyLimits::default(), None)
}

async fn speak(origin: &Origin, stream: UnixStream) -> Http2 {
    let (ticket, limits) = (pool::ticket(origin).unwrap(), origin.limits());
    Http2::new(Stream::Unix(stream), ticket, Instant::now() + limits.connect, limits).await.unwrap()
}

/// A connection, and its other end.
async fn connected(origin: &Origin) -> (Http2, server::Connection<UnixStream, Bytes>) {
    let (near, far) = UnixStream::pair().unwrap();
    let (http2, far) = tokio::join!(speak(origin, near), server::handshake(far));
    (http2, far.unwrap())
}

async fn ask(
    origin: &Origin,
    http2: Http2,
    request: Request<Body>,
) -> Result<Response<Box<Http2Answer>>, Unanswered> {
    let target = "/".parse().unwrap();
    let facts = testing::connection();
    let (forward, mut upload) = Forward::new(request, target, &facts, origin.limits(), None).unwrap();
    let (progress, watch) = (upload.progress(), Presence::default().watch());
    let sending = Sending {
        upload: &mut upload,
        progress: progress.as_deref(),
        of_head: false,
        watch: &watch,
        limits: origin.limits(),
    };
    http2.send(forward.request(origin), forward.framing(), sending).await
}

#[tokio::test]
async fn trailers_go_both_ways() {
    let line = |name, value| (HeaderName::from_static(name), HeaderValue::from_static(value));
    let sum = HeaderMap::from_iter([line("x-sum", "1"), line("x-sum", "2")]);
    // Nobody has a use for a cookie that comes too late.
    let mut trailers = sum.clone();
    trailers.extend([line("set-cookie", "a=b")]);
    let frames = [Frame::data(Bytes::from_static(b"data")), Frame::trailers(trailers.clone())];
    let content = StreamBody::new(stream::iter(frames.map(Ok::<_, Infallible>)));
    let origin = origin();
    let (http2, mut far) = connected(&origin).await;
    let serving = tokio::spawn(async move {
        let (request, mut respond) = far.accept().await.unwrap().unwrap();
        let answering = tokio::spawn(async move {
            let mut content = request.into_body();
            let data = content.data().await.unwrap().unwrap();
            let came = content.trailers().await.unwrap();
            let mut answer = respond.send_response(Response::new(()), false).unwrap();
            answer.send_trailers(trailers).unwrap();
            (data, came)
        });
        // Until the connection ends.
        assert!(far.accept().await.is_none());
        answering.await.unwrap()
    });
    let request = Request::post("/").body(Body::new(content)).unwrap();
    let mut answer = ask(&origin, http2, request).await.ok().unwrap().into_body();
    let frame = poll_fn(|cx| answer.poll_frame(cx)).await.unwrap().unwrap();
    assert_eq!(frame.into_trailers().ok(), Some(sum.clone()));
    assert!(poll_fn(|cx| answer.poll_frame(cx)).await.is_none());
    drop(answer);
    assert_eq!(serving.await.unwrap(), (Bytes::from_static(b"data"), Some(sum)));
}

#[tokio::test]
async fn small_pieces_that_nobody_takes_are_put_together() {
    const COUNT: usize = 20_000;
    let origin = origin();
    let (http2, mut far) = connected(&origin).await;
    let mut pings = far.ping_pong().unwrap();
    let (noted, note) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (_, mut respond) = far.accept().await.unwrap().unwrap();
        tokio::spawn(async move {
            let mut answer = respond.send_response(Response::new(()), false).unwrap();
            for _ in 0..COUNT {
                answer.send_data(Bytes::from_static(b"x"), false).unwrap();
            }
            answer.send_data(Bytes::from_static(b"y"), true).unwrap();
            // Behind all of them.
            pings.ping(h2::Ping::opaque()).await.unwrap();
            noted.send(()).unwrap();
        });
        assert!(far.accept().await.is_none());
    });
    let request = Request::get("/").body(Body::empty()).unwrap();
    let mut answer = ask(&origin, http2, request).await.ok().unwrap().into_body();
    note.await.unwrap();
    let mut pieces = Vec::new();
    while !answer.is_ended() {
        let frame = poll_fn(|cx| answer.poll_frame(cx)).await.unwrap().unwrap();
        pieces.push(frame.into_data().unwrap());
    }
    assert_eq!(pieces.concat(), [&[b'x'; COUNT][..], b"y"].concat());
    assert!(pieces.len() <= 2, "{}", pieces.len());
}

/// Content without a byte whose end does not come.
struct Nothing;

impl http_body::Body for Nothing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(0)
    }
}

#[tokio::test]
async fn a_request_without_content_ends_with_its_head() {
    for (said, content, length) in [
        (None, Body::empty(), None),
        (Some(""), Body::empty(), None),
        (Some("0"), Body::empty(), Some("0")),
        (Some("0"), Body::new(Nothing), Some("0")),
    ] {
        let mut request = Request::post("/");
        if let Some(said) = said {
            request = request.header(CONTENT_LENGTH, said);
        }
        let origin = origin();
        let (http2, mut far) = connected(&origin).await;
        let request = request.body(content).unwrap();
        let asking = async {
            let _ = ask(&origin, http2, request).await;
        };
        tokio::select! {
            () = asking => panic!("there is no answer"),
            asked = far.accept() => {
                let (request, _respond) = asked.unwrap().unwrap();
                assert!(request.body().is_end_stream(), "{said:?}");
                let came = request.headers().get(CONTENT_LENGTH).map(HeaderValue::as_bytes);
                assert_eq!(came, length.map(str::as_bytes), "{said:?}");
            }
        }
    }
}

/// SETTINGS without a setting.
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

/// The head of an answer to the first request, which is 200, and its end.
const ANSWER: [u8; 10] = [0, 0, 1, 1, 5, 0, 0, 0, 1, 0x88];

#[tokio::test(start_paused = true)]
async fn an_upstream_that_answers_no_ping_is_given_up() {
    let origin = origin();
    let (near, mut far) = UnixStream::pair().unwrap();
    far.write_all(&SETTINGS).await.unwrap();
    let mut http2 = speak(&origin, near).await;
    let start = Instant::now();
    while !http2.is_closed() {
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(start.elapsed().as_secs(), 76, "15 s, and the 60 s of its answers");
}

#[tokio::test(start_paused = true)]
async fn an_upstream_may_be_too_busy_with_an_answer_for_pings() {
    let origin = origin();
    let (near, mut far) = UnixStream::pair().unwrap();
    far.write_all(&SETTINGS).await.unwrap();
    let http2 = speak(&origin, near).await;
    let busy = tokio::spawn(async move {
        sleep(Duration::from_secs(55)).await;
        far.write_all(&ANSWER).await.unwrap();
        far
    });
    let answer = ask(&origin, http2, Request::get("/").body(Body::empty()).unwrap()).await.ok().unwrap();
    assert_eq!(answer.status(), 200);
    drop(busy.await.unwrap());
}
