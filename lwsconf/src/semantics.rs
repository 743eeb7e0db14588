//! Stage 5 of 6: what keys mean together, and the plan's model. Comes after [`schema`](crate::schema), before
//! [`write`](mod@crate::write).
//!
//! Each level is lowered in a file of its own, which also refuses what cannot be lowered; what lowers and is a
//! mistake all the same is the matter of `rules`, one file each, which see the whole configuration. Pure: nothing but
//! the configuration is looked at, so a check gives the same answer everywhere.

mod global;
mod header;
mod listener;
mod mount;
mod origin;
mod place;
mod protocol;
mod rules;
mod tls;
mod upstream;
mod url;
mod vhost;
mod view;

use schemas::plan;

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::schema::{Config, Fields};
use grammar::FileId;
use listener::Listening;
use place::Places;
use view::View;

/// A configuration without errors, as sections of a plan. Only [`check`] makes one.
#[derive(Debug)]
pub struct Checked<'a> {
    sources: plan::Sources<'a>,
    global: plan::Global<'a>,
    listeners: plan::Listeners<'a>,
    vhosts: Vec<plan::Vhost<'a>>,
}

/// What the lowering of a level needs at hand.
struct Lowering<'a, 'r> {
    config: &'a Config<'a>,
    places: Places<'a>,
    report: &'r mut Report,
    /// For each vhost the keys of the mounts that could be lowered, in the order of its mounts.
    lowered_mounts: Vec<Vec<&'a Fields<'a>>>,
}

/// Checks the meaning of a configuration and lowers it. None if anything so far was an error.
#[must_use]
pub fn check<'a>(config: &'a Config<'a>, report: &mut Report) -> Option<Checked<'a>> {
    let (lowered, mounts) = lower(config, report);
    let view = View::new(config, &lowered.global, &lowered.listeners.listeners, &lowered.vhosts, mounts);
    rules::check(&view, report);
    (report.errors() == 0).then_some(lowered)
}

/// Lowers a configuration as far as it goes, and tells for each vhost the keys of the mounts that could be lowered.
fn lower<'a>(config: &'a Config<'a>, report: &mut Report) -> (Checked<'a>, Vec<Vec<&'a Fields<'a>>>) {
    let places = Places::new(config.resolved.parsed);
    let mut lowering = Lowering { config, places, report, lowered_mounts: Vec::new() };
    let mut global = lowering.global(config.global());
    let mut listening = Listening::default();
    let mut vhosts = Vec::with_capacity(config.vhosts().count());
    for fields in config.vhosts() {
        let vhost = lowering.vhost(fields, &mut listening);
        vhosts.push(vhost);
    }
    global.access_logs = vhost::access_logs(&vhosts);
    let listeners = lowering.listeners(listening, &mut vhosts);
    lowering.init_ssl();
    if vhosts.is_empty() && lowering.report.errors() == 0 {
        lowering.report.push(no_vhost());
    }
    let sources = lowering.sources();
    (Checked { sources, global, listeners, vhosts }, lowering.lowered_mounts)
}

impl Checked<'_> {
    /// The bytes of the plan. The same configuration gives the same bytes.
    ///
    /// # Errors
    ///
    /// If a section becomes too large for a plan.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, plan::WriteError> {
        // Taken apart so that a new section cannot be forgotten.
        let Self { sources, global, listeners, vhosts } = self;
        plan::write(sources, global, listeners, vhosts)
    }
}

impl<'a> Lowering<'a, '_> {
    /// Whether a key is missing, rather than misspelt or lost in a broken file, which has been reported then.
    fn is_missing(&self, fields: &Fields<'_>, key: &str) -> bool {
        let file =
            fields.brace().and_then(|brace| self.config.resolved.parsed.files.get(brace.file.0 as usize));
        fields.lacks(key)
            && !file.is_some_and(|file| file.parse.errors.iter().any(|error| !error.kind.tolerated()))
    }

    fn sources(&self) -> plan::Sources<'a> {
        let resolved = self.config.resolved;
        let files = resolved.parsed.files.iter();
        let files = files.map(|file| plan::SourceFile { name: &file.name, hash: file.hash }).collect();
        plan::Sources { files, ddir: resolved.ddir }
    }
}

fn no_vhost() -> Diagnostic {
    Diagnostic::error(Code::NoVhost, "the configuration has no vhost", FileId(0))
        .note("files of `conf.d` with a `~` in their name are not read")
        .help("add one: `{ \"vhosts\": [ { \"port\": 80, \"mounts\": [ … ] } ] }`")
}

/// A number whose range the schema has checked, in the type that the plan has for it.
fn number<T: TryFrom<i64>>(value: i64) -> Option<T> {
    T::try_from(value).ok()
}

#[cfg(test)]
mod tests;
