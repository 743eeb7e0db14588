//! Sessions that are as they should be: however their bytes are cut, every message is heard, and the close answered.

use flate2::{Compress, Compression, FlushCompress};
use proptest::prelude::*;

use super::*;

/// A message: whether it is a text, whether it is compressed, its bytes, and where it is cut into fragments.
type Said = (bool, bool, String, Vec<prop::sample::Index>);

fn said() -> impl Strategy<Value = Said> {
    let cuts = prop::collection::vec(any::<prop::sample::Index>(), 0..4);
    (any::<bool>(), any::<bool>(), "[a-dκό☺]{0,300}", cuts)
}

/// The frames of a message, with a ping before each that goes on with it.
fn frames(said: &Said, compressor: &mut Compress) -> Vec<u8> {
    let (text, packs, message, cuts) = said;
    let mut payload = message.as_bytes().to_vec();
    if *packs {
        let mut packed = Vec::with_capacity(payload.len() * 2 + 100);
        compressor.compress_vec(&payload, &mut packed, FlushCompress::Sync).unwrap();
        packed.truncate(packed.len().saturating_sub(4));
        // Flushed twice in a row, it gives nothing; what stands for that is in RFC 7692, section 7.2.3.6.
        payload = if packed.is_empty() { vec![0] } else { packed };
    }
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(payload.len() + 1)).collect();
    cuts.sort_unstable();
    cuts.push(payload.len());
    let (mut frames, mut from) = (Vec::new(), 0);
    for (n, to) in cuts.iter().enumerate() {
        let kind = if n == 0 { 2 - u8::from(*text) + 0x40 * u8::from(*packs) } else { 0 };
        let last = if n + 1 == cuts.len() { 0x80 } else { 0 };
        if n > 0 {
            frames.extend(frame(0x89, b"ping"));
        }
        frames.extend(frame(kind | last, &payload[from..*to]));
        from = *to;
    }
    frames
}

proptest! {
    #[test]
    fn every_message_is_heard_however_it_comes(
        all in prop::collection::vec(said(), 0..6),
        code in 3000_u16..5000,
        lengths in prop::collection::vec(any::<u8>(), 1..9),
    ) {
        let mut compressor = Compress::new(Compression::fast(), false);
        let mut stream: Vec<u8> = all.iter().flat_map(|said| frames(said, &mut compressor)).collect();
        stream.extend(frame(0x88, &code.to_be_bytes()));
        let messages = all.into_iter().map(|(text, _, message, _)| (text, message.into())).collect();
        let expected = Heard { messages, close: Some(code) };
        for pieces in [vec![&*stream], pieces(&stream, &lengths), stream.chunks(1).collect()] {
            prop_assert_eq!(&heard(OFFERS[1], LONGEST, pieces), &expected);
        }
    }
}
