//! The guard against any bytes, and beside hyper: what passes is read by both in the same way.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Mutex;

use axum::body::Body;
use futures_util::{StreamExt, stream};
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::UnixStream;

use super::fuzz::{Seen, by_hyper, echo, read_alike, scanned};
use super::*;
use crate::connection::limits::HeadLimits;
use crate::connection::presence::Watch;
use crate::connection::{Failure, turns};
use crate::response::error::page_of;

const HEAD: Duration = Duration::from_secs(5);

/// Requests made of parts that are right, wrong, and almost right.
fn requests() -> impl Strategy<Value = Vec<u8>> {
    let line = prop::sample::select(vec![
        "GET / HTTP/1.1",
        "POST /a?b=c HTTP/1.1",
        "GET / HTTP/1.0",
        "HEAD /x HTTP/1.1",
        "GET http://h/ HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "GET /%zz HTTP/1.1",
        "GET /a|b HTTP/1.1",
        "GET /?a`{}\\ HTTP/1.1",
        "GET /^[x]{y} HTTP/1.1",
        "GET  / HTTP/1.1",
        "get / http/1.1",
        "GET /",
        "GET /\u{e9} HTTP/1.1",
        "GET /#a HTTP/1.1",
        "",
    ]);
    let field = prop::sample::select(vec![
        "Host: h",
        "Host: h",
        "Host: h",
        "Host: H:80",
        "Host:",
        "Host : h",
        "Content-Length: 3",
        "Content-Length: 0",
        "content-length: 12",
        "Content-Length: +3",
        "Content-Length: 3, 3",
        "Content-Length: 03",
        "Transfer-Encoding: chunked",
        "transfer-encoding: CHUNKED ",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding:\u{b}chunked",
        "Transfer_Encoding: chunked",
        "Connection: keep-alive",
        "Expect: 100-continue",
        "X: \t y \t",
        " folded",
        "X: a\rb",
        "X: \u{0}",
        "Upgrade: h2c",
        "X-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ]);
    let end = prop::sample::select(vec!["\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r"]);
    let body = prop::sample::select(vec![
        "",
        "",
        "abc",
        "abcabcabcabc",
        "0\r\n\r\n",
        "3\r\nabc\r\n0\r\n\r\n",
        "3;x=\"y\"\r\nabc\r\n0\r\nT: v\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        "3 \r\nabc\r\n0\r\n\r\n",
        "3\nabc\n0\n\n",
        "03\r\nabc\r\n00\r\n\r\n",
        "4\r\nabc\r\n0\r\n\r\n",
        "-1\r\n\r\n",
        "3\r\nabc\r\n0\r\nHost: x\r\n\r\n",
        "ffffffffffffffff1\r\nabc",
        "\r\n",
    ]);
    let message = (line, prop::collection::vec((field, end.clone()), 0..5), end, body).prop_map(
        |(line, fields, end, body)| {
            let fields: String = fields.iter().map(|(field, end)| [*field, *end].concat()).collect();
            [line, end, &fields, "\r\n", body].concat()
        },
    );
    prop::collection::vec(message, 1..4).prop_map(|messages| messages.concat().into_bytes())
}

proptest! {
    #[test]
    fn the_verdict_does_not_depend_on_the_pieces(bytes in requests(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9)) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|ends| &bytes[ends[0]..ends[1]]);
        let (whole, cut) = (scanned(HeadLimits::default(), [&*bytes]), scanned(HeadLimits::default(), pieces));
        prop_assert_eq!(whole.fault, cut.fault);
        let one_by_one = scanned(HeadLimits::default(), bytes.chunks(1));
        prop_assert_eq!(whole.fault, one_by_one.fault);
        if whole.fault.is_none() {
            prop_assert_eq!(&whole, &cut);
            prop_assert_eq!(&whole, &one_by_one);
        }
    }

    #[test]
    fn any_bytes_pass_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let whole = scanned(HeadLimits::default(), [&*bytes]);
        prop_assert_eq!(whole.fault, scanned(HeadLimits::default(), bytes.chunks(7)).fault);
    }

    #[test]
    fn what_passes_is_read_by_hyper_in_the_same_way(bytes in requests()) {
        let passed = scanned(HeadLimits::default(), [&*bytes]);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (seen, answers) = runtime.block_on(by_hyper(&passed.bytes));
        read_alike(passed.heads, &passed.bytes, &seen, &answers);
    }
}

fn limits() -> Limits {
    Limits::new(&crate::boot::testing::global(), HEAD)
}

/// A client's end of a connection that hyper serves behind the guard.
fn served() -> (DuplexStream, Arc<Mutex<Vec<Seen>>>) {
    served_with(Arc::default())
}

fn served_with(answers: Arc<Answers>) -> (DuplexStream, Arc<Mutex<Vec<Seen>>>) {
    let (client, server) = duplex(1 << 20);
    let seen = Arc::new(Mutex::new(Vec::new()));
    tokio::spawn(serving_of(server, answers, Arc::clone(&seen)));
    (client, seen)
}

/// Serves a connection, and notes what is asked.
async fn serving_of<S>(server: S, answers: Arc<Answers>, seen: Arc<Mutex<Vec<Seen>>>) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + ReadClosed + Unpin + Send + 'static,
{
    let refuse = |fault: Fault, host: Option<&str>, _: RefusedHead<'_>| {
        (page_of(fault.refusal.status(), &format!("{} at {host:?}", fault.what)), None)
    };
    let presence = Presence::looked_for();
    let guarded = Guarded::new(server, HEAD, limits(), Arc::clone(&answers), presence.clone(), refuse);
    let service = service_fn(|request: Request<Incoming>| {
        let (answers, noted) = (Arc::clone(&answers), Arc::clone(&seen));
        let presence = presence.clone();
        async move {
            let response = match request.uri().path() {
                "/switch" => switch(request),
                "/gone" => gone(request, presence.watch(), noted).await,
                "/slow" => slow(request, presence.watch(), noted).await,
                "/pause" => paused(),
                _ => echo(request, noted).await?,
            };
            let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
            answers.note(switched, Duration::from_secs(60));
            Ok::<_, Infallible>(response)
        }
    });
    let builder = || {
        let mut builder = http1::Builder::new();
        builder.half_close(true).header_read_timeout(None);
        builder
    };
    turns::serve(Box::new(guarded), &answers, builder, service, pending()).await
}

/// Waits until the client has gone.
async fn gone(request: Request<Incoming>, watch: Watch, noted: Arc<Mutex<Vec<Seen>>>) -> Response<Body> {
    std::future::poll_fn(|_| if watch.is_gone() { Poll::Ready(()) } else { Poll::Pending }).await;
    noted.lock().unwrap().push(("GONE".to_owned(), request.uri().path().to_owned(), None));
    Response::new(Body::empty())
}

/// Takes many turns.
async fn slow(request: Request<Incoming>, watch: Watch, noted: Arc<Mutex<Vec<Seen>>>) -> Response<Body> {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    assert!(!watch.is_gone());
    noted.lock().unwrap().push(("SLOW".to_owned(), request.uri().path().to_owned(), None));
    Response::new(Body::empty())
}

/// A line, and after a minute another one.
fn paused() -> Response<Body> {
    let lines = stream::iter(["first\n", "(last)\n"]).then(|line| async move {
        if line != "first\n" {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        Ok::<_, Infallible>(line)
    });
    Response::new(Body::from_stream(lines))
}

/// Answers 101, and then with what comes, until its end.
fn switch(mut request: Request<Incoming>) -> Response<Body> {
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut stream = TokioIo::new(upgrade.await.unwrap());
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response
}

/// The statuses of answers, and all their text.
async fn answers(mut client: DuplexStream) -> (Vec<String>, String) {
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let statuses = text.match_indices("HTTP/1.1 ").map(|(at, _)| text[at + 9..at + 12].to_owned());
    (statuses.collect(), text)
}

#[tokio::test]
async fn good_requests_before_a_bad_one_are_answered_first() {
    let (mut client, seen) = served();
    let bad = "GET /3 HTTP/1.1\r\nHost: c.test\r\nX : y\r\n\r\nGET /4 HTTP/1.1\r\nHost: h\r\n\r\n";
    let good = "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\nHost: h\r\n\r\n";
    client.write_all([good, bad].concat().as_bytes()).await.unwrap();
    let (statuses, text) = answers(client).await;
    assert_eq!(statuses, ["200", "200", "400"], "{text}");
    assert!(
        text.contains("POST /1 Some(2)") && text.contains("Some(&quot;c.test") | text.contains("c.test"),
        "{text}"
    );
    assert!(text.contains("connection: close\r\n"), "{text}");
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_bad_chunk_after_its_head_is_refused_once() {
    for (first, then) in [("", "zz\r\n"), ("5\r\nab", "cdefgh"), ("0\r\n", "Host: x\r\n\r\n")] {
        let (mut client, seen) = served();
        let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
        client.write_all([head, first].concat().as_bytes()).await.unwrap();
        for _ in 0..9 {
            tokio::task::yield_now().await;
        }
        client.write_all(then.as_bytes()).await.unwrap();
        let (statuses, text) = answers(client).await;
        assert_eq!(statuses, ["400"], "{text}");
        assert!(seen.lock().unwrap().iter().all(|(_, _, length)| length.is_none()));
    }
}

#[tokio::test]
async fn a_refusal_speaks_for_the_host_of_the_head_and_not_of_the_content() {
    for (method, first, then) in [
        ("POST", "", "zz\r\nHost: b.test\r\n\r\n"),
        ("POST", "3\r\nab", "cd\r\nHost: b.test\r\n\r\n"),
        ("HEAD", "", "zz\r\nHost: b.test\r\n\r\n"),
        ("HEAD", "zz\r\nHost: b.test\r\n\r\n", ""),
    ] {
        let (mut client, _) = served();
        let head = format!("\r\n{method} / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n");
        client.write_all([&head, first].concat().as_bytes()).await.unwrap();
        for _ in 0..9 {
            tokio::task::yield_now().await;
        }
        client.write_all(then.as_bytes()).await.unwrap();
        let (statuses, text) = answers(client).await;
        assert_eq!(statuses, ["400"], "{text}");
        let content = text.split_once("\r\n\r\n").unwrap().1;
        if method == "HEAD" {
            assert_eq!(content, "");
        } else {
            assert!(content.contains("a.test") && !content.contains("b.test"), "{text}");
        }
    }
}

#[test]
fn limits_are_those_of_the_config() {
    let limits = HeadLimits { line: 20, size: 60, fields: 2 };
    let refusal = |bytes: &str| Scanner::new(limits).scan(bytes.as_bytes()).fault.map(|fault| fault.refusal);
    assert_eq!(refusal("GET /34567 HTTP/1.1\r\nHost: h\r\n\r\n"), Some(Refusal::UriTooLong));
    assert_eq!(refusal("GET /345 HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n"), None);
    assert_eq!(refusal("GET / HTTP/1.1\r\nHost: h\r\nA: b\r\nA: b\r\n\r\n"), Some(Refusal::FieldsTooLarge));
    let long = format!("GET / HTTP/1.1\r\nHost: h\r\nA: {}\r\n\r\n", "b".repeat(40));
    assert_eq!(refusal(&long), Some(Refusal::FieldsTooLarge));
}

#[tokio::test]
async fn heads_in_small_pieces_pass_as_one() {
    let (mut client, seen) = served();
    for byte in
        b"\r\nGET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    {
        client.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let (statuses, _) = answers(client).await;
    assert_eq!(statuses, ["200", "200"]);
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn behind_an_upgrade_nothing_is_judged() {
    let (mut client, _) = served();
    let ask = "GET /switch HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\n";
    client.write_all([ask.as_bytes(), b"\0\n raw"].concat().as_slice()).await.unwrap();
    tokio::task::yield_now().await;
    client.write_all(b" bytes\n\n").await.unwrap();
    client.shutdown().await.unwrap();
    let (statuses, text) = answers(client).await;
    assert_eq!(statuses, ["101"]);
    assert!(text.ends_with("\0\n raw bytes\n\n"), "{text}");
}

#[tokio::test]
async fn behind_an_upgrade_that_is_not_answered_http_goes_on() {
    let (mut client, seen) = served();
    let ask = "GET /no HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\n";
    client.write_all([ask, "GET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET\n"].concat().as_bytes()).await.unwrap();
    let (statuses, text) = answers(client).await;
    assert_eq!(statuses, ["200", "200", "400"], "{text}");
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn slow_heads_are_408_and_idle_connections_just_end() {
    let (mut client, _) = served();
    client.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n").await.unwrap();
    let start = tokio::time::Instant::now();
    assert_eq!(answers(client).await.0, ["408"]);
    assert!(start.elapsed() >= HEAD && start.elapsed() < HEAD * 2, "{:?}", start.elapsed());
    let (mut client, _) = served();
    client.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    assert_eq!(answers(client).await.0, ["200"]);
    let (client, _) = served();
    assert!(answers(client).await.0.is_empty());
}

/// Asks, and reads the head of the answer and its content of one line.
async fn ask(client: &mut DuplexStream, request: &str) -> String {
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b")\n") {
        answer.push(client.read_u8().await.unwrap());
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_quiet_connection_goes_on_where_it_was() {
    let state = Arc::new(Answers::default());
    let (mut client, seen) = served_with(Arc::clone(&state));
    let quiet = async |seconds| {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        state.is_quiet()
    };
    let get = |number| format!("GET /{number} HTTP/1.1\r\nHost: h\r\n\r\n");
    for number in 0..3 {
        assert!(ask(&mut client, &get(number)).await.starts_with("HTTP/1.1 200"));
        assert!(!quiet(0).await && quiet(3).await);
    }
    // Not while anything is on its way.
    client.write_all(b"POST /4 HTTP/1.1\r\nHost: h\r\nContent-").await.unwrap();
    assert!(!quiet(3).await);
    client.write_all(b"Length: 2\r\n\r\na").await.unwrap();
    assert!(!quiet(3).await);
    assert!(ask(&mut client, "b").await.starts_with("HTTP/1.1 200"));
    assert!(quiet(3).await);
    // Several at once, and another protocol at the end.
    let both = [&get(5), "GET /switch HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\nraw"];
    client.write_all(both.concat().as_bytes()).await.unwrap();
    client.shutdown().await.unwrap();
    let (statuses, text) = answers(client).await;
    assert_eq!(statuses, ["200", "101"]);
    assert!(text.ends_with("raw"), "{text}");
    assert_eq!(seen.lock().unwrap().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_pauses_is_no_quiet_connection() {
    let state = Arc::new(Answers::default());
    let (mut client, _) = served_with(Arc::clone(&state));
    client.write_all(b"GET /pause HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!state.is_quiet());
    }
    let text = ask(&mut client, "").await;
    assert!(text.contains("first\n") && text.ends_with("(last)\n"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_quiet_connection_ends_as_any_other() {
    let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    let (mut client, _) = served();
    let _ = ask(&mut client, get).await;
    let start = tokio::time::Instant::now();
    assert!(answers(client).await.0.is_empty(), "closed without a word");
    let idle = start.elapsed().as_secs();
    assert!((60..=62).contains(&idle), "{idle}");
    for (then, status) in [("GET / HTTP/1.1\r\nHost : h\r\n\r\n", "400"), ("GET / HT", "408")] {
        let (mut client, _) = served();
        let _ = ask(&mut client, get).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
        client.write_all(then.as_bytes()).await.unwrap();
        assert_eq!(answers(client).await.0, [status]);
    }
    // One that the client closes.
    let (mut client, _) = served();
    let _ = ask(&mut client, get).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    client.shutdown().await.unwrap();
    let start = tokio::time::Instant::now();
    assert!(answers(client).await.0.is_empty() && start.elapsed().as_secs() == 0);
}

#[tokio::test(start_paused = true)]
async fn content_that_trickles_is_408() {
    let (mut client, seen) = served();
    client.write_all(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc").await.unwrap();
    assert_eq!(answers(client).await.0, ["408"]);
    assert!(seen.lock().unwrap().iter().all(|(_, _, length)| length.is_none()));
}

#[tokio::test]
async fn a_head_that_is_cut_is_400() {
    let (mut client, _) = served();
    client.write_all(b"GET / HTTP/1.1\r\nHost: h").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(answers(client).await.0, ["400"]);
}

#[tokio::test]
async fn a_handler_that_waits_learns_that_the_client_has_gone() {
    let (mut client, seen) = served();
    client.write_all(b"GET /gone HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    tokio::task::yield_now().await;
    assert!(seen.lock().unwrap().is_empty());
    client.shutdown().await.unwrap();
    let (statuses, text) = answers(client).await;
    assert_eq!((statuses.len(), seen.lock().unwrap().len()), (1, 1), "{text}");
}

/// On a real socket, which tells of its end.
#[tokio::test]
async fn a_client_that_leaves_more_behind_has_gone_as_well() {
    let get = "GET /gone HTTP/1.1\r\nHost: h\r\n\r\n";
    let post = |length| format!("POST /gone HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n");
    let content = "x".repeat(100_000);
    for request in [
        format!("{get}GET /2 HTTP/1.1\r\nHost: h\r\n\r\n"),
        format!("{get}GE"),
        post(100_000) + &content,
        post(100_001) + &content,
        get.replace("Host", "Connection: upgrade\r\nUpgrade: x\r\nHost") + "x",
    ] {
        let (mut client, server) = UnixStream::pair().unwrap();
        let seen = Arc::default();
        let serving = tokio::spawn(serving_of(server, Arc::default(), Arc::clone(&seen)));
        client.write_all(request.as_bytes()).await.unwrap();
        drop(client);
        let _ = serving.await.unwrap();
        assert_eq!(
            seen.lock().unwrap().first().map(|seen| seen.0.clone()),
            Some("GONE".to_owned()),
            "{request:.80}"
        );
    }
}

#[tokio::test]
async fn what_comes_while_an_answer_is_made_is_the_next_request() {
    let (mut client, seen) = served();
    client.write_all(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    tokio::task::yield_now().await;
    client.write_all(b"GET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /3 HT").await.unwrap();
    tokio::task::yield_now().await;
    assert!(seen.lock().unwrap().is_empty(), "the first is not answered yet");
    client.write_all(b"TP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await.unwrap();
    let (statuses, text) = answers(client).await;
    assert_eq!(statuses, ["200", "200", "200"], "{text}");
    assert_eq!(seen.lock().unwrap().len(), 3);
}

/// Says goodbye for ever.
struct Stuck(DuplexStream);

impl ReadClosed for Stuck {
    fn is_read_closed(&self) -> bool {
        self.0.is_read_closed()
    }
}

impl AsyncRead for Stuck {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stuck {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_no_goodbye_is_left() {
    let (mut client, server) = duplex(1 << 20);
    let serving = serving_of(Stuck(server), Arc::default(), Arc::default());
    client.write_all(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await.unwrap();
    let start = tokio::time::Instant::now();
    assert!(serving.await.is_err());
    assert_eq!(start.elapsed(), limits().response_rate.over);
}
