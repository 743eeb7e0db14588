//! Messages as frames, for writing: long ones in pieces.
//!
//! The encoder below keeps the largest buffer it ever needed for as long as the connection lives. So no frame is
//! longer than [`PIECE`], and a message of a megabyte to ten thousand members does not cost ten gigabytes.
//!
//! Where the client agreed to it, messages that gain by it are compressed.

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Message as Wire;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::deflate::pack;
use crate::protocol::Message;

/// Longest payload of a frame that is sent.
pub(super) const PIECE: usize = 16 * 1024;

/// The rest of a message that is being written.
pub(super) struct Rest {
    kind: Data,
    payload: Bytes,
    /// The next frame says that the message is compressed: only the first one does.
    packed: bool,
}

impl Rest {
    /// The whole of a message. `bits` of the window to compress it with; `None`: never.
    pub(super) fn new(message: Message, bits: Option<u8>) -> Self {
        let (kind, plain) = match message {
            Message::Text(text) => (Data::Text, text.into_bytes()),
            Message::Binary(payload) => (Data::Binary, payload),
        };
        match bits.and_then(|bits| pack(&plain, bits)) {
            Some(payload) => Self { kind, payload, packed: true },
            None => Self { kind, payload: plain, packed: false },
        }
    }

    /// The next frame, and the rest if the message goes on.
    pub(super) fn next(mut self) -> (Wire, Option<Self>) {
        let piece = self.payload.split_to(self.payload.len().min(PIECE));
        let last = self.payload.is_empty();
        let mut frame = Frame::message(piece, OpCode::Data(self.kind), last);
        frame.header_mut().rsv1 = self.packed;
        self.kind = Data::Continue;
        self.packed = false;
        (Wire::Frame(frame), (!last).then_some(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_the_message() {
        for length in [0, 1, PIECE, PIECE + 1, 3 * PIECE] {
            let message = Bytes::from(vec![7; length]);
            let mut rest = Some(Rest::new(Message::Binary(message.clone()), None));
            let mut whole = Vec::new();
            let mut frames = 0;
            while let Some(now) = rest {
                let (Wire::Frame(frame), then) = now.next() else { panic!("not a frame") };
                let kind = if frames == 0 { Data::Binary } else { Data::Continue };
                assert_eq!(frame.header().opcode, OpCode::Data(kind));
                assert_eq!(frame.header().is_final, then.is_none());
                whole.extend_from_slice(frame.payload());
                frames += 1;
                rest = then;
            }
            assert_eq!(whole, message);
            assert_eq!(frames, length.div_ceil(PIECE).max(1));
        }
    }
}
