//! A transport under hyper that judges the bytes of each HTTP/1 request before hyper reads them, and answers those
//! that it refuses by itself.
//!
//! hyper repairs some requests that others read differently (a Content-Length beside a Transfer-Encoding is dropped,
//! for one), and answers others without a line in the log. Here
//!
//! 1. [`scanner`] follows the messages of the connection, [`head`] judges heads, [`chunks`] chunked bodies;
//! 2. what is good passes, without a copy if its head came in one piece;
//! 3. an incomplete head waits here, so that hyper sees whole ones only;
//! 4. [`refuse`](Guarded::poll_refuse) answers what is bad, once all earlier answers are out, and closes;
//! 5. behind a request for another protocol nothing passes until it is answered: after a 101 this steps aside.
//!
//! It also holds the clocks of a connection (see [`Pace`]): hyper knows none for bodies, and one for all heads.

mod asked;
mod chunks;
mod departure;
mod fault;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod head;
mod quiet;
mod refusal;
mod scanner;
#[cfg(test)]
mod tests;

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use http::{Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(crate) use self::asked::field_of;
pub(crate) use self::fault::Fault;

use self::asked::Asked;
use self::refusal::Refusing;
use self::scanner::{Scanned, Scanner};
use super::glances::Glances;
use super::limits::Limits;
use super::pace::{Pace, Wait};
use super::presence::Presence;
use super::read_closed::ReadClosed;
use crate::response::error::Refusal;
use crate::response::log::Entry;

/// How much is read at once while a head is incomplete, in bytes.
const PIECE: usize = 4 << 10;

/// The end of a connection that is not kept is hyper's to make; this is only in case that it does not.
const LEAST_IDLE: Duration = Duration::from_secs(1);

/// What the service that answers tells the guard.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// How many requests have been answered.
    answered: AtomicU64,
    /// Whether the last answer was to speak another protocol.
    switched: AtomicBool,
    /// How long the next request may take to come, in milliseconds, as the last answer has it.
    idle: AtomicU64,
    /// Nothing came for a while: see [`quiet`].
    quiet: AtomicBool,
    /// What the guard answered in the middle of a request's content, for whoever logs that request.
    pub(super) cut: Cut,
}

impl Answers {
    /// A request was answered; `switched`: with 101. The next one may take `idle` to come.
    pub(super) fn note(&self, switched: bool, idle: Duration) {
        self.switched.store(switched, Ordering::Relaxed);
        self.idle.store(u64::try_from(idle.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    /// How long the next request may take to come; `None` while not all of so many requests are answered.
    fn idle_after(&self, requests: u64) -> Option<Duration> {
        let idle = || Duration::from_millis(self.idle.load(Ordering::Relaxed)).max(LEAST_IDLE);
        (self.answered.load(Ordering::Relaxed) >= requests).then(idle)
    }
}

/// An answer of the guard's own to a request that was passed on already: its status, and the bytes of its body.
#[derive(Debug, Default)]
pub(crate) struct Cut(OnceLock<(StatusCode, u64)>);

impl Cut {
    /// What was answered, if anything was.
    pub(crate) fn answer(&self) -> Option<(StatusCode, u64)> {
        self.0.get().copied()
    }

    fn set(&self, status: StatusCode, bytes: u64) {
        // The connection ends with it, so there is no second one.
        let _ = self.0.set((status, bytes));
    }
}

/// Bytes that are refused: the head of a request, or what can be seen of it; none where only its content is at fault.
pub(super) type RefusedHead<'h> = Option<&'h [u8]>;

/// Makes the answer to what is refused, and its line for the log, if it has one. It is told the host that was meant, if any.
type MakeAnswer =
    Box<dyn Fn(Fault, Option<&str>, RefusedHead<'_>) -> (Response<String>, Option<Entry>) + Send + Sync>;

/// A transport whose input is judged.
pub(super) struct Guarded<S> {
    io: S,
    scanner: Scanner,
    /// Bytes that may not pass yet, or that hyper had no room for.
    held: Vec<u8>,
    /// How many of the held bytes may pass.
    ready: usize,
    /// How many heads have passed.
    heads: u64,
    /// Another protocol is spoken; nothing is looked at any more.
    aside: bool,
    /// The message whose body is coming.
    asked: Option<Asked>,
    refusing: Option<Box<Refusing>>,
    /// hyper has written what it has not flushed.
    unflushed: bool,
    /// Who waits for answers to be out.
    reader: Option<Waker>,
    /// For the first request, and for each head from its first byte on.
    timeout: Duration,
    limits: Limits,
    reading: Pace,
    writing: Pace,
    answers: Arc<Answers>,
    presence: Presence,
    glances: Glances,
    make_answer: MakeAnswer,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guarded<S> {
    pub(super) fn new(
        io: S,
        timeout: Duration,
        limits: Limits,
        answers: Arc<Answers>,
        presence: Presence,
        make_answer: impl Fn(Fault, Option<&str>, RefusedHead<'_>) -> (Response<String>, Option<Entry>)
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            io,
            scanner: Scanner::new(limits.head),
            held: Vec::new(),
            ready: 0,
            heads: 0,
            aside: false,
            asked: None,
            refusing: None,
            unflushed: false,
            reader: None,
            timeout,
            limits,
            reading: Pace::default(),
            writing: Pace::default(),
            answers,
            presence,
            glances: Glances::default(),
            make_answer: Box::new(make_answer),
        }
    }

    /// The transport, when it is over with requests, and what was read of it and not handed on.
    pub(super) fn into_parts(self) -> (S, Vec<u8>) {
        (self.io, self.held)
    }

    /// Reads into hyper's own buffer, which is where nearly all heads come in one piece.
    ///
    /// `false`: none of what came may pass yet.
    fn poll_direct(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<bool>> {
        let before = buffer.filled().len();
        if Pin::new(&mut self.io).poll_read(cx, buffer)?.is_pending() {
            return self.poll_wait(cx);
        }
        let new = &buffer.filled()[before..];
        if new.is_empty() {
            return Poll::Ready(Ok(true));
        }
        self.reading.moved(new.len());
        let scanned = self.scanner.scan(new);
        self.note(&scanned, new);
        let rest = &new[scanned.pass..];
        if let Some(fault) = scanned.fault {
            self.refusing = Some(self.refusing(fault, scanned.of_body, rest));
        } else if !rest.is_empty() {
            self.held.extend_from_slice(rest);
        }
        buffer.set_filled(before + scanned.pass);
        Poll::Ready(Ok(scanned.pass > 0))
    }

    /// Reads more of a head that is incomplete.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut space = [MaybeUninit::uninit(); PIECE];
        let mut piece = ReadBuf::uninit(&mut space);
        if Pin::new(&mut self.io).poll_read(cx, &mut piece)?.is_pending() {
            return self.poll_wait(cx).map_ok(|_| ());
        }
        if piece.filled().is_empty() {
            self.refuse(Fault::bad("the connection ends in the middle of a head"));
        } else {
            self.reading.moved(piece.filled().len());
            self.held.extend_from_slice(piece.filled());
            self.scan_held();
        }
        Poll::Ready(Ok(()))
    }

    fn scan_held(&mut self) {
        let held = std::mem::take(&mut self.held);
        let scanned = self.scanner.scan(&held);
        self.note(&scanned, &held);
        self.held = held;
        self.ready = scanned.pass;
        if scanned.heads > 0 {
            self.reading.complete();
        }
        if let Some(fault) = scanned.fault {
            self.refusing = Some(self.refusing(fault, scanned.of_body, &self.held[self.ready..]));
            self.held.truncate(self.ready);
        }
    }

    /// Notes what passes of `bytes`.
    fn note(&mut self, scanned: &Scanned, bytes: &[u8]) {
        self.heads += scanned.heads;
        if let (Some(start), true) = (scanned.message, self.scanner.is_in_body()) {
            self.asked = Some(Asked::of(&bytes[start..]));
        }
    }

    /// Hands out held bytes that may pass.
    fn hand_out(&mut self, buffer: &mut ReadBuf<'_>) {
        let length = self.ready.min(buffer.remaining());
        buffer.put_slice(&self.held[..length]);
        self.held.drain(..length);
        self.ready -= length;
        if self.held.is_empty() {
            self.held = Vec::new();
        }
    }

    /// Nothing comes: waits, unless that has lasted too long. Then an idle connection ends (`true`: as if the peer had
    /// closed it), and all else is refused.
    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let wait = if self.scanner.is_in_body() {
            Wait::Content(self.limits.request_rate)
        } else if !self.held.is_empty() {
            Wait::Head(self.timeout)
        } else if self.heads == 0 {
            Wait::Request(self.timeout)
        } else if let Some(idle) = self.answers.idle_after(self.heads) {
            Wait::Quiet(idle)
        } else {
            // Its answer is being made, so it is not the client that is waited for.
            return Poll::Pending;
        };
        if !self.reading.is_over(wait, cx) {
            return Poll::Pending;
        }
        match wait {
            Wait::Content(_) => self.refuse(Fault::of(Refusal::Timeout, "the content comes too slowly")),
            Wait::Head(_) => self.refuse(Fault::of(Refusal::Timeout, "the head takes too long")),
            Wait::Quiet(_) => {
                self.become_quiet(cx);
                return Poll::Pending;
            }
            Wait::Request(_) | Wait::Room(_) => return Poll::Ready(Ok(true)),
        }
        Poll::Ready(Ok(false))
    }

    fn refuse(&mut self, fault: Fault) {
        self.refusing = Some(self.refusing(fault, self.scanner.is_in_body(), &self.held));
        self.held = Vec::new();
    }

    /// Prepares the refusal of a message. `bytes` are those that did not pass: they begin with its head, unless that has
    /// passed.
    fn refusing(&self, fault: Fault, of_body: bool, bytes: &[u8]) -> Box<Refusing> {
        let asked = match &self.asked {
            Some(asked) if of_body => asked.clone(),
            _ => Asked::of(bytes),
        };
        let head = (!of_body).then_some(bytes);
        let (response, entry) = (self.make_answer)(fault, asked.host.as_deref(), head);
        Box::new(Refusing::new(&response, entry, fault, of_body, asked.is_head))
    }

    /// Refuses: waits for earlier answers, writes the own one, closes. At its end the input ends, for hyper as well.
    fn poll_refuse(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(refusing) = &mut self.refusing else { return Poll::Ready(Ok(())) };
        let answered = self.answers.answered.load(Ordering::Relaxed);
        if refusing.of_body && answered >= self.heads {
            // Its answer is on the way already, so all that is left is to end the connection.
            return Poll::Ready(Err(refusing.error()));
        }
        let owed = if refusing.of_body { self.heads.saturating_sub(1) } else { self.heads };
        if answered < owed || self.unflushed {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if refusing.of_body && !refusing.begun {
            let (status, bytes) = refusing.answer();
            self.answers.cut.set(status, bytes);
        }
        if refusing.poll(&mut self.io, cx).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(if refusing.of_body { Err(refusing.error()) } else { Ok(()) })
    }

    /// Behind a request for another protocol: goes on once it is answered.
    fn poll_decided(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.answers.answered.load(Ordering::Relaxed) < self.heads {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if self.answers.switched.load(Ordering::Relaxed) {
            self.aside = true;
            self.ready = self.held.len();
            (self.reading, self.writing) = (Pace::default(), Pace::default());
        } else {
            self.scanner.go_on();
            self.scan_held();
        }
        Poll::Ready(())
    }

    /// What a write that came to `written` means.
    fn written(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.unflushed = true;
        match written {
            Poll::Ready(Ok(bytes)) => self.writing.moved(bytes),
            Poll::Pending
                if !self.aside && self.writing.is_over(Wait::Room(self.limits.response_rate), cx) =>
            {
                tracing::debug!("the peer takes its answer too slowly, the connection is cut");
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            _ => {}
        }
        written
    }

    /// Whether the guard writes, so that nobody else may.
    fn is_answering(&self) -> bool {
        self.refusing.as_ref().is_some_and(|refusing| refusing.begun)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        loop {
            if guard.answers.is_quiet() {
                return Poll::Pending;
            }
            if guard.ready > 0 {
                guard.hand_out(buffer);
                return Poll::Ready(Ok(()));
            }
            if guard.aside {
                return Pin::new(&mut guard.io).poll_read(cx, buffer);
            }
            if guard.refusing.is_some() {
                return guard.poll_refuse(cx);
            }
            if guard.scanner.is_undecided() {
                ready!(guard.poll_decided(cx));
            } else if !guard.held.is_empty() {
                ready!(guard.poll_more(cx))?;
            } else if ready!(guard.poll_direct(cx, buffer))? {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + ReadClosed + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let guard = self.get_mut();
        if guard.is_answering() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let written = Pin::new(&mut guard.io).poll_write(cx, bytes);
        guard.written(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let guard = self.get_mut();
        if guard.is_answering() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let written = Pin::new(&mut guard.io).poll_write_vectored(cx, slices);
        guard.written(cx, written)
    }

    // Without it hyper would copy every response into one buffer.
    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        ready!(Pin::new(&mut guard.io).poll_flush(cx))?;
        guard.unflushed = false;
        if let Some(reader) = guard.reader.take() {
            reader.wake();
        }
        Poll::Ready(guard.look_for_end(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        if guard.is_answering() {
            return Poll::Ready(Ok(()));
        }
        // TLS says goodbye, for which a client that takes nothing has no room.
        let closed = Pin::new(&mut guard.io).poll_shutdown(cx);
        if closed.is_pending() && guard.writing.is_over(Wait::Room(guard.limits.response_rate), cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        closed
    }
}
