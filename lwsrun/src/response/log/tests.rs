//! Lines as they are written.

use http::header::{REFERER, USER_AGENT};
use http::{HeaderValue, Response, Version};

use super::queue::Shard;
use super::*;
use crate::boot::testing;
use crate::connection::ClientCertificate;

fn connection(peer: Option<&str>, subject: Option<&str>) -> ConnectionFacts {
    ConnectionFacts {
        peer: peer.map(|peer| peer.parse().unwrap()),
        client: subject.map(|subject| ClientCertificate { trust: "t".into(), subject: subject.into() }),
        ..testing::connection()
    }
}

fn log(format: LogFormat) -> VhostLog {
    let queue = Arc::new(Queue::default());
    VhostLog(Arc::new(Target { queue, file: FileId::new(0), format, name: "a.test".into() }))
}

/// All lines so far, with the time of day replaced.
fn lines(log: &VhostLog) -> Vec<String> {
    let mut text = Vec::new();
    log.0.queue.drain(&mut Shard::default(), |shard| {
        shard.runs().for_each(|(_, lines)| text.extend_from_slice(lines));
    });
    let text = String::from_utf8(text).unwrap();
    text.lines()
        .map(|line| match line.split_once('[').zip(line.split_once(']')) {
            Some(((before, _), (_, after))) if !line.starts_with('{') => format!("{before}[]{after}"),
            _ => line.to_owned(),
        })
        .collect()
}

fn request(target: &str, headers: &[(http::HeaderName, &[u8])]) -> Request<()> {
    let mut request = Request::builder().uri(target).body(()).unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(name, HeaderValue::from_bytes(value).unwrap());
    }
    request
}

fn answered(entry: Entry, response: Response<axum::body::Body>) -> Response<Logged> {
    Pending::new(Some(entry), None).answered(response)
}

#[tokio::test]
async fn as_apache_writes_them() {
    let log = log(LogFormat::Combined);
    let peer = connection(Some("192.0.2.7:80"), None);
    let asked =
        request("/a%0a/../b?q=\\", &[(USER_AGENT, b"an \"agent\"\t\xff"), (REFERER, b"http://r.test/")]);
    let response = answered(log.begin(&peer, &asked), Response::new("four".into()));
    assert_eq!(lines(&log), [""; 0], "not before it is sent");
    let sent = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    assert_eq!(sent, "four");
    assert_eq!(
        lines(&log),
        [r#"192.0.2.7 - - [] "GET /a%0a/../b?q=\\ HTTP/1.1" 200 4 "http://r.test/" "an \"agent\"\t\xff""#]
    );
}

#[test]
fn what_is_missing_is_a_dash() {
    let log = log(LogFormat::Combined);
    let mut asked = request("http://a.test:80/x", &[]);
    *asked.version_mut() = Version::HTTP_10;
    drop(answered(log.begin(&connection(None, None), &asked), Response::new("not sent".into())));
    *asked.version_mut() = Version::HTTP_2;
    // Its handler was given up.
    drop(log.begin(&connection(Some("[::ffff:192.0.2.7]:80"), Some("CN=anna b")), &asked));
    assert_eq!(
        lines(&log),
        [
            r#"- - - [] "GET http://a.test:80/x HTTP/1.0" 200 - "-" "-""#,
            r#"192.0.2.7 - CN=anna\x20b [] "GET /x HTTP/2.0" 499 - "-" "-""#,
        ]
    );
}

#[test]
fn who_and_which_protocol_come_with_the_answer() {
    for format in LogFormat::ALL {
        let log = log(format);
        let entry = log.begin(&connection(Some("[::1]:80"), Some("CN=anna")), &request("/ws", &[]));
        let mut response = Response::new("".into());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.extensions_mut().insert(User(b"m ate"[..].into()));
        response.extensions_mut().insert(Protocol("chat".into()));
        drop(answered(entry, response));
        let line = lines(&log).pop().unwrap();
        match format {
            LogFormat::Combined => {
                assert_eq!(line, r#"::1 - m\x20ate [] "GET /ws (chat) HTTP/1.1" 101 - "-" "-""#);
            }
            LogFormat::Json => {
                assert!(line.contains(r#""vhost":"a.test","remote":"::1","user":"m ate","method":"GET","target":"/ws","version":"HTTP/1.1","websocket":"chat","status":101,"bytes":0,"duration_us":"#), "{line}");
                assert!(line.starts_with(r#"{"time":"2"#) && line.ends_with('}'), "{line}");
            }
        }
    }
}

#[test]
fn bytes_that_are_no_request() {
    let table: [(&[u8], &str, &str); 5] = [
        (
            b"\x16\x03\x01\"\r\nUser-Agent: x\r\n",
            r#""\x16\x03\x01\"" 400 173 "-" "x""#,
            r#""request":"\u0016\u0003\u0001\"","status":400,"bytes":173"#,
        ),
        (
            b"GET / HTTP/1.1 x\r\nReferer: r\r\n",
            r#""GET / HTTP/1.1 x" 400 173 "r" "-""#,
            r#""request":"GET / HTTP/1.1 x""#,
        ),
        (b"\r\nGET /hal", r#""GET /hal" 400 173 "-" "-""#, r#""request":"GET /hal""#),
        (b"", r#""-" 400 173 "-" "-""#, r#""vhost":"a.test","status":400"#),
        (b"\r\n\r\n", r#""-" 400 173 "-" "-""#, r#""vhost":"a.test","status":400"#),
    ];
    for (head, combined, json) in table {
        for (format, expected) in [(LogFormat::Combined, combined), (LogFormat::Json, json)] {
            let log = log(format);
            log.begin_refused(&connection(None, None), head, StatusCode::BAD_REQUEST).sent(173);
            let line = lines(&log).pop().unwrap();
            assert!(line.contains(expected), "{line}");
        }
    }
}

#[test]
fn no_field_makes_a_line_endless() {
    let long = "x".repeat(20_000);
    let log = log(LogFormat::Combined);
    let asked = request(&format!("/{long}"), &[(USER_AGENT, long.as_bytes()), (REFERER, long.as_bytes())]);
    drop(log.begin(&connection(None, None), &asked));
    let length = lines(&log).pop().unwrap().len();
    assert!((3 * 8192..3 * 8192 + 100).contains(&length), "{length}");
}
