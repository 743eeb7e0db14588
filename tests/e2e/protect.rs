//! `basic-auth`: what is behind the door, and that there is no way past it.

use tests::client::{Client, Response};
use tests::ws::WebSocket;

use super::{Site, site};

const MATE: &str = "Authorization: Basic bWF0ZTpyb3Bl\r\n";

fn protected() -> Site {
    let site = site(
        ", \"mounts\": [
            { \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" },
            { \"mountpoint\": \"/private\", \"origin\": \"file://@DIR@/www/private\", \"basic-auth\": \"@DIR@/users\" },
            { \"mountpoint\": \"/away\", \"origin\": \">http://b.test/\", \"basic-auth\": \"@DIR@/users\" }],
          \"ws-protocols\": [{ \"dumb-increment-protocol\": { \"status\": \"ok\" } }]",
        &[("private/log.txt", "secret")],
    );
    std::fs::write(site.config.path("users"), "mate:rope\n").unwrap();
    site
}

fn ask(site: &Site, path: &str, headers: &str) -> Response {
    let mut client = Client::tcp(site.port);
    client.send(format!("GET {path} HTTP/1.1\r\nHost: a.test\r\n{headers}\r\n"));
    client.expect("GET")
}

#[test]
fn credentials_are_asked_for() {
    let site = protected();
    for path in
        ["/private/log.txt", "/private/", "/private/missing", "/x/../private/log.txt", "/away", "/away/x"]
    {
        for headers in ["", "Authorization: Basic bWF0ZTp3cm9uZw==\r\n", "Authorization: Digest x\r\n"] {
            let response = ask(&site, path, headers);
            assert_eq!((response.status, response.body.len()), (401, 0), "{path} {headers}");
            assert_eq!(response.header("www-authenticate"), Some("Basic realm=\"lwsws\""));
            assert_eq!(response.header("content-length"), Some("0"));
        }
    }
    assert_eq!(ask(&site, "/private/log.txt", MATE).text(), "secret");
    assert_eq!(ask(&site, "/private/missing", MATE).status, 404);
    assert_eq!(ask(&site, "/away", MATE).status, 301);
    let redirect = ask(&site, "/private", "");
    assert_eq!((redirect.status, redirect.header("location")), (301, Some("/private/")));
    assert_eq!(ask(&site, "/", "").text(), "home", "other mounts are open");
}

#[test]
fn a_websocket_needs_them_too() {
    let site = protected();
    let handshake = "Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: dumb-increment-protocol\r\n";
    for path in ["/private", "/private/", "/private/x"] {
        assert_eq!(ask(&site, path, handshake).status, 401, "{path}");
        assert_eq!(ask(&site, path, &format!("{handshake}{MATE}")).status, 101, "{path}");
    }
    let mut socket = WebSocket::open(site.port, "/", "dumb-increment-protocol");
    assert_eq!(socket.text(), "0", "other mounts are open");
}

#[test]
fn without_the_file_the_door_stays_shut() {
    let site = protected();
    std::fs::remove_file(site.config.path("users")).unwrap();
    assert_eq!(ask(&site, "/private/log.txt", MATE).status, 401);
    let said = site.server.line_with("nobody is let in");
    assert!(said.contains("conf.d/site:4") && said.contains("users"), "{said}");
}
