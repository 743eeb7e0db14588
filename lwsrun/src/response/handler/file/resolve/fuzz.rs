//! Path resolution given any target: nothing outside the docroot is ever opened.

#![allow(clippy::unwrap_used, reason = "a target that cannot run may fail loudly")]

use std::os::fd::AsRawFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use http::Uri;
use tempfile::TempDir;

use super::*;
use crate::request::path::canonical;
use crate::response::handler::file::FileMount;
use crate::response::handler::file::fuzz::mount_of;

thread_local! {
    static SITE: Site = Site::new();
}

/// A docroot full of links, with something to find beside it.
struct Site {
    /// Where the docroot really is.
    docroot: PathBuf,
    mounts: Vec<FileMount>,
    _folder: TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let docroot = folder.path().canonicalize().unwrap().join("docroot");
        let write = |path: &Path| {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        };
        for file in ["index.html", "a/b.txt", "a/index.html", "a b", "..c", "%2e", "\u{e9}"] {
            write(&docroot.join(file));
        }
        for file in ["secret.txt", "outside/index.html", "docroot2/b.txt"] {
            write(&folder.path().join(file));
        }
        for (to, link) in [
            ("a/b.txt", "in"),
            ("a", "folder"),
            ("../docroot/a", "round"),
            ("..", "up"),
            ("../secret.txt", "out"),
            ("../outside", "leaves"),
            ("../../secret.txt", "a/out"),
            ("..", "a/up"),
            ("/", "top"),
            ("/proc/self/root", "magic"),
            ("loop", "loop"),
        ] {
            symlink(to, docroot.join(link)).unwrap();
        }
        let all = [Symlinks::Inside, Symlinks::None, Symlinks::All];
        let mounts = all.map(|symlinks| mount_of(&docroot, symlinks));
        Self { docroot, mounts: mounts.into(), _folder: folder }
    }

    /// Looks for `below` with each meaning of `symlinks`, and where there is no `openat2`.
    fn look(&self, below: &[u8]) {
        for FileMount { docroot, .. } in &self.mounts {
            let root = docroot.open(Patience::Disk).unwrap();
            match root.look(below, Patience::Disk) {
                Ok(Resolved::File(opened)) if docroot.symlinks == Symlinks::All => {
                    assert!(!below.split(|&byte| byte == b'/').any(|name| name == b".."), "{opened:?}");
                }
                Ok(Resolved::File(opened)) => self.is_inside(opened.as_fd()),
                Ok(Resolved::Folder) | Err(_) => {}
            }
            if let Ok(opened) = walk(&root.folder, below, FILE) {
                self.is_inside(opened.as_fd());
            }
        }
    }

    fn is_inside(&self, opened: BorrowedFd<'_>) {
        let path = std::fs::read_link(format!("/proc/self/fd/{}", opened.as_raw_fd())).unwrap();
        assert!(path.starts_with(&self.docroot), "{} was opened", path.display());
    }
}

/// A request target as HTTP has it, and the same bytes as a path below the docroot, which no request could ask for.
pub fn paths(input: &[u8]) {
    SITE.with(|site| {
        site.look(input);
        let Ok(uri) = Uri::try_from(input) else { return };
        let Ok(changed) = canonical(&uri) else { return };
        let uri = changed.unwrap_or(uri);
        assert_eq!(canonical(&uri), Ok(None), "there is one form only");
        if let Ok(Some(below)) = site.mounts[0].below(uri.path()) {
            site.look(&below);
        }
    });
}
