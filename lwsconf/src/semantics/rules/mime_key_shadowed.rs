//! A key of `extra-mimetypes` behind one that matches the same files: the first that fits counts.

use std::collections::HashMap;

use grammar::Span;

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::schema::Pair;
use crate::semantics::view::View;

/// The longest that the name of a file can be, in bytes.
const LONGEST_NAME: usize = 255;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for (_, mount) in view.mounts().filter(|(_, mount)| mount.plan.extra_mimetypes.len() > 1) {
        check_mount(mount.fields.pairs("extra-mimetypes"), report);
    }
}

fn check_mount<'a>(pairs: impl Iterator<Item = Pair<'a>>, report: &mut Report) {
    let mut earlier: HashMap<String, (&str, Span)> = HashMap::new();
    // `*` comes last wherever it stands.
    for pair in pairs.filter(|pair| pair.name.value != "*" && pair.name.value.len() <= LONGEST_NAME) {
        let key = pair.name.value;
        let lower = key.to_ascii_lowercase();
        let ends = (0..=lower.len()).filter(|start| lower.is_char_boundary(*start));
        let shadow = ends.filter_map(|start| earlier.get(&lower[start..])).next_back();
        // The same key twice has been reported as such.
        if let Some((first, place)) = shadow.filter(|(first, _)| *first != key) {
            let headline =
                format!("{} is never reached: the files end in {} too", quoted(key), quoted(first));
            let found = Diagnostic::warning(Code::MimeKeyShadowed, headline, pair.name.span())
                .label("never reached")
                .also(*place, "this one comes first and counts")
                .help("put the longer one first");
            report.push(found);
        }
        earlier.entry(lower).or_insert((key, pair.name.span()));
    }
}
