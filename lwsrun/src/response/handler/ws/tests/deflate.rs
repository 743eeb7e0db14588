//! Sessions that compress, with a client that packs its frames by hand.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const OFFER: &str = "permessage-deflate";

/// Opens a websocket with an offer, and gives the answer to it.
async fn open(site: &Site, protocol: &str, offer: &str) -> (DuplexStream, Option<String>) {
    let mut request = "ws://a.test/".into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
    request.headers_mut().insert("sec-websocket-extensions", offer.parse().unwrap());
    let (client, response) = client_async(request, site.connection(1 << 20)).await.unwrap();
    let answer = response.headers().get("sec-websocket-extensions");
    (client.into_inner(), answer.map(|answer| answer.to_str().unwrap().to_owned()))
}

/// A message packed with a context of its own, without the tail.
fn packed(message: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(message.len() + 100);
    let mut compressor = Compress::new(Compression::best(), false);
    compressor.compress_vec(message, &mut packed, FlushCompress::Sync).unwrap();
    packed.truncate(packed.len() - 4);
    packed
}

fn unpacked(mut packed: Vec<u8>) -> Vec<u8> {
    packed.extend_from_slice(&[0, 0, 0xff, 0xff]);
    let mut message = Vec::with_capacity(1 << 20);
    Decompress::new(false).decompress_vec(&packed, &mut message, FlushDecompress::Sync).unwrap();
    message
}

/// A frame with a mask of zeros, and a length in 16 bits.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [&[first, 0xfe, length[0], length[1], 0, 0, 0, 0], payload].concat()
}

/// First byte and payload of the server's next frame.
async fn received(stream: &mut DuplexStream) -> (u8, Vec<u8>) {
    let (first, length) = (stream.read_u8().await.unwrap(), stream.read_u8().await.unwrap());
    let length = if length == 126 { stream.read_u16().await.unwrap().into() } else { usize::from(length) };
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).await.unwrap();
    (first, payload)
}

/// Code and reason that frames on a fresh session of the echo are closed with.
async fn judged(frames: &[u8]) -> (u16, String) {
    let site = Site::builtin();
    let (mut stream, _) = open(&site, ECHO, OFFER).await;
    stream.write_all(frames).await.unwrap();
    let (first, payload) = received(&mut stream).await;
    assert_eq!(first, 0x88, "{payload:?}");
    (u16::from_be_bytes([payload[0], payload[1]]), String::from_utf8(payload[2..].to_vec()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn it_is_agreed_where_protocol_and_option_allow_it() {
    let site = Site::builtin();
    assert_eq!(open(&site, ECHO, OFFER).await.1.as_deref(), Some(OFFER));
    assert_eq!(open(&site, STATUS, "x, permessage-deflate; y").await.1, None);
    assert_eq!(open(&site, COUNTER, OFFER).await.1, None);
    let offer = "permessage-deflate; client_max_window_bits";
    let answer = open(&site, MIRROR, offer).await.1;
    assert_eq!(answer.as_deref(), Some("permessage-deflate; client_max_window_bits=12"));

    for (protocol, value, agreed) in [(COUNTER, "1", true), (ECHO, "off", false)] {
        let options = vec![option("permessage-deflate", value)];
        let protocols = vec![plan::Protocol { options, ..named(protocol) }];
        let site = Site::new(&Registry::default(), &Vhost { protocols, ..vhost() });
        assert_eq!(open(&site, protocol, OFFER).await.1.is_some(), agreed, "{protocol}");
    }
    let options = vec![option("permessage-deflate", "maybe")];
    let protocols = vec![plan::Protocol { options, ..named(ECHO) }];
    let site = Site::new(&Registry::default(), &Vhost { protocols, ..vhost() });
    assert!(site.words[0].contains("option `permessage-deflate` must be"), "{:?}", site.words);
}

#[tokio::test(start_paused = true)]
async fn packed_messages_come_back_packed_and_short_ones_plain() {
    let site = Site::builtin();
    let (mut stream, _) = open(&site, ECHO, OFFER).await;
    let long = "ahoy ".repeat(20_000).into_bytes();
    stream.write_all(&frame(0xc1, &packed(&long))).await.unwrap();
    let (first, payload) = received(&mut stream).await;
    assert_eq!(first, 0xc1, "{payload:?}");
    assert!(payload.len() < 2000, "{}", payload.len());
    assert_eq!(unpacked(payload), long);
    // In fragments, with a ping between them.
    let short = packed(b"short");
    let (a, b) = short.split_at(2);
    stream.write_all(&[frame(0x42, a), frame(0x89, b"p"), frame(0x80, b)].concat()).await.unwrap();
    let mut both = vec![received(&mut stream).await, received(&mut stream).await];
    both.sort();
    assert_eq!(both, [(0x82, b"short".to_vec()), (0x8a, b"p".to_vec())]);
    stream.write_all(&frame(0x81, b"plain")).await.unwrap();
    assert_eq!(received(&mut stream).await, (0x81, b"plain".to_vec()));
    stream.write_all(&frame(0x88, b"\x03\xe8bye")).await.unwrap();
    assert_eq!(received(&mut stream).await, (0x88, b"\x03\xe8bye".to_vec()));
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_named() {
    let swells = packed(&vec![0; 2 << 20]);
    let table: [(Vec<u8>, u16, &str); 8] = [
        (frame(0xc2, &swells), 1009, "message too big"),
        (frame(0xc1, &packed(b"\xff")), 1007, "bad utf8"),
        (frame(0xc1, b"\xff\xff\xff"), 1007, "bad deflate"),
        (b"\xc1\x01x".to_vec(), 1002, "client unmasked"),
        (b"\x81\x01x".to_vec(), 1002, "client unmasked"),
        (frame(0xe1, b"x"), 1002, "rsv bits"),
        (frame(0xc9, b"x"), 1002, "rsv bits"),
        ([frame(0x41, &packed(b"a")), frame(0xc1, &packed(b"b"))].concat(), 1002, "bad cont"),
    ];
    for (frames, code, reason) in table {
        assert_eq!(judged(&frames).await, (code, reason.to_owned()));
    }
    // Not agreed, not allowed.
    let site = Site::builtin();
    let mut stream = site.open("/", ECHO).await.into_inner();
    stream.write_all(&frame(0xc1, &packed(b"x"))).await.unwrap();
    assert_eq!(received(&mut stream).await, (0x88, b"\x03\xearsv bits".to_vec()));
}

#[tokio::test(start_paused = true)]
async fn members_that_compress_and_others_hear_the_same() {
    let site = Site::builtin();
    let mut plain = site.open("/", MIRROR).await;
    let (mut wide, _) = open(&site, MIRROR, OFFER).await;
    let (mut narrow, _) = open(&site, MIRROR, "permessage-deflate; server_max_window_bits=9").await;
    let said = "d #ff0000 1 2 3 4;".repeat(50);
    wide.write_all(&frame(0xc1, &packed(said.as_bytes()))).await.unwrap();
    assert_eq!(next(&mut plain).await, Wire::text(said.clone()));
    for member in [&mut wide, &mut narrow] {
        let (first, payload) = received(member).await;
        assert_eq!(first, 0xc1);
        assert_eq!(unpacked(payload), said.as_bytes());
    }
}
