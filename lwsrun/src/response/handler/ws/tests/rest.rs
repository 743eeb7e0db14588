//! Sessions that come to rest between any two bytes: what they gave up of their memory is missed by nobody.

use std::time::Duration;

use flate2::{Compress, Compression, FlushCompress};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf};
use tokio::time::sleep;

use super::*;

const OFFER: &str = "permessage-deflate";

/// Messages around the length from which decoder and encoder are made anew.
const LENGTHS: [usize; 9] = [0, 10, 4096, 4097, 60_000, 1, 20_000, 5000, 100];

/// A message of letters that hardly repeat.
fn message(length: usize) -> Vec<u8> {
    let mut state: u32 = 12345;
    let mut letter = || {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12345);
        b'a' + u8::try_from((state >> 16) % 26).unwrap()
    };
    (0..length).map(|_| letter()).collect()
}

/// A masked frame, with a mask of zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [&[first, 0xfe, length[0], length[1], 0, 0, 0, 0], payload].concat()
}

/// A message in three fragments, with a ping between two of them. `first` is the first byte of the first frame.
fn fragments(first: u8, payload: &[u8]) -> Vec<u8> {
    let (one, rest) = payload.split_at(payload.len() / 3);
    let (two, three) = rest.split_at(rest.len() / 2);
    let ping = b"\x89\x80\0\0\0\0".to_vec();
    [frame(first & 0x7f, one), frame(0, two), ping, frame(0x80, three)].concat()
}

/// Opens the echo, with an offer.
async fn open(site: &Site, offer: Option<&str>) -> DuplexStream {
    let mut request = "ws://a.test/".into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", ECHO.parse().unwrap());
    if let Some(offer) = offer {
        request.headers_mut().insert("sec-websocket-extensions", offer.parse().unwrap());
    }
    let (client, answer) = client_async(request, site.connection(1 << 20)).await.unwrap();
    assert_eq!(answer.headers().contains_key("sec-websocket-extensions"), offer.is_some());
    client.into_inner()
}

/// Lengths of the messages that come, as they are on the wire, up to the close.
async fn heard(stream: ReadHalf<DuplexStream>) -> Vec<usize> {
    answers(stream, usize::MAX).await
}

/// The same, of so many messages at most, none of which comes in fragments if there are so many.
async fn answers(mut stream: ReadHalf<DuplexStream>, most: usize) -> Vec<usize> {
    let mut lengths = Vec::new();
    while lengths.len() < most {
        let (first, length) = (stream.read_u8().await.unwrap(), stream.read_u8().await.unwrap());
        let length =
            if length == 126 { stream.read_u16().await.unwrap().into() } else { usize::from(length) };
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).await.unwrap();
        match first & 0x0f {
            8 => return lengths,
            10 => {}
            0 => *lengths.last_mut().unwrap() += length,
            _ => lengths.push(length),
        }
    }
    lengths
}

/// Sends bytes in pieces, after each of which the session comes to rest.
async fn spell(site: &Site, bytes: &[u8], piece: usize, offer: Option<&str>) -> Vec<usize> {
    let (near, mut far) = tokio::io::split(open(site, offer).await);
    let heard = tokio::spawn(heard(near));
    for piece in bytes.chunks(piece) {
        far.write_all(piece).await.unwrap();
        // The clock stands still until nobody has anything to do.
        sleep(Duration::from_micros(1)).await;
    }
    far.write_all(b"\x88\x82\0\0\0\0\x03\xe8").await.unwrap();
    heard.await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn plain_messages_come_back_however_they_are_cut() {
    let site = Site::builtin();
    let whole = LENGTHS.map(|length| frame(0x81, &message(length))).concat();
    let in_fragments = LENGTHS.map(|length| fragments(0x82, &message(length))).concat();
    for sent in [whole, in_fragments] {
        for piece in [997, 4104, 1 << 20] {
            assert_eq!(spell(&site, &sent, piece, None).await, LENGTHS, "{piece}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn packed_messages_may_refer_to_what_came_before_the_rest() {
    let site = Site::builtin();
    let mut compressor = Compress::new(Compression::best(), false);
    let mut sent = Vec::new();
    for (turn, length) in LENGTHS.into_iter().enumerate() {
        let message = message(length);
        let mut packed = Vec::with_capacity(length + 1000);
        compressor.compress_vec(&message, &mut packed, FlushCompress::Sync).unwrap();
        packed.truncate(packed.len() - 4);
        let make = if turn % 2 == 0 { frame } else { fragments };
        sent.extend(make(0xc1, &packed));
    }
    let site_of = |piece| spell(&site, &sent, piece, Some(OFFER));
    let at_once = site_of(1 << 20).await;
    assert_eq!(at_once.len(), LENGTHS.len());
    for piece in [61, 997, 4104] {
        assert_eq!(site_of(piece).await, at_once, "{piece}");
    }
}

/// A large message and many small ones that come at once, so that reading stops before all of them are decoded.
#[tokio::test(start_paused = true)]
async fn what_is_read_but_not_decoded_is_not_lost() {
    let pausing = Site::doing(|mut session| async move {
        while let Some(message) = session.next().await {
            sleep(Duration::from_millis(1)).await;
            if session.send(message).await.is_err() {
                return;
            }
        }
    });
    for (site, protocol) in [(Site::builtin(), ECHO), (pausing, "doing")] {
        for count in (28..40).chain(505..520) {
            let mut expected = vec![5000];
            expected.extend((0..count).map(|n| n % 9));
            let sent = expected.iter().map(|&length| small_or_large(&message(length))).collect::<Vec<_>>();
            let (near, mut far) =
                tokio::io::split(site.open_on(site.connection(1 << 20), "/", protocol).await.into_inner());
            let heard = tokio::spawn(answers(near, expected.len()));
            far.write_all(&sent.concat()).await.unwrap();
            assert_eq!(heard.await.unwrap(), expected, "{protocol}, {count}");
        }
    }
}

/// A masked frame, with a mask of zeros and the shortest head.
fn small_or_large(payload: &[u8]) -> Vec<u8> {
    match u8::try_from(payload.len()) {
        Ok(short @ ..126) => [&[0x82, 0x80 | short, 0, 0, 0, 0], payload].concat(),
        _ => frame(0x82, payload),
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_silence_all_goes_on() {
    let site = Site::builtin();
    let mut stream = open(&site, None).await;
    let whole = frame(0x81, &message(200));
    for cut in [0, 1, 8, 100] {
        stream.write_all(&whole[..cut]).await.unwrap();
        let mut ping = [0; 2];
        stream.read_exact(&mut ping).await.unwrap();
        assert_eq!(ping, *b"\x89\0", "after 40 s");
        stream.write_all(&whole[cut..]).await.unwrap();
        let mut answer = vec![0; 204];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer[4..], *message(200), "{cut}");
        // Any byte counts as an answer to the ping; this is one.
        stream.write_all(b"\x8a\x80\0\0\0\0").await.unwrap();
    }
}
