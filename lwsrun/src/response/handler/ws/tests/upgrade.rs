//! Who gets a websocket, and what the others are told.

use http::header::{ALLOW, CONNECTION, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const HEAD: &str = "GET /ws HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

/// A vhost with one protocol of each kind.
fn site(default: bool, must_name: bool) -> Site {
    let protocols = vec![
        plan::Protocol { basic_auth: Some("/users"), ..named(MIRROR) },
        named("absent"),
        plan::Protocol { raw: true, ..named("doing") },
        plan::Protocol { default, ..named(COUNTER) },
        named("failing"),
    ];
    let registry = Registry::default().with(Failing).with(Doing(Arc::new(|_| Box::pin(async {}))));
    let disable_no_protocol_ws_upgrades = must_name;
    Site::new(&registry, &Vhost { protocols, disable_no_protocol_ws_upgrades, ..vhost() })
}

struct Failing;

impl Protocol for Failing {
    fn name(&self) -> &str {
        "failing"
    }

    fn start(&self, context: VhostContext, _: Options) -> Result<Arc<dyn Instance>, StartError> {
        assert_eq!(context.vhost(), "a.test");
        Err(StartError::new("option `x` is missing"))
    }
}

async fn ask(site: &Site, method: &str, change: Headers<'_, Option<&str>>) -> Response<Body> {
    let mut request = Request::builder().method(method).uri("/any/path").body(Body::empty()).unwrap();
    let rightly = [
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-version", "13"),
    ];
    let headers = request.headers_mut();
    for (name, value) in rightly {
        headers.insert(name, value.parse().unwrap());
    }
    for (name, value) in change {
        let name: http::HeaderName = name.parse().unwrap();
        headers.remove(&name);
        if let Some(value) = value {
            headers.insert(name, value.parse().unwrap());
        }
    }
    let Ok(response) = site.service().call(request).await;
    response
}

#[tokio::test(start_paused = true)]
async fn the_table_of_answers() {
    let protocol = "sec-websocket-protocol";
    let plain = site(false, false);
    let with_default = site(true, false);
    let strict = site(true, true);
    let inner = StatusCode::SERVICE_UNAVAILABLE;
    let table: [(&Site, &str, Headers<'_, Option<&str>>, StatusCode); 20] = [
        (&plain, "GET", &[(protocol, Some(COUNTER))], StatusCode::SWITCHING_PROTOCOLS),
        (
            &plain,
            "GET",
            &[(protocol, Some("unknown, dumb-increment-protocol"))],
            StatusCode::SWITCHING_PROTOCOLS,
        ),
        (&plain, "GET", &[(protocol, Some("unknown"))], StatusCode::NOT_FOUND),
        (&plain, "GET", &[(protocol, Some("DUMB-INCREMENT-PROTOCOL"))], StatusCode::NOT_FOUND),
        (&plain, "GET", &[(protocol, Some("absent"))], StatusCode::NOT_IMPLEMENTED),
        (&plain, "GET", &[(protocol, Some("absent, dumb-increment-protocol"))], StatusCode::NOT_IMPLEMENTED),
        (&plain, "GET", &[(protocol, Some(MIRROR))], StatusCode::UNAUTHORIZED),
        (&plain, "GET", &[(protocol, Some("doing"))], StatusCode::NOT_IMPLEMENTED),
        (&plain, "GET", &[(protocol, Some("failing"))], StatusCode::INTERNAL_SERVER_ERROR),
        (&plain, "GET", &[], StatusCode::NOT_FOUND),
        (&with_default, "GET", &[], StatusCode::SWITCHING_PROTOCOLS),
        (&strict, "GET", &[], StatusCode::FORBIDDEN),
        (&strict, "GET", &[(protocol, Some(COUNTER))], StatusCode::SWITCHING_PROTOCOLS),
        (&with_default, "POST", &[], StatusCode::METHOD_NOT_ALLOWED),
        (&with_default, "GET", &[("sec-websocket-key", None)], StatusCode::BAD_REQUEST),
        (&with_default, "GET", &[("sec-websocket-version", Some("8"))], StatusCode::UPGRADE_REQUIRED),
        (&with_default, "GET", &[("connection", Some("keep-alive"))], inner),
        (&with_default, "GET", &[("upgrade", Some("gopher"))], inner),
        (&with_default, "GET", &[("upgrade", None)], inner),
        (&with_default, "POST", &[("upgrade", None)], inner),
    ];
    for (site, method, change, status) in table {
        assert_eq!(ask(site, method, change).await.status(), status, "{method} {change:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_listed_origins_open_a_session() {
    let list = OptionValue::Json(r#"["https://a.test","self"]"#);
    let options = vec![ProtocolOption { name: "origins", value: list }];
    let protocols = vec![plan::Protocol { options, ..named(ECHO) }];
    let site = Site::new(&Registry::default(), &Vhost { protocols, ..vhost() });
    for (origin, status) in [
        (None, 101),
        (Some("https://a.test"), 101),
        (Some("http://host.test:7681"), 101),
        (Some("http://host.test"), 403),
        (Some("https://evil.test"), 403),
        (Some("null"), 403),
    ] {
        let change =
            [("sec-websocket-protocol", Some(ECHO)), ("host", Some("host.test:7681")), ("origin", origin)];
        assert_eq!(ask(&site, "GET", &change).await.status(), status, "{origin:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_strict_host_is_named_in_full() {
    let protocols = vec![named(ECHO)];
    let site = Site::new(&Registry::default(), &Vhost { protocols, strict_host_check: true, ..vhost() });
    for (host, status) in [("a.test:7681", 101), ("a.test", 403), ("b.a.test:7681", 403)] {
        let change = [("sec-websocket-protocol", Some(ECHO)), ("host", Some(host))];
        assert_eq!(ask(&site, "GET", &change).await.status(), status, "{host}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_protocol_may_ask_for_credentials() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "mate:rope\n").unwrap();
    let path = file.path().to_str().unwrap();
    let protocols = vec![plan::Protocol { basic_auth: Some(path), ..named(ECHO) }, named(COUNTER)];
    let site = Site::new(&Registry::default(), &Vhost { protocols, ..vhost() });
    let protocol = |name| ("sec-websocket-protocol", Some(name));
    let given = |credentials| [protocol(ECHO), ("authorization", credentials)];
    let response = ask(&site, "GET", &given(None)).await;
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["www-authenticate"], "Basic realm=\"lwsws\"");
    // The first look at the file waits for it, the second need not.
    for _ in 0..2 {
        assert_eq!(ask(&site, "GET", &given(Some("Basic bWF0ZTpyb3Bl"))).await.status(), 101);
        assert_eq!(ask(&site, "GET", &given(Some("Basic bWF0ZTpyb3Bz"))).await.status(), 401);
    }
    assert_eq!(ask(&site, "GET", &[protocol(COUNTER)]).await.status(), 101);
}

#[tokio::test(start_paused = true)]
async fn answers_say_what_to_do() {
    let site = site(true, false);
    let response = ask(&site, "GET", &[("sec-websocket-version", Some("7"))]).await;
    assert_eq!(response.headers()[SEC_WEBSOCKET_VERSION], "13");
    assert_eq!(response.headers()[UPGRADE], "websocket");
    assert_eq!(response.headers()[CONNECTION], "Upgrade");
    let page = response.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&page).contains("version 13"));
    assert_eq!(ask(&site, "PUT", &[]).await.headers()[ALLOW], "GET");
    // The default was not asked for, so it is not named.
    assert!(!ask(&site, "GET", &[]).await.headers().contains_key(SEC_WEBSOCKET_PROTOCOL));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_served_is_told_with_its_line() {
    let site = site(false, false);
    assert_eq!(
        site.words,
        [
            "site:7: vhost `a.test`: protocol `failing` did not start: option `x` is missing; asking for it is answered 500"
        ]
    );
    let vhost = Vhost { protocols: vec![named(COUNTER), named("absent")], ..vhost() };
    let words =
        crate::protocol::unserved(&vhost, &Registry::default(), |place| format!("site:{}", place.line));
    assert_eq!(
        words,
        ["site:7: vhost `a.test`: protocol `absent`: it is not built in, asking for it is answered 501"]
    );
}

#[tokio::test(start_paused = true)]
async fn the_answer_on_the_wire_and_frames_in_the_same_packet() {
    let site = Site::builtin();
    let mut connection = site.connection(64 * 1024);
    let mut sent = format!("{HEAD}Sec-WebSocket-Protocol: {MIRROR}\r\n\r\n").into_bytes();
    sent.extend_from_slice(b"\x81\x82\0\0\0\0hi");
    connection.write_all(&sent).await.unwrap();
    let mut received = Vec::new();
    while !received.ends_with(b"\x81\x02hi") {
        assert_ne!(connection.read_buf(&mut received).await.unwrap(), 0);
    }
    let head = String::from_utf8_lossy(&received);
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
    assert!(head.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{head}");
    assert!(head.contains(&format!("sec-websocket-protocol: {MIRROR}\r\n")), "{head}");
    assert!(!head.contains("sec-websocket-extensions"), "{head}");
}

#[tokio::test(start_paused = true)]
async fn a_protocol_learns_what_the_client_said() {
    struct Asking;
    impl Protocol for Asking {
        fn name(&self) -> &str {
            "asking"
        }
        fn start(&self, _: VhostContext, _: Options) -> Result<Arc<dyn Instance>, StartError> {
            Ok(Arc::new(Asking))
        }
    }
    impl Instance for Asking {
        fn session(self: Arc<Self>, opening: Opening, session: Session) -> BoxFuture<'static, ()> {
            Box::pin(async move {
                let words = format!(
                    "{:?} {} {:?} {:?} {} {}",
                    opening.peer.map(|peer| peer.port()),
                    opening.path,
                    opening.query,
                    opening.argument("q").map(String::from_utf8),
                    opening.vhost,
                    opening.protocol
                );
                let _ = session.send(words).await;
            })
        }
    }
    let site =
        Site::new(&Registry::empty().with(Asking), &Vhost { protocols: vec![named("asking")], ..vhost() });
    let mut client = site.open("/a/b?x=1&q=%41", "asking").await;
    let said = next(&mut client).await.into_text().unwrap();
    assert_eq!(said.as_str(), r#"Some(4711) /a/b Some("x=1&q=%41") Some(Ok("A")) a.test asking"#);
    assert_eq!(closed(&mut client).await, (1000, String::new()));
}

#[tokio::test(start_paused = true)]
async fn a_protocol_without_websockets_is_passed_over() {
    let form = "protocol-post-demo";
    let protocols = vec![plan::Protocol { default: true, ..named(form) }, named(ECHO)];
    let site = Site::new(&Registry::default(), &Vhost { protocols, ..vhost() });
    let both = format!("{form}, {ECHO}");
    for (wanted, status) in [(Some(form), 404), (None, 404), (Some(&*both), 101)] {
        let response = ask(&site, "GET", &[("sec-websocket-protocol", wanted)]).await;
        assert_eq!(response.status(), status, "{wanted:?}");
    }
}
