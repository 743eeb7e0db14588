//! Bytes passed on between two connections as they come, both ways at once, whatever they mean: raw connections, and
//! websockets through a proxy.
//!
//! What comes is read only while the other side takes it, so an end may wait behind bytes that nobody reads: that of a client
//! that has reset its connection, for one. While one side is blocked it is looked once in a while whether the other has
//! closed. Once either has ended, both have [`Patience::half_closed`] without a byte in either direction, and are dropped
//! then: a peer to whom nothing more is said may go on sending, but not be silent for ever.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::glances::Glances;
use super::read_closed::ReadClosed;
use super::timer::Timer;

/// What is read at once, in bytes.
const PIECE: usize = 16 << 10;

thread_local! {
    /// Room for what is read, so that idle tunnels need none.
    static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// How long a tunnel may be without a byte.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// While both sides are open; `None`: for ever.
    pub(crate) idle: Option<Duration>,
    /// Once one has ended.
    pub(crate) half_closed: Duration,
}

/// Both sides. Resolves when both have ended.
///
/// # Errors
/// If one of them breaks off, or the patience is over.
#[derive(Debug)]
pub(crate) struct Tunnel<C, S> {
    client: C,
    server: S,
    up: Direction,
    down: Direction,
    patience: Patience,
    half_closed: bool,
    timer: Option<Timer>,
    glances: Glances,
}

/// Bytes that go one way.
#[derive(Debug, Default)]
struct Direction {
    /// What was read and could not be written yet.
    rest: Vec<u8>,
    written: usize,
    unflushed: bool,
    /// Whoever they come from has closed, behind what is not read yet.
    closed: bool,
    /// All of it has been read.
    ended: bool,
    /// Why whoever they go to takes no more. What comes the other way may be worth having.
    refused: Option<io::Error>,
}

/// What breaks off one direction.
enum Fault {
    Read(io::Error),
    Write(io::Error),
}

impl<C, S> Tunnel<C, S>
where
    C: AsyncRead + AsyncWrite + ReadClosed + Unpin,
    S: AsyncRead + AsyncWrite + ReadClosed + Unpin,
{
    /// Between two connections, each with what was read of it already.
    pub(crate) fn new(client: (C, Vec<u8>), server: (S, Vec<u8>), patience: Patience) -> Self {
        let ((client, up), (server, down)) = (client, server);
        Self {
            client,
            server,
            up: Direction::beginning(up),
            down: Direction::beginning(down),
            patience,
            half_closed: false,
            timer: patience.idle.map(Timer::new),
            glances: Glances::default(),
        }
    }

    /// Looks for an end that waits behind what is not read.
    fn look_for_end(&mut self, cx: &mut Context<'_>) {
        let Self { client, server, up, down, glances, .. } = self;
        if !up.is_blocked() && !down.is_blocked() {
            *glances = Glances::default();
        } else if glances.is_due(cx) {
            up.closed |= up.is_blocked() && client.is_read_closed();
            down.closed |= down.is_blocked() && server.is_read_closed();
        }
    }

    /// Whether nothing has moved for too long.
    fn is_over(&mut self, moved: bool, cx: &mut Context<'_>) -> bool {
        let half_closed = self.up.has_an_end() || self.down.has_an_end();
        if moved || half_closed != self.half_closed {
            self.half_closed = half_closed;
            let Patience { idle, half_closed: wait } = self.patience;
            let wait = if half_closed { Some(idle.map_or(wait, |idle| idle.min(wait))) } else { idle };
            match (&mut self.timer, wait) {
                (Some(timer), Some(wait)) => timer.restart(wait),
                (timer, wait) => *timer = wait.map(Timer::new),
            }
        }
        self.timer.as_mut().is_some_and(|timer| timer.is_over(cx))
    }
}

impl<C, S> Future for Tunnel<C, S>
where
    C: AsyncRead + AsyncWrite + ReadClosed + Unpin,
    S: AsyncRead + AsyncWrite + ReadClosed + Unpin,
{
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let tunnel = self.get_mut();
        let mut moved = false;
        let up = tunnel.up.poll(&mut tunnel.client, &mut tunnel.server, &mut moved, cx)?;
        let down = tunnel.down.poll(&mut tunnel.server, &mut tunnel.client, &mut moved, cx)?;
        if up.is_ready() && down.is_ready() {
            let refused = tunnel.up.refused.take().or_else(|| tunnel.down.refused.take());
            return Poll::Ready(refused.map_or(Ok(()), Err));
        }
        tunnel.look_for_end(cx);
        if tunnel.is_over(moved, cx) {
            Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
        } else {
            Poll::Pending
        }
    }
}

impl Direction {
    /// With what was read already.
    fn beginning(rest: Vec<u8>) -> Self {
        Self { unflushed: !rest.is_empty(), rest, ..Self::default() }
    }

    /// Whether whoever they go to takes no more for now.
    fn is_blocked(&self) -> bool {
        !self.rest.is_empty()
    }

    fn has_an_end(&self) -> bool {
        self.ended || self.closed
    }

    /// Ready when what comes from `from` has ended and `to` knows it, or takes no more.
    ///
    /// # Errors
    /// If `from` breaks off.
    fn poll<R, W>(
        &mut self,
        from: &mut R,
        to: &mut W,
        moved: &mut bool,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        if self.refused.is_some() {
            return Poll::Ready(Ok(()));
        }
        match ready!(self.poll_moving(from, to, moved, cx)) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(Fault::Read(error)) => Poll::Ready(Err(error)),
            Err(Fault::Write(error)) => {
                *self = Self { ended: true, refused: Some(error), ..Self::default() };
                Poll::Ready(Ok(()))
            }
        }
    }

    fn poll_moving<R, W>(
        &mut self,
        from: &mut R,
        to: &mut W,
        moved: &mut bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Fault>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            while self.written < self.rest.len() {
                let written = ready!(Pin::new(&mut *to).poll_write(cx, &self.rest[self.written..]));
                match written.map_err(Fault::Write)? {
                    0 => return Poll::Ready(Err(Fault::Write(io::ErrorKind::WriteZero.into()))),
                    count => self.written += count,
                }
                (*moved, self.unflushed) = (true, true);
            }
            if !self.rest.is_empty() {
                // An idle tunnel keeps no room.
                (self.rest, self.written) = (Vec::new(), 0);
            }
            if self.ended {
                return Pin::new(to).poll_shutdown(cx).map_err(Fault::Write);
            }
            let read = ROOM.with_borrow_mut(|room| {
                room.resize(PIECE, 0);
                let mut piece = ReadBuf::new(room);
                ready!(Pin::new(&mut *from).poll_read(cx, &mut piece)).map_err(Fault::Read)?;
                Poll::Ready(self.take(piece.filled(), to, cx).map_err(Fault::Write))
            });
            match read {
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => *moved = true,
                Poll::Pending => {
                    if self.unflushed {
                        ready!(Pin::new(&mut *to).poll_flush(cx)).map_err(Fault::Write)?;
                        self.unflushed = false;
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    /// Writes what was read, as far as that goes at once.
    fn take<W>(&mut self, piece: &[u8], to: &mut W, cx: &mut Context<'_>) -> io::Result<()>
    where
        W: AsyncWrite + Unpin,
    {
        if piece.is_empty() {
            self.ended = true;
            return Ok(());
        }
        self.unflushed = true;
        let written = match Pin::new(to).poll_write(cx, piece)? {
            Poll::Ready(count) => count,
            Poll::Pending => 0,
        };
        self.rest.extend_from_slice(&piece[written..]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::net::UnixStream;
    use tokio::time::{Instant, sleep};

    use super::*;

    const HALF_CLOSED: Duration = Duration::from_secs(15);
    const FOR_EVER: Patience = Patience { idle: None, half_closed: HALF_CLOSED };

    fn tunnel(
        client: DuplexStream,
        server: DuplexStream,
        patience: Patience,
    ) -> Tunnel<DuplexStream, DuplexStream> {
        Tunnel::new((client, Vec::new()), (server, Vec::new()), patience)
    }

    fn timed_out(ended: io::Result<()>) -> bool {
        ended.is_err_and(|error| error.kind() == io::ErrorKind::TimedOut)
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_says_nothing_is_left() {
        let (_client, stream) = duplex(64);
        let (other, server) = duplex(64);
        drop(other);
        let start = Instant::now();
        assert!(timed_out(tunnel(stream, server, FOR_EVER).await));
        assert_eq!(start.elapsed(), HALF_CLOSED);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_may_be_silent_until_the_other_side_has_ended() {
        let (mut client, stream) = duplex(64);
        let (mut other, server) = duplex(64);
        let handing = tokio::spawn(tunnel(stream, server, FOR_EVER));
        sleep(HALF_CLOSED * 100).await;
        other.write_all(b"bye").await.unwrap();
        other.shutdown().await.unwrap();
        let mut said = Vec::new();
        client.read_to_end(&mut said).await.unwrap();
        assert_eq!(said, b"bye");
        // What it says is still handed on.
        assert!(!handing.is_finished());
        for _ in 0..5 {
            sleep(HALF_CLOSED - Duration::from_secs(1)).await;
            client.write_all(b"well").await.unwrap();
        }
        let start = Instant::now();
        assert!(timed_out(handing.await.unwrap()));
        assert_eq!(start.elapsed(), HALF_CLOSED);
        said.clear();
        other.read_to_end(&mut said).await.unwrap();
        assert_eq!(said.len(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_of_both_has_its_bound_where_there_is_one() {
        let (mut client, stream) = duplex(64);
        let (mut other, server) = duplex(64);
        let idle = Duration::from_secs(3600);
        let handing =
            tokio::spawn(tunnel(stream, server, Patience { idle: Some(idle), half_closed: HALF_CLOSED }));
        sleep(idle / 2).await;
        client.write_all(b"x").await.unwrap();
        let _ = other.read_u8().await.unwrap();
        let start = Instant::now();
        assert!(timed_out(handing.await.unwrap()));
        assert_eq!(start.elapsed(), idle);
    }

    /// On sockets, since only those tell of an end that nobody has read up to.
    #[tokio::test(start_paused = true)]
    async fn an_end_behind_what_nobody_takes_is_seen() {
        let (mut client, stream) = UnixStream::pair().unwrap();
        let (_takes_nothing, server) = UnixStream::pair().unwrap();
        let handing = tokio::spawn(Tunnel::new((stream, Vec::new()), (server, Vec::new()), FOR_EVER));
        // The clock goes on only when all wait for it.
        while tokio::time::timeout(HALF_CLOSED * 100, client.write_all(&[0; PIECE])).await.is_ok() {}
        assert!(!handing.is_finished());
        let start = Instant::now();
        drop(client);
        assert!(timed_out(handing.await.unwrap()));
        let waited = start.elapsed();
        assert!(waited >= HALF_CLOSED && waited <= HALF_CLOSED + Duration::from_secs(1), "{waited:?}");
    }

    /// A server that answers before it has read all, and is gone.
    #[tokio::test]
    async fn what_was_said_arrives_though_nothing_more_is_taken() {
        let (mut client, stream) = UnixStream::pair().unwrap();
        let (mut other, server) = UnixStream::pair().unwrap();
        client.write_all(b"hi").await.unwrap();
        other.write_all(b"no").await.unwrap();
        drop(other);
        let ended = Tunnel::new((stream, Vec::new()), (server, Vec::new()), FOR_EVER).await;
        assert!(ended.is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe));
        let mut said = Vec::new();
        client.read_to_end(&mut said).await.unwrap();
        assert_eq!(said, b"no");
    }
}
