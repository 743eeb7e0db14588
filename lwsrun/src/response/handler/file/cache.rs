//! Small files in memory, shared by all mounts of the server and bounded by bytes.
//!
//! An entry knows all forms of a file, and so which there are not; it holds the bytes of those that are small. It is
//! answered from without a look at the file system until [`FileCache`]'s interval is over. Then one request looks, while
//! the others still get the entry. There is no other expiry: what is not asked for is pushed out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::HeaderMap;
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use super::coding::{Coding, choose};
use super::kept::Kept;
use super::reply::Representation;
use super::resolve::Identity;
use super::source::{Source, Sources};

/// How long an entry is trusted.
const INTERVAL: Duration = Duration::from_secs(1);

/// What each form costs beyond its bytes: headers, validators, the table, the path.
const OVERHEAD: u64 = 1024;

/// The size that the tables are laid out for; they grow if files are smaller.
const TYPICAL: u64 = 16 * 1024;

/// The most paths that are remembered to lead to nothing.
const MOST_MISSES: usize = 4096;

/// The longest such path, in bytes.
const LONGEST_MISS: usize = 256;

/// Files in memory. One for the whole server, so that one number bounds it.
#[derive(Debug)]
pub(crate) struct FileCache {
    entries: Cache<Key, Arc<Entry>, Weights>,
    /// Where the times of entries begin.
    epoch: Instant,
    /// How long an entry is trusted, in milliseconds.
    interval: u64,
    mounts: AtomicU64,
    /// Paths that lead to no file, and when that was found out, in milliseconds since the epoch.
    misses: Cache<Key, u64>,
}

/// A file in memory.
#[derive(Debug)]
pub(super) struct Entry {
    plain: Form,
    /// In order of preference.
    coded: Box<[Form]>,
    /// Whether all forms were old enough, when they were read, for their identities to tell a later change.
    settled: bool,
    /// When the file was last looked at, in milliseconds since the cache's epoch.
    looked: AtomicU64,
}

/// One form of a file.
#[derive(Debug)]
pub(super) struct Form {
    /// `None`: the file itself.
    pub(super) coding: Option<Coding>,
    pub(super) file: Representation,
    /// Of the file that holds it.
    pub(super) identity: Identity,
    /// `None`: too large to be kept, or changing.
    pub(super) bytes: Option<Bytes>,
    /// The file itself, where it stays open.
    pub(super) kept: Option<Kept>,
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
            misses: Cache::new(MOST_MISSES),
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

    /// Whether there was no file a moment ago: for as long as an entry is trusted.
    pub(super) fn is_missing(&self, key: &KeyRef<'_>) -> bool {
        self.misses.get(key).is_some_and(|found_out| self.now() < found_out.saturating_add(self.interval))
    }

    /// Remembers that there is no file.
    pub(super) fn note_missing(&self, key: &KeyRef<'_>) {
        if key.path.len() <= LONGEST_MISS {
            self.misses.insert(Key { mount: key.mount, path: key.path.into() }, self.now());
        }
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
    /// `coded` is in order of preference.
    pub(super) fn new(plain: Form, coded: Vec<Form>, looked: u64) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let settled = coded.iter().chain([&plain]).all(|form| form.identity.is_settled(now));
        Self { plain, coded: coded.into(), settled, looked: AtomicU64::new(looked) }
    }

    /// Whether the forms on the disk are those that were read, in the states that were read.
    pub(super) fn is_still(&self, sources: &Sources) -> bool {
        let same = |(form, source): (&Form, &Source)| {
            form.coding == source.coding && form.identity == source.opened.identity
        };
        self.settled
            && same((&self.plain, &sources.plain))
            && self.coded.len() == sources.coded.len()
            && self.coded.iter().zip(&sources.coded).all(same)
    }

    /// The form that a client is sent.
    pub(super) fn choose(&self, headers: &HeaderMap) -> &Form {
        if self.coded.is_empty() {
            return &self.plain;
        }
        let coding = choose(headers, self.coded.iter().filter_map(|form| form.coding));
        self.coded.iter().find(|form| form.coding == coding).unwrap_or(&self.plain)
    }

    fn weight(&self) -> u64 {
        self.coded.iter().chain([&self.plain]).map(Form::weight).fold(0, u64::saturating_add)
    }
}

impl Form {
    fn weight(&self) -> u64 {
        let bytes = self.bytes.as_ref().map_or(0, Bytes::len);
        u64::try_from(bytes).unwrap_or(u64::MAX).saturating_add(OVERHEAD)
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.mount == key.mount && *self.path == *key.path
    }
}

impl Weighter<Key, Arc<Entry>> for Weights {
    fn weight(&self, key: &Key, entry: &Arc<Entry>) -> u64 {
        entry.weight().saturating_add(u64::try_from(key.path.len()).unwrap_or(u64::MAX))
    }
}

fn milliseconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1000).saturating_add(u64::from(duration.subsec_millis()))
}
