//! What goes wrong between frames, as the close that tells the peer; with the reasons that lwsws gives.

use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::ProtocolError;

use crate::protocol::CloseCode;

/// What is found wrong below the frame decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// A frame is not masked.
    #[error("a client's frame is not masked")]
    Unmasked,
    /// What came cannot be unpacked.
    #[error("a compressed message cannot be unpacked")]
    Damaged,
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    NotText,
    /// A frame over the limit.
    #[error("a frame is too long")]
    TooLong,
}

/// Code and reason to close with; `None` if there is nobody left to tell.
pub(super) fn close_for(error: &Error) -> Option<(CloseCode, &'static str)> {
    match error {
        Error::Protocol(error) => protocol_reason(error).map(|reason| (CloseCode::PROTOCOL, reason)),
        // The decoder says in words only whether the text was cut or wrong.
        Error::Utf8(words) if words.starts_with("incomplete") => Some((CloseCode::INVALID, "partial utf8")),
        Error::Utf8(_) => Some((CloseCode::INVALID, "bad utf8")),
        Error::Capacity(_) => Some((CloseCode::TOO_BIG, "message too big")),
        Error::Io(error) => match error.get_ref()?.downcast_ref()? {
            Fault::Unmasked => Some((CloseCode::PROTOCOL, "client unmasked")),
            Fault::Damaged => Some((CloseCode::INVALID, "bad deflate")),
            Fault::NotText => Some((CloseCode::INVALID, "bad utf8")),
            Fault::TooLong => Some((CloseCode::TOO_BIG, "message too big")),
        },
        _ => None,
    }
}

fn protocol_reason(error: &ProtocolError) -> Option<&'static str> {
    Some(match error {
        ProtocolError::UnmaskedFrameFromClient => "client unmasked",
        ProtocolError::InvalidOpcode(_)
        | ProtocolError::UnknownControlFrameType(_)
        | ProtocolError::UnknownDataFrameType(_) => "bad opc",
        ProtocolError::NonZeroReservedBits => "rsv bits",
        ProtocolError::FragmentedControlFrame => "frag ctl",
        ProtocolError::ControlFrameTooBig => "ctl too big",
        ProtocolError::UnexpectedContinueFrame | ProtocolError::ExpectedFragment(_) => "bad cont",
        ProtocolError::InvalidCloseSequence => "bad close",
        // The connection is gone, or was closing anyway.
        _ => return None,
    })
}
