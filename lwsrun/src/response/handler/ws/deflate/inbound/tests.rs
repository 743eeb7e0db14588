//! Streams of frames: cut anywhere they give the same, and damaged they give an error at worst.

use flate2::{Compress, Compression, FlushCompress};
use proptest::prelude::*;

use super::*;

const MASK: [u8; 4] = [1, 2, 3, 0x84];

/// A masked frame.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..126 => frame.push(0x80 | u8::try_from(short).unwrap()),
        length => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
        }
    }
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// What a client's compressor makes of a message.
fn deflate(compressor: &mut Compress, message: &[u8], flush: FlushCompress) -> Vec<u8> {
    let mut packed = Vec::with_capacity(message.len() * 2 + 100);
    compressor.compress_vec(message, &mut packed, flush).unwrap();
    if matches!(flush, FlushCompress::Sync) {
        packed.truncate(packed.len().saturating_sub(TAIL.len()));
    }
    // Flushed twice in a row, it gives nothing; what stands for that is in RFC 7692, section 7.2.3.6.
    if packed.is_empty() {
        packed.push(0);
    }
    packed
}

fn compressor(bits: u8) -> Compress {
    Compress::new_with_window_bits(Compression::fast(), false, bits)
}

/// All that a stream in these pieces gives, and how it ends. Checks that no piece is too large.
fn given<'a>(
    bits: u8,
    seat: bool,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<u8>, Result<(), Fault>) {
    let mut inbound = Inbound::new(bits, seat.then(|| Seat::take().unwrap()));
    let mut all = Vec::new();
    for piece in pieces {
        let mut input = Bytes::copy_from_slice(piece);
        loop {
            match inbound.next(&mut input) {
                Ok(given) if given.is_empty() => break,
                Ok(given) => {
                    assert!(given.len() <= (GIVEN + 4).max(piece.len()));
                    all.extend_from_slice(&given);
                }
                Err(fault) => return (all, Err(fault)),
            }
        }
        assert!(input.is_empty());
    }
    (all, Ok(()))
}

/// Kind and payload of each message in what was given; masked frames stand for themselves, as control frames.
fn messages(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut messages: Vec<(u8, Vec<u8>)> = Vec::new();
    let mut open: Option<(u8, Vec<u8>)> = None;
    while let Some((&first, rest)) = bytes.split_first() {
        let masked = rest[0] & 0x80 != 0;
        let (length, head) = match rest[0] & 0x7f {
            126 => (usize::from(u16::from_be_bytes([rest[1], rest[2]])), 3),
            short => (short.into(), 1),
        };
        let mut payload = rest[head + if masked { 4 } else { 0 }..][..length].to_vec();
        bytes = &rest[head + if masked { 4 } else { 0 } + length..];
        if masked {
            payload.iter_mut().zip(MASK.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
            messages.push((first, payload));
            continue;
        }
        match (first & OPCODE, &mut open) {
            (0, Some((_, message))) => message.extend_from_slice(&payload),
            (kind, None) if kind != 0 => open = Some((kind, payload)),
            other => panic!("{other:?}"),
        }
        if first & FIN != 0 {
            messages.extend(open.take());
        }
    }
    assert_eq!(open, None);
    messages
}

#[test]
fn the_examples_of_the_rfc() {
    // RFC 7692, section 7.2.3: whole, in fragments, with and without context, stored, with a final block, in two
    // blocks.
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
    let ended = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    let blocks = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
    let stream = [
        frame(0xc1, &hello),
        frame(0xc1, &again),
        frame(0x41, &hello[..3]),
        frame(0x89, b"ping"),
        frame(0x80, &hello[3..]),
        frame(0xc1, &stored),
        frame(0xc2, &ended),
        frame(0xc1, &blocks),
    ]
    .concat();
    let (all, end) = given(15, true, [&stream[..]]);
    assert_eq!(end, Ok(()));
    let text = || (1, b"Hello".to_vec());
    let expected = [text(), text(), (0x89, b"ping".to_vec()), text(), text(), (2, b"Hello".to_vec()), text()];
    assert_eq!(messages(&all), expected);
    // Without a context there is nothing to refer to.
    let (_, end) = given(15, false, [&[frame(0xc1, &hello), frame(0xc1, &again)].concat()[..]]);
    assert_eq!(end, Err(Fault::Damaged));
}

#[test]
fn wrong_frames_pass_as_they_are() {
    for first in [0xc9, 0xc0, 0xb1, 0xd1, 0xe1, 0xf1, 0x83] {
        let wrong = frame(first, b"x");
        assert_eq!(given(15, true, [&wrong[..]]), (wrong.clone(), Ok(())), "{first:x}");
    }
    assert_eq!(given(15, true, [&b"\x81\x01x"[..]]).1, Err(Fault::Unmasked));
    assert_eq!(given(15, true, [&frame(0xc1, &[0xff; 9])[..]]).1, Err(Fault::Damaged));
}

#[test]
fn what_swells_comes_in_pieces() {
    let message = vec![b'x'; 8 << 20];
    let mut compressor = Compress::new(Compression::best(), false);
    let packed = deflate(&mut compressor, &message, FlushCompress::Sync);
    assert!(packed.len() < 1 << 16, "{}", packed.len());
    let mut input = Bytes::from(frame(0xc1, &packed));
    let mut inbound = Inbound::new(15, None);
    let mut length = 0;
    let mut pieces = 0;
    while let Ok(given) = inbound.next(&mut input)
        && !given.is_empty()
    {
        assert!(given.len() <= GIVEN + 4);
        if given.len() > 2 {
            length += given.len() - 4;
        }
        pieces += 1;
    }
    assert_eq!(length, message.len());
    assert!(pieces >= 512, "{pieces}");
}

/// A message, how its compressor ends it, and whether it is sent plain.
fn message() -> impl Strategy<Value = (Vec<u8>, bool, bool, usize)> {
    let payload = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        (any::<u8>(), 0..20_000_usize).prop_map(|(byte, length)| vec![byte; length]),
        "[ab ]{0,2000}".prop_map(String::into_bytes),
    ];
    (payload, any::<bool>(), any::<bool>(), 1..700_usize)
}

/// A stream of messages, and what it must give.
fn stream(bits: u8, takeover: bool, of: &[(Vec<u8>, bool, bool, usize)]) -> (Vec<u8>, Vec<(u8, Vec<u8>)>) {
    let mut compressor = compressor(bits);
    let (mut bytes, mut expected) = (Vec::new(), Vec::new());
    for (payload, plain, ends, piece) in of {
        if *plain {
            let payload = &payload[..payload.len().min(125)];
            bytes.extend(frame(0x82, payload));
            expected.push((0x82, payload.to_vec()));
            continue;
        }
        // A stream that ends leaves no context behind.
        let ends = *ends && !takeover;
        if !takeover {
            compressor.reset();
        }
        let flush = if ends { FlushCompress::Finish } else { FlushCompress::Sync };
        let mut packed = deflate(&mut compressor, payload, flush);
        if ends {
            packed.push(0);
        }
        let count = packed.len().div_ceil(*piece).max(1);
        let mut pieces = packed.chunks(*piece);
        for n in 0..count {
            let first = if n == 0 { 0x42 } else { 0 } | if n == count - 1 { FIN } else { 0 };
            bytes.extend(frame(first, pieces.next().unwrap_or_default()));
        }
        expected.push((2, payload.clone()));
    }
    (bytes, expected)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn how_a_stream_is_cut_makes_no_difference(
        of in prop::collection::vec(message(), 0..5),
        bits in 9..=15_u8,
        takeover in any::<bool>(),
        cut in 1..3000_usize,
    ) {
        let (bytes, expected) = stream(bits, takeover, &of);
        for cut in [1, cut, usize::MAX] {
            let (all, end) = given(bits, takeover, bytes.chunks(cut));
            prop_assert_eq!(end, Ok(()));
            prop_assert_eq!(messages(&all), expected.clone());
        }
    }

    #[test]
    fn damage_is_an_error_at_worst(
        of in prop::collection::vec(message(), 1..4),
        takeover in any::<bool>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in 1..5000_usize,
    ) {
        let (mut bytes, _) = stream(15, takeover, &of);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        // Cut off somewhere as well; that it ends at all, without a panic, is what is tried.
        let _ = given(12, takeover, bytes[..bytes.len() - bytes.len() / 7].chunks(cut));
    }

    #[test]
    fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = given(15, true, [&bytes[..]]);
    }
}
