//! What is written to the two output streams.

use std::io::{self, Write};
use std::path::Path;

use anstream::{AutoStream, ColorChoice};

use super::{Color, Format, OutputArgs};
use crate::Outcome;
use crate::diagnostic::{Hidden, Severity, full, github, json, sarif, short};

/// How findings are shown.
pub(super) struct Output {
    format: Format,
    color: ColorChoice,
}

/// How many findings of each severity there were; notes are not counted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Count {
    pub(super) errors: usize,
    pub(super) warnings: usize,
    pub(super) notes: usize,
}

impl Output {
    pub(super) fn of(args: OutputArgs) -> Self {
        let color = match args.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Self { format: args.format, color }
    }

    /// Writes all findings and a summary, which goes to standard error. `dir` is the config directory.
    pub(super) fn show(&self, outcome: &Outcome, dir: &Path) -> io::Result<Count> {
        let (files, diagnostics) = (&outcome.files, &outcome.diagnostics);
        match self.format {
            Format::Full => forgiving(self.draw(outcome))?,
            Format::Short => print_lines(diagnostics.iter().map(|one| short::render(one, files)))?,
            Format::Json => print_lines(diagnostics.iter().map(|one| json::render(one, files)))?,
            Format::Github => print_lines(diagnostics.iter().map(|one| github::render(one, files)))?,
            Format::Sarif => print(sarif::render(diagnostics, files, dir).as_bytes())?,
        }
        let count = count(outcome);
        let mut stream = AutoStream::new(io::stderr(), self.color);
        let told = if outcome.hidden == Hidden::default() { "" } else { ", not all of them told" };
        forgiving(writeln!(stream, "{}{told}", summary(count, files.len())))?;
        Ok(count)
    }

    fn draw(&self, outcome: &Outcome) -> io::Result<()> {
        let mut stream = io::BufWriter::new(AutoStream::new(io::stderr(), self.color));
        for diagnostic in &outcome.diagnostics {
            stream.write_all(full::render(diagnostic, &outcome.files).as_bytes())?;
            stream.write_all(b"\n")?;
        }
        stream.flush()
    }
}

/// Writes a text to standard output.
pub(super) fn print(text: &[u8]) -> io::Result<()> {
    let mut stream = io::stdout().lock();
    forgiving(stream.write_all(text).and_then(|()| stream.flush()))
}

/// A reader that has gone away, as `head` does, is no error.
fn forgiving(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// Says on standard error why nothing could be done. If even that fails, the exit code has to do.
pub(super) fn complain(reason: &str) {
    let _ = writeln!(io::stderr(), "error: {reason}");
}

fn print_lines(mut lines: impl Iterator<Item = String>) -> io::Result<()> {
    let mut stream = io::BufWriter::new(io::stdout().lock());
    forgiving(lines.try_for_each(|line| writeln!(stream, "{line}")).and_then(|()| stream.flush()))
}

fn count(outcome: &Outcome) -> Count {
    let mut count = Count { errors: outcome.hidden.errors, warnings: outcome.hidden.warnings, notes: 0 };
    for diagnostic in &outcome.diagnostics {
        match diagnostic.severity() {
            Severity::Error => count.errors += 1,
            Severity::Warning => count.warnings += 1,
            Severity::Note => count.notes += 1,
        }
    }
    count
}

fn summary(count: Count, files: usize) -> String {
    let files = plural(files, "file");
    let counted = [(count.errors, "error"), (count.warnings, "warning"), (count.notes, "note")];
    let found: Vec<String> = counted
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| plural(number, word))
        .collect();
    match &found[..] {
        [] => format!("{files} checked, nothing to complain about"),
        [one] => format!("{files} checked: {one}"),
        [others @ .., last] => format!("{files} checked: {} and {last}", others.join(", ")),
    }
}

fn plural(number: usize, word: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
}
