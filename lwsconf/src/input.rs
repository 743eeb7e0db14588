//! Stage 1 of 6: finds the files of a configuration. [`parse`](crate::parse) comes next.
//!
//! The files are read when the parser asks for them, on all cores at once, so that no more of them is in memory than
//! what is being parsed.
//!
//! The order is lwsws's own: `conf` first, then the regular files of `conf.d` in byte order of their names. Names
//! that contain `~` are left out, folders and symbolic links too; every other name counts, backups included.

use std::ffi::OsString;
use std::fs::{self, FileType, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use grammar::{FileId, MAX_SOURCE};
use nix::fcntl::OFlag;

use crate::diagnostic::{Code, Diagnostic, Report, quoted};

/// The files of a configuration, in reading order: the place of a file is its [`FileId`].
#[derive(Debug, Default)]
pub struct Input {
    /// The files. Those that are not to be read are there too.
    pub files: Vec<SourceFile>,
}

/// One file of a configuration.
#[derive(Debug)]
pub struct SourceFile {
    /// Its name relative to the config directory: `conf` or `conf.d/NAME`.
    pub name: String,
    /// Its name as diagnostics show it: below the directory as it was given.
    pub shown: String,
    /// Where it is; none if it is not to be read, about which something was said.
    path: Option<PathBuf>,
}

/// Why the files of a configuration could not even be looked for.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The directory cannot be opened.
    #[error("cannot read the configuration in `{}`: {cause}", .dir.display())]
    Directory {
        /// The directory as given.
        dir: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// Finds the files of the configuration in a directory. What is not read there is reported.
///
/// # Errors
///
/// [`InputError::Directory`] if the directory is not there or is none.
pub fn find(dir: &Path, report: &mut Report) -> Result<Input, InputError> {
    fs::read_dir(dir).map_err(|cause| InputError::Directory { dir: dir.to_owned(), cause })?;
    let mut input = Input::default();
    push(&mut input, dir, Path::new("conf"), true);
    match names(&dir.join("conf.d")) {
        Ok(names) => {
            for (name, kind) in names {
                add_fragment(&mut input, dir, &name, kind, report);
            }
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
        Err(cause) => add_unreadable(&mut input, dir, Path::new("conf.d"), &cause, report),
    }
    Ok(input)
}

/// The names in a folder in byte order, those with `~` left out, and what stands there.
fn names(folder: &Path) -> io::Result<Vec<(OsString, io::Result<FileType>)>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if !name.as_encoded_bytes().contains(&b'~') {
            // Most file systems tell with the name, so that no file has to be looked at for it.
            names.push((name, entry.file_type()));
        }
    }
    names.sort_by(|(a, _), (b, _)| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
    Ok(names)
}

impl SourceFile {
    /// Reads the file; a byte more than the parser takes of one that is too large, so that the parser says so. Nothing
    /// comes of a file that is not to be read.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened or read, or is no regular one.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        self.path.as_deref().map_or(Ok(Vec::new()), |path| read_file(path, MAX_SOURCE as u64 + 1))
    }

    /// What is to be said about a file that could not be read.
    pub(crate) fn unreadable(&self, file: FileId, cause: &io::Error) -> Diagnostic {
        if cause.kind() == io::ErrorKind::NotFound && self.name == "conf" {
            return Diagnostic::error(Code::MissingConf, "the configuration has no file `conf`", file)
                .note("lwsws reads `conf` before the files in `conf.d`, and does not start without it")
                .help("create it; it may be empty");
        }
        unreadable(&self.name, file, cause)
    }
}

/// Adds an entry of `conf.d` if it is a regular file.
fn add_fragment(
    input: &mut Input,
    dir: &Path,
    name: &OsString,
    kind: io::Result<FileType>,
    report: &mut Report,
) {
    let path = Path::new("conf.d").join(name);
    match kind {
        Ok(kind) if kind.is_symlink() => add_link(input, dir, &path, report),
        Ok(kind) if kind.is_file() => {
            let file = push(input, dir, &path, true);
            warn_of_backup(&name.to_string_lossy(), file, report);
        }
        Ok(_) => {}
        Err(cause) => add_unreadable(input, dir, &path, &cause, report),
    }
}

fn add_unreadable(input: &mut Input, dir: &Path, path: &Path, cause: &io::Error, report: &mut Report) {
    let file = push(input, dir, path, false);
    report.push(unreadable(&path.to_string_lossy(), file, cause));
}

fn unreadable(name: &str, file: FileId, cause: &io::Error) -> Diagnostic {
    let headline = format!("{} cannot be read: {cause}", quoted(name));
    Diagnostic::error(Code::UnreadableFile, headline, file)
}

/// A link in `conf.d` is said, not read: lwsws passes it over.
fn add_link(input: &mut Input, dir: &Path, path: &Path, report: &mut Report) {
    let file = push(input, dir, path, false);
    let headline = format!("{} is a symbolic link and is not read", quoted(&path.display().to_string()));
    let skipped = Diagnostic::warning(Code::SkippedLink, headline, file)
        .note("of `conf.d` lwsws reads regular files only")
        .help("copy the file there, or name it with a `~` if it is to be left out");
    report.push(skipped);
}

/// lwsws reads leftovers of editors and packages like any other file; most likely nobody wants that.
fn warn_of_backup(name: &str, file: FileId, report: &mut Report) {
    const ENDINGS: [&str; 17] = [
        ".bak",
        ".old",
        ".orig",
        ".save",
        ".copy",
        ".tmp",
        ".swp",
        ".off",
        ".disabled",
        ".disable",
        ".inactive",
        ".rpmsave",
        ".rpmnew",
        ".rpmorig",
        ".dpkg-old",
        ".dpkg-dist",
        ".dpkg-new",
    ];
    let hidden = name.starts_with('.');
    let emacs = name.len() > 1 && name.starts_with('#') && name.ends_with('#');
    if !hidden && !emacs && !ENDINGS.iter().any(|ending| name.ends_with(ending)) {
        return;
    }
    let headline = format!("{} looks like a leftover, and is read", quoted(name));
    let warning = Diagnostic::warning(Code::BackupName, headline, file)
        .note(
            "of `conf.d` every regular file counts, whatever its suffix; only names with a `~` are left out",
        )
        .help("move it out of `conf.d`, or give it a name with a `~`");
    report.push(warning);
}

/// Reads a file if it is a regular one, up to `most` bytes.
pub(crate) fn read_file(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let not_regular = || io::Error::other("it is not a regular file");
    // Opened so that a pipe without a writer does not keep the program waiting.
    let flags = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        // A socket, which cannot be opened at all.
        Err(_) if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) => return Err(not_regular()),
        Err(cause) => return Err(cause),
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(not_regular());
    }
    let length = usize::try_from(metadata.len().min(most)).unwrap_or_default();
    // One byte more than there is, so that its end is found without more memory.
    let mut bytes = Vec::with_capacity(length + 1);
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn push(input: &mut Input, dir: &Path, path: &Path, to_be_read: bool) -> FileId {
    let at = dir.join(path);
    let shown = printable(&at.to_string_lossy());
    let file = FileId(u32::try_from(input.files.len()).unwrap_or(u32::MAX));
    let name = path.to_string_lossy().into_owned();
    input.files.push(SourceFile { name, shown, path: to_be_read.then_some(at) });
    file
}

/// A name as it may stand on a terminal.
fn printable(name: &str) -> String {
    name.chars().map(|character| if character.is_control() { '?' } else { character }).collect()
}
