//! TCP fast open (RFC 7413) of listening sockets, `fo-listen-queue`.

use std::io;

use nix::sys::socket::setsockopt;
use socket2::Socket;

/// `TCP_FASTOPEN` of Linux's `tcp.h`, which is the same on all its processors.
const TCP_FASTOPEN: i32 = 23;

nix::sockopt_impl!(
    /// How many connections may wait whose first packet brought data.
    Queue, SetOnly, IPPROTO_TCP, TCP_FASTOPEN, i32
);

/// Lets clients send data with their first packet; `queue` of them may wait.
pub(super) fn enable(socket: &Socket, queue: u32) -> io::Result<()> {
    Ok(setsockopt(socket, Queue, &i32::try_from(queue).unwrap_or(i32::MAX))?)
}
