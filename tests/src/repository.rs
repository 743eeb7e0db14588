//! The source tree that the tests were built from.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The top folder of the source tree.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("this package stands in the workspace's folder").to_owned()
}

/// All files that git tracks or would add, relative to [`root`]; where there is no git, all files outside of folders
/// that begin with a dot and of `target`.
#[must_use]
pub fn files() -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    let mut files: Vec<PathBuf> = match listed {
        Ok(output) if output.status.success() => {
            let names = String::from_utf8(output.stdout).expect("file names are UTF-8");
            names
                .split_terminator('\0')
                .map(PathBuf::from)
                .filter(|file| root().join(file).is_file())
                .collect()
        }
        _ => {
            let mut found = Vec::new();
            walk(&root(), &mut found);
            found
        }
    };
    files.sort();
    assert!(files.len() > 50, "the source tree has more than {} files", files.len());
    files
}

/// The files of [`files`] with this extension, and their text.
#[must_use]
pub fn texts(extension: &str) -> Vec<(PathBuf, String)> {
    let files = files().into_iter().filter(|file| file.extension().is_some_and(|e| e == extension));
    files
        .map(|file| {
            let text = std::fs::read_to_string(root().join(&file)).expect("a text file");
            (file, text)
        })
        .collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // What git makes of a second work tree.
        if name == ".git" {
            continue;
        }
        if path.is_file() {
            found.push(path.strip_prefix(root()).unwrap().to_owned());
        } else if !name.starts_with('.') && name != "target" {
            walk(&path, found);
        }
    }
}
