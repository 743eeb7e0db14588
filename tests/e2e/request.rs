//! From bytes to a vhost and a path: hosts, cleaned paths, requests that are refused.

use tests::client::{Client, Response, get};
use tests::config::{TempConfig, free_port};
use tests::server::Server;

use super::{WWW, site};

#[test]
fn the_host_picks_the_vhost() {
    let port = free_port();
    let vhost = |name: &str| {
        format!(
            "{{ \"name\": \"{name}\", \"port\": \"{port}\", \"interface\": \"127.0.0.1\",
                \"mounts\": [{{ \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www/{name}\" }}] }}"
        )
    };
    let config = TempConfig::new()
        .conf_d("site", &format!("{{ \"vhosts\": [ {}, {} ] }}", vhost("a.test"), vhost("b.test")))
        .www("a.test/index.html", "a")
        .www("b.test/index.html", "b");
    let _server = Server::start(&config.compile());
    let cases = [
        ("a.test", "a"),
        ("b.test", "b"),
        ("B.Test", "b"),
        ("b.test:80", "b"),
        ("b.test.", "b"),
        ("x.y.b.test", "b"),
    ];
    for (host, content) in
        cases.into_iter().chain([("xb.test", "a"), ("127.0.0.1", "a"), ("[::1]:80", "a"), ("b", "a")])
    {
        assert_eq!(get(port, host, "/").text(), content, "{host}");
    }
    let absolute = send(port, "GET http://b.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n");
    assert_eq!(absolute.text(), "b", "absolute form");
    let nameless = send(port, "GET / HTTP/1.0\r\n\r\n");
    assert_eq!(nameless.text(), "a", "HTTP/1.0 needs no Host");
}

#[test]
fn paths_are_cleaned_before_a_mount_is_looked_for() {
    let site = site(
        ",\n\"mounts\": [{ \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" },
                         { \"mountpoint\": \"/go\", \"origin\": \">http://elsewhere.test/\" }]",
        &[("a/b.txt", "b"), ("x y.txt", "blank"), ("pl+us.txt", "plus"), (".dot.txt", "dot")],
    );
    for (path, status, content) in [
        ("/a/b.txt", 200, "b"),
        ("//a//b.txt", 200, "b"),
        ("/a/./x/../b.txt", 200, "b"),
        ("/../../a/b.txt", 200, "b"),
        ("/%61/%62.txt", 200, "b"),
        ("/a%2Fb.txt", 200, "b"),
        ("/a/%2e%2e/a/b.txt", 200, "b"),
        ("/x%20y.txt", 200, "blank"),
        ("/pl+us.txt", 200, "plus"),
        ("/.dot.txt", 200, "dot"),
        ("/a/b.txt?c=/../../", 200, "b"),
        ("/x/../go/y", 301, ""),
        ("/g%6F", 301, ""),
    ] {
        let response = get(site.port, "a.test", path);
        assert_eq!((response.status, response.text().as_str()), (status, content), "{path}");
    }
    for path in ["/../../../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/a/..%5c..%5cetc/passwd"] {
        assert_eq!(get(site.port, "a.test", path).status, 404, "{path}");
    }
}

#[test]
fn malformed_requests_are_answered_not_dropped() {
    let site = site(WWW, &[]);
    let long = "x".repeat(100_000);
    let cases = [
        ("no Host", "GET / HTTP/1.1\r\n\r\n".to_owned(), &[400][..]),
        ("two Hosts", "GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n".to_owned(), &[400]),
        ("a host with a slash", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n".to_owned(), &[400]),
        ("a bad escape", "GET /bad%zz HTTP/1.1\r\nHost: a.test\r\n\r\n".to_owned(), &[400]),
        ("a NUL", "GET /no%00te HTTP/1.1\r\nHost: a.test\r\n\r\n".to_owned(), &[400]),
        ("a bad length", "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: x\r\n\r\n".to_owned(), &[400]),
        (
            "two lengths",
            "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx".to_owned(),
            &[400],
        ),
        (
            "both framings",
            "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
            &[400],
        ),
        (
            "a coding twice",
            "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n".to_owned(),
            &[400],
        ),
        ("no HTTP", "hello there\r\n\r\n".to_owned(), &[400]),
        ("a name with a blank", "GET / HTTP/1.1\r\nHost: a.test\r\nX Y: 1\r\n\r\n".to_owned(), &[400]),
        ("a long head", format!("GET / HTTP/1.1\r\nHost: a.test\r\nX: {long}\r\n\r\n"), &[431]),
        ("a long target", format!("GET /{long} HTTP/1.1\r\nHost: a.test\r\n\r\n"), &[414, 431]),
    ];
    for (name, bytes, expected) in cases {
        let response = send(site.port, &bytes);
        assert!(expected.contains(&response.status), "{name}: {}", response.status);
    }
    assert_eq!(get(site.port, "a.test", "/").text(), "home", "the server goes on");
}

#[test]
fn options_of_the_server_as_a_whole_are_told() {
    let site = site(&[WWW, ", \"headers\": [{ \"X-Ours\": \"yes\" }]"].concat(), &[]);
    let response = send(site.port, "OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!((response.status, response.header("x-ours")), (204, Some("yes")));
    assert!(response.header("allow").is_some_and(|allow| allow.contains("GET") && allow.contains("OPTIONS")));
    assert_eq!(send(site.port, "GET * HTTP/1.1\r\nHost: a.test\r\n\r\n").status, 400);
}

#[test]
fn reject_keywords_refuse_by_user_agent() {
    let port = free_port();
    let config = TempConfig::vhost(port, WWW)
        .conf("{ \"global\": { \"reject-service-keywords\": [{ \"badbot\": \"403 Go <away>\" }, { \"wolf\": \"404 None\" }] } }")
        .www("index.html", "home");
    let _server = Server::start(&config.compile());
    let ask =
        |agent: &str| send(port, &format!("GET / HTTP/1.1\r\nHost: a.test\r\nUser-Agent: {agent}\r\n\r\n"));
    let refused = ask("the badbot 2.0");
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("Go &lt;away&gt;"), "{}", refused.text());
    assert_eq!(ask("scrapewolf").status, 404);
    assert_eq!(ask("BadBot").text(), "home", "case counts");
}

fn send(port: u16, bytes: &str) -> Response {
    let mut client = Client::tcp(port);
    client.send(bytes);
    client.expect("GET")
}
