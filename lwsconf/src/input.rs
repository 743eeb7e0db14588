//! Stage 1 of 6: finds the files of a configuration and reads them. [`parse`](crate::parse) comes next.
//!
//! The order is lwsws's own: `conf` first, then the regular files of `conf.d` in byte order of their names. Names
//! that contain `~` are left out, folders and symbolic links too; every other name counts, backups included.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use grammar::{FileId, MAX_SOURCE};

use crate::diagnostic::{Code, Diagnostic, Report, quoted};

/// The files of a configuration, in reading order: the place of a file is its [`FileId`].
#[derive(Debug, Default)]
pub struct Input {
    /// The files. One that could not be read is there too, without bytes.
    pub files: Vec<SourceFile>,
}

/// One file of a configuration.
#[derive(Debug)]
pub struct SourceFile {
    /// Its name relative to the config directory: `conf` or `conf.d/NAME`.
    pub name: String,
    /// Its name as diagnostics show it: below the directory as it was given.
    pub shown: String,
    /// What it holds; empty if it could not be read.
    pub bytes: Vec<u8>,
    /// BLAKE3 of `bytes`.
    pub hash: [u8; 32],
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

/// Reads the configuration in a directory. Files that cannot be read are reported, and the others read on.
///
/// # Errors
///
/// [`InputError::Directory`] if the directory is not there or is none.
pub fn read(dir: &Path, report: &mut Report) -> Result<Input, InputError> {
    fs::read_dir(dir).map_err(|cause| InputError::Directory { dir: dir.to_owned(), cause })?;
    let mut input = Input::default();
    add(&mut input, dir, Path::new("conf"), report);
    match names(&dir.join("conf.d")) {
        Ok(names) => {
            for name in names {
                add_fragment(&mut input, dir, &name, report);
            }
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
        Err(cause) => add_unreadable(&mut input, dir, Path::new("conf.d"), &cause, report),
    }
    Ok(input)
}

/// The names in a folder in byte order, those with `~` left out.
fn names(folder: &Path) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if !name.as_encoded_bytes().contains(&b'~') {
            names.push(name);
        }
    }
    names.sort_by(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
    Ok(names)
}

/// Adds an entry of `conf.d` if it is a regular file.
fn add_fragment(input: &mut Input, dir: &Path, name: &OsString, report: &mut Report) {
    let path = Path::new("conf.d").join(name);
    match fs::symlink_metadata(dir.join(&path)) {
        Ok(metadata) if metadata.is_symlink() => add_link(input, dir, &path, report),
        Ok(metadata) if metadata.is_file() => {
            let file = add(input, dir, &path, report);
            warn_of_backup(&name.to_string_lossy(), file, report);
        }
        Ok(_) => {}
        Err(cause) => add_unreadable(input, dir, &path, &cause, report),
    }
}

/// Reads one file; `conf` must be there.
fn add(input: &mut Input, dir: &Path, path: &Path, report: &mut Report) -> FileId {
    // Of a file that is too large a byte more is read than the parser takes, which then says so.
    match read_file(&dir.join(path), MAX_SOURCE as u64 + 1) {
        Ok(bytes) => push(input, dir, path, bytes),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound && path == Path::new("conf") => {
            let file = push(input, dir, path, Vec::new());
            let headline = "the configuration has no file `conf`";
            let missing = Diagnostic::error(Code::MissingConf, headline, file)
                .note("lwsws reads `conf` before the files in `conf.d`, and does not start without it")
                .help("create it; it may be empty");
            report.push(missing);
            file
        }
        Err(cause) => {
            add_unreadable(input, dir, path, &cause, report);
            last(input)
        }
    }
}

fn add_unreadable(input: &mut Input, dir: &Path, path: &Path, cause: &io::Error, report: &mut Report) {
    let file = push(input, dir, path, Vec::new());
    let shown = path.display().to_string();
    let headline = format!("{} cannot be read: {cause}", quoted(&shown));
    report.push(Diagnostic::error(Code::UnreadableFile, headline, file));
}

/// A link in `conf.d` is said, not read: lwsws passes it over.
fn add_link(input: &mut Input, dir: &Path, path: &Path, report: &mut Report) {
    let file = push(input, dir, path, Vec::new());
    let headline = format!("{} is a symbolic link and is not read", quoted(&path.display().to_string()));
    let skipped = Diagnostic::warning(Code::SkippedLink, headline, file)
        .note("of `conf.d` lwsws reads regular files only")
        .help("copy the file there, or name it with a `~` if it is to be left out");
    report.push(skipped);
}

/// lwsws reads leftovers of editors and packages like any other file; most likely nobody wants that.
fn warn_of_backup(name: &str, file: FileId, report: &mut Report) {
    const ENDINGS: [&str; 9] =
        [".bak", ".old", ".orig", ".swp", ".rpmsave", ".rpmnew", ".dpkg-old", ".dpkg-dist", ".dpkg-new"];
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
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn push(input: &mut Input, dir: &Path, path: &Path, bytes: Vec<u8>) -> FileId {
    let hash = blake3::hash(&bytes).into();
    let shown = printable(&dir.join(path).to_string_lossy());
    input.files.push(SourceFile { name: path.to_string_lossy().into_owned(), shown, bytes, hash });
    last(input)
}

fn last(input: &Input) -> FileId {
    FileId(u32::try_from(input.files.len().saturating_sub(1)).unwrap_or(u32::MAX))
}

/// A name as it may stand on a terminal.
fn printable(name: &str) -> String {
    name.chars().map(|character| if character.is_control() { '?' } else { character }).collect()
}
