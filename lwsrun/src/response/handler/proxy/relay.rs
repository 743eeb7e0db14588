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

use super::sending::{Patience, Stopped};
use super::timer::Timer;
use super::upload::{Progress, Upload};

/// What a request and its answer go over at the same time: a connection, or a stream of one. Dropped before both have ended
/// it is closed or reset.
pub(super) trait Exchanging: Send + 'static {
    /// Sends of the request what can be sent; ready when all of it is.
    fn poll_upload(&mut self, upload: &mut Upload, cx: &mut Context<'_>) -> Poll<Result<(), Stopped>>;

    /// No more of the request is to be sent.
    fn abandon_upload(&mut self);

    /// Whether all of the request has been sent.
    fn has_sent_all(&self) -> bool;

    /// The next piece of the answer's content, or its trailers; `None` at its end.
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>>;

    /// Whether the answer's content has ended.
    fn is_ended(&self) -> bool;

    /// How many bytes have gone either way.
    fn moved(&self) -> u64;
}

/// What the task hands on.
#[derive(Debug)]
struct Piece {
    /// What [`Exchanging::poll_frame`] gave.
    frame: Option<io::Result<Frame<Bytes>>>,
    /// Whether there is nothing behind it.
    last: bool,
}

/// The answer's content, for whoever takes it.
#[derive(Debug)]
pub(super) struct Relayed {
    pieces: Receiver<Piece>,
    ended: bool,
}

/// What the task has.
struct Relay<E> {
    exchange: Box<E>,
    upload: Upload,
    progress: Arc<Progress>,
    /// How long the request may stand still.
    wait: Duration,
    silence: Timer,
    patience: Patience,
}

/// The task has nothing more to do.
struct Over;

impl Relayed {
    /// Starts the task. An upstream that has answered and takes no more is let go after `wait`.
    ///
    /// `None` if there is no content: nobody asks for it, which is no reason to stop.
    pub(super) fn start(
        exchange: Box<impl Exchanging>,
        upload: Upload,
        progress: Arc<Progress>,
        wait: Duration,
    ) -> Option<Self> {
        let without_content = exchange.is_ended();
        let (silence, patience) = (Timer::new(wait), Patience::default());
        let relay = Relay { exchange, upload, progress, wait, silence, patience };
        if without_content {
            tokio::spawn(relay.finish());
            return None;
        }
        let (pieces, taken) = channel(1);
        tokio::spawn(relay.run(pieces));
        Some(Self { pieces: taken, ended: false })
    }

    /// The next piece; `None` at the end.
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
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
    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }
}

impl<E: Exchanging> Relay<E> {
    async fn run(mut self, pieces: Sender<Piece>) {
        if self.answer(&pieces).await.is_err() {
            return;
        }
        drop(pieces);
        self.finish().await;
    }

    /// Sends what is left of the request.
    async fn finish(mut self) {
        let rest = poll_fn(|cx| match self.poll_upload(false, cx) {
            Ok(()) if self.exchange.has_sent_all() => Poll::Ready(()),
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
                let room = room.as_mut().poll(cx);
                self.poll_upload(room.is_pending(), cx)?;
                room.map_err(|_| Over)
            });
            let room = room.await?;
            let frame = poll_fn(|cx| {
                self.poll_upload(false, cx)?;
                match self.exchange.poll_frame(cx) {
                    Poll::Pending => gone.as_mut().poll(cx).map(|()| Err(Over)),
                    Poll::Ready(frame) => Poll::Ready(Ok(frame)),
                }
            });
            let frame = frame.await?;
            let failed = matches!(frame, Some(Err(_)));
            let last = failed || self.exchange.is_ended();
            room.send(Piece { frame, last });
            if failed {
                return Err(Over);
            }
            if last {
                return Ok(());
            }
        }
    }

    /// Writes what can be written. `untaken`: the client does not take what has come of the answer, which may be what the
    /// upstream waits for.
    fn poll_upload(&mut self, untaken: bool, cx: &mut Context<'_>) -> Result<(), Over> {
        if self.exchange.has_sent_all() {
            return Ok(());
        }
        match self.exchange.poll_upload(&mut self.upload, cx) {
            Poll::Ready(Ok(())) => return Ok(()),
            // It may have more to say all the same.
            Poll::Ready(Err(Stopped::Connection(error))) => {
                tracing::debug!("an upstream has answered and takes no more of the request: {error}");
                self.exchange.abandon_upload();
                return Ok(());
            }
            Poll::Ready(Err(Stopped::Content)) => return Err(Over),
            Poll::Pending => {}
        }
        let (moved, excused) = (self.exchange.moved(), untaken || self.progress.is_awaited());
        if self.patience.is_over(&mut self.silence, self.wait, moved, excused, cx) {
            tracing::debug!("an upstream has answered and takes no more of the request");
            return Err(Over);
        }
        Ok(())
    }
}
