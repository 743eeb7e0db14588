//! permessage-deflate (RFC 7692): messages that are compressed, each by itself.
//!
//! The frame encoder and decoder know nothing of it. What is received is unpacked below the decoder
//! ([`Inflated`]); what is sent is packed before the encoder ([`pack`]), once for all members that a thread serves.
//! A session that did not agree on it pays one look at an empty field.
//!
//! **Memory.** What is sent is compressed without the context of earlier messages, though the client may have to
//! expect one: so a compressor belongs to a thread and not to a session. What is received may refer to what came
//! before, for which a session keeps a window: 4 KiB where the client offers `client_max_window_bits`, as browsers
//! do, else 32 KiB; once it has received something compressed. [`KEEPERS`] sessions may have one, later ones are told
//! `client_no_context_takeover`. What is unpacked is handed on in pieces, so a message that swells is closed with
//! 1009 when it passes the limit of all messages, and what is over it is never unpacked.

mod inbound;
mod inflated;
mod offer;
mod outbound;

use std::sync::atomic::{AtomicUsize, Ordering};

use http::header::SEC_WEBSOCKET_EXTENSIONS;
use http::{HeaderMap, HeaderValue};

pub(super) use inbound::UNPACKED;
pub(super) use inflated::Inflated;
pub(super) use outbound::pack;

use inbound::Inbound;
use offer::Agreement;

/// Most sessions of the process that keep the context of their client.
const KEEPERS: usize = 1000;

static KEPT: AtomicUsize = AtomicUsize::new(0);

/// What a session agreed on, and its place among those that keep a context.
pub(super) struct Deflate {
    agreement: Agreement,
    seat: Option<Seat>,
}

/// One of [`KEEPERS`]; given back when dropped.
struct Seat;

impl Deflate {
    /// Agrees to the first of the client's offers that can be met, if any.
    pub(super) fn agree(headers: &HeaderMap) -> Option<Self> {
        let lines = headers.get_all(SEC_WEBSOCKET_EXTENSIONS).iter().filter_map(|line| line.to_str().ok());
        let mut agreement = offer::agree(lines)?;
        let mut seat = None;
        if !agreement.client_no_context_takeover {
            seat = Seat::take();
            agreement.client_no_context_takeover = seat.is_none();
        }
        Some(Self { agreement, seat })
    }

    /// The value of `Sec-WebSocket-Extensions` in the answer.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.agreement.to_string()).ok()
    }

    /// Bits of the window to pack with.
    pub(super) fn bits(&self) -> u8 {
        self.agreement.server_max_window_bits.unwrap_or(15)
    }

    fn inbound(self) -> Inbound {
        let bits = self.agreement.client_max_window_bits.unwrap_or(15);
        Inbound::new(bits, self.seat)
    }
}

impl Seat {
    fn take() -> Option<Self> {
        let next = |kept: usize| (kept < KEEPERS).then_some(kept + 1);
        KEPT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok().map(|_| Self)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        KEPT.fetch_sub(1, Ordering::Relaxed);
    }
}
