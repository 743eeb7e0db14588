//! The compiler: reads a configuration of `lwsws`, finds everything that is wrong with it at once, and writes a plan.
//!
//! Files are its stages, in the order in which they are listed and run:
//!
//! | stage | from | to |
//! | --- | --- | --- |
//! | [`input`] | a directory | its files, to be read |
//! | [`parse`] | files | trees, every value with its place |
//! | [`resolve`] | trees | trees with `_lws_ddir_` replaced |
//! | [`schema`] | trees | checked and converted values by key |
//! | [`semantics`] | values | the sections of a plan |
//! | [`mod@write`] | sections | a file |
//!
//! Each stage pushes what it finds into one [`Report`] and goes on, so that one run tells all.

#![forbid(unsafe_code)]

pub mod cli;
pub mod diagnostic;
pub mod input;
mod parallel;
pub mod parse;
pub mod progress;
pub mod resolve;
pub mod schema;
pub mod semantics;
mod target;
pub mod write;

use std::path::{Path, PathBuf};

use diagnostic::{Diagnostic, Files, Hidden, Report};
use input::InputError;
use progress::{Progress, Stage};
use write::WriteError;

/// What to check, and how strictly.
#[derive(Debug, Clone)]
pub struct Options {
    /// The config directory.
    pub dir: PathBuf,
    /// What `_lws_ddir_` stands for.
    pub ddir: String,
    /// Whether what lwsws tolerates is only warned of.
    pub compat: bool,
    /// Whether warnings keep a plan from being written.
    pub deny_warnings: bool,
    /// Whether the machine is looked at too.
    pub target: bool,
    /// Told what the run is doing.
    pub progress: Progress,
}

impl Default for Options {
    /// What lwsws does: `/etc/lwsws`, with `_lws_ddir_` for `/usr/share`.
    fn default() -> Self {
        Self {
            dir: "/etc/lwsws".into(),
            ddir: "/usr/share".to_owned(),
            compat: false,
            deny_warnings: false,
            target: false,
            progress: Progress::default(),
        }
    }
}

/// What a run found.
#[derive(Debug)]
pub struct Outcome {
    /// The files that were read, for showing places.
    pub files: Files,
    /// The findings by file, offset and code.
    pub diagnostics: Vec<Diagnostic>,
    /// How many more there were, which are not told.
    pub hidden: Hidden,
}

/// Why a configuration could not be compiled, other than for what is wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// Its directory cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The plan cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Checks a configuration.
///
/// # Errors
///
/// [`InputError`] if the directory cannot be read. What is wrong with the configuration is no error of the run: it
/// stands in [`Outcome::diagnostics`].
pub fn check(options: &Options) -> Result<Outcome, InputError> {
    let mut report = Report::new(options.compat);
    options.progress.enter(Stage::Parse);
    let input = input::find(&options.dir, &mut report)?;
    let parsed = parse::parse(input, &mut report);
    options.progress.enter(Stage::Check);
    let resolved = resolve::resolve(&parsed, &options.ddir, &mut report);
    let config = schema::check(&resolved, &mut report);
    // What is lowered is of no use to a check.
    let _ = semantics::check(&config, &mut report);
    look_at_machine(options, &config, &mut report);
    drop(config);
    let hidden = report.hidden();
    Ok(Outcome { files: parsed.into_files(), diagnostics: report.into_sorted(), hidden })
}

/// Checks a configuration and, if nothing is wrong with it, writes its plan.
///
/// # Errors
///
/// [`CompileError`] if the directory cannot be read or the plan not be written; a plan that is there stays then.
pub fn compile(options: &Options, plan: &Path) -> Result<Outcome, CompileError> {
    let mut report = Report::new(options.compat);
    options.progress.enter(Stage::Parse);
    let input = input::find(&options.dir, &mut report)?;
    let parsed = parse::parse(input, &mut report);
    options.progress.enter(Stage::Check);
    let resolved = resolve::resolve(&parsed, &options.ddir, &mut report);
    let config = schema::check(&resolved, &mut report);
    let checked = semantics::check(&config, &mut report);
    look_at_machine(options, &config, &mut report);
    let fine = report.errors() == 0 && !(options.deny_warnings && report.warnings() > 0);
    if let Some(checked) = checked.filter(|_| fine) {
        options.progress.enter(Stage::Write);
        write::write(&checked, plan)?;
    }
    drop(config);
    let hidden = report.hidden();
    Ok(Outcome { files: parsed.into_files(), diagnostics: report.into_sorted(), hidden })
}

fn look_at_machine(options: &Options, config: &schema::Config<'_>, report: &mut Report) {
    if options.target {
        options.progress.enter(Stage::Target);
        target::check(config, report);
    }
}
