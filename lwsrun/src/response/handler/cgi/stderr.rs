//! What a program writes to standard error, in the log of its mount.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::running::Counted;
use crate::response::complaints::Complaints;

/// The longest line, in bytes; the rest of it is left out.
const LONGEST: usize = 1024;

/// How long it is still read once the program has ended: what it has left behind may hold it open for ever.
const LAST_LINES: Duration = Duration::from_millis(100);

/// A program's standard error is followed for as long as this lives, and a short while longer.
#[derive(Debug)]
pub(super) struct Followed(#[expect(dead_code, reason = "it is held, not used")] oneshot::Sender<Infallible>);

/// Has a program's standard error told. It counts as long as it is open.
pub(super) fn follow(
    mut stderr: impl AsyncRead + Unpin + Send + 'static,
    complaints: &Arc<Complaints>,
    counted: Counted,
) -> Followed {
    let (alive, ended) = oneshot::channel();
    let complaints = Arc::clone(complaints);
    tokio::spawn(async move {
        let mut lines = Lines { complaints: &complaints, line: Vec::new() };
        let too_late = async {
            let _ = ended.await;
            sleep(LAST_LINES).await;
        };
        tokio::select! {
            () = lines.read(&mut stderr) => {}
            () = too_late => {}
        }
        lines.end();
        drop((stderr, counted));
    });
    Followed(alive)
}

/// Tells what comes, line by line.
struct Lines<'c> {
    complaints: &'c Complaints,
    line: Vec<u8>,
}

impl Lines<'_> {
    /// To its end.
    async fn read(&mut self, stderr: &mut (impl AsyncRead + Unpin)) {
        let mut piece = [0; 1024];
        while let Ok(count) = stderr.read(&mut piece).await {
            if count == 0 {
                break;
            }
            for part in piece[..count].split_inclusive(|&byte| byte == b'\n') {
                let room = LONGEST - self.line.len();
                self.line.extend_from_slice(&part[..part.len().min(room)]);
                if part.ends_with(b"\n") {
                    self.tell();
                }
            }
        }
    }

    /// The last line may lack its end.
    fn end(&mut self) {
        if !self.line.is_empty() {
            self.tell();
        }
    }

    fn tell(&mut self) {
        let text = String::from_utf8_lossy(self.line.trim_ascii_end());
        self.complaints.tell_stderr(&text);
        self.line.clear();
    }
}
