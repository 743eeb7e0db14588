//! The goodbye to sessions when the server goes down.
//!
//! One task for each protocol of a vhost waits for the drain, and closes all sessions then. If each waited for itself, one
//! that is idle would hold 100 bytes more.

use crate::protocol::link::{Link, Order};
use crate::protocol::{CloseCode, Ended, Running};
use crate::shutdown::Drain;

const REASON: &str = "server is going down";

/// Sees to it that a session, which must be among those of its protocol, is closed when the drain begins.
pub(super) fn see_off(running: &Running, link: &Link, drain: &Drain) {
    running.seen_off.call_once(|| {
        let (sessions, drain) = (running.sessions.clone(), drain.clone());
        tokio::spawn(async move {
            drain.begun().await;
            sessions.links().iter().for_each(|link| link.close(farewell()));
        });
    });
    // One that came too late for the task came after the begin.
    if drain.has_begun() {
        link.close(farewell());
    }
}

fn farewell() -> Order {
    Order { ended: Ended::ServerStops, ..Order::new(CloseCode::AWAY, REASON, false) }
}
