//! Proxy mounts, in front of upstreams that behave well, badly, or are programs of others.

mod badly;
mod http2;
mod messages;
mod nginx;
mod tls;
mod uploads;
mod websockets;

use std::sync::mpsc::{Receiver, channel};

use tests::client::{Client, Response};
use tests::upstream::{Upstream, head};

use super::{Site, site};

/// A mount `/px` in front of `/inner` of an upstream, with more keys, each after a comma.
fn before(upstream: &Upstream, keys: &str) -> Site {
    let origin = format!("http://127.0.0.1:{}/inner", upstream.port);
    site(&format!(",\n\"mounts\": [{{ \"mountpoint\": \"/px\", \"origin\": \"{origin}\"{keys} }}]"), &[])
}

/// An upstream that notes the heads of requests, and answers them.
fn noting() -> (Upstream, Receiver<String>) {
    let (note, noted) = channel();
    let upstream = Upstream::start(move |_, mut client| {
        while let Some(head) = head(&mut client) {
            let _ = note.send(head);
            client.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    (upstream, noted)
}

fn ask(site: &Site, request: &str) -> Response {
    let mut client = Client::tcp(site.port);
    client.send(request);
    client.expect(request.split(' ').next().unwrap())
}

fn get(site: &Site, path: &str) -> Response {
    tests::client::get(site.port, "a.test", path)
}

/// A client whose request has begun: its answer begins before it sends anything, and each byte comes back at once.
fn is_echoed(client: &mut Client) {
    assert!(client.take_through(b"\r\n\r\n").is_some());
    for byte in ["a", "b", "c"] {
        client.send(byte);
        assert!(client.take_through(format!("1\r\n{byte}\r\n").as_bytes()).is_some());
    }
    assert!(client.take_through(b"0\r\n\r\n").is_some());
}
