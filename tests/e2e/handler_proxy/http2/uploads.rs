//! Content of requests on streams of an upstream that takes it as it likes.

use std::sync::mpsc::{Receiver, channel};
use std::thread::sleep;
use std::time::Duration;

use tests::PATIENCE;
use tests::client::{Client, Framing};
use tests::h2::{
    Connection, DATA, END_HEADERS, END_STREAM, Frame, HEADERS, RST_STREAM, SETTINGS, WINDOW_UPDATE, block,
};

use super::super::is_echoed;
use super::{CANCEL, INTERNAL_ERROR, NO_ERROR, REFUSED_STREAM, answer, asked, before};

/// What an upstream takes of content before it says more.
const FIRST_WINDOW: usize = 65_535;

/// Short times for an upstream to answer and to go on.
const SHORT: &str = ", \"proxy-answer-timeout\": \"1\", \"proxy-idle-timeout\": \"1\"";

/// A request with so many bytes of content.
fn post(length: usize) -> String {
    format!("POST /px/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: {length}\r\n\r\n")
}

/// The error code with which a stream is reset; `None`: the connection has ended before.
fn reset(connection: &mut Connection, stream: u32) -> Option<u32> {
    connection.next_that(|frame| frame.kind == RST_STREAM && frame.stream == stream)?.error()
}

/// Content that comes on a stream, up to so many bytes or its end.
fn take(connection: &mut Connection, stream: u32, count: usize) -> Vec<u8> {
    let mut content = Vec::new();
    while content.len() < count {
        let Some(frame) = connection.next_that(|frame| frame.kind == DATA && frame.stream == stream) else {
            break;
        };
        content.extend_from_slice(&frame.payload);
        if frame.ends_stream() {
            break;
        }
    }
    content
}

/// Lets the client send so many bytes more.
fn widen(connection: &mut Connection, stream: u32, count: usize) {
    let count = u32::try_from(count).unwrap().to_be_bytes();
    connection.send(WINDOW_UPDATE, 0, 0, &count);
    connection.send(WINDOW_UPDATE, 0, stream, &count);
}

fn next<T>(noted: &Receiver<T>) -> T {
    noted.recv_timeout(PATIENCE).unwrap()
}

#[test]
fn an_upstream_that_answers_and_takes_no_more_is_let_go() {
    for whole in [true, false] {
        let (note, noted) = channel();
        let (_server, _config, port) = before(SHORT, move |number, mut connection| {
            // One stream at once: it must be free again for the next request.
            connection.send(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 1]);
            let stream = asked(&mut connection).unwrap();
            if whole {
                answer(&mut connection, stream, "early");
            } else {
                connection.send(HEADERS, END_HEADERS, stream, &block(&[(":status", "200")]));
            }
            note.send((number, reset(&mut connection, stream))).unwrap();
            while let Some(stream) = asked(&mut connection) {
                answer(&mut connection, stream, "next");
                note.send((number, None)).unwrap();
            }
        });
        let mut client = Client::tcp(port);
        client.send(post(1_000_000));
        client.send(vec![b'x'; 300_000]);
        if whole {
            assert_eq!(client.expect("POST").text(), "early");
        }
        assert_eq!(next(&noted), (0, Some(CANCEL)), "whole: {whole}");
        assert_eq!(tests::client::get(port, "a.test", "/px/").text(), "next");
        assert_eq!(next(&noted), (0, None), "on the same connection");
        drop(client);
    }
}

#[test]
fn an_upload_that_is_not_answered_in_time_is_reset() {
    let (note, noted) = channel();
    let (server, _config, port) = before(SHORT, move |_, mut connection| {
        let stream = asked(&mut connection).unwrap();
        note.send(reset(&mut connection, stream)).unwrap();
    });
    let mut client = Client::tcp(port);
    client.send(post(1_000_000));
    client.send(vec![b'x'; 300_000]);
    assert_eq!(client.expect("POST").status, 504);
    assert!(server.line_with("answered 504").contains("does not take the request"));
    assert_eq!(next(&noted), Some(CANCEL));
}

#[test]
fn a_client_that_leaves_resets_its_stream() {
    // More than the upstream takes, and no more than the buffers between: the client's end would wait behind it.
    let content = vec![b'x'; 150_000];
    // A request, what has come of it when the client leaves, and whether its answer has begun.
    for (request, content, begun) in [
        ("GET /px/ HTTP/1.1\r\nHost: a.test\r\n\r\n".to_owned(), &content[..0], false),
        ("GET /px/ HTTP/1.1\r\nHost: a.test\r\n\r\n".to_owned(), &content[..0], true),
        (post(1_000_000), &content[..1000], false),
        (post(1_000_000), &content[..], false),
        (post(1_000_000), &content[..], true),
    ] {
        let (note, noted) = channel();
        let (_server, _config, port) = before("", move |_, mut connection| {
            let stream = asked(&mut connection).unwrap();
            if begun {
                connection.send(HEADERS, END_HEADERS, stream, &block(&[(":status", "200")]));
                connection.send(DATA, 0, stream, b"half");
            }
            note.send(None).unwrap();
            note.send(reset(&mut connection, stream)).unwrap();
        });
        let mut client = Client::tcp(port);
        client.send(&request);
        client.send(content);
        assert_eq!(next(&noted), None);
        if begun {
            assert!(client.take_through(b"half").is_some());
        }
        drop(client);
        assert_eq!(next(&noted), Some(CANCEL), "{request:.10}, {} bytes, begun: {begun}", content.len());
    }
}

#[test]
fn an_upstream_that_widens_its_window_slowly_is_waited_for() {
    const MORE: usize = 30;
    const STEP: usize = 1000;
    let (_server, _config, port) = before(", \"proxy-answer-timeout\": \"5\"", |_, mut connection| {
        let stream = asked(&mut connection).unwrap();
        let mut taken = take(&mut connection, stream, FIRST_WINDOW).len();
        for _ in 0..MORE {
            // In all it takes longer than it may stand still, and each step a small part of that.
            sleep(Duration::from_millis(200));
            widen(&mut connection, stream, STEP);
            taken += take(&mut connection, stream, STEP).len();
        }
        answer(&mut connection, stream, &taken.to_string());
    });
    let length = FIRST_WINDOW + MORE * STEP;
    let mut client = Client::tcp(port);
    client.send(post(length));
    client.send(vec![b'x'; length]);
    assert_eq!(client.expect("POST").text(), length.to_string());
}

#[test]
fn an_answer_may_come_while_content_goes_out() {
    let (_server, _config, port) = before("", |_, mut connection| {
        let stream = asked(&mut connection).unwrap();
        connection.send(HEADERS, END_HEADERS, stream, &block(&[(":status", "200")]));
        for _ in 0..3 {
            let echo = take(&mut connection, stream, 1);
            connection.send(DATA, 0, stream, &echo);
        }
        connection.send(DATA, END_STREAM, stream, b"");
    });
    let mut client = Client::tcp(port);
    client.send(post(3));
    is_echoed(&mut client);
}

#[test]
fn an_answer_that_is_over_leaves_the_upload_alone() {
    const LENGTH: usize = 1 << 20;
    for status in ["200", "204", "304"] {
        let (note, noted) = channel();
        let (_server, _config, port) = before("", move |_, mut connection| {
            let stream = asked(&mut connection).unwrap();
            connection.send(HEADERS, END_HEADERS | END_STREAM, stream, &block(&[(":status", status)]));
            widen(&mut connection, stream, LENGTH);
            note.send(take(&mut connection, stream, LENGTH).len()).unwrap();
        });
        let mut client = Client::tcp(port);
        client.send(post(LENGTH));
        assert_eq!(client.expect("POST").status.to_string(), status);
        client.send(vec![b'x'; LENGTH]);
        assert_eq!(next(&noted), LENGTH, "{status}");
    }
}

#[test]
fn an_upstream_that_wants_no_more_after_its_answer_gets_no_more() {
    let (_server, _config, port) = before("", |_, mut connection| {
        let stream = asked(&mut connection).unwrap();
        answer(&mut connection, stream, "enough");
        connection.send(RST_STREAM, 0, stream, &NO_ERROR.to_be_bytes());
        while connection.receive().is_some() {}
    });
    let mut client = Client::tcp(port);
    client.send(post(1_000_000));
    client.send(vec![b'x'; 300_000]);
    assert_eq!(client.expect("POST").text(), "enough");
    // Nobody takes the rest: the client is told by the end of its connection.
    assert!(client.rest().is_some());
}

#[test]
fn a_stream_that_is_reset_half_way_is_502_or_cut() {
    for code in [NO_ERROR, INTERNAL_ERROR, CANCEL, REFUSED_STREAM] {
        for begun in [false, true] {
            let (_server, _config, port) = before("", move |_, mut connection| {
                while let Some(stream) = asked(&mut connection) {
                    let _ = take(&mut connection, stream, 4);
                    if begun {
                        connection.send(HEADERS, END_HEADERS, stream, &block(&[(":status", "200")]));
                        connection.send(DATA, 0, stream, b"half");
                    }
                    connection.send(RST_STREAM, 0, stream, &code.to_be_bytes());
                }
            });
            let mut client = Client::tcp(port);
            client.send(post(100));
            client.send("some");
            let response = client.expect("POST");
            if begun {
                assert_eq!((response.status, response.framing), (200, Framing::CutShort), "{code}");
            } else {
                assert_eq!(response.status, 502, "{code}");
            }
        }
    }
}

#[test]
fn permission_is_the_upstreams() {
    let (_server, _config, port) = before("", |_, mut connection| {
        let stream = asked(&mut connection).unwrap();
        connection.send(HEADERS, END_HEADERS, stream, &block(&[(":status", "100")]));
        // Without the permission before, this would be a refusal, and no content would come.
        connection.send(HEADERS, END_HEADERS, stream, &block(&[(":status", "200")]));
        let echo = take(&mut connection, stream, 4);
        connection.send(DATA, END_STREAM, stream, &echo);
        while connection.receive().is_some() {}
    });
    let mut client = Client::tcp(port);
    client.send("POST /px/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    assert!(client.take_through(b"HTTP/1.1 200 OK\r\n").is_some());
    client.send("data");
    assert!(client.take_through(b"data").is_some());
}

#[test]
fn a_refusal_comes_before_the_content() {
    let (note, noted) = channel();
    let (_server, _config, port) = before("", move |_, mut connection| {
        let stream = asked(&mut connection).unwrap();
        answer(&mut connection, stream, "no");
        let is_content = |frame: &Frame| frame.kind == DATA && !frame.payload.is_empty();
        let after = connection.next_that(|frame| is_content(frame) || frame.kind == RST_STREAM);
        note.send(after.and_then(|frame| frame.error())).unwrap();
    });
    let mut client = Client::tcp(port);
    client.send("POST /px/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.expect("POST").text(), "no");
    assert_eq!(next(&noted), Some(CANCEL));
}

#[test]
fn what_was_not_taken_from_the_client_is_sent_elsewhere() {
    let (_server, _config, port) = before("", |number, mut connection| {
        while let Some(stream) = asked(&mut connection) {
            if number == 0 {
                // The client waits for permission: its content is untouched.
                connection.send(RST_STREAM, 0, stream, &REFUSED_STREAM.to_be_bytes());
            } else {
                connection.send(HEADERS, END_HEADERS, stream, &block(&[(":status", "100")]));
                let echo = take(&mut connection, stream, 4);
                answer(&mut connection, stream, &String::from_utf8(echo).unwrap());
            }
        }
    });
    let mut client = Client::tcp(port);
    client.send("POST /px/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.expect("POST").status, 100);
    client.send("data");
    assert_eq!(client.expect("POST").text(), "data");
}
