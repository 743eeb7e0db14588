//! Requests and answers that cross each other, with an upstream that does what the test says.

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use schemas::plan::{ProxyLimits, Upstream, UpstreamAddress};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};

use super::*;
use crate::boot::testing;
use crate::connection::Presence;
use crate::response::complaints::Complaints;
use crate::response::handler::proxy::connect::Stream;
use crate::response::handler::proxy::http1::{Framing, Http1};

/// More than the buffers of a connection hold, so that the end of it is not written before it is read.
const LARGE: usize = 32 << 20;

/// How long to wait for what never comes.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// An upstream and its listener.
async fn upstream() -> (TcpListener, Arc<Origin>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let address = UpstreamAddress::Host { host: "127.0.0.1", port };
    let upstream = Upstream { tls: false, address, path: "/" };
    let origin = Origin::new(&upstream, &ProxyLimits::default(), None);
    (listener, Arc::new(origin))
}

/// A request with this content.
fn uploading(origin: &Origin, content: Body) -> (Forward, Upload) {
    let request = Request::post("/").body(content).unwrap();
    let facts = testing::connection();
    let target = "/".parse().unwrap();
    Forward::new(request, target, &facts, origin.limits(), None).unwrap()
}

/// Asks the upstream, with this content.
async fn ask(origin: &Arc<Origin>, content: Body) -> Result<Response<Body>, Fault> {
    let (forward, mut upload) = uploading(origin, content);
    let complaints = Complaints::of_mount("site:1", &testing::mount("/"));
    let trouble = Arc::new(Trouble::new(origin.name(), Arc::new(complaints)));
    exchange(origin, &forward, &mut upload, Presence::default().watch(), &trouble).await
}

/// Takes a request up to the end of its head.
async fn head(upstream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(upstream.read_u8().await.unwrap());
    }
}

#[tokio::test]
async fn what_was_taken_from_the_client_is_not_left_out_of_a_second_request() {
    let (_listener, origin) = upstream().await;
    let piece: Result<_, std::io::Error> = Ok(Bytes::from_static(b"first"));
    for (content, again) in [
        // A piece is there, and would be missing.
        (Body::from_stream(stream::iter([piece])), false),
        // All is still with the client.
        (Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>()), true),
    ] {
        let (forward, mut upload) = uploading(&origin, content);
        let (stream, closed) = UnixStream::pair().unwrap();
        drop(closed);
        let ticket = pool::ticket(&origin).unwrap();
        let mut connection = Http1::new(Stream::Unix(stream), ticket, origin.limits());
        forward.write(&origin, connection.begin(Framing::Chunked));
        let progress = upload.progress();
        let watch = Presence::default().watch();
        let sending = Sending {
            upload: &mut upload,
            progress: progress.as_deref(),
            of_head: false,
            watch: &watch,
            limits: origin.limits(),
        };
        let unanswered = connection.send(sending).await.err().unwrap();
        assert_eq!(unanswered.unsent, again);
    }
}

#[tokio::test]
async fn an_early_answer_does_not_keep_back_the_end_of_an_upload() {
    for answer in [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 53\r\n\r\n",
    ] {
        let (listener, origin) = upstream().await;
        // One piece, which the connection has taken, and is far from having written.
        let asking = ask(&origin, Body::from(vec![b'x'; LARGE]));
        let answering = async {
            let (mut upstream, _) = listener.accept().await.unwrap();
            head(&mut upstream).await;
            upstream.write_all(answer.as_bytes()).await.unwrap();
            upstream
        };
        let (answered, mut upstream) = tokio::join!(asking, answering);
        let body = answered.unwrap().into_body();
        // As a client's connection does with one that has no content.
        let body = (!http_body::Body::is_end_stream(&body)).then_some(body);
        let mut content = vec![0; LARGE];
        let all = tokio::time::timeout(PATIENCE, upstream.read_exact(&mut content)).await;
        assert!(matches!(all, Ok(Ok(_))), "{answer}: {all:?}");
        drop(body);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_an_answer_slowly_does_not_end_its_upload() {
    let (listener, origin) = upstream().await;
    let limits = origin.limits();
    let slow = 10 * limits.answer.max(limits.idle);
    let asking = ask(&origin, Body::from(vec![b'x'; LARGE]));
    let answering = async {
        let (mut upstream, _) = listener.accept().await.unwrap();
        head(&mut upstream).await;
        // It takes no more of the request before its answer is taken.
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n";
        upstream.write_all(answer.as_bytes()).await.unwrap();
        upstream
    };
    let (answered, mut upstream) = tokio::join!(asking, answering);
    let mut body = answered.unwrap().into_body();
    for piece in ["a", "b", "c"] {
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().ok().as_deref(), Some(piece.as_bytes()));
        if piece == "a" {
            tokio::time::sleep(slow).await;
        }
    }
    let mut content = vec![0; LARGE];
    let all = tokio::time::timeout(PATIENCE, upstream.read_exact(&mut content)).await;
    assert!(matches!(all, Ok(Ok(_))), "{all:?}");
}
