//! Path to mount: the longest mountpoint that is a prefix of the path and ends where a segment ends.

use crate::plan::{Mount, MountId};

/// The mounts of one vhost, prepared for look-ups.
#[derive(Debug, Clone)]
pub struct Mounts {
    /// In order of preference: longer first, `exact-match` before others, then config order.
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    mountpoint: Box<[u8]>,
    exact: bool,
    id: MountId,
}

/// A mount that matches a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matched {
    /// The mount.
    pub mount: MountId,
    /// Where in the path the rest begins, which is empty or begins with `/`.
    pub rest: usize,
}

impl Mounts {
    /// Prepares the mounts of a vhost.
    #[must_use]
    pub fn new(mounts: &[Mount<'_>]) -> Self {
        let mut entries: Vec<Entry> = (0..)
            .zip(mounts)
            .map(|(id, mount)| Entry {
                mountpoint: mount.mountpoint.as_bytes().into(),
                exact: mount.exact_match,
                id: MountId(id),
            })
            .collect();
        entries.sort_by_key(|entry| (std::cmp::Reverse(entry.mountpoint.len()), !entry.exact, entry.id));
        Self { entries }
    }

    /// The mount for a decoded path.
    #[must_use]
    pub fn find(&self, path: &[u8]) -> Option<Matched> {
        self.entries.iter().find_map(|entry| {
            let rest = entry.rest(path)?;
            Some(Matched { mount: entry.id, rest })
        })
    }
}

impl Entry {
    fn rest(&self, path: &[u8]) -> Option<usize> {
        let tail = path.strip_prefix(&*self.mountpoint)?;
        match tail.first() {
            None => Some(path.len()),
            _ if self.exact => None,
            Some(b'/') => Some(self.mountpoint.len()),
            Some(_) if &*self.mountpoint == b"/" => Some(0),
            Some(_) => None,
        }
    }
}
