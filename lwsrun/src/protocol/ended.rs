//! Why a session has ended.

use super::CloseCode;

/// Why a session has ended, as [`Session::ended`](super::Session::ended) tells. Of several reasons it is the first.
///
/// lwsws tells protocols the same by `LWS_CALLBACK_WS_PEER_INITIATED_CLOSE` and `LWS_CALLBACK_CLOSED`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// The client has closed.
    #[non_exhaustive]
    ByClient {
        /// The code of its frame; `None` if it had none (RFC 6455 calls that 1005).
        code: Option<CloseCode>,
        /// The reason of its frame, at most 123 bytes, in the client's words; most often empty.
        reason: String,
    },
    /// This end has closed: the protocol, or whoever holds a [`Sender`](super::Sender) or
    /// [`Sessions`](super::Sessions). A protocol whose future ends has closed with 1000, and one that panics with 1011.
    #[non_exhaustive]
    ByServer {
        /// The code it closed with.
        code: CloseCode,
    },
    /// The client has broken a rule of websockets, or sent more than it may, and was told so.
    #[non_exhaustive]
    Refused {
        /// The code it was told: 1002, 1007 or 1009.
        code: CloseCode,
    },
    /// The server goes down, and says so with 1001.
    ServerStops,
    /// The client was silent although it was pinged, or has taken nothing of what was sent to it for a minute;
    /// or it had five seconds to take the close, and has not.
    TimedOut,
    /// The connection broke, or the stream of it was reset, without a close (RFC 6455 calls that 1006).
    Lost,
}
