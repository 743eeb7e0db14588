//! Peers that are gone without a word, as a telephone out of reach: the kernel finds out.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// After so much silence the kernel asks whether the peer is still there, and then [`PROBES`] times within as much again. A
/// peer that answers may be silent for as long as others let it.
const SILENCE: Duration = Duration::from_secs(60);
const PROBES: u32 = 4;

/// Has the kernel look after the peer of a TCP socket, or those of all connections that a listening one takes.
pub(crate) fn look_after_peers(socket: &impl AsFd) -> io::Result<()> {
    let asked = TcpKeepalive::new().with_time(SILENCE).with_interval(SILENCE / PROBES).with_retries(PROBES);
    SockRef::from(socket).set_tcp_keepalive(&asked)
}
