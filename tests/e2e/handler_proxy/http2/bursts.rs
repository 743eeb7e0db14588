//! Many requests at once for an upstream that no connection leads to yet.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rustls::ServerConfig;
use tests::PATIENCE;
use tests::client::Client;
use tests::config::TempConfig;
use tests::h2::{Connection, HEADERS, status_of};
use tests::server::Server;
use tests::upstream::{Upstream, head};

use super::{answer, asked, vhost};
use crate::free_port;

/// Requests at once.
const BURST: u32 = 50;

/// A proxy of one worker in front of an upstream each of whose connections waits for the test before it does anything.
struct Cold {
    _server: Server,
    _config: TempConfig,
    port: u16,
    upstream: Upstream,
    /// For each connection that has come; it goes on when this is dropped.
    accepted: Receiver<Sender<()>>,
}

fn cold(serve: fn(Client, Arc<ServerConfig>), alpn: &str) -> Cold {
    let (port, config) =
        (free_port(), TempConfig::new().conf("{ \"global\": { \"count-threads\": \"1\" } }"));
    let (certificate, _) = tests::tls::certificate(&config.path("tls"), "localhost");
    let tls = tests::tls::serving(&certificate, &[alpn]);
    let (note, accepted) = channel();
    let upstream = Upstream::start(move |_, client| {
        let (hold, held) = channel();
        let _ = note.send(hold);
        let _ = held.recv();
        serve(client, Arc::clone(&tls));
    });
    let config = config.conf_d("site", &vhost(port, &certificate, upstream.port, ""));
    Cold { _server: Server::start(&config.compile()), _config: config, port, upstream, accepted }
}

impl Cold {
    /// The next connection to the upstream, which waits until this is dropped.
    fn connection(&self) -> Sender<()> {
        self.accepted.recv_timeout(PATIENCE).unwrap()
    }

    /// A client whose requests are all on their way.
    fn burst(&self) -> Connection {
        let mut client = Connection::open(Client::tcp(self.port), &[]);
        for number in 0..BURST {
            client.ask(2 * number + 1, "/px/");
        }
        // Nobody is asked for this one, which came last.
        client.ask(2 * BURST + 1, "/none");
        let answered = client.next_that(|frame| frame.kind == HEADERS).unwrap();
        assert_eq!((answered.stream, status_of(&answered.payload)), (2 * BURST + 1, 404));
        client
    }

    /// How many connections it takes to answer all requests of a burst so.
    fn connections(self, mut client: Connection, status: u16) -> usize {
        // Those that still come go on at once.
        thread::spawn(move || self.accepted.into_iter().for_each(drop));
        for number in 0..BURST {
            let answered = client.next_that(|frame| frame.kind == HEADERS).unwrap();
            assert_eq!(status_of(&answered.payload), status, "{number}");
        }
        self.upstream.connections()
    }
}

fn http2(client: Client, tls: Arc<ServerConfig>) {
    let connection = client.accept_tls(tls).ok().and_then(Connection::accept);
    if let Some(mut connection) = connection {
        while let Some(stream) = asked(&mut connection) {
            answer(&mut connection, stream, "here");
        }
    }
}

fn http1(client: Client, tls: Arc<ServerConfig>) {
    if let Ok(mut client) = client.accept_tls(tls) {
        while head(&mut client).is_some() {
            client.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere");
        }
    }
}

#[test]
fn one_connection_carries_the_first_requests() {
    let cold = cold(http2, "h2");
    let client = cold.burst();
    drop(cold.connection());
    assert_eq!(cold.connections(client, 200), 1);
}

#[test]
fn an_upstream_of_http1_gets_a_connection_for_each() {
    let cold = cold(http1, "http/1.1");
    let client = cold.burst();
    drop(cold.connection());
    // Known by now: nobody waits for another's connection.
    drop([cold.connection(), cold.connection()]);
    assert!(cold.connections(client, 200) > 2);
}

#[test]
fn a_connection_that_fails_fails_for_all_that_wait_for_it() {
    let cold = cold(|client, _| drop(client), "h2");
    let client = cold.burst();
    drop(cold.connection());
    assert_eq!(cold.connections(client, 502), 1);
}

#[test]
fn those_that_wait_go_on_when_the_first_leaves() {
    let cold = cold(http2, "h2");
    let mut first = Client::tcp(cold.port);
    first.send("GET /px/ HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let never = cold.connection();
    let client = cold.burst();
    drop(first);
    drop(cold.connection());
    assert_eq!(cold.connections(client, 200), 2);
    drop(never);
}
