//! A log file: opened before privileges are given up, written in whole lines, opened again when it was renamed.
//!
//! It is opened for appending, so whoever truncates it (`copytruncate`) leaves no hole. A new file has mode 0600 and
//! belongs to the user that the server becomes. One that was there keeps its owner: whoever may write the folder of a
//! log could otherwise have root give away a file that a link leads to.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

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
    /// Lines that were lost since writing began to fail; `None` while it works.
    lost: Option<u64>,
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
                Ok(Self { path, place, file, lines: Vec::new(), torn: 0, lost: None })
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
            if let Some(lost) = self.lost.take() {
                tracing::warn!(
                    "{}: access-log `{}` is written again, {lost} lines are lost",
                    self.place,
                    self.path.display()
                );
            }
        }
    }

    fn failed(&mut self, written: usize, error: &io::Error) {
        if self.lost.is_none() {
            tracing::error!(
                "{}: access-log `{}` cannot be written: {error}; requests go on, its lines are lost and counted",
                self.place,
                self.path.display()
            );
            self.lost = Some(0);
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
        let lost = lines.iter().filter(|&&byte| byte == b'\n').count() as u64;
        if let Some(sum) = &mut self.lost {
            *sum += lost;
        }
    }
}

impl Drop for LogFile {
    fn drop(&mut self) {
        if let Some(lost) = self.lost {
            tracing::warn!("{}: access-log `{}`: {lost} lines are lost", self.place, self.path.display());
        }
    }
}

/// Opens a file for appending; makes it if it is not there, and then gives it to `owner`.
fn open(path: &Path, owner: Option<&Identity>) -> io::Result<File> {
    // Without NONBLOCK the open of a FIFO would wait for a reader.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let mut options = OpenOptions::new();
    options.append(true).mode(0o600).custom_flags(flags);
    // Made anew it is no link, whatever happens to the folder meanwhile.
    match options.clone().create_new(true).open(path) {
        Ok(file) => {
            if let Some(owner) = owner
                && (owner.uid.is_some() || owner.gid.is_some())
            {
                fchown(&file, owner.uid.map(|uid| uid.as_raw()), owner.gid.map(|gid| gid.as_raw()))?;
            }
            Ok(file)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            if path.symlink_metadata()?.is_symlink() && !is_trusted(folder_of(path)) {
                return Err(io::Error::other("it is a link, in a folder that not only root may write"));
            }
            // With `create` for a link whose target is not there.
            let file = options.create(true).open(path)?;
            if file.metadata()?.file_type().is_fifo() {
                rustix::io::ioctl_fionbio(&file, false)?;
            }
            Ok(file)
        }
        Err(error) => Err(error),
    }
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
