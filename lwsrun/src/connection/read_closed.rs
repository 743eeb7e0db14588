//! Whether a peer has closed its side of a connection, seen without reading: what there still is to read stays.

use futures_util::FutureExt;
use tokio_rustls::server::TlsStream;

use super::peek::Peek;

/// A stream of which its end can be seen before all that comes before that is read.
pub(crate) trait ReadClosed {
    /// Whether the peer has closed its side, or the whole connection. What the runtime has heard of the socket tells, so
    /// it costs no system call.
    fn is_read_closed(&self) -> bool;
}

impl<S: Peek> ReadClosed for S {
    fn is_read_closed(&self) -> bool {
        match self.input().now_or_never() {
            Some(Ok(ready)) => ready.is_read_closed(),
            Some(Err(_)) => true,
            None => false,
        }
    }
}

impl<S: ReadClosed> ReadClosed for Box<TlsStream<S>> {
    fn is_read_closed(&self) -> bool {
        self.get_ref().0.is_read_closed()
    }
}

/// Closed while there is something left to read, it is not known to be.
#[cfg(test)]
impl ReadClosed for tokio::io::DuplexStream {
    fn is_read_closed(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixStream;

    use super::*;

    #[tokio::test]
    async fn an_end_is_seen_behind_what_is_there_to_read() {
        let (mut client, mut server) = UnixStream::pair().unwrap();
        assert!(!server.is_read_closed());
        client.write_all(b"unread").await.unwrap();
        server.readable().await.unwrap();
        assert!(!server.is_read_closed());
        client.shutdown().await.unwrap();
        // The runtime hears of it in one of its next turns.
        while !server.is_read_closed() {
            tokio::task::yield_now().await;
        }
        let mut rest = String::new();
        server.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "unread");
    }
}
