//! The full form, as rustc draws it: the lines themselves, the places marked, notes, help and the edit.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet};
use grammar::Span;

use super::{Diagnostic, Files, Fix, Place, Severity};

/// A line longer than this many bytes is named but not drawn: drawing costs time by the length of the line.
const LONGEST_LINE: usize = 16 * 1024;
/// Places of one file that are farther apart than this many bytes are drawn apart, for the same reason.
const FARTHEST_APART: usize = 16 * 1024;

/// One diagnostic as several lines, with escape sequences for colours; they are stripped where nobody wants them.
#[must_use]
pub fn render(diagnostic: &Diagnostic, files: &Files) -> String {
    let level = level(diagnostic.severity);
    let title = level.primary_title(&diagnostic.headline).id(diagnostic.code.as_str());
    let mut group = Group::with_title(title);
    for window in windows(diagnostic, files) {
        group = draw(group, &window, files);
    }
    if let Place::File(file) = diagnostic.place {
        group = group.element(Origin::path(files.name(file)));
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(note));
    }
    for help in &diagnostic.helps {
        group = group.element(Level::HELP.message(help));
    }
    let mut report = vec![group];
    if let Some(fix) = &diagnostic.fix {
        report.extend(draw_fix(fix, files));
    }
    let mut text = Renderer::styled().decor_style(DecorStyle::Ascii).render(&report);
    text.push('\n');
    text
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Note => Level::NOTE,
        Severity::Warning => Level::WARNING,
        Severity::Error => Level::ERROR,
    }
}

/// A stretch of whole lines of one file, and the places to mark in it.
struct Window<'a> {
    lines: Range<usize>,
    marks: Vec<Mark<'a>>,
}

#[derive(Clone, Copy)]
struct Mark<'a> {
    span: Span,
    label: &'a str,
    kind: AnnotationKind,
}

/// The places of a diagnostic, the primary one first, those that lie close together in one window.
fn windows<'a>(diagnostic: &'a Diagnostic, files: &Files) -> Vec<Window<'a>> {
    let Place::Span(span) = diagnostic.place else {
        return Vec::new();
    };
    let primary = Mark { span, label: &diagnostic.label, kind: AnnotationKind::Primary };
    let others = diagnostic.related.iter().map(|annotation| Mark {
        span: annotation.span,
        label: &annotation.label,
        kind: AnnotationKind::Context,
    });
    let mut windows: Vec<Window<'a>> = Vec::new();
    for mark in std::iter::once(primary).chain(others) {
        let lines = files.lines_around(mark.span);
        match windows.iter_mut().find(|window| window.is_near(mark.span, &lines)) {
            Some(window) => window.add(mark, &lines),
            None => windows.push(Window { lines, marks: vec![mark] }),
        }
    }
    windows
}

impl<'a> Window<'a> {
    fn is_near(&self, span: Span, lines: &Range<usize>) -> bool {
        let together = self.lines.start.min(lines.start)..self.lines.end.max(lines.end);
        self.marks.first().is_some_and(|mark| mark.span.file == span.file) && together.len() <= FARTHEST_APART
    }

    fn add(&mut self, mark: Mark<'a>, lines: &Range<usize>) {
        self.lines = self.lines.start.min(lines.start)..self.lines.end.max(lines.end);
        self.marks.push(mark);
    }
}

fn draw<'a>(group: Group<'a>, window: &Window<'a>, files: &'a Files) -> Group<'a> {
    let Some(first) = window.marks.first() else {
        return group;
    };
    let file = first.span.file;
    if window.lines.len() > LONGEST_LINE {
        let position = files.position(file, first.span.start);
        let origin = Origin::path(files.name(file)).line(position.line as usize);
        return group.element(origin.char_column(position.column as usize));
    }
    let mut snippet = snippet(&window.lines, file, files);
    for mark in &window.marks {
        let span = mark.span.range().start - window.lines.start..mark.span.range().end - window.lines.start;
        let label = (!mark.label.is_empty()).then_some(mark.label);
        snippet = snippet.annotation(mark.kind.span(span).label(label));
    }
    group.element(snippet)
}

/// The edit as a group of its own; none where the line is too long to be drawn.
fn draw_fix<'a>(fix: &'a Fix, files: &'a Files) -> Option<Group<'a>> {
    let lines = files.lines_around(fix.span);
    if lines.len() > LONGEST_LINE {
        return None;
    }
    let span = fix.span.range().start - lines.start..fix.span.range().end - lines.start;
    let snippet = snippet(&lines, fix.span.file, files).patch(Patch::new(span, &fix.replacement));
    Some(Group::with_title(Level::HELP.secondary_title(&fix.title)).element(snippet))
}

fn snippet<'a, T: Clone>(lines: &Range<usize>, file: grammar::FileId, files: &'a Files) -> Snippet<'a, T> {
    let source = files.text(file).get(lines.clone()).unwrap_or_default();
    let start = u32::try_from(lines.start).unwrap_or(u32::MAX);
    let line = files.position(file, start).line as usize;
    Snippet::source(source).path(files.name(file)).line_start(line)
}
