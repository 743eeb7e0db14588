//! The folders that mounts serve, and which of them holds a path: no rule, but what three rules ask.
//!
//! Paths are compared as texts, with `.` and `..` resolved; links are not followed, since no file is looked at.

use std::collections::HashMap;

use grammar::Span;
use schemas::plan::Origin;

use crate::semantics::view::{View, value_span};

/// The longest path that Linux takes, in bytes.
const LONGEST_PATH: usize = 4096;

/// The folders of all mounts of files.
pub(crate) struct Docroots {
    by_path: HashMap<String, Span>,
}

impl Docroots {
    pub(crate) fn of(view: &View<'_, '_>) -> Self {
        let mut by_path = HashMap::new();
        for (_, mount) in view.mounts() {
            if let Origin::File { docroot } = mount.plan.origin {
                let place = value_span(mount.fields, "origin");
                by_path.entry(normal(docroot)).or_insert(place);
            }
        }
        // The root holds everything, and a rule of its own speaks of it.
        by_path.remove("/");
        Self { by_path }
    }

    /// The folder that holds a path, the outermost of several, and where it is mounted.
    pub(super) fn holding(&self, path: &str) -> Option<(&str, Span)> {
        if path.len() > LONGEST_PATH {
            return None;
        }
        let path = normal(path);
        let slashes = path.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0);
        let mut folders = slashes.filter_map(|end| self.by_path.get_key_value(&path[..end]));
        folders.next().map(|(folder, place)| (folder.as_str(), *place))
    }
}

/// A path without empty and dot segments, and without a slash at its end.
pub(super) fn normal(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    let joined = segments.join("/");
    if path.starts_with('/') { format!("/{joined}") } else { joined }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned() {
        for (path, meant) in [
            ("/", "/"),
            ("/srv//www/", "/srv/www"),
            ("/srv/./a/../www", "/srv/www"),
            ("/../x", "/x"),
            ("a/b/", "a/b"),
        ] {
            assert_eq!(normal(path), meant);
        }
    }
}
