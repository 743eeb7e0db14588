//! HTTP/2 by the book and against it: what a peer may do is answered, what it must not do ends the stream or the
//! connection with the error that RFC 9113 names, and no flood makes the server work or remember without end.

mod cancelled;
mod ends;
mod rules;

use rustix::process::Signal;
use tests::client::Client;
use tests::config::{TempConfig, free_port};
use tests::h2::{
    ACK, CONTINUATION, Connection, DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, PING, PRIORITY,
    RST_STREAM, SETTINGS, WINDOW_UPDATE, block, request, settings,
};
use tests::server::Server;
use tests::tls;

use super::{Site, WWW, site};

/// Error codes (RFC 9113, section 7).
const NO_ERROR: u32 = 0;
const PROTOCOL_ERROR: u32 = 1;
const FLOW_CONTROL_ERROR: u32 = 3;
const STREAM_CLOSED: u32 = 5;
const FRAME_SIZE_ERROR: u32 = 6;
const COMPRESSION_ERROR: u32 = 9;
const ENHANCE_YOUR_CALM: u32 = 11;

/// Settings (RFC 9113, section 6.5.2).
const MAX_CONCURRENT_STREAMS: u16 = 3;
const INITIAL_WINDOW_SIZE: u16 = 4;
const MAX_FRAME_SIZE: u16 = 5;
const MAX_HEADER_LIST_SIZE: u16 = 6;

const GET: u8 = END_STREAM | END_HEADERS;

/// The error code of a request that is not wanted any more.
const CANCEL: [u8; 4] = 8_u32.to_be_bytes();

/// A page of 100,000 bytes beside the small one.
fn pages() -> Site {
    site(WWW, &[("large.txt", &"x".repeat(100_000))])
}

fn connect(site: &Site) -> Connection {
    Connection::open(Client::tcp(site.port), &[])
}

/// How a connection, or a stream of it, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// GOAWAY, or the end of the transport after it.
    Connection(u32),
    /// RST_STREAM.
    Stream(u32),
    /// An answer with this status.
    Answer(u16),
    /// The transport ended without a word.
    Silence,
}

/// The first end that comes.
fn end(connection: &mut Connection) -> End {
    let is_end = |frame: &Frame| matches!(frame.kind, GOAWAY | RST_STREAM | HEADERS);
    match connection.next_that(is_end) {
        None => End::Silence,
        Some(frame) => match (frame.kind, frame.error()) {
            (GOAWAY, Some(code)) => End::Connection(code),
            (RST_STREAM, Some(code)) => End::Stream(code),
            _ => End::Answer(tests::h2::status_of(tests::h2::content(frame.flags, &frame.payload))),
        },
    }
}

/// Whether a code is that of the RFC. Of a size, a setting, a block of headers that cannot be, or a stream that it has
/// forgotten, the library that reads frames may say less precisely that it broke the protocol; the connection ends all
/// the same.
fn is_named(code: u32, expected: u32) -> bool {
    let imprecise = [FRAME_SIZE_ERROR, FLOW_CONTROL_ERROR, COMPRESSION_ERROR, STREAM_CLOSED];
    code == expected || (code == PROTOCOL_ERROR && imprecise.contains(&expected))
}

#[test]
fn settings_are_made_confirmed_and_taken_in_order() {
    let site = pages();
    let mut connection = connect(&site);
    let first = connection.receive().unwrap();
    assert_eq!((first.kind, first.flags, first.stream), (SETTINGS, 0, 0));
    let said = |name: u16| {
        let mut pairs = first.payload.chunks_exact(6);
        let pair = pairs.find(|pair| pair[..2] == name.to_be_bytes())?;
        Some(u32::from_be_bytes(pair[2..].try_into().unwrap()))
    };
    assert_eq!((said(MAX_CONCURRENT_STREAMS), said(MAX_HEADER_LIST_SIZE)), (Some(128), Some(16 << 10)));
    assert!(connection.next_that(|frame| frame.kind == SETTINGS && frame.flags == ACK).is_some());
    // Of two values the last one counts.
    connection.send(SETTINGS, 0, 0, &settings(&[(INITIAL_WINDOW_SIZE, 0), (INITIAL_WINDOW_SIZE, 2)]));
    connection.ask(1, "/");
    let data = connection.next_that(|frame| frame.kind == DATA).unwrap();
    assert_eq!(data.payload, b"ho");
    connection.send(PING, 0, 0, b"01234567");
    let pong = connection.next_that(|frame| frame.kind == PING && frame.flags == ACK).unwrap();
    assert_eq!(pong.payload, b"01234567");
}

#[test]
fn windows_are_kept_to() {
    let site = pages();
    let mut connection = Connection::open(Client::tcp(site.port), &[(INITIAL_WINDOW_SIZE, 1)]);
    connection.ask(1, "/large.txt");
    let is_data = |frame: &Frame| frame.kind == DATA;
    assert_eq!(connection.next_that(is_data).unwrap().payload.len(), 1);
    // Nothing more comes before the window is opened: the pong is next.
    connection.send(PING, 0, 0, &[7; 8]);
    let next = connection.next_that(|frame| frame.kind == DATA || frame.payload == [7; 8]).unwrap();
    assert_eq!(next.kind, PING);
    connection.send(WINDOW_UPDATE, 0, 1, &10_u32.to_be_bytes());
    assert_eq!(connection.next_that(is_data).unwrap().payload.len(), 10);
    // A smaller first window makes the window of the stream negative: 1 + 10 - 11 bytes sent, less one.
    connection.send(SETTINGS, 0, 0, &settings(&[(INITIAL_WINDOW_SIZE, 0)]));
    connection.send(WINDOW_UPDATE, 0, 1, &3_u32.to_be_bytes());
    assert_eq!(connection.next_that(is_data).unwrap().payload.len(), 2);
    // The window of the connection holds 65,535 bytes, 13 of which are used.
    connection.send(WINDOW_UPDATE, 0, 1, &100_000_u32.to_be_bytes());
    let mut seen = 13;
    while seen < 65_535 {
        seen += connection.next_that(is_data).unwrap().payload.len();
    }
    assert_eq!(seen, 65_535);
    connection.send(WINDOW_UPDATE, 0, 0, &100_000_u32.to_be_bytes());
    while seen < 100_000 {
        seen += connection.next_that(is_data).unwrap().payload.len();
    }
    assert_eq!(seen, 100_000);

    let most = 0x7fff_ffff_u32.to_be_bytes();
    let mut connection = Connection::open(Client::tcp(site.port), &[(INITIAL_WINDOW_SIZE, 1)]);
    connection.ask(1, "/large.txt");
    connection.send(WINDOW_UPDATE, 0, 1, &most);
    let reset = connection.next_that(|frame| frame.kind == RST_STREAM).unwrap();
    assert_eq!((reset.stream, reset.error()), (1, Some(FLOW_CONTROL_ERROR)));
    // The others go on.
    connection.send(SETTINGS, 0, 0, &settings(&[(INITIAL_WINDOW_SIZE, 65_535)]));
    connection.ask(3, "/");
    assert_eq!(connection.answer(3).0, 200);
}

#[test]
fn large_heads_are_431_and_never_end_in_memory() {
    let site = pages();
    let value = "v".repeat(1000);
    let usual = [(":method", "GET"), (":scheme", "https"), (":authority", "a.test"), (":path", "/")];
    let head = |count: usize| {
        let mut fields = usual.to_vec();
        fields.resize(4 + count, ("field", value.as_str()));
        block(&fields)
    };
    // Each field counts its name, its value and 32 bytes (RFC 9113, section 6.5.2).
    let mut connection = connect(&site);
    for (stream, count, status) in [(1, 15, 200), (3, 17, 431), (5, 15, 200)] {
        let block = head(count);
        let (first, rest) = block.split_at(block.len().min(16_000));
        connection.send(HEADERS, END_STREAM, stream, first);
        connection.send(CONTINUATION, END_HEADERS, stream, rest);
        assert_eq!(connection.answer(stream).0, status, "{count}");
    }
    // A head without end.
    let mut connection = connect(&site);
    connection.send(HEADERS, END_STREAM, 1, &head(10));
    for _ in 0..2000 {
        connection.send(CONTINUATION, 0, 1, &block(&[("field", &value)]));
    }
    let ended = end(&mut connection);
    assert!(matches!(ended, End::Connection(ENHANCE_YOUR_CALM | PROTOCOL_ERROR) | End::Silence), "{ended:?}");
    // One whose parts hold nothing.
    let mut connection = connect(&site);
    connection.send(HEADERS, END_STREAM, 1, &[]);
    for _ in 0..2000 {
        connection.send(CONTINUATION, 0, 1, &[]);
    }
    let ended = end(&mut connection);
    assert!(matches!(ended, End::Connection(ENHANCE_YOUR_CALM | PROTOCOL_ERROR) | End::Silence), "{ended:?}");
    // A field that is repeated by its index, a byte each time, and is a kilobyte each time.
    let mut bomb = block(&usual);
    bomb.extend([0x40, 1, b'f', 0x7f, 0xe9, 6]);
    bomb.extend(value.as_bytes());
    bomb.extend([0xbe; 10_000]);
    let mut connection = connect(&site);
    connection.send(HEADERS, GET, 1, &bomb);
    let ended = end(&mut connection);
    assert!(matches!(ended, End::Answer(431) | End::Connection(ENHANCE_YOUR_CALM)), "{ended:?}");
}

#[test]
fn streams_are_bounded_and_those_beyond_are_refused() {
    let site = pages();
    let mut connection = Connection::open(Client::tcp(site.port), &[(INITIAL_WINDOW_SIZE, 0)]);
    for number in 0..129 {
        connection.ask(2 * number + 1, "/large.txt");
    }
    const REFUSED_STREAM: u32 = 7;
    let refused = connection.next_that(|frame| matches!(frame.kind, RST_STREAM | GOAWAY)).unwrap();
    assert!(refused.kind == RST_STREAM && refused.stream == 257, "{refused:?}");
    assert!(matches!(refused.error(), Some(REFUSED_STREAM | PROTOCOL_ERROR)), "{refused:?}");
}

#[test]
fn floods_end_the_connection_or_cost_nothing_and_others_are_served() {
    let site = pages();
    let calm = |frame: &Frame| frame.kind == GOAWAY && frame.error() != Some(NO_ERROR);
    // All in one piece: each stream is reset before the server has looked at it.
    let mut connection = connect(&site);
    let pair = |number: u32| {
        let head = tests::h2::frame(HEADERS, GET, 2 * number + 1, &request("GET", "/large.txt"));
        [head, tests::h2::frame(RST_STREAM, 0, 2 * number + 1, &CANCEL)].concat()
    };
    connection.send_raw(&(0..5000).flat_map(pair).collect::<Vec<_>>());
    assert_eq!(connection.next_that(calm).and_then(|frame| frame.error()), Some(ENHANCE_YOUR_CALM));
    // Resets that this side is made to send: a window that overflows, again and again.
    let mut connection = connect(&site);
    for number in 0..5000 {
        connection.ask(2 * number + 1, "/large.txt");
        connection.send(WINDOW_UPDATE, 0, 2 * number + 1, &0x7fff_ffff_u32.to_be_bytes());
    }
    assert_eq!(connection.next_that(calm).and_then(|frame| frame.error()), Some(ENHANCE_YOUR_CALM));
    // Frames that ask for an answer, from somebody who does not read any: what is not sent is not remembered.
    // And frames that mean nothing.
    let one_more = 1_u32.to_be_bytes();
    for (kind, payload) in
        [(PING, &[0; 8][..]), (SETTINGS, &[]), (WINDOW_UPDATE, &one_more), (0xbb, &[0; 99])]
    {
        let mut connection = connect(&site);
        let burst = tests::h2::frame(kind, 0, 0, payload).repeat(2000);
        for _ in 0..20 {
            connection.send_raw(&burst);
        }
        assert_eq!(Client::tcp(site.port).get("a.test", "/").text(), "home");
    }
    // Empty DATA, which no window bounds.
    let mut connection = connect(&site);
    connection.send(HEADERS, END_HEADERS, 1, &request("POST", "/"));
    connection.send_raw(&tests::h2::frame(DATA, 0, 1, &[]).repeat(20_000));
    assert_eq!(Client::tcp(site.port).get("a.test", "/").text(), "home");
    let before = site.server.memory();
    let mut hoard: Vec<_> = (0..20).map(|_| connect(&site)).collect();
    for connection in &mut hoard {
        connection.send(HEADERS, END_HEADERS, 1, &request("POST", "/"));
        connection.send_raw(&tests::h2::frame(DATA, 0, 1, &[]).repeat(20_000));
        connection.send_raw(&tests::h2::frame(PRIORITY, 0, 3, &[0, 0, 0, 0, 7]).repeat(20_000));
    }
    assert_eq!(Client::tcp(site.port).get("a.test", "/").text(), "home");
    let grown = site.server.memory().saturating_sub(before);
    assert!(grown < 40 << 20, "{grown} bytes for frames that hold nothing");
}

/// Answers that nobody takes are not made.
#[test]
fn what_is_queued_for_a_connection_is_bounded() {
    const STREAMS: u32 = 128;
    const CONNECTIONS: usize = 16;
    // Two frames of a file for each stream, and room for all else.
    const MOST: u64 = CONNECTIONS as u64 * STREAMS as u64 * (64 << 10) + (32 << 20);
    let large = "0123456789abcdef".repeat(1 << 16);
    let site = site(WWW, &[("large.txt", &large)]);
    let before = site.server.memory();
    // Each stream may send all of it, and the connection nothing: 128 MiB each if it were queued.
    let mut hoard: Vec<_> = (0..CONNECTIONS)
        .map(|_| Connection::open(Client::tcp(site.port), &[(INITIAL_WINDOW_SIZE, 1 << 30)]))
        .collect();
    for connection in &mut hoard {
        for number in 0..STREAMS {
            connection.ask(2 * number + 1, "/large.txt");
        }
    }
    for connection in &mut hoard {
        // All heads have come, so all answers have begun.
        for _ in 0..STREAMS {
            let _ = connection.next_that(|frame| frame.kind == HEADERS).unwrap();
        }
    }
    let grown = site.server.memory().saturating_sub(before);
    assert!(grown < MOST, "{grown} bytes for {CONNECTIONS} connections");
    // And nobody is cut short for it.
    let mut first = hoard.swap_remove(0);
    first.send(WINDOW_UPDATE, 0, 0, &(1_u32 << 30).to_be_bytes());
    let mut ended = 0;
    let mut bytes = 0;
    while ended < STREAMS {
        let frame = first.next_that(|frame| frame.kind == DATA).unwrap();
        bytes += frame.payload.len();
        ended += u32::from(frame.ends_stream());
    }
    // The first 65,535 bytes were passed over while the heads were looked for.
    assert!(bytes + 65_535 >= large.len() * STREAMS as usize, "{bytes}");
}

#[test]
fn a_client_that_goes_away_still_gets_its_answers() {
    let site = pages();
    let mut connection = connect(&site);
    connection.ask(1, "/large.txt");
    connection.send(GOAWAY, 0, 0, &[0; 8]);
    connection.send(WINDOW_UPDATE, 0, 0, &100_000_u32.to_be_bytes());
    connection.send(WINDOW_UPDATE, 0, 1, &100_000_u32.to_be_bytes());
    assert_eq!(connection.answer(1).1.len(), 100_000);
    assert!(connection.next_that(|_| false).is_none(), "the connection ends");
}

#[test]
fn the_end_of_the_server_is_announced_and_streams_finish() {
    let site = pages();
    let mut connection = connect(&site);
    connection.ask(1, "/large.txt");
    assert!(connection.next_that(|frame| frame.kind == DATA).is_some());
    site.server.signal(Signal::TERM);
    let goaway = connection.next_that(|frame| frame.kind == GOAWAY).unwrap();
    assert_eq!(goaway.error(), Some(NO_ERROR));
    connection.send(WINDOW_UPDATE, 0, 0, &100_000_u32.to_be_bytes());
    connection.send(WINDOW_UPDATE, 0, 1, &100_000_u32.to_be_bytes());
    assert!(connection.next_that(Frame::ends_stream).is_some(), "the answer comes whole");
    assert!(connection.next_that(|_| false).is_none(), "the connection ends");
    assert_eq!(site.server.ended().code(), Some(0));
}

/// A stream that its client keeps shut does not keep the server from ending.
#[test]
fn a_stalled_stream_is_cut_when_the_time_of_the_drain_is_over() {
    let port = free_port();
    let config = TempConfig::vhost(port, WWW)
        .conf("{ \"global\": { \"timeout-secs\": \"2\" } }")
        .www("large.txt", "x".repeat(100_000));
    let server = Server::start(&config.compile());
    let mut connection = Connection::open(Client::tcp(port), &[(INITIAL_WINDOW_SIZE, 0)]);
    connection.ask(1, "/large.txt");
    assert!(connection.next_that(|frame| frame.kind == HEADERS).is_some());
    server.signal(Signal::TERM);
    assert!(connection.next_that(|frame| frame.kind == GOAWAY).is_some());
    assert!(connection.next_that(|_| false).is_none(), "it is cut");
    assert_eq!(server.ended().code(), Some(0));
}
