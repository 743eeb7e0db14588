//! Stage 4 of 6: keys, shapes, types and ranges, one object at a time. Comes after [`resolve`](crate::resolve),
//! before `semantics`.
//!
//! What each level may hold stands in the JSON Schemas of the crate `schemas`; `keys` reads them into a table at
//! start, and the tree is checked against that table, so that every finding has its place and is said in the
//! user's words. The outcome is [`Config`], whose values are converted and can be asked for by key.
//!
//! With `--compat` what lwsws tolerates is warned of, and read as lwsws reads it: unknown keys and wrong shapes are
//! passed over, of a key given twice the last counts (of `origin` the first), numbers end at the first letter.

pub(crate) mod fields;
pub(crate) mod keys;
mod nearest;
mod object;
mod scalar;
mod value;
mod wording;

use grammar::ValueKind;
use schemas::source::Level;

pub(crate) use nearest::closest;

pub use fields::{Fields, OptionValue, Pair, Protocol, ProtocolOption, Spanned, Text};

use crate::diagnostic::Report;
use crate::resolve::Resolved;
use keys::Keys;
use object::Checker;

/// The whole configuration, value by value checked.
#[derive(Debug)]
pub struct Config<'a> {
    /// The trees that it comes from.
    pub resolved: &'a Resolved<'a>,
    conf: Fields<'a>,
}

/// Checks all files against the table of keys.
#[must_use]
pub fn check<'a>(resolved: &'a Resolved<'a>, report: &mut Report) -> Config<'a> {
    let mut conf = Fields::new(Keys::of(Level::Conf));
    let mut checker = Checker { resolved, report };
    for (file, number) in resolved.parsed.files.iter().zip(0..) {
        // Anything else than an object has been reported as a syntax error.
        if let Some(root) = &file.parse.root
            && let ValueKind::Object(object) = &root.kind
        {
            checker.object(object, root.span, number, &mut conf);
        }
    }
    Config { resolved, conf }
}

impl<'a> Config<'a> {
    /// The `global` objects of all files, put together; none if there is no `global`.
    #[must_use]
    pub fn global(&self) -> Option<&Fields<'a>> {
        self.conf.objects("global").next()
    }

    /// The vhosts of all files, in reading order.
    pub fn vhosts(&self) -> impl Iterator<Item = &Fields<'a>> {
        self.conf.objects("vhosts")
    }
}
