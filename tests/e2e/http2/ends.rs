//! Connections that have nothing to do are not kept: neither by the end of the server, nor by who never asks.

use super::*;

/// A server with a certificate, and that `timeout-secs`.
fn secured(timeout: &str) -> Site {
    let port = free_port();
    let keys = ", \"host-ssl-key\": \"@DIR@/a.test.key\", \"host-ssl-cert\": \"@DIR@/a.test.crt\"";
    let config = TempConfig::vhost(port, &[keys, WWW].concat())
        .conf(&format!("{{ \"global\": {{ \"timeout-secs\": \"{timeout}\" }} }}"))
        .www("index.html", "home");
    let _ = tls::certificate(&config.path(""), "a.test");
    let server = Server::start(&config.compile());
    Site { config, server, port }
}

/// Longer than any test waits.
const LONG: &str = "1000";

fn handshake(site: &Site) -> Client {
    Client::tls(site.port, "a.test", tls::looking(&["h2"], true)).unwrap()
}

/// Whether the last frame that came is GOAWAY, without an error and for all streams.
fn said_goodbye(bytes: &[u8]) -> bool {
    let goaway = tests::h2::frame(GOAWAY, 0, 0, &[0; 8]);
    bytes.ends_with(&goaway)
}

/// What never says what it wants is closed: after a handshake, in the middle of the preface, and after it.
#[test]
fn a_connection_that_asks_nothing_is_closed() {
    // Long enough for a handshake on a busy machine.
    let site = secured("4");
    let clients = [&b""[..], b"PRI * HTTP/2.0\r\n", tests::h2::PREFACE].map(|sent| {
        let mut client = handshake(&site);
        client.send(sent);
        (sent.escape_ascii(), client)
    });
    for (sent, mut client) in clients {
        let rest = client.rest().unwrap_or_else(|| panic!("still open after `{sent}`"));
        assert!(said_goodbye(&rest), "no GOAWAY after `{sent}`: {}", rest.escape_ascii());
        assert!(client.has_ended_in_order(), "no close_notify after `{sent}`");
    }
}

/// The server has seen the connection: its own settings are there.
fn settled(client: &mut Client) {
    assert!(client.need(9), "no settings");
}

#[test]
fn half_a_preface_does_not_hold_the_end() {
    let site = secured(LONG);
    let mut client = Client::tcp(site.port);
    client.send(b"PRI * HTTP/2.0\r\n");
    settled(&mut client);
    assert_eq!(site.server.stop().code(), Some(0));
    assert!(said_goodbye(&client.rest().unwrap()));
}

#[test]
fn silence_after_the_handshake_does_not_hold_the_end() {
    let site = secured(LONG);
    let mut client = handshake(&site);
    settled(&mut client);
    assert_eq!(site.server.stop().code(), Some(0));
    assert!(said_goodbye(&client.rest().unwrap()) && client.has_ended_in_order());
}

/// As phones that sleep: the ping that asks whether more is on its way is not answered.
#[test]
fn an_idle_client_that_answers_no_ping_does_not_hold_the_end() {
    let site = secured(LONG);
    let mut connection = Connection::open(handshake(&site), &[]);
    connection.ask(1, "/");
    assert_eq!(connection.answer(1), (200, b"home".to_vec()));
    assert_eq!(site.server.stop().code(), Some(0));
    assert_eq!(end(&mut connection), End::Connection(NO_ERROR));
    assert!(connection.next_that(|_| false).is_none(), "the connection ends");
}

/// What is still made for a client is waited for, though it says nothing and nothing can be sent to it.
#[test]
fn an_answer_that_is_being_made_holds_the_end() {
    let port = free_port();
    let mounts =
        ", \"mounts\": [{ \"mountpoint\": \"/\", \"origin\": \"cgi://@DIR@/slow\", \"cgi-timeout\": 60 }]";
    // Longer than a client may take to go.
    let program = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nfirst '\nsleep 3\nprintf last\n";
    let config = TempConfig::vhost(port, mounts).program("slow", program);
    let server = Server::start(&config.compile());
    let mut connection = Connection::open(Client::tcp(port), &[]);
    connection.ask(1, "/");
    let first = connection.next_that(|frame| frame.kind == DATA).unwrap();
    assert_eq!(first.payload, b"first ");
    server.signal(Signal::TERM);
    let next = connection.next_that(|frame| frame.kind == DATA).expect("the rest of the answer");
    assert_eq!(next.payload, b"last");
    assert_eq!(server.ended().code(), Some(0));
}
