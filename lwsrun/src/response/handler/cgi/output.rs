//! A program's output: its head, and then its content as the body of the answer.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::{Response, StatusCode};
use http_body::{Frame, SizeHint};
use tokio::io::AsyncReadExt;
use tokio::process::ChildStdout;

use super::child::Child;
use super::clock::Clock;
use super::ending::Ending;
use super::feed::Feed;
use super::parse::{self, Head, Wrong};
use crate::connection::Watch;
use crate::response::complaints::Complaints;
use crate::response::error::Refusal;

/// How much is read at once, in bytes.
const PIECE: usize = 32 << 10;

/// How long a program that has closed its output may take to say how it ended.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// The output of a program that runs. Dropped before its end, the program is killed.
#[derive(Debug)]
pub(super) struct Output {
    child: Option<Child>,
    stdout: Option<ChildStdout>,
    feed: Option<Feed>,
    watch: Option<Watch>,
    clock: Clock,
    complaints: Arc<Complaints>,
    /// What was read and not given away.
    buffer: BytesMut,
    /// What is left of the content, if its length was told.
    left: Option<u64>,
}

/// What a program answers.
#[derive(Debug)]
pub(super) enum Answer {
    /// What to send; the body is the rest of the output.
    Response(Response<()>),
    /// A path of this vhost, to be answered instead.
    Local(String),
}

/// Why a program has not answered.
#[derive(Debug)]
pub(super) enum Fault {
    Gone,
    Slow(Duration),
    Wrong(Wrong, String),
    Read(io::Error),
}

impl Output {
    /// The output of a program.
    pub(super) fn new(
        mut child: Child,
        feed: Option<Feed>,
        watch: Option<Watch>,
        patience: Duration,
        complaints: Arc<Complaints>,
    ) -> Self {
        Self {
            stdout: child.stdout(),
            child: Some(child),
            feed,
            watch,
            clock: Clock::new(patience),
            complaints,
            buffer: BytesMut::new(),
            left: None,
        }
    }

    /// Reads the head, and says what it means.
    ///
    /// # Errors
    /// If it does not come, or means nothing.
    pub(super) async fn head(&mut self) -> Result<Answer, Fault> {
        let mut seen = 0;
        let end = loop {
            if let Some(end) = parse::end_of_head(&self.buffer, seen) {
                break end;
            }
            seen = self.buffer.len();
            if seen > parse::LARGEST {
                return Err(Fault::Wrong(Wrong::TooLarge, String::new()));
            }
            if poll_fn(|cx| self.poll_more(cx)).await? == 0 {
                let wrong = if self.buffer.is_empty() { Wrong::Nothing } else { Wrong::Cut };
                return Err(Fault::Wrong(wrong, self.last_words().await));
            }
        };
        if end > parse::LARGEST {
            return Err(Fault::Wrong(Wrong::TooLarge, String::new()));
        }
        let head = self.buffer.split_to(end);
        let head = parse::head(&head).map_err(|wrong| Fault::Wrong(wrong, String::new()))?;
        self.left = head.length;
        Ok(answer(head))
    }

    async fn last_words(&mut self) -> String {
        let Some(child) = &mut self.child else { return String::new() };
        child.status(LAST_WORDS).await.map(|status| format!(", {status}")).unwrap_or_default()
    }

    /// Reads more into the buffer, and gives how much; 0 at the end.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, Fault>> {
        let progress = self.feed.as_ref().map(|feed| feed.progress(cx)).unwrap_or_default();
        if progress.broken || self.watch.as_ref().is_some_and(Watch::is_gone) {
            return Poll::Ready(Err(Fault::Gone));
        }
        let Some(stdout) = &mut self.stdout else { return Poll::Ready(Ok(0)) };
        self.buffer.reserve(PIECE);
        match pin!(stdout.read_buf(&mut self.buffer)).poll(cx) {
            Poll::Ready(read) => {
                self.clock.stop();
                Poll::Ready(read.map_err(Fault::Read))
            }
            Poll::Pending => {
                ready!(self.clock.poll(cx, progress));
                Poll::Ready(Err(Fault::Slow(self.clock.patience)))
            }
        }
    }

    /// Throws the rest of its output away.
    pub(super) fn forget(mut self) {
        let stdout = self.stdout.take();
        self.end(stdout);
    }

    /// It has closed its output, or given all that it had announced.
    fn ended(&mut self) {
        self.stdout = None;
        self.end(None);
    }

    fn end(&mut self, stdout: Option<ChildStdout>) {
        if let Some(child) = self.child.take() {
            Ending { child, stdout, feed: self.feed.take(), patience: self.clock.patience }.begin();
        }
    }

    /// Gives away what is in the buffer, as far as it belongs to the content.
    fn take(&mut self) -> Bytes {
        let mut bytes = self.buffer.split().freeze();
        if let Some(left) = &mut self.left {
            let within = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
            bytes.truncate(within);
            *left -= within as u64;
        }
        bytes
    }
}

impl http_body::Body for Output {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            if self.left == Some(0) {
                self.ended();
                return Poll::Ready(None);
            }
            if !self.buffer.is_empty() {
                let bytes = self.take();
                if self.left == Some(0) {
                    // Whoever counts as well does not ask for the end.
                    self.ended();
                }
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            match ready!(self.poll_more(cx)) {
                Ok(0) if self.left.is_some() => {
                    self.complaints
                        .tell("its output is shorter than its `Content-Length`, the connection is cut");
                    return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
                }
                Ok(0) => {
                    self.ended();
                    return Poll::Ready(None);
                }
                Ok(_) => {}
                Err(fault) => {
                    self.child = None;
                    if let Some(words) = fault.words() {
                        self.complaints.tell(&format!("{words}, the connection is cut"));
                    }
                    return Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Fault {
    /// What is wrong; nothing where it is not the program.
    fn words(&self) -> Option<String> {
        match self {
            Self::Gone => None,
            Self::Slow(patience) => Some(format!(
                "the program was silent for {} s (`cgi-timeout`) and is killed",
                patience.as_secs()
            )),
            Self::Wrong(wrong, status) => Some(format!("the program has not answered: {wrong}{status}")),
            Self::Read(error) => Some(format!("the program's output cannot be read: {error}")),
        }
    }

    /// The answer, with what is wrong.
    pub(super) fn response(&self) -> Response<Body> {
        let refusal = match self {
            // Nobody will read it.
            Self::Gone => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = Refusal::ClientGone.status();
                return response;
            }
            Self::Slow(_) => Refusal::GatewayTimeout,
            Self::Wrong(..) | Self::Read(_) => Refusal::BadGateway,
        };
        refusal.because(self.words().unwrap_or_default())
    }
}

/// What a head means (RFC 3875, section 6.2). A path of this vhost is answered in its place only if it stands alone:
/// other fields, such as cookies, are meant for the client.
pub(super) fn answer(head: Head) -> Answer {
    let Head { status, location, fields, .. } = head;
    if let (None, Some(location)) = (status, &location)
        && location.starts_with('/')
        && !location.starts_with("//")
        && fields.len() == 1
    {
        return Answer::Local(location.clone());
    }
    let usual = if location.is_some() { StatusCode::FOUND } else { StatusCode::OK };
    let mut response = Response::new(());
    *response.status_mut() = status.unwrap_or(usual);
    *response.headers_mut() = fields;
    if !may_have_body(response.status()) {
        // A client would wait for that much (205), or it is not allowed (204), or about another answer (304).
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    Answer::Response(response)
}

/// Whether an answer of this status may have a body (RFC 9110, sections 6.4.1 and 15.3.6).
pub(super) fn may_have_body(status: StatusCode) -> bool {
    !matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED)
}
