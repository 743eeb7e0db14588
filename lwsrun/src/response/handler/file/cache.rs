//! Small files in memory, shared by all mounts of the server and bounded by bytes.
//!
//! An entry is answered from without a look at the file system until [`FileCache`]'s interval is over. Then one request
//! looks, while the others still get the entry. There is no other expiry: what is not asked for is pushed out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use super::reply::{Representation, reply};
use super::resolve::Identity;

/// How long an entry is trusted.
const INTERVAL: Duration = Duration::from_secs(1);

/// What an entry costs beyond its bytes and its path: headers, validators, the table.
const OVERHEAD: u64 = 1024;

/// The size that the tables are laid out for; they grow if files are smaller.
const TYPICAL: u64 = 16 * 1024;

/// Files in memory. One for the whole server, so that one number bounds it.
#[derive(Debug)]
pub(crate) struct FileCache {
    entries: Cache<Key, Arc<Entry>, Weights>,
    /// Where the times of entries begin.
    epoch: Instant,
    /// How long an entry is trusted, in milliseconds.
    interval: u64,
    mounts: AtomicU64,
}

/// A file in memory.
#[derive(Debug)]
pub(super) struct Entry {
    file: Representation,
    bytes: Bytes,
    identity: Identity,
    /// Whether the file was old enough, when it was read, for `identity` to tell a later change.
    settled: bool,
    /// When the file was last looked at, in milliseconds since the cache's epoch.
    looked: AtomicU64,
}

/// Whose file, and its canonical path. Not its name: then a hit would have to be decoded first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    mount: u64,
    path: Box<str>,
}

/// A [`Key`] that is looked for. Its fields are those of `Key` in the same order, so that both hash alike.
#[derive(Debug, Clone, Copy, Hash)]
pub(super) struct KeyRef<'p> {
    pub(super) mount: u64,
    pub(super) path: &'p str,
}

#[derive(Debug, Clone)]
struct Weights;

impl FileCache {
    /// A cache of at most `bytes` bytes, entries' headers included.
    pub(crate) fn new(bytes: u64) -> Self {
        Self::with_interval(bytes, INTERVAL)
    }

    /// A cache whose entries are trusted for so long, in whole milliseconds.
    pub(crate) fn with_interval(bytes: u64, interval: Duration) -> Self {
        let typical = usize::try_from(bytes / TYPICAL).unwrap_or(usize::MAX).clamp(128, 1 << 16);
        Self {
            entries: Cache::with_weighter(typical, bytes, Weights),
            epoch: Instant::now(),
            interval: milliseconds(interval),
            mounts: AtomicU64::new(0),
        }
    }

    /// A number that no other mount has.
    pub(super) fn next_mount(&self) -> u64 {
        self.mounts.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn get(&self, key: &KeyRef<'_>) -> Option<Arc<Entry>> {
        self.entries.get(key)
    }

    pub(super) fn insert(&self, key: KeyRef<'_>, entry: Arc<Entry>) {
        self.entries.insert(Key { mount: key.mount, path: key.path.into() }, entry);
    }

    pub(super) fn remove(&self, key: &KeyRef<'_>) {
        self.entries.remove(key);
    }

    /// Milliseconds since the cache's epoch.
    pub(super) fn now(&self) -> u64 {
        milliseconds(self.epoch.elapsed())
    }

    /// Whether an entry may be answered from. `false` is said once an interval, to the one who then looks.
    pub(super) fn is_fresh(&self, entry: &Entry) -> bool {
        let now = self.now();
        let looked = entry.looked.load(Ordering::Relaxed);
        now < looked.saturating_add(self.interval)
            || entry.looked.compare_exchange(looked, now, Ordering::Relaxed, Ordering::Relaxed).is_err()
    }

    /// The sum of the weights of what is in memory, in bytes.
    #[cfg(test)]
    pub(super) fn weight(&self) -> u64 {
        self.entries.weight()
    }
}

impl Entry {
    pub(super) fn new(file: Representation, bytes: Bytes, identity: Identity, looked: u64) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let settled = identity.is_settled(i64::try_from(now).unwrap_or(i64::MAX));
        Self { file, bytes, identity, settled, looked: AtomicU64::new(looked) }
    }

    /// Whether a file is the one that was read, in the state that was read.
    pub(super) fn is_still(&self, identity: &Identity) -> bool {
        self.settled && self.identity == *identity
    }

    /// The answer to a GET or HEAD.
    pub(super) fn reply(&self, request: &Request<()>) -> Response<Body> {
        reply(request, &self.file, |range| {
            // Both ends lie within the bytes, so they fit.
            let at = |offset| usize::try_from(offset).unwrap_or(usize::MAX).min(self.bytes.len());
            Body::from(self.bytes.slice(at(range.start)..at(range.end)))
        })
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.mount == key.mount && *self.path == *key.path
    }
}

impl Weighter<Key, Arc<Entry>> for Weights {
    fn weight(&self, key: &Key, entry: &Arc<Entry>) -> u64 {
        let bytes = entry.bytes.len().saturating_add(key.path.len());
        u64::try_from(bytes).unwrap_or(u64::MAX).saturating_add(OVERHEAD)
    }
}

fn milliseconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1000).saturating_add(u64::from(duration.subsec_millis()))
}
