//! A program whose answer is complete, until it ends by itself or is killed.

use std::future::{pending, poll_fn};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::process::ChildStdout;

use super::child::Child;
use super::clock::Clock;
use super::feed::Feed;

/// What is left of a program. Dropped, it is killed.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) child: Child,
    /// Output that nobody wants and that it may go on writing.
    pub(super) stdout: Option<ChildStdout>,
    pub(super) feed: Option<Feed>,
    /// How long it may stand still: take nothing of its input, or not end once it has all of it.
    pub(super) patience: Duration,
}

impl Ending {
    /// Lets it end.
    pub(super) fn begin(mut self) {
        // Mostly it has ended by now.
        if self.feed.as_ref().is_none_or(Feed::is_done) && self.child.has_ended() {
            if let Some(feed) = self.feed {
                feed.detach();
            }
            return;
        }
        tokio::spawn(self.wait());
    }

    async fn wait(self) {
        let Self { mut child, stdout, feed, patience } = self;
        // Output is no progress: nobody is there who would leave, so it could go on for ever.
        let thrown_away = async {
            if let Some(mut stdout) = stdout {
                let _ = tokio::io::copy(&mut stdout, &mut tokio::io::sink()).await;
            }
            pending::<()>().await;
        };
        let ends = async {
            // It is not reaped before it has its input: then all of its group could no longer be killed.
            if let Some(feed) = feed {
                let mut clock = Clock::new(patience);
                if !poll_fn(|cx| fed(&feed, &mut clock, cx)).await {
                    return;
                }
                feed.detach();
            }
            let _ = child.status(patience).await;
        };
        tokio::select! {
            () = thrown_away => {}
            () = ends => {}
        }
    }
}

/// Whether it has its input, as far as it wants it; `false` once it has stood still for too long, or the rest will never
/// come.
fn fed(feed: &Feed, clock: &mut Clock, cx: &mut Context<'_>) -> Poll<bool> {
    let progress = feed.progress(cx);
    if feed.is_done() || progress.broken {
        return Poll::Ready(!progress.broken);
    }
    ready!(clock.poll(cx, progress));
    Poll::Ready(false)
}
