//! Frames on the wire: right ones, wrong ones, and how it ends.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// A masked frame, with a mask of zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u8::try_from(payload.len()) {
        Ok(short) if short < 126 => frame.push(0x80 | short),
        _ => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&u16::try_from(payload.len()).unwrap().to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// An unmasked close frame, as the server sends it.
fn close(code: u16, reason: &str) -> Vec<u8> {
    let mut frame = vec![0x88, u8::try_from(2 + reason.len()).unwrap()];
    frame.extend_from_slice(&code.to_be_bytes());
    frame.extend_from_slice(reason.as_bytes());
    frame
}

/// Sends bytes on a fresh mirror session, and gives all that comes back until the server closes its side.
async fn exchange(site: &Site, bytes: &[u8]) -> Vec<u8> {
    let mut stream = site.open("/", MIRROR).await.into_inner();
    stream.write_all(bytes).await.unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    received
}

#[tokio::test(start_paused = true)]
async fn broken_rules_are_named() {
    let site = Site::builtin();
    let table: [(Vec<u8>, u16, &str); 15] = [
        (b"\x81\x01x".to_vec(), 1002, "client unmasked"),
        (frame(0x83, b"x"), 1002, "bad opc"),
        (frame(0x8b, b"x"), 1002, "bad opc"),
        (frame(0xc1, b"x"), 1002, "rsv bits"),
        (frame(0x91, b"x"), 1002, "rsv bits"),
        (frame(0x09, b"x"), 1002, "frag ctl"),
        (frame(0x80, b"x"), 1002, "bad cont"),
        ([frame(0x01, b"a"), frame(0x81, b"b")].concat(), 1002, "bad cont"),
        (frame(0x89, &[b'x'; 126]), 1002, "ctl too big"),
        (frame(0x81, b"\xff"), 1007, "bad utf8"),
        (frame(0x81, b"\xc3"), 1007, "partial utf8"),
        ([frame(0x01, b"\xc3"), frame(0x80, b"")].concat(), 1007, "partial utf8"),
        (frame(0x88, b"\x03"), 1002, "bad close"),
        (frame(0x88, b"\x03\xe8\xff"), 1007, "bad utf8"),
        // Announced, not sent: 1 MiB and a byte.
        (b"\x82\xff\0\0\0\0\0\x10\0\x01\0\0\0\0".to_vec(), 1009, "message too big"),
    ];
    for (sent, code, reason) in table {
        assert_eq!(exchange(&site, &sent).await, close(code, reason), "{sent:x?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_said_before_a_broken_rule_is_answered() {
    let site = Site::builtin();
    let mut stream = site.open("/", ECHO).await.into_inner();
    let sent = [frame(0x81, b"a"), frame(0x89, b"p"), frame(0x82, b"b"), frame(0x83, b""), frame(0x81, b"c")];
    stream.write_all(&sent.concat()).await.unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    let pong = received.windows(3).position(|three| three == b"\x8a\x01p").expect("a pong");
    received.drain(pong..pong + 3);
    assert_eq!(received, [b"\x81\x01a\x82\x01b", &*close(1002, "bad opc")].concat());
}

#[tokio::test(start_paused = true)]
async fn a_wrong_text_is_refused_before_its_frame_has_ended() {
    let site = Site::builtin();
    for opener in [frame(0x81, b"ahoy\xff and much more"), frame(0x01, b"ahoy\xff and much more")] {
        let mut stream = site.open("/", MIRROR).await.into_inner();
        stream.write_all(&opener[..11]).await.unwrap();
        let mut received = Vec::new();
        stream.read_to_end(&mut received).await.unwrap();
        assert_eq!(received, close(1007, "bad utf8"));
    }
}

#[tokio::test(start_paused = true)]
async fn limits_are_those_of_the_config() {
    let sizes = vec![option("max-message-size", "10"), option("max-frame-size", "4")];
    let protocols = vec![plan::Protocol { options: sizes, ..named(MIRROR) }];
    let site = Site::new(&Registry::default(), &Vhost { protocols, ..vhost() });
    let frames = |first: &[&[u8]]| {
        let last = first.len() - 1;
        let each = first.iter().enumerate().map(|(at, payload)| {
            frame(if at == 0 { 1 } else { 0 } | if at == last { 0x80 } else { 0 }, payload)
        });
        each.collect::<Vec<_>>().concat()
    };
    let bye = frame(0x88, b"");
    let taken = exchange(&site, &[frames(&[b"1234", b"5678", b"90"]), bye].concat()).await;
    assert!(taken.starts_with(b"\x88\0") || taken.starts_with(b"\x81\x0a1234567890"), "{taken:x?}");
    for wrong in [frames(&[b"1234", b"5678", b"901"]), frames(&[b"12345"]), frame(0x82, b"12345")] {
        assert_eq!(exchange(&site, &wrong).await, close(1009, "message too big"), "{wrong:x?}");
    }
}

#[tokio::test(start_paused = true)]
async fn closes_are_echoed() {
    let site = Site::builtin();
    let bye = [&b"\x03\xe8"[..], b"bye"].concat();
    assert_eq!(exchange(&site, &frame(0x88, &bye)).await, close(1000, "bye"));
    assert_eq!(exchange(&site, &frame(0x88, b"\x0f\xa0")).await, close(4000, ""));
    assert_eq!(exchange(&site, &frame(0x88, b"")).await, b"\x88\0");
    // 1005 may not be sent.
    let reserved = exchange(&site, &frame(0x88, b"\x03\xed")).await;
    assert_eq!(reserved[2..4], 1002_u16.to_be_bytes());
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_and_fragments_put_together() {
    let site = Site::builtin();
    let sent = [
        frame(0x89, b"hi"),
        frame(0x01, "é".as_bytes().split_at(1).0),
        // A control frame may come between fragments, and a character may be cut.
        frame(0x89, b""),
        frame(0x80, "é".as_bytes().split_at(1).1),
        frame(0x8a, b"nobody asked"),
        frame(0x88, b""),
    ]
    .concat();
    let received = exchange(&site, &sent).await;
    assert!(received.starts_with(b"\x8a\x02hi"), "{received:x?}");
    assert!(received.ends_with(b"\x88\0"), "{received:x?}");
}

#[tokio::test(start_paused = true)]
async fn a_fragmented_message_is_one_message() {
    let site = Site::builtin();
    let mut stream = site.open("/", MIRROR).await.into_inner();
    stream.write_all(&[frame(0x01, b"ab"), frame(0x00, b""), frame(0x80, b"cd")].concat()).await.unwrap();
    let mut received = [0; 6];
    stream.read_exact(&mut received).await.unwrap();
    assert_eq!(&received, b"\x81\x04abcd");
}

#[tokio::test(start_paused = true)]
async fn fragments_count_together() {
    let site = Site::builtin();
    let mut stream = site.open("/", MIRROR).await.into_inner();
    let sixteenth = vec![b'x'; 0xffff];
    stream.write_all(&frame(0x01, &sixteenth)).await.unwrap();
    for _ in 0..16 {
        // Once it has told, the server reads what comes but heeds it no more.
        if stream.write_all(&frame(0x00, &sixteenth)).await.is_err() {
            break;
        }
    }
    stream.shutdown().await.unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    assert_eq!(received, close(1009, "message too big"));
}
