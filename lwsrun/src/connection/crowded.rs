//! The answer to a connection that is one too many for its address: 503 where it comes in clear, and the end.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::slot::Slot;

/// What is said, to clients that speak HTTP/1 in clear. It needs no request.
const ANSWER: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 10\r\ncontent-length: 0\r\n\r\n";

/// How long the client may take to hear it. If the connection were closed before its request was read, the kernel would
/// throw the answer away.
const PATIENCE: Duration = Duration::from_millis(500);

/// How much of what the client says is read, in bytes.
const MOST: usize = 16 << 10;

/// Refuses a connection. It has a slot meanwhile, so refused ones cannot pile up either.
pub(super) async fn refuse(mut stream: TcpStream, tls: bool, slot: Slot) {
    let refuse = async {
        if tls {
            return Ok(());
        }
        stream.write_all(ANSWER).await?;
        stream.shutdown().await?;
        let (mut bytes, mut read) = ([0; 1024], 0);
        while read < MOST {
            match stream.read(&mut bytes).await? {
                0 => break,
                count => read += count,
            }
        }
        std::io::Result::Ok(())
    };
    // Whatever goes wrong, it ends here.
    let _ = timeout(PATIENCE, refuse).await;
    drop(slot);
}
