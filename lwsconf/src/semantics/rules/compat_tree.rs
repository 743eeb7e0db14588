//! A walk over the trees as they are written, for what lwsws does to any text or key: no rule itself.

use grammar::{Key, Text, Value, ValueKind};

use crate::semantics::view::View;

/// What a walk comes past.
pub(super) enum Seen<'t> {
    /// A key, with the length of the joined names of all open keys, itself included.
    Key(&'t Key, usize),
    /// A text, with its value and whether it stands in `global`.
    Text(&'t Value, &'t Text, bool),
}

/// Walks all files in reading order. The depth is bounded by the grammar.
pub(super) fn walk<'t>(view: &View<'_, 't>, visit: &mut dyn FnMut(Seen<'t>)) {
    for file in &view.config.resolved.parsed.files {
        if let Some(root) = &file.parse.root {
            value(root, 0, false, visit);
        }
    }
}

fn value<'t>(at: &'t Value, path: usize, is_global: bool, visit: &mut dyn FnMut(Seen<'t>)) {
    match &at.kind {
        ValueKind::String(text) => visit(Seen::Text(at, text, is_global)),
        // lwsws joins names with dots, and writes a list as `[]`.
        ValueKind::Array(items) => items.iter().for_each(|item| value(item, path + 2, is_global, visit)),
        ValueKind::Object(object) => {
            for member in &object.members {
                let name = member.key.text.as_str();
                let dot = usize::from(path > 0);
                let path = path + dot + name.len();
                visit(Seen::Key(&member.key, path));
                value(&member.value, path, is_global || (dot == 0 && name == "global"), visit);
            }
        }
        _ => {}
    }
}
