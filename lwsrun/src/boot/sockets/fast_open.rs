//! TCP fast open (RFC 7413) of listening sockets, `fo-listen-queue`.

use std::io;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::libc::{IPPROTO_TCP, TCP_FASTOPEN, c_int, setsockopt, socklen_t};
use socket2::Socket;

/// The bytes of a `c_int`.
const SIZE: socklen_t = 4;
const _: () = assert!(size_of::<c_int>() == 4, "C's int has four bytes wherever Linux runs");

/// Lets clients send data with their first packet; `queue` of them may wait.
#[allow(unsafe_code, reason = "no crate at hand has this option")]
pub(super) fn enable(socket: &Socket, queue: u32) -> io::Result<()> {
    // The kernel takes a signed number.
    let queue = c_int::try_from(queue).unwrap_or(c_int::MAX);
    // SAFETY: the descriptor is open for as long as `socket` lives; the kernel reads `SIZE` bytes, which is what
    // `queue` has, and keeps no pointer.
    let result =
        unsafe { setsockopt(socket.as_raw_fd(), IPPROTO_TCP, TCP_FASTOPEN, (&raw const queue).cast(), SIZE) };
    Ok(Errno::result(result).map(drop)?)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use socket2::{Domain, Type};

    use super::*;

    #[test]
    fn the_kernel_takes_it() {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        for queue in [0, 5, u32::MAX] {
            enable(&socket, queue).unwrap();
        }
        socket.listen(1).unwrap();
    }
}
