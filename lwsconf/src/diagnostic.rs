//! What a check has to say: one value for it, however it is shown.
//!
//! Stages push [`Diagnostic`]s into a [`Report`] and never print. The renderers, one file each, are [`full`],
//! [`short`], [`json`], [`sarif`] and [`github`]; they draw on the texts of the files through [`Files`].

mod allow;
pub mod code;
mod files;
pub mod full;
pub mod github;
pub mod json;
pub mod sarif;
pub mod short;

use grammar::{Comment, FileId, Span};

pub use code::Code;
pub use files::Files;

use allow::Allowances;

/// One finding: stable code, severity, one terse headline, the places, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub(crate) code: Code,
    pub(crate) severity: Severity,
    pub(crate) headline: String,
    pub(crate) place: Place,
    pub(crate) label: String,
    pub(crate) related: Vec<Annotation>,
    pub(crate) notes: Vec<String>,
    pub(crate) helps: Vec<String>,
    pub(crate) fix: Option<Fix>,
}

/// How bad a finding is. Only errors keep a plan from being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Something that one should know, and that is right as it is.
    Note,
    /// Something that most likely is not what was meant.
    Warning,
    /// Something that cannot stand.
    Error,
}

/// Where a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A stretch of a file.
    Span(Span),
    /// A file as a whole: it is missing or cannot be read.
    File(FileId),
}

/// A second place and what it has to do with the finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// The place, in any file.
    pub span: Span,
    /// A few words that stand at it.
    pub label: String,
}

/// An edit that is certain to be right: a machine may apply it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What it does, in words.
    pub title: String,
    /// The bytes to replace.
    pub span: Span,
    /// What to put there.
    pub replacement: String,
}

impl Diagnostic {
    /// An error. The headline starts in lower case and has no full stop at its end.
    #[must_use]
    pub fn error(code: Code, headline: impl Into<String>, place: impl Into<Place>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            headline: headline.into(),
            place: place.into(),
            label: String::new(),
            related: Vec::new(),
            notes: Vec::new(),
            helps: Vec::new(),
            fix: None,
        }
    }

    /// A warning.
    #[must_use]
    pub fn warning(code: Code, headline: impl Into<String>, place: impl Into<Place>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, headline, place) }
    }

    /// A note.
    #[must_use]
    pub fn remark(code: Code, headline: impl Into<String>, place: impl Into<Place>) -> Self {
        Self { severity: Severity::Note, ..Self::error(code, headline, place) }
    }

    /// Adds the words at the primary place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds a second place.
    #[must_use]
    pub fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push(Annotation { span, label: label.into() });
        self
    }

    /// Adds a line of background.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds a line of advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.helps.push(help.into());
        self
    }

    /// Sets the edit that puts it right.
    #[must_use]
    pub fn fix(mut self, title: impl Into<String>, span: Span, replacement: impl Into<String>) -> Self {
        self.fix = Some(Fix { title: title.into(), span, replacement: replacement.into() });
        self
    }

    /// The same, only warned of.
    #[must_use]
    pub fn into_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// What diagnostics are sorted by: file, offset, code.
    fn order(&self) -> (FileId, u32, Code) {
        match self.place {
            Place::Span(span) => (span.file, span.start, self.code),
            Place::File(file) => (file, 0, self.code),
        }
    }
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

impl From<Span> for Place {
    fn from(span: Span) -> Self {
        Place::Span(span)
    }
}

impl From<FileId> for Place {
    fn from(file: FileId) -> Self {
        Place::File(file)
    }
}

/// Collects the diagnostics of a run.
#[derive(Debug)]
pub struct Report {
    compat: bool,
    errors: usize,
    diagnostics: Vec<Diagnostic>,
    hidden: Hidden,
    allowances: Allowances,
}

/// How many findings a run tells. Each takes memory, and whoever has more reads none of them.
const MOST: usize = 100_000;

/// How many findings there were beyond those that are told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hidden {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
}

impl Report {
    /// An empty report. With `compat`, what lwsws tolerates is only warned of.
    #[must_use]
    pub fn new(compat: bool) -> Self {
        let (hidden, allowances) = (Hidden::default(), Allowances::default());
        Self { compat, errors: 0, diagnostics: Vec::new(), hidden, allowances }
    }

    /// Reads the comments of a file that silence findings. What was pushed before cannot be silenced any more.
    pub fn allow(&mut self, text: &str, comments: &[Comment]) {
        for bad in self.allowances.read(text, comments) {
            self.push(bad);
        }
    }

    /// Takes a finding as it is. An error pushed like this leaves a hole in the plan and cannot be silenced.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let can_be_silenced = diagnostic.severity != Severity::Error;
        self.take(diagnostic, can_be_silenced);
    }

    /// Takes an error that lwsws would have let pass: with `--compat` it becomes a warning, and a comment can
    /// silence it.
    pub fn push_tolerated(&mut self, diagnostic: Diagnostic) {
        self.tolerates(diagnostic);
    }

    /// The same, and says whether it is tolerated: then what it is about is to be taken as lwsws does.
    pub fn tolerates(&mut self, diagnostic: Diagnostic) -> bool {
        let silenced = self.take(if self.compat { diagnostic.into_warning() } else { diagnostic }, true);
        silenced || self.compat
    }

    /// Says whether the finding was silenced.
    fn take(&mut self, diagnostic: Diagnostic, can_be_silenced: bool) -> bool {
        let silenced = self.allowances.silences(&diagnostic, can_be_silenced);
        if !silenced {
            self.errors += usize::from(diagnostic.severity == Severity::Error);
            if self.diagnostics.len() < MOST {
                self.diagnostics.push(diagnostic);
            } else {
                self.hidden.errors += usize::from(diagnostic.severity == Severity::Error);
                self.hidden.warnings += usize::from(diagnostic.severity == Severity::Warning);
            }
        }
        silenced
    }

    /// Whether `--compat` is on.
    #[must_use]
    pub fn compat(&self) -> bool {
        self.compat
    }

    /// How many errors there are so far.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// How many warnings there are so far, comments that silenced nothing included.
    #[must_use]
    pub fn warnings(&self) -> usize {
        let given = self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Warning);
        given.count() + self.hidden.warnings + self.left().count()
    }

    /// How many findings there are beyond those that are told.
    #[must_use]
    pub fn hidden(&self) -> Hidden {
        self.hidden
    }

    /// The findings by file, offset and code.
    #[must_use]
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        let left: Vec<Diagnostic> = self.left().collect();
        self.diagnostics.extend(left);
        self.diagnostics.sort_by_key(Diagnostic::order);
        self.diagnostics
    }

    /// What is to be said about comments that silenced nothing.
    fn left(&self) -> impl Iterator<Item = Diagnostic> {
        let compat = self.compat;
        self.allowances.left(move |code| !code.is_target_only() && (compat || !code.is_compat_only()))
    }
}

/// A user's text in backticks: control characters escaped, cut after 60 characters.
#[must_use]
pub fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown = String::from("`");
    for (count, character) in text.chars().enumerate() {
        if count == LONGEST {
            shown.push('…');
            break;
        }
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown.push('`');
    shown
}
