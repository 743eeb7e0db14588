//! Stage 2 of 6: text to tree, and syntax errors to diagnostics. Comes after [`input`](crate::input), before
//! [`resolve`](crate::resolve).
//!
//! By far the longest stage of a large configuration, and the files know nothing of each other here: they are read
//! and parsed on all cores. What is found is reported afterwards, in the order of the files.

mod mend;

use std::cmp::Reverse;
use std::io;

use grammar::{Budget, FileId, LineIndex, Parse, Span, SyntaxError, SyntaxErrorKind};

use crate::diagnostic::{Code, Diagnostic, Files, Report};
use crate::input::{Input, SourceFile};
use crate::parallel;

/// The trees of all files, in reading order.
#[derive(Debug)]
pub struct Parsed {
    /// One for each file of the input.
    pub files: Vec<ParsedFile>,
}

/// One file with its tree.
#[derive(Debug)]
pub struct ParsedFile {
    /// Its name relative to the config directory.
    pub name: String,
    /// Its name as diagnostics show it.
    pub shown: String,
    /// BLAKE3 of its bytes.
    pub hash: [u8; 32],
    /// Text, tree, comments and syntax errors.
    pub parse: Parse,
    /// Where its lines begin.
    pub lines: LineIndex,
}

/// Reads and parses all files. There is a tree for each, even for one that is broken or cannot be read.
#[must_use]
pub fn parse(input: Input, report: &mut Report) -> Parsed {
    let budget = Budget::default();
    let mut done = parallel::map(&input.files, |index, source| {
        read_and_parse(FileId(u32::try_from(index).unwrap_or(u32::MAX)), source, &budget)
    });
    if budget.is_exceeded() {
        give_up(&mut done, report);
    }
    let files = input.files.into_iter().zip(done).map(|(source, done)| {
        if let Some(cause) = done.trouble {
            report.push(source.unreadable(done.parse.file, &cause));
        }
        for error in &done.parse.errors {
            let found = diagnostic(error, &done.parse);
            if error.kind.tolerated() { report.push_tolerated(found) } else { report.push(found) }
        }
        let Done { hash, parse, lines, .. } = done;
        ParsedFile { name: source.name, shown: source.shown, hash, parse, lines }
    });
    Parsed { files: files.collect() }
}

/// What came of one file.
struct Done {
    /// How long the file is.
    bytes: usize,
    hash: [u8; 32],
    parse: Parse,
    lines: LineIndex,
    /// Why it could not be read.
    trouble: Option<io::Error>,
}

fn read_and_parse(file: FileId, source: &SourceFile, budget: &Budget) -> Done {
    let (bytes, trouble) = match source.read() {
        Ok(bytes) => (bytes, None),
        Err(cause) => (Vec::new(), Some(cause)),
    };
    let hash = blake3::hash(&bytes).into();
    let length = bytes.len();
    let parse = grammar::parse_within(file, bytes, budget);
    let lines = LineIndex::new(&parse.text);
    Done { bytes: length, hash, parse, lines, trouble }
}

/// Says once that the configuration is too large, and nothing else: which files there was still room for differs
/// from run to run.
fn give_up(done: &mut [Done], report: &mut Report) {
    let largest = (0..).zip(done.iter()).max_by_key(|(number, done)| (done.bytes, Reverse(*number)));
    let largest = FileId(largest.map_or(0, |(number, _)| number));
    let kind = SyntaxErrorKind::TooMuch;
    let found = Diagnostic::error(Code::TooLarge, kind.message(), largest)
        .note("this is the largest of them; nothing of any was read");
    report.push(match kind.help() {
        Some(help) => found.help(help),
        None => found,
    });
    for done in done {
        done.parse.root = None;
        done.parse.comments.clear();
        done.parse.errors.retain(|error| error.kind == SyntaxErrorKind::TooLarge);
    }
}

impl Parsed {
    /// Whether a syntax error lies within a stretch of a file: what is missing there may have been lost.
    #[must_use]
    pub fn is_broken_within(&self, span: Span) -> bool {
        let Some(file) = self.files.get(span.file.0 as usize) else {
            return false;
        };
        let errors = &file.parse.errors;
        let first = errors.partition_point(|error| error.span.start < span.start);
        errors[first..]
            .iter()
            .take_while(|error| error.span.start <= span.end)
            .any(|error| !error.kind.tolerated())
    }

    /// The texts, for showing diagnostics; the trees are given up.
    #[must_use]
    pub fn into_files(self) -> Files {
        let mut files = Files::default();
        for file in self.files {
            files.push(file.name, file.shown, file.parse.text, file.lines);
        }
        files
    }
}

fn diagnostic(error: &SyntaxError, parse: &Parse) -> Diagnostic {
    let mut found = Diagnostic::error(code(error.kind), error.kind.message(), error.span);
    if let Some(related) = &error.related {
        found = found.also(related.span, related.label);
    }
    if error.kind == SyntaxErrorKind::NotUtf8 {
        let is_comment = parse.comments.iter().any(|comment| comment.span.to(error.span) == comment.span);
        found = found.note(match is_comment {
            true => "in a comment, where they do no harm",
            false => "each is read as `?` here; lwsws takes them as they are, so a path would lead elsewhere",
        });
    }
    mend::mend(found, error, &parse.text)
}

fn code(kind: SyntaxErrorKind) -> Code {
    match kind {
        SyntaxErrorKind::NotUtf8 => Code::NotUtf8,
        SyntaxErrorKind::ByteOrderMark => Code::ByteOrderMark,
        SyntaxErrorKind::NoOpeningBrace => Code::NoOpeningBrace,
        SyntaxErrorKind::OutermostList => Code::OutermostList,
        SyntaxErrorKind::TextAfterDocument => Code::TextAfterDocument,
        SyntaxErrorKind::Unclosed => Code::Unclosed,
        SyntaxErrorKind::WrongCloser => Code::WrongCloser,
        SyntaxErrorKind::UnclosedString => Code::UnclosedString,
        SyntaxErrorKind::ControlCharacter => Code::ControlCharacter,
        SyntaxErrorKind::BadEscape => Code::BadEscape,
        SyntaxErrorKind::BadHex => Code::BadHex,
        SyntaxErrorKind::NulEscape => Code::NulEscape,
        SyntaxErrorKind::LoneSurrogate => Code::LoneSurrogate,
        SyntaxErrorKind::KeyExpected => Code::KeyExpected,
        SyntaxErrorKind::ColonExpected => Code::ColonExpected,
        SyntaxErrorKind::ValueExpected => Code::ValueExpected,
        SyntaxErrorKind::BadNumber => Code::BadNumber,
        SyntaxErrorKind::CommaExpected => Code::CommaExpected,
        SyntaxErrorKind::CommaBeforeBrace => Code::CommaBeforeBrace,
        SyntaxErrorKind::CommaBeforeBracket => Code::CommaBeforeBracket,
        SyntaxErrorKind::SlashComment => Code::SlashComment,
        SyntaxErrorKind::TooDeep => Code::TooDeep,
        SyntaxErrorKind::TooLarge | SyntaxErrorKind::TooMuch => Code::TooLarge,
        SyntaxErrorKind::TooMany => Code::TooMany,
    }
}
