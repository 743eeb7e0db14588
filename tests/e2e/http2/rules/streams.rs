//! RFC 9113, sections 4 and 5: frames as such, and the states of streams.

use super::*;

/// The rules.
pub(super) fn rules() -> Vec<Rule> {
    let broken = [&get(1)[..3], &[0; 3]].concat();
    let reserved = {
        let mut get = get(1);
        get[5] |= 0x80;
        get
    };
    let (first, second) = INDEXED.split_at(2);
    let begun = frame(HEADERS, END_STREAM, 1, first);
    let rest = frame(CONTINUATION, END_HEADERS, 1, second);
    vec![
        (
            "4.1",
            "a frame of a type that nobody knows",
            [frame(UNKNOWN, 0xff, 0, b"what"), get(1)].concat(),
            Answer(1, 200),
        ),
        (
            "4.1",
            "flags that the type does not have",
            [frame(PING, 0xf6, 0, &[1; 8]), get(1)].concat(),
            Answer(1, 200),
        ),
        ("4.1", "the reserved bit", reserved, Answer(1, 200)),
        (
            "4.1",
            "a head of a frame that is cut by another",
            [broken, get(1)].concat(),
            Due::Connection(PROTOCOL_ERROR),
        ),
        ("4.2", "DATA of 16,384 bytes", post_of(&[], &[&[0; 16_384]]), Answer(1, 405)),
        ("4.2", "DATA of 16,385 bytes", post_of(&[], &[&[0; 16_385]]), Due::Stream(FRAME_SIZE_ERROR)),
        (
            "4.2",
            "HEADERS of 16,385 bytes",
            frame(HEADERS, GET, 1, &[0x82; 16_385]),
            Due::Connection(FRAME_SIZE_ERROR),
        ),
        (
            "4.2",
            "a frame of 16 MiB",
            vec![0xff, 0xff, 0xff, DATA, 0, 0, 0, 0, 1],
            Due::Connection(FRAME_SIZE_ERROR),
        ),
        (
            "4.3",
            "a block that cannot be read",
            frame(HEADERS, GET, 1, b"\xff\xff\xff"),
            Due::Connection(COMPRESSION_ERROR),
        ),
        (
            "4.3",
            "PRIORITY inside a block",
            [&begun[..], &frame(PRIORITY, 0, 1, &[0; 5]), &rest].concat(),
            Due::Connection(PROTOCOL_ERROR),
        ),
        (
            "4.3",
            "HEADERS of another stream inside a block",
            [&begun[..], &get(3), &rest].concat(),
            Due::Connection(PROTOCOL_ERROR),
        ),
        (
            "5.1",
            "DATA of an idle stream",
            frame(DATA, END_STREAM, 1, b"idle"),
            Due::Connection(PROTOCOL_ERROR),
        ),
        ("5.1", "RST_STREAM of an idle stream", reset(1), Due::Connection(PROTOCOL_ERROR)),
        ("5.1", "WINDOW_UPDATE of an idle stream", window(1, 1), Due::Connection(PROTOCOL_ERROR)),
        (
            "5.1",
            "CONTINUATION of an idle stream",
            frame(CONTINUATION, END_HEADERS, 1, INDEXED),
            Due::Connection(PROTOCOL_ERROR),
        ),
        (
            "5.1",
            "DATA behind the end",
            [get(1), frame(DATA, 0, 1, b"more")].concat(),
            Due::Stream(STREAM_CLOSED),
        ),
        ("5.1", "HEADERS behind the end", [get(1), get(1)].concat(), Due::Stream(STREAM_CLOSED)),
        (
            "5.1",
            "CONTINUATION behind the end",
            [get(1), frame(CONTINUATION, END_HEADERS, 1, INDEXED)].concat(),
            Due::Connection(PROTOCOL_ERROR),
        ),
        (
            "5.1",
            "DATA behind a reset",
            [post(&[]), reset(1), frame(DATA, END_STREAM, 1, b"more")].concat(),
            Due::Stream(STREAM_CLOSED),
        ),
        ("5.1", "HEADERS behind a reset", [post(&[]), reset(1), get(1)].concat(), Due::Stream(STREAM_CLOSED)),
        (
            "5.1",
            "PRIORITY of a stream that is over",
            [get(1), frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 7]), get(3)].concat(),
            Answer(3, 200),
        ),
        ("5.1.1", "an even stream", get(2), Due::Connection(PROTOCOL_ERROR)),
        ("5.1.1", "a stream below the last one", [get(5), get(3)].concat(), Due::Connection(PROTOCOL_ERROR)),
        ("5.1.1", "streams left out", get(101), Answer(101, 200)),
        (
            "5.5",
            "an unknown frame inside a block",
            [&begun[..], &frame(UNKNOWN, 0, 0, b"x"), &rest].concat(),
            Due::Connection(PROTOCOL_ERROR),
        ),
    ]
}
