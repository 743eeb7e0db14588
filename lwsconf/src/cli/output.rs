//! What is written to the two output streams.

use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice};

use super::{Color, Format, OutputArgs};
use crate::Outcome;
use crate::diagnostic::{Severity, full, json, short};

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

    /// Writes all findings and a summary, which goes to standard error.
    pub(super) fn show(&self, outcome: &Outcome) -> io::Result<Count> {
        match self.format {
            Format::Full => {
                let mut stream = io::BufWriter::new(AutoStream::new(io::stderr(), self.color));
                for diagnostic in &outcome.diagnostics {
                    stream.write_all(full::render(diagnostic, &outcome.files).as_bytes())?;
                    stream.write_all(b"\n")?;
                }
                stream.flush()?;
            }
            Format::Short => {
                print_lines(outcome.diagnostics.iter().map(|one| short::render(one, &outcome.files)))?;
            }
            Format::Json => {
                print_lines(outcome.diagnostics.iter().map(|one| json::render(one, &outcome.files)))?;
            }
        }
        let count = count(outcome);
        let mut stream = AutoStream::new(io::stderr(), self.color);
        writeln!(stream, "{}", summary(count, outcome.files.len()))?;
        Ok(count)
    }
}

/// Writes a text to standard output. A reader that has gone away is no error.
pub(super) fn print(text: &str) -> io::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// Says on standard error why nothing could be done. If even that fails, the exit code has to do.
pub(super) fn complain(reason: &str) {
    let _ = writeln!(io::stderr(), "error: {reason}");
}

fn print_lines(lines: impl Iterator<Item = String>) -> io::Result<()> {
    let mut stream = io::BufWriter::new(io::stdout().lock());
    for line in lines {
        match writeln!(stream, "{line}") {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            done => done?,
        }
    }
    match stream.flush() {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

fn count(outcome: &Outcome) -> Count {
    let mut count = Count::default();
    for diagnostic in &outcome.diagnostics {
        match diagnostic.severity() {
            Severity::Error => count.errors += 1,
            Severity::Warning => count.warnings += 1,
            Severity::Note => {}
        }
    }
    count
}

fn summary(count: Count, files: usize) -> String {
    let files = plural(files, "file");
    match (count.errors, count.warnings) {
        (0, 0) => format!("{files} checked, nothing to complain about"),
        (0, warnings) => format!("{files} checked: {}", plural(warnings, "warning")),
        (errors, 0) => format!("{files} checked: {}", plural(errors, "error")),
        (errors, warnings) => {
            format!("{files} checked: {} and {}", plural(errors, "error"), plural(warnings, "warning"))
        }
    }
}

fn plural(number: usize, word: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
}
