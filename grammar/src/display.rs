//! The tree as text: for fixtures, and for whoever wants to see what the parser saw.

use std::fmt::{self, Write as _};

use crate::{LineIndex, Member, Parse, Span, Value, ValueKind, Word};

/// Writes tree, comments and errors, one a line, each behind its place as `line:column-line:column`.
///
/// Columns count characters; an empty place is written without its end. The form is stable.
#[must_use]
pub fn display(parse: &Parse) -> String {
    let mut writer = Writer { parse, lines: LineIndex::new(&parse.text), out: String::new() };
    // Writing to a `String` does not fail.
    let _ = writer.parse();
    writer.out
}

struct Writer<'p> {
    parse: &'p Parse,
    lines: LineIndex,
    out: String,
}

impl Writer<'_> {
    fn parse(&mut self) -> fmt::Result {
        let parse = self.parse;
        writeln!(self.out, "tree")?;
        match &parse.root {
            Some(root) => self.value(root, None, 1)?,
            None => writeln!(self.out, "  nothing")?,
        }
        if !parse.comments.is_empty() {
            writeln!(self.out, "comments")?;
        }
        for comment in &parse.comments {
            let place = self.place(comment.span);
            let text = parse.text.get(comment.span.range()).unwrap_or_default();
            writeln!(self.out, "  {place} {text:?}")?;
        }
        if !parse.errors.is_empty() {
            writeln!(self.out, "errors")?;
        }
        for error in &parse.errors {
            let place = self.place(error.span);
            let tolerated = if error.kind.tolerated() { " (tolerated)" } else { "" };
            writeln!(self.out, "  {place} {:?}{tolerated}: {}", error.kind, error.kind.message())?;
            if let Some(related) = &error.related {
                let place = self.place(related.span);
                writeln!(self.out, "    {place} {}", related.label)?;
            }
        }
        Ok(())
    }

    fn value(&mut self, value: &Value, key: Option<&str>, depth: usize) -> fmt::Result {
        let place = self.place(value.span);
        write!(self.out, "{:indent$}", "", indent = depth * 2)?;
        if let Some(key) = key {
            write!(self.out, "{key}: ")?;
        }
        match &value.kind {
            ValueKind::String(text) => writeln!(self.out, "{place} string {:?}", text.as_str()),
            ValueKind::Number(number) => writeln!(self.out, "{place} number {number}"),
            ValueKind::Word(Word::True) => writeln!(self.out, "{place} true"),
            ValueKind::Word(Word::False) => writeln!(self.out, "{place} false"),
            ValueKind::Word(Word::Null) => writeln!(self.out, "{place} null"),
            ValueKind::Bad => writeln!(self.out, "{place} bad"),
            ValueKind::Array(items) => {
                writeln!(self.out, "{place} array")?;
                items.iter().try_for_each(|item| self.value(item, None, depth + 1))
            }
            ValueKind::Object(object) => {
                writeln!(self.out, "{place} object")?;
                object.members.iter().try_for_each(|member| self.member(member, depth + 1))
            }
        }
    }

    fn member(&mut self, member: &Member, depth: usize) -> fmt::Result {
        let key = format!("{} {:?}", self.place(member.key.span), member.key.text.as_str());
        self.value(&member.value, Some(&key), depth)
    }

    fn place(&self, span: Span) -> String {
        let start = self.lines.position(&self.parse.text, span.start);
        if span.start == span.end {
            return format!("{}:{}", start.line, start.column);
        }
        let end = self.lines.position(&self.parse.text, span.end);
        format!("{}:{}-{}:{}", start.line, start.column, end.line, end.column)
    }
}
