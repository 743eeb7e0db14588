//! RFC 9113, sections 6 and 7: each type of frame, and error codes.

use super::*;

/// The rules.
pub(super) fn rules() -> Vec<Rule> {
    let padded = |padding: u8, tail: usize| [&[padding][..], INDEXED, &vec![0; tail]].concat();
    let (first, rest) = INDEXED.split_at(2);
    let (second, third) = rest.split_at(3);
    let begun = frame(HEADERS, END_STREAM, 1, first);
    let end = |stream, part| frame(CONTINUATION, END_HEADERS, stream, part);
    vec![
        ("6.1", "DATA of the connection", frame(DATA, 0, 0, b"none"), Due::Connection(PROTOCOL_ERROR)),
        (
            "6.1",
            "DATA with padding",
            [post(&[]), frame(DATA, END_STREAM | PADDED, 1, b"\x02xx\0\0")].concat(),
            Answer(1, 405),
        ),
        (
            "6.1",
            "DATA of padding alone",
            [post(&[]), frame(DATA, END_STREAM | PADDED, 1, b"\x02\0\0")].concat(),
            Answer(1, 405),
        ),
        (
            "6.1",
            "DATA of less than its padding",
            [post(&[]), frame(DATA, END_STREAM | PADDED, 1, b"\x06x\0\0")].concat(),
            Due::Connection(PROTOCOL_ERROR),
        ),
        (
            "6.1",
            "DATA whose padding has no length",
            [post(&[]), frame(DATA, END_STREAM | PADDED, 1, b"")].concat(),
            Due::Connection(FRAME_SIZE_ERROR),
        ),
        (
            "6.2",
            "HEADERS of the connection",
            frame(HEADERS, GET, 0, INDEXED),
            Due::Connection(PROTOCOL_ERROR),
        ),
        ("6.2", "HEADERS with padding", frame(HEADERS, GET | PADDED, 1, &padded(4, 4)), Answer(1, 200)),
        (
            "6.2",
            "HEADERS of less than their padding",
            frame(HEADERS, GET | PADDED, 1, &padded(200, 4)),
            Due::Connection(PROTOCOL_ERROR),
        ),
        (
            "6.2",
            "HEADERS with a priority",
            frame(HEADERS, GET | HAS_PRIORITY, 1, &[&[0, 0, 0, 0, 9], INDEXED].concat()),
            Answer(1, 200),
        ),
        (
            "6.2",
            "HEADERS too short for their priority",
            frame(HEADERS, GET | HAS_PRIORITY, 1, &[0; 3]),
            Due::Connection(FRAME_SIZE_ERROR),
        ),
        (
            "6.3",
            "PRIORITY of the connection",
            frame(PRIORITY, 0, 0, &[0; 5]),
            Due::Connection(PROTOCOL_ERROR),
        ),
        (
            "6.3",
            "PRIORITY of 4 bytes",
            [post(&[]), frame(PRIORITY, 0, 1, &[0; 4])].concat(),
            Due::Stream(FRAME_SIZE_ERROR),
        ),
        (
            "6.3",
            "PRIORITY of a stream that depends on itself",
            [post(&[]), frame(PRIORITY, 0, 1, &[0, 0, 0, 1, 7])].concat(),
            Due::Stream(PROTOCOL_ERROR),
        ),
        (
            "6.2",
            "HEADERS of a stream that depends on itself",
            frame(HEADERS, GET | HAS_PRIORITY, 1, &[&[0, 0, 0, 1, 9], INDEXED].concat()),
            Due::Stream(PROTOCOL_ERROR),
        ),
        ("6.4", "RST_STREAM of the connection", reset(0), Due::Connection(PROTOCOL_ERROR)),
        (
            "6.4",
            "RST_STREAM of 3 bytes",
            [post(&[]), frame(RST_STREAM, 0, 1, &[0; 3])].concat(),
            Due::Connection(FRAME_SIZE_ERROR),
        ),
        (
            "6.5",
            "SETTINGS that confirm and set",
            frame(SETTINGS, ACK, 0, &settings(&[(ENABLE_PUSH, 0)])),
            Due::Connection(FRAME_SIZE_ERROR),
        ),
        ("6.5", "SETTINGS of a stream", frame(SETTINGS, 0, 1, &[]), Due::Connection(PROTOCOL_ERROR)),
        ("6.5", "SETTINGS of 5 bytes", frame(SETTINGS, 0, 0, &[0; 5]), Due::Connection(FRAME_SIZE_ERROR)),
        ("6.5.2", "ENABLE_PUSH of 2", set(ENABLE_PUSH, 2), Due::Connection(PROTOCOL_ERROR)),
        (
            "6.5.2",
            "INITIAL_WINDOW_SIZE of 2^31",
            set(INITIAL_WINDOW_SIZE, 1 << 31),
            Due::Connection(FLOW_CONTROL_ERROR),
        ),
        ("6.5.2", "MAX_FRAME_SIZE of 16,383", set(MAX_FRAME_SIZE, 16_383), Due::Connection(PROTOCOL_ERROR)),
        ("6.5.2", "MAX_FRAME_SIZE of 2^24", set(MAX_FRAME_SIZE, 1 << 24), Due::Connection(PROTOCOL_ERROR)),
        ("6.5.2", "a setting that nobody knows", [set(0xff, 7), get(1)].concat(), Answer(1, 200)),
        (
            "6.6",
            "PUSH_PROMISE of a client",
            frame(PUSH_PROMISE, END_HEADERS, 1, &[0; 8]),
            Due::Connection(PROTOCOL_ERROR),
        ),
        ("6.7", "PING of a stream", frame(PING, 0, 1, &[0; 8]), Due::Connection(PROTOCOL_ERROR)),
        ("6.7", "PING of 6 bytes", frame(PING, 0, 0, &[0; 6]), Due::Connection(FRAME_SIZE_ERROR)),
        (
            "6.7",
            "a pong that nobody asked for",
            [frame(PING, ACK, 0, &[1; 8]), get(1)].concat(),
            Answer(1, 200),
        ),
        ("6.8", "GOAWAY of a stream", frame(GOAWAY, 0, 1, &[0; 8]), Due::Connection(PROTOCOL_ERROR)),
        ("6.8", "GOAWAY of 7 bytes", frame(GOAWAY, 0, 0, &[0; 7]), Due::Connection(FRAME_SIZE_ERROR)),
        ("6.9", "WINDOW_UPDATE of nothing", window(0, 0), Due::Connection(PROTOCOL_ERROR)),
        (
            "6.9",
            "WINDOW_UPDATE of nothing, of a stream",
            [post(&[]), window(1, 0)].concat(),
            Due::Stream(PROTOCOL_ERROR),
        ),
        (
            "6.9",
            "WINDOW_UPDATE of 3 bytes",
            frame(WINDOW_UPDATE, 0, 0, &[0; 3]),
            Due::Connection(FRAME_SIZE_ERROR),
        ),
        ("6.9.1", "a window beyond 2^31 - 1", window(0, 0x7fff_ffff), Due::Connection(FLOW_CONTROL_ERROR)),
        (
            "6.9.1",
            "a stream's window beyond 2^31 - 1",
            [post(&[]), window(1, 0x7fff_ffff)].concat(),
            Due::Stream(FLOW_CONTROL_ERROR),
        ),
        (
            "6.10",
            "two CONTINUATIONs",
            [&begun[..], &frame(CONTINUATION, 0, 1, second), &end(1, third)].concat(),
            Answer(1, 200),
        ),
        (
            "6.10",
            "DATA inside a block",
            [&begun[..], &frame(DATA, END_STREAM, 1, b"x"), &end(1, rest)].concat(),
            Due::Connection(PROTOCOL_ERROR),
        ),
        (
            "6.10",
            "CONTINUATION of another stream",
            [begun.clone(), end(3, rest)].concat(),
            Due::Connection(PROTOCOL_ERROR),
        ),
        (
            "6.10",
            "CONTINUATION of the connection",
            [begun, end(0, rest)].concat(),
            Due::Connection(PROTOCOL_ERROR),
        ),
        (
            "6.10",
            "CONTINUATION behind a whole block",
            [get(1), end(1, INDEXED)].concat(),
            Due::Connection(PROTOCOL_ERROR),
        ),
        (
            "6.10",
            "CONTINUATION behind DATA",
            [&post(&[])[..], &frame(DATA, 0, 1, b"x"), &end(1, INDEXED)].concat(),
            Due::Connection(PROTOCOL_ERROR),
        ),
        (
            "7",
            "errors that nobody knows",
            [&post(&[])[..], &frame(RST_STREAM, 0, 1, &0xbeef_u32.to_be_bytes()), &get(3)].concat(),
            Answer(3, 200),
        ),
    ]
}
