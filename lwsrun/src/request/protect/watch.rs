//! The credentials file of a mount, read again when it changes.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::fs::{Mode, OFlags, open};

use super::credentials::Credentials;
use super::header::Given;

/// How long what was seen is trusted.
const INTERVAL: Duration = Duration::from_secs(1);

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// Credentials that are kept up to date.
#[derive(Debug)]
pub(super) struct CredentialsFile {
    path: Box<str>,
    /// The mount's `file:line`.
    place: String,
    /// Where the times of looks begin.
    epoch: Instant,
    /// In milliseconds.
    interval: u64,
    /// When it was last looked at, in milliseconds since the epoch.
    looked: AtomicU64,
    /// `None`: it was never looked at.
    seen: RwLock<Option<Seen>>,
}

/// The file as it was seen.
#[derive(Debug, Clone)]
struct Seen {
    state: Result<State, String>,
    /// None at all while the file cannot be read.
    credentials: Arc<Credentials>,
}

/// What tells a state of the file from others.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl CredentialsFile {
    /// `place` is the mount's `file:line`, for the log.
    pub(super) fn new(path: &str, place: String) -> Self {
        Self::with_interval(path, place, INTERVAL)
    }

    pub(super) fn with_interval(path: &str, place: String, interval: Duration) -> Self {
        Self {
            path: path.into(),
            place,
            epoch: Instant::now(),
            interval: milliseconds(interval),
            looked: AtomicU64::new(0),
            seen: RwLock::new(None),
        }
    }

    /// Whether what was seen may be trusted. `false` is said once an interval, to the one who then looks; and to
    /// everyone as long as nobody has.
    pub(super) fn is_fresh(&self) -> bool {
        if self.seen.read().unwrap_or_else(PoisonError::into_inner).is_none() {
            return false;
        }
        let now = milliseconds(self.epoch.elapsed());
        let looked = self.looked.load(Ordering::Relaxed);
        now < looked.saturating_add(self.interval)
            || self.looked.compare_exchange(looked, now, Ordering::Relaxed, Ordering::Relaxed).is_err()
    }

    /// Whether the file, as it was seen last, has what was given.
    pub(super) fn admits(&self, given: &Given) -> bool {
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner).clone();
        seen.is_some_and(|seen| seen.credentials.admit(given))
    }

    /// Looks at the file, and reads it if it has changed. It may wait for a disk.
    pub(super) fn look(&self) {
        let known = self.seen.read().unwrap_or_else(PoisonError::into_inner).clone();
        let found = std::fs::metadata(&*self.path).map(|metadata| State::of(&metadata));
        if let (Ok(found), Some(Seen { state: Ok(known), .. })) = (&found, &known)
            && found == known
            && found.is_settled()
        {
            return;
        }
        let seen = match self.read() {
            Ok((state, bytes)) => {
                let (credentials, wrong) = Credentials::read(&bytes);
                let known = known.and_then(|known| known.state.ok());
                if !wrong.is_empty() && known.as_ref() != Some(&state) {
                    let Self { place, path, .. } = self;
                    tracing::warn!(
                        "{place}: `basic-auth` `{path}`: lines {wrong:?} begin like a hash and are none; they never \
                         match"
                    );
                }
                Seen { state: Ok(state), credentials: Arc::new(credentials) }
            }
            Err(error) => {
                let error = error.to_string();
                if known.is_none_or(|known| known.state != Err(error.clone())) {
                    let Self { place, path, .. } = self;
                    tracing::error!(
                        "{place}: `basic-auth` `{path}`: {error}; nobody is let in until it can be read"
                    );
                }
                Seen { state: Err(error), credentials: Arc::default() }
            }
        };
        *self.seen.write().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        self.looked.store(milliseconds(self.epoch.elapsed()), Ordering::Relaxed);
    }

    fn read(&self) -> io::Result<(State, Vec<u8>)> {
        // A FIFO would hold a thread for ever.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(open(&*self.path, flags, Mode::empty())?);
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LARGEST {
            return Err(io::Error::other(format!("it has more than {LARGEST} bytes")));
        }
        Ok((State::of(&metadata), bytes))
    }
}

impl State {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether the last change is so old that a further one would show.
    fn is_settled(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let latest = self.modified.0.max(self.changed.0);
        latest.saturating_add(2) < i64::try_from(now).unwrap_or(i64::MAX)
    }
}

fn milliseconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1000).saturating_add(u64::from(duration.subsec_millis()))
}
