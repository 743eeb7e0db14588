//! The line that a terminal shows while a run takes long.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::progress::Progress;

/// How long a run may take before anything is shown.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the line is drawn anew.
const PACE: Duration = Duration::from_millis(200);
/// Goes to the start of the line and empties it.
const CLEAR: &str = "\r\x1b[K";

/// Shows the line for as long as it lives, and takes it away when it goes.
pub(super) struct Waiting {
    /// Closed to end the thread; none without a terminal.
    running: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Waiting {
    /// Waits on standard error, if that is a terminal.
    pub(super) fn on_terminal(progress: Progress) -> Self {
        if io::stderr().is_terminal() {
            Self::start(io::stderr(), PATIENCE, progress)
        } else {
            Self { running: None }
        }
    }

    fn start(stream: impl Write + Send + 'static, patience: Duration, progress: Progress) -> Self {
        let (sender, receiver) = channel();
        let show = move || {
            let started = Instant::now();
            let mut stream = stream;
            let mut wait = patience;
            let mut shown = false;
            while receiver.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                let seconds = started.elapsed().as_secs();
                // A terminal that is gone is no reason to end the run.
                let _ = write!(stream, "{CLEAR}lwsconf: {} ({seconds} s)", progress.words());
                let _ = stream.flush();
                shown = true;
                wait = PACE;
            }
            if shown {
                let _ = write!(stream, "{CLEAR}");
                let _ = stream.flush();
            }
        };
        // Without a thread there is no line, and all else goes its way.
        Self { running: Builder::new().spawn(show).ok().map(|thread| (sender, thread)) }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.running.take() {
            drop(sender);
            // It can only have failed to draw.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Stage;

    /// Hands on what is written.
    struct Tap(Sender<String>);

    impl Write for Tap {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8_lossy(bytes).into_owned();
            self.0.send(text).map(|()| bytes.len()).map_err(io::Error::other)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_long_run_shows_a_line_and_takes_it_away() {
        let (sender, written) = channel();
        let progress = Progress::default();
        progress.enter(Stage::Parse);
        let waiting = Waiting::start(Tap(sender), Duration::ZERO, progress);
        let mut line = String::new();
        while !line.contains("s)") {
            line.push_str(&written.recv().unwrap());
        }
        assert!(line.contains("lwsconf: reading and parsing the files (0 s)"), "{line:?}");
        drop(waiting);
        let rest: String = written.iter().collect();
        assert!(rest.ends_with(CLEAR), "{rest:?}");
    }

    #[test]
    fn a_short_run_shows_nothing() {
        let (sender, written) = channel();
        drop(Waiting::start(Tap(sender), Duration::from_secs(3600), Progress::default()));
        assert_eq!(written.iter().collect::<String>(), "");
    }
}
