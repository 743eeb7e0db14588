//! An answer that begins before its request has ended: a task drives both, so that content goes out whatever becomes of the
//! answer, and comes whether or not more goes out.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::Http1;
use super::output::Stopped;
use crate::response::handler::proxy::timer::Timer;
use crate::response::handler::proxy::upload::{Progress, Upload};

/// What the task hands on.
#[derive(Debug)]
struct Piece {
    /// What [`Http1::poll_frame`] gave.
    frame: Option<io::Result<Frame<Bytes>>>,
    /// Whether there is nothing behind it.
    last: bool,
}

/// The answer's content, for whoever takes it.
#[derive(Debug)]
pub(in super::super) struct Relayed {
    pieces: Receiver<Piece>,
    ended: bool,
}

/// What the task has.
struct Relay {
    connection: Box<Http1>,
    upload: Upload,
    progress: Arc<Progress>,
    /// How long the request may stand still.
    wait: Duration,
    silence: Timer,
    /// What had moved when the clock was looked at.
    moved: (u64, u64),
}

/// The task has nothing more to do.
struct Over;

impl Relayed {
    /// Starts the task. An upstream that has answered and takes no more is let go after `wait`.
    ///
    /// `None` if there is no content: nobody asks for it, which is no reason to stop.
    pub(in super::super) fn start(
        connection: Box<Http1>,
        upload: Upload,
        progress: Arc<Progress>,
        wait: Duration,
    ) -> Option<Self> {
        let without_content = connection.is_ended();
        let relay = Relay { connection, upload, progress, wait, silence: Timer::new(wait), moved: (0, 0) };
        if without_content {
            tokio::spawn(relay.finish());
            return None;
        }
        let (pieces, taken) = channel(1);
        tokio::spawn(relay.run(pieces));
        Some(Self { pieces: taken, ended: false })
    }

    /// The next piece; `None` at the end.
    pub(in super::super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let lost = || io::Error::new(io::ErrorKind::ConnectionAborted, "the request could not go on");
        let piece = ready!(self.pieces.poll_recv(cx));
        let Piece { frame, last } = piece.unwrap_or_else(|| Piece { frame: Some(Err(lost())), last: true });
        self.ended = last;
        Poll::Ready(frame)
    }

    /// Whether it has ended.
    pub(in super::super) fn is_ended(&self) -> bool {
        self.ended
    }
}

impl Relay {
    async fn run(mut self, pieces: Sender<Piece>) {
        if self.answer(&pieces).await.is_err() {
            return;
        }
        drop(pieces);
        self.finish().await;
    }

    /// Sends what is left of the request.
    async fn finish(mut self) {
        let rest = poll_fn(|cx| match self.poll_upload(cx) {
            Ok(()) if self.connection.output.is_done() => Poll::Ready(()),
            Ok(()) => Poll::Pending,
            Err(Over) => Poll::Ready(()),
        });
        rest.await;
    }

    /// Hands on the answer, while more of the request goes out.
    async fn answer(&mut self, pieces: &Sender<Piece>) -> Result<(), Over> {
        let mut gone = pin!(pieces.closed());
        loop {
            let mut room = pin!(pieces.reserve());
            let room = poll_fn(|cx| {
                self.poll_upload(cx)?;
                room.as_mut().poll(cx).map_err(|_| Over)
            });
            let room = room.await?;
            let frame = poll_fn(|cx| {
                self.poll_upload(cx)?;
                match self.connection.poll_frame(cx) {
                    Poll::Pending => gone.as_mut().poll(cx).map(|()| Err(Over)),
                    Poll::Ready(frame) => Poll::Ready(Ok(frame)),
                }
            });
            let frame = frame.await?;
            let failed = matches!(frame, Some(Err(_)));
            let last = failed || self.connection.is_ended();
            room.send(Piece { frame, last });
            if failed {
                return Err(Over);
            }
            if last {
                return Ok(());
            }
        }
    }

    /// Writes what can be written.
    fn poll_upload(&mut self, cx: &mut Context<'_>) -> Result<(), Over> {
        let Http1 { stream, output, input, .. } = &mut *self.connection;
        if output.is_done() {
            return Ok(());
        }
        match output.poll(stream, &mut self.upload, cx) {
            Poll::Ready(Ok(())) => return Ok(()),
            // It may have more to say all the same.
            Poll::Ready(Err(Stopped::Connection(error))) => {
                tracing::debug!("an upstream has answered and takes no more of the request: {error}");
                output.abandon();
                return Ok(());
            }
            Poll::Ready(Err(Stopped::Content)) => return Err(Over),
            Poll::Pending => {}
        }
        while self.silence.is_over(cx) {
            let now = (self.progress.bytes(), input.received());
            if now == self.moved {
                tracing::debug!("an upstream has answered and takes no more of the request");
                return Err(Over);
            }
            self.moved = now;
            self.silence.restart(self.wait);
        }
        Ok(())
    }
}
