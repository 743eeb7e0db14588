//! What a mount's programs write to standard error, and what is wrong with them, in the server's log: with the mount's
//! `file:line`, and so many lines a second, since whoever sends requests makes them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt};

/// Lines of a mount in each [`PERIOD`]; more are counted.
const MOST: u32 = 20;

const PERIOD: Duration = Duration::from_secs(1);

/// The longest line; the rest of it is left out.
const LONGEST: usize = 1024;

/// The log of one mount.
#[derive(Debug)]
pub(super) struct Complaints {
    /// `file:line: mount …`
    what: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    begun: Instant,
    told: u32,
    untold: u64,
}

impl Complaints {
    pub(super) fn new(what: String) -> Self {
        Self { what, state: Mutex::new(State { begun: Instant::now(), told: 0, untold: 0 }) }
    }

    /// Tells what is wrong.
    pub(super) fn tell(&self, words: &str) {
        if let Some(untold) = self.may_tell() {
            let what = &self.what;
            if untold > 0 {
                tracing::warn!("{what}: {untold} more lines were left out");
            }
            tracing::warn!("{what}: {words}");
        }
    }

    /// Whether a line may be told, and how many could not before.
    fn may_tell(&self) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.begun.elapsed() >= PERIOD {
            (state.begun, state.told) = (Instant::now(), 0);
        }
        if state.told >= MOST {
            state.untold += 1;
            return None;
        }
        state.told += 1;
        Some(std::mem::take(&mut state.untold))
    }

    /// Tells what comes, line by line, to its end.
    pub(super) async fn follow(&self, mut stderr: impl AsyncRead + Unpin) {
        let mut line = Vec::new();
        let mut piece = [0; 1024];
        while let Ok(count) = stderr.read(&mut piece).await {
            if count == 0 {
                break;
            }
            for part in piece[..count].split_inclusive(|&byte| byte == b'\n') {
                let room = LONGEST - line.len();
                line.extend_from_slice(&part[..part.len().min(room)]);
                if part.ends_with(b"\n") {
                    self.line(&line);
                    line.clear();
                }
            }
        }
        if !line.is_empty() {
            self.line(&line);
        }
    }

    fn line(&self, line: &[u8]) {
        // Bytes of a program, and through it perhaps of a client: none of them may move the cursor of a terminal.
        let text: String = String::from_utf8_lossy(line.trim_ascii_end())
            .chars()
            .map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c })
            .collect();
        self.tell(&format!("stderr: {text}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_flood_is_counted() {
        let complaints = Complaints::new("x:1: mount `/`".to_owned());
        let flood = b"line\n".repeat(1000);
        complaints.follow(&*flood).await;
        let state = complaints.state.lock().unwrap();
        assert!(
            state.told <= MOST && u64::from(state.told) + state.untold >= 1000 % u64::from(MOST),
            "{state:?}"
        );
        assert!(state.untold > 0);
    }
}
