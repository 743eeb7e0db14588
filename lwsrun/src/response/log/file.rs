//! A log file: opened before privileges are given up, written in whole lines, opened again when it was renamed.
//!
//! It is opened for appending, so whoever truncates it (`copytruncate`) leaves no hole. A new file has mode 0600 and
//! belongs to the user that the server becomes. One that was there keeps its owner: whoever may write the folder of a
//! log could otherwise have root give away a file that a link leads to.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::outage::Outage;
use crate::boot::privilege::Identity;

/// How much of what is to be written is kept as room for the next time, in bytes.
const KEPT: usize = 256 << 10;

/// Why an access log cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{place}: access-log `{}` cannot be opened: {source}; the folder must be there, and be writable", path.display())]
pub(crate) struct LogError {
    place: String,
    path: PathBuf,
    source: io::Error,
}

/// An access log.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    /// The `file:line` of the first vhost that names it.
    place: String,
    file: File,
    /// Lines to be written.
    lines: Vec<u8>,
    /// How many bytes at the start of `lines` are the rest of a line whose start is in the file.
    torn: usize,
    outage: Outage,
}

impl LogFile {
    /// Opens a log. A new file is given to `identity`.
    ///
    /// # Errors
    /// If that fails.
    pub(super) fn open(path: &Path, place: String, identity: &Identity) -> Result<Self, LogError> {
        match open(path, Some(identity)) {
            Ok(file) => {
                let path = path.to_owned();
                Ok(Self { path, place, file, lines: Vec::new(), torn: 0, outage: Outage::default() })
            }
            Err(source) => Err(LogError { place, path: path.to_owned(), source }),
        }
    }

    /// Opens it again, at its path. Where that fails, the old file is written on.
    pub(super) fn reopen(&mut self) {
        self.write();
        let Self { path, place, .. } = &*self;
        match open(path, None) {
            Ok(file) => {
                self.file = file;
                self.outage.may_be_over();
                // Its start is in the other file.
                self.lose(self.torn);
                tracing::info!("access-log `{}` opened again", self.path.display());
            }
            Err(error) => tracing::error!(
                "{place}: access-log `{}` cannot be opened again: {error}; what was open is written on",
                path.display()
            ),
        }
    }

    /// Takes lines, for the next [`write`](Self::write).
    pub(super) fn gather(&mut self, lines: &[u8]) {
        self.lines.extend_from_slice(lines);
    }

    /// Writes what was gathered. What cannot be written is lost and counted, except the rest of a line.
    pub(super) fn write(&mut self) {
        let mut written = 0;
        while written < self.lines.len() {
            match self.file.write(&self.lines[written..]) {
                Ok(0) => return self.failed(written, &ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return self.failed(written, &error),
            }
        }
        if written > 0 {
            self.lines.clear();
            self.lines.shrink_to(KEPT);
            self.torn = 0;
            if let Some(lost) = self.outage.ended(Instant::now) {
                tracing::warn!(
                    "{}: access-log `{}` is written again, {lost} lines are lost",
                    self.place,
                    self.path.display()
                );
            }
        }
    }

    fn failed(&mut self, written: usize, error: &io::Error) {
        if self.outage.began(Instant::now()) {
            tracing::error!(
                "{}: access-log `{}` cannot be written: {error}; requests go on, its lines are lost and counted",
                self.place,
                self.path.display()
            );
        }
        let is_torn = match written {
            0 => self.torn > 0,
            _ => self.lines[written - 1] != b'\n',
        };
        self.lines.drain(..written);
        self.torn = if is_torn { end_of_line(&self.lines) } else { 0 };
        let lines = self.lines.split_off(self.torn);
        self.count(&lines);
    }

    /// Takes the first bytes of what was gathered away.
    fn lose(&mut self, bytes: usize) {
        let lost: Vec<u8> = self.lines.drain(..bytes).collect();
        self.torn = 0;
        self.count(&lost);
    }

    fn count(&mut self, lines: &[u8]) {
        self.outage.lose(lines.iter().filter(|&&byte| byte == b'\n').count() as u64);
    }
}

impl Drop for LogFile {
    fn drop(&mut self) {
        if let Some(lost) = self.outage.lost() {
            tracing::warn!("{}: access-log `{}`: {lost} lines are lost", self.place, self.path.display());
        }
    }
}

/// Opens a file for appending; makes it if it is not there, and then gives it to `owner`.
fn open(path: &Path, owner: Option<&Identity>) -> io::Result<File> {
    // Made anew it is no link, whatever happens to the folder meanwhile.
    match options(OFlags::empty()).create_new(true).open(path) {
        Ok(file) => {
            if let Some(owner) = owner
                && (owner.uid.is_some() || owner.gid.is_some())
            {
                fchown(&file, owner.uid.map(|uid| uid.as_raw()), owner.gid.map(|gid| gid.as_raw()))?;
            }
            Ok(file)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let file = if is_trusted(folder_of(path)) {
                // With `create` for a link whose target is not there.
                options(OFlags::empty()).create(true).open(path)?
            } else {
                open_no_link(path)?
            };
            if file.metadata()?.file_type().is_fifo() {
                rustix::io::ioctl_fionbio(&file, false)?;
            }
            Ok(file)
        }
        Err(error) => Err(error),
    }
}

/// Opens a file that is there, by no other name than its own: whoever may write the folder could have root write
/// elsewhere. The file that was opened is looked at, since its path may lead to another one by now.
fn open_no_link(path: &Path) -> io::Result<File> {
    let refused = |what| io::Error::other(format!("{what}, in a folder that not only root may write"));
    let file = match options(OFlags::NOFOLLOW).create(true).open(path) {
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            return Err(refused("it is a link"));
        }
        opened => opened?,
    };
    if file.metadata()?.nlink() > 1 {
        return Err(refused("it is a file that has another name as well"));
    }
    Ok(file)
}

fn options(flags: OFlags) -> OpenOptions {
    // Without NONBLOCK the open of a FIFO would wait for a reader.
    let flags = flags | OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut options = OpenOptions::new();
    options.append(true).mode(0o600).custom_flags(flags.bits().cast_signed());
    options
}

/// Whether nobody but root and this process could have put a link into a folder.
fn is_trusted(folder: &Path) -> bool {
    let me = rustix::process::geteuid().as_raw();
    let trusted = |folder: Metadata| (folder.uid() == 0 || folder.uid() == me) && folder.mode() & 0o022 == 0;
    folder.metadata().is_ok_and(trusted)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Why a log could not be opened at start, as far as that can be seen without opening it.
pub(crate) fn fault_of_log(path: &Path) -> Option<String> {
    match (folder_of(path).metadata(), path.metadata()) {
        (Err(error), _) => Some(format!("its folder: {error}")),
        (Ok(folder), _) if !folder.is_dir() => Some("it lies in no folder".to_owned()),
        (_, Ok(file)) if file.is_dir() => Some("it is a folder".to_owned()),
        _ => None,
    }
}

fn end_of_line(bytes: &[u8]) -> usize {
    bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |at| at + 1)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::thread;

    use super::*;

    /// A log and a file elsewhere, of which the log's folder may be written by anybody.
    fn open_folder() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let logs = folder.path().join("logs");
        fs::create_dir(&logs).unwrap();
        fs::set_permissions(&logs, Permissions::from_mode(0o777)).unwrap();
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "").unwrap();
        (folder, logs.join("log"), elsewhere)
    }

    #[test]
    fn a_link_is_followed_where_only_its_owner_could_make_it() {
        let (_folder, log, elsewhere) = open_folder();
        let folder = folder_of(&log);
        type Make = fn(&Path, &Path) -> io::Result<()>;
        let links: [(Make, &str); 2] = [
            (|to, from| symlink(to, from), "it is a link, in a folder"),
            (|to, from| fs::hard_link(to, from), "has another name as well, in a folder"),
        ];
        for (make, words) in links {
            make(&elsewhere, &log).unwrap();
            let error = open(&log, None).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
            fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
            assert!(open(&log, None).is_ok());
            fs::set_permissions(folder, Permissions::from_mode(0o777)).unwrap();
            fs::remove_file(&log).unwrap();
        }
        symlink(folder.join("absent"), &log).unwrap();
        assert!(open(&log, None).is_err() && !folder.join("absent").exists());
    }

    #[test]
    fn nobody_is_quick_enough_with_a_link() {
        let (_folder, log, elsewhere) = open_folder();
        let inode = elsewhere.metadata().unwrap().ino();
        fs::write(&log, "").unwrap();
        thread::scope(|scope| {
            let swapping = scope.spawn(|| {
                let next = log.with_extension("next");
                for number in 0..10_000 {
                    if number % 2 == 0 {
                        symlink(&elsewhere, &next).unwrap();
                    } else {
                        fs::write(&next, "").unwrap();
                    }
                    fs::rename(&next, &log).unwrap();
                }
            });
            while !swapping.is_finished() {
                if let Ok(file) = open(&log, None) {
                    assert_ne!(file.metadata().unwrap().ino(), inode);
                }
            }
        });
    }
}
