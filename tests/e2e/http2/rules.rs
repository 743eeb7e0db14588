//! The rules of RFC 9113 and RFC 7541, one by one: what a client sends on a new connection over TLS, and what must
//! come of it. Rules that need more than one turn are tests of their own in the parent.

mod compression;
mod frames;
mod requests;
mod streams;

use tests::client::Client;
use tests::config::{TempConfig, free_port};
use tests::h2::*;
use tests::server::Server;
use tests::tls;

use super::*;

/// What must come of it.
#[derive(Debug, Clone, Copy)]
enum Due {
    /// The connection ends with this error.
    Connection(u32),
    /// The stream ends with this error, or the connection does.
    Stream(u32),
    /// The request is malformed: as a stream error, or 400.
    Malformed,
    /// This stream is answered with this status.
    Answer(u32, u16),
}

use Due::{Answer, Malformed};

/// The section, what is sent in words, its bytes, and what must come of it.
type Rule = (&'static str, &'static str, Vec<u8>, Due);

/// GET `/` of `a.test`: indexes of the static table, and a literal.
const INDEXED: &[u8] = b"\x82\x87\x84\x01\x06a.test";

/// A type of frame that nobody knows.
const UNKNOWN: u8 = 0xbb;

/// A setting (RFC 9113, section 6.5.2).
const ENABLE_PUSH: u16 = 2;

fn get(stream: u32) -> Vec<u8> {
    frame(HEADERS, GET, stream, INDEXED)
}

/// A request with these bytes behind those of the usual fields.
fn get_with(more: &[u8]) -> Vec<u8> {
    frame(HEADERS, GET, 1, &[INDEXED, more].concat())
}

/// A request with these fields alone.
fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, GET, 1, &block(fields))
}

/// The head of a request with content, and these fields besides.
fn post(more: &[(&str, &str)]) -> Vec<u8> {
    let usual = [(":method", "POST"), (":scheme", "https"), (":authority", "a.test"), (":path", "/")];
    frame(HEADERS, END_HEADERS, 1, &block(&[&usual[..], more].concat()))
}

/// As [`post`], with content in frames, the last of which ends the stream.
fn post_of(more: &[(&str, &str)], content: &[&[u8]]) -> Vec<u8> {
    let mut sent = post(more);
    for (number, piece) in content.iter().enumerate() {
        let flags = if number + 1 == content.len() { END_STREAM } else { 0 };
        sent.extend(frame(DATA, flags, 1, piece));
    }
    sent
}

fn set(name: u16, value: u32) -> Vec<u8> {
    frame(SETTINGS, 0, 0, &settings(&[(name, value)]))
}

fn reset(stream: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())
}

fn window(stream: u32, more: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &more.to_be_bytes())
}

/// How it ended, as far as the rule is interested. Two pongs after what was sent, nothing is to be expected any more.
fn ended(connection: &mut Connection, due: Due) -> Option<End> {
    let mut pongs = 0;
    if !matches!(due, Answer(..)) {
        connection.send(PING, 0, 0, &[9; 8]);
    }
    while let Some(frame) = connection.receive() {
        match (frame.kind, frame.error()) {
            (GOAWAY, Some(code)) if code != NO_ERROR => return Some(End::Connection(code)),
            (RST_STREAM, Some(code)) if code != NO_ERROR => return Some(End::Stream(code)),
            (HEADERS, _) => {
                let status = status_of(content(frame.flags, &frame.payload));
                let is_due = match due {
                    Answer(stream, _) => frame.stream == stream,
                    Malformed => status == 400,
                    _ => false,
                };
                if is_due {
                    return Some(End::Answer(status));
                }
            }
            (PING, _) if frame.flags & ACK != 0 && frame.payload == [9; 8] => {
                pongs += 1;
                if pongs > 1 {
                    return None;
                }
                connection.send(PING, 0, 0, &[9; 8]);
            }
            _ => {}
        }
    }
    Some(End::Silence)
}

fn holds(due: Due, ended: Option<End>) -> bool {
    match (due, ended) {
        (Due::Connection(due), Some(End::Connection(code))) => is_named(code, due),
        (Due::Stream(due), Some(End::Stream(code) | End::Connection(code))) => is_named(code, due),
        (
            Malformed,
            Some(End::Stream(PROTOCOL_ERROR) | End::Connection(PROTOCOL_ERROR) | End::Answer(400)),
        ) => true,
        (Answer(_, due), Some(End::Answer(status))) => status == due,
        _ => false,
    }
}

#[test]
fn each_rule_is_kept() {
    let port = free_port();
    let keys = ", \"host-ssl-key\": \"@DIR@/a.test.key\", \"host-ssl-cert\": \"@DIR@/a.test.crt\"";
    let config = TempConfig::vhost(port, &[keys, WWW].concat()).www("index.html", "home");
    let _ = tls::certificate(&config.path(""), "a.test");
    let _server = Server::start(&config.compile());
    let secured = || Client::tls(port, "a.test", tls::looking(&["h2"], true)).unwrap();
    let rules = [streams::rules(), frames::rules(), requests::rules(), compression::rules()].concat();
    let mut broken = Vec::new();
    for (section, what, sent, due) in &rules {
        let mut connection = Connection::open(secured(), &[]);
        connection.send_raw(sent);
        let ended = ended(&mut connection, *due);
        if !holds(*due, ended) {
            broken.push(format!("{section}, {what}: {ended:?} instead of {due:?}"));
        }
    }
    assert!(broken.is_empty(), "{} of {}:\n{}", broken.len(), rules.len(), broken.join("\n"));
    // RFC 9113, section 3.4.
    let mut client = secured();
    client.send("INVALID CONNECTION PREFACE\r\n\r\n");
    assert!(client.rest().is_some(), "it is closed");
    assert_eq!(tests::h2::get(secured(), "https", "a.test", "/").0, 200);
}
