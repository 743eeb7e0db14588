//! Builds the tree from what pest finds. The only file that names pest.
//!
//! The steps: bytes to text (`utf8.rs`) > brackets put right (`brackets.rs`) > grammar (`lwsws.pest`) > tree. The
//! grammar takes any text, so what is left to decide here is what each of its error rules means, and which errors
//! only follow from one before.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use pest::Parser as _;
use pest::iterators::{Pair, Pairs};
use pest_derive::Parser;

use crate::{
    Budget, Comment, FileId, Key, Member, Object, Parse, SourceText, Span, SyntaxError, SyntaxErrorKind,
    Text, Value, ValueKind, Word, brackets, errors::Errors, unescape, utf8,
};

/// How many objects and arrays may stand inside each other, the outermost one counted, as in lwsws.
pub const MAX_NESTING: usize = 64;

/// The largest source that is read, in bytes: 64 MiB, far beyond any config and well within the 32 bits of a span.
pub const MAX_SOURCE: usize = 64 << 20;

/// How many digits a number may have in lwsws, those of fraction and exponent counted.
const MAX_DIGITS: usize = 20;

/// Parses one file, whatever it holds.
///
/// Never fails: what cannot be read is reported in [`Parse::errors`], and the tree holds what can. Time and memory
/// grow with the length of the source; one longer than [`MAX_SOURCE`] is not read at all. A source that is given
/// away is freed as soon as the text of it is there.
#[must_use]
pub fn parse<'s>(file: FileId, source: impl Into<Cow<'s, [u8]>>) -> Parse {
    parse_within(file, source, &Budget::default())
}

/// Parses one file of several, unless they hold more together than the budget allows: then there is no tree of it.
#[must_use]
pub fn parse_within<'s>(file: FileId, source: impl Into<Cow<'s, [u8]>>, budget: &Budget) -> Parse {
    let source = source.into();
    if source.len() > MAX_SOURCE {
        return unread(file, SyntaxErrorKind::TooLarge);
    }
    if !budget.take_bytes(source.len()) {
        return unread(file, SyntaxErrorKind::TooMuch);
    }
    let (text, mut errors) = utf8::decode(file, source);
    let text = Arc::new(SourceText { file, text: text.into() });
    let repaired = brackets::repair(file, &text);
    if !budget.take_tokens(repaired.tokens) {
        return unread(file, SyntaxErrorKind::TooMuch);
    }
    let cut = repaired.errors.iter().find(|error| error.kind == SyntaxErrorKind::Unclosed);
    let cut = cut.map(|error| error.span.start..span(file, 0..text.len()).end);
    errors.extend(repaired.errors);
    let mut builder = Builder { file, text: Arc::clone(&text), cut, depth: 0, comments: Vec::new(), errors };
    let root = match Lwsws::parse(Rule::document, &repaired.text) {
        Ok(document) => builder.document(document),
        // The grammar takes any text; but pest gives up when its caller has left it too little stack.
        Err(_) => {
            builder.report(SyntaxErrorKind::TooDeep, 0..0);
            None
        }
    };
    let Builder { comments, errors, .. } = builder;
    Parse { file, text, root, comments, errors: errors.into_sorted() }
}

/// What there is of a file that is not read.
fn unread(file: FileId, kind: SyntaxErrorKind) -> Parse {
    let error = SyntaxError { kind, span: span(file, 0..0), related: None };
    let text = Arc::new(SourceText { file, text: "".into() });
    Parse { file, text, root: None, comments: Vec::new(), errors: vec![error] }
}

/// A range of a source as a span. Sources are never longer than [`MAX_SOURCE`], so 32 bits hold every offset.
pub(crate) fn span(file: FileId, range: Range<usize>) -> Span {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { file, start: offset(range.start), end: offset(range.end) }
}

/// What people put around keys and texts, some of them with the help of a word processor.
const QUOTES: [char; 6] = ['\'', '"', '\u{201c}', '\u{201d}', '\u{201e}', '\u{2019}'];

#[derive(Parser)]
#[grammar = "lwsws.pest"]
struct Lwsws;

struct Builder {
    file: FileId,
    /// The source, not what became of it by putting brackets right: no string differs between the two.
    text: Arc<SourceText>,
    /// If the file ends too early: from the end of its last token to its own end.
    cut: Option<Range<u32>>,
    /// How many objects and arrays are open.
    depth: usize,
    comments: Vec<Comment>,
    errors: Errors,
}

/// Where an object or array is between two of its entries.
#[derive(Default)]
struct Sequence {
    /// The last entry ended in an error, so it is no news that the comma is missing.
    derailed: bool,
    /// No comma came after it, so it is no news either that what follows does not begin well.
    adrift: bool,
}

impl Sequence {
    fn entry(&mut self, derailed: bool) {
        *self = Self { derailed, adrift: false };
    }
}

impl Builder {
    fn document(&mut self, pairs: Pairs<'_, Rule>) -> Option<Value> {
        let mut root = None;
        let mut begins_well = true;
        for pair in pairs.flat_map(Pair::into_inner) {
            let range = range(&pair);
            match pair.as_rule() {
                Rule::byte_order_mark => self.report(SyntaxErrorKind::ByteOrderMark, range),
                Rule::not_a_start => {
                    begins_well = false;
                    self.report(SyntaxErrorKind::NoOpeningBrace, first_line(&pair));
                    self.gaps(pair);
                }
                Rule::braceless => {
                    begins_well = false;
                    self.report(SyntaxErrorKind::NoOpeningBrace, range.start..range.start);
                    root = Some(self.value(pair));
                }
                Rule::array => {
                    if begins_well {
                        self.report(SyntaxErrorKind::OutermostList, range.start..range.start + 1);
                    }
                    root = Some(self.value(pair));
                }
                Rule::object => root = Some(self.value(pair)),
                Rule::text_after if begins_well => {
                    let end = range.start + pair.as_str().trim_end().len();
                    self.report(SyntaxErrorKind::TextAfterDocument, range.start..end);
                }
                _ => self.gap(&pair),
            }
        }
        root
    }

    fn value(&mut self, pair: Pair<'_, Rule>) -> Value {
        let range = range(&pair);
        let kind = match pair.as_rule() {
            Rule::string => self.string(&range),
            Rule::number => self.number(&range, pair.as_str()),
            Rule::word if pair.as_str() == "true" => ValueKind::Word(Word::True),
            Rule::word if pair.as_str() == "false" => ValueKind::Word(Word::False),
            Rule::word => ValueKind::Word(Word::Null),
            Rule::object | Rule::braceless => self.nested(|builder| ValueKind::Object(builder.object(pair))),
            Rule::array => self.nested(|builder| ValueKind::Array(builder.array(pair))),
            rule => {
                self.report(bad_value(rule), range.clone());
                self.gaps(pair);
                ValueKind::Bad
            }
        };
        Value { span: span(self.file, range), kind }
    }

    /// What is nested too deep was reported and emptied before, so it is not what its author wrote.
    fn nested(&mut self, build: impl FnOnce(&mut Self) -> ValueKind) -> ValueKind {
        self.depth += 1;
        let kind = build(self);
        let too_deep = self.depth > MAX_NESTING;
        self.depth -= 1;
        if too_deep { ValueKind::Bad } else { kind }
    }

    fn object(&mut self, pair: Pair<'_, Rule>) -> Object {
        let pairs = pair.into_inner();
        // Trees stay until the end of a run, so room for more members than there are would be waste.
        let mut members: Vec<Member> = Vec::with_capacity(pairs.len());
        let mut sequence = Sequence::default();
        let mut keyless = Vec::new();
        for pair in pairs {
            let range = range(&pair);
            match pair.as_rule() {
                Rule::member | Rule::bare_member => {
                    let (member, derailed) = self.member(pair);
                    members.extend(member);
                    sequence.entry(derailed);
                }
                Rule::keyless => {
                    if !sequence.adrift {
                        keyless.push(range.start..range.start + 1);
                    }
                    // There is no key to keep it under, but there may be errors and comments in it.
                    pair.into_inner().for_each(|inner| drop(self.value(inner)));
                    sequence.entry(true);
                }
                Rule::bad_member => {
                    if !sequence.adrift {
                        // Its first line is enough to see what it is.
                        let line = pair.as_str().lines().next().unwrap_or_default().trim_end();
                        self.report(SyntaxErrorKind::KeyExpected, range.start..range.start + line.len());
                    }
                    self.gaps(pair);
                    sequence.entry(true);
                }
                Rule::extra_comma => {
                    self.report(SyntaxErrorKind::KeyExpected, range);
                    self.gaps(pair);
                }
                Rule::comma_before_brace => self.report(SyntaxErrorKind::CommaBeforeBrace, range),
                // The closer most likely belongs before the first of them, and is reported.
                Rule::unclosed => keyless.clear(),
                rule => {
                    if rule == Rule::stray
                        && let Some(member) = members.last_mut()
                    {
                        spoil(&mut member.value);
                    }
                    self.between(pair, &mut sequence);
                }
            }
        }
        keyless.into_iter().for_each(|opener| self.report(SyntaxErrorKind::KeyExpected, opener));
        members.shrink_to_fit();
        Object { members }
    }

    fn array(&mut self, pair: Pair<'_, Rule>) -> Vec<Value> {
        let pairs = pair.into_inner();
        let mut items: Vec<Value> = Vec::with_capacity(pairs.len());
        let mut sequence = Sequence::default();
        for pair in pairs {
            match pair.as_rule() {
                Rule::extra_comma => {
                    self.report(SyntaxErrorKind::ValueExpected, range(&pair));
                    self.gaps(pair);
                }
                Rule::comma_before_bracket => self.report(SyntaxErrorKind::CommaBeforeBracket, range(&pair)),
                Rule::unclosed => {}
                rule @ (Rule::comment
                | Rule::slash_comment
                | Rule::missing_comma
                | Rule::stray
                | Rule::comma) => {
                    if rule == Rule::stray
                        && let Some(item) = items.last_mut()
                    {
                        spoil(item);
                    }
                    self.between(pair, &mut sequence);
                }
                rule => {
                    items.push(self.value(pair));
                    sequence.entry(derails(rule));
                }
            }
        }
        items.shrink_to_fit();
        items
    }

    /// What stands between two entries: a comment, or something else where a comma must stand.
    fn between(&mut self, pair: Pair<'_, Rule>, sequence: &mut Sequence) {
        match pair.as_rule() {
            Rule::missing_comma | Rule::stray => {
                if !sequence.derailed {
                    self.report(SyntaxErrorKind::CommaExpected, range(&pair));
                }
                sequence.adrift = true;
                self.gaps(pair);
            }
            Rule::comma => sequence.adrift = false,
            _ => self.gap(&pair),
        }
    }

    /// A member, if there is one to speak of, and whether it ends in an error.
    fn member(&mut self, pair: Pair<'_, Rule>) -> (Option<Member>, bool) {
        let mut pairs = pair.into_inner();
        let Some(key_pair) = pairs.next() else { return (None, true) };
        let mut key_unclosed = key_pair.as_rule() == Rule::unclosed_string;
        let key = self.key(&key_pair);
        let key_end = key.span.range().end;
        let mut value = None;
        let mut derailed = false;
        for pair in pairs {
            match pair.as_rule() {
                Rule::comment | Rule::slash_comment => self.gap(&pair),
                Rule::missing_colon => {
                    let found = range(&pair);
                    // That the key has no end explains it.
                    if !key_unclosed {
                        let place = if found.is_empty() { key_end..key_end } else { found };
                        self.report(SyntaxErrorKind::ColonExpected, place);
                    }
                    derailed = true;
                }
                // Comes only where the colon is missing too.
                Rule::stray => {
                    key_unclosed |= range(&pair).start == key_end;
                    self.gaps(pair);
                }
                rule => {
                    value = Some(self.value(pair));
                    derailed = derails(rule);
                }
            }
        }
        if key_unclosed && value.is_none() {
            // Where the key was meant to end nobody knows; `"key: "value"` has its quote in the wrong place.
            return (None, true);
        }
        let missing = || Value { span: span(self.file, key_end..key_end), kind: ValueKind::Bad };
        let value = value.unwrap_or_else(missing);
        (Some(Member { key, value }), derailed)
    }

    fn key(&mut self, pair: &Pair<'_, Rule>) -> Key {
        let range = range(pair);
        let source = pair.as_str();
        let text = match pair.as_rule() {
            Rule::string => self.text(&range).0,
            Rule::unclosed_string => {
                self.report(SyntaxErrorKind::UnclosedString, range.clone());
                self.verbatim(range.start + 1..range.end)
            }
            _ => {
                self.report(SyntaxErrorKind::KeyExpected, range.clone());
                let bare = source.trim_matches(QUOTES);
                let start = range.start + (source.len() - source.trim_start_matches(QUOTES).len());
                self.verbatim(start..start + bare.len())
            }
        };
        Key { text, span: span(self.file, range) }
    }

    fn verbatim(&self, inner: Range<usize>) -> Text {
        let Span { start, end, .. } = span(self.file, inner);
        Text { source: Arc::clone(&self.text), start, end, decoded: None }
    }

    fn string(&mut self, range: &Range<usize>) -> ValueKind {
        match self.text(range) {
            (text, true) => ValueKind::String(text),
            (_, false) => ValueKind::Bad,
        }
    }

    /// The text of a string in quotes, and whether lwsws would take it.
    fn text(&mut self, range: &Range<usize>) -> (Text, bool) {
        let before = self.errors.refused();
        let inner = span(self.file, range.start + 1..range.end - 1);
        let text = unescape::unescape(inner, &self.text, &mut self.errors);
        (text, self.errors.refused() == before)
    }

    fn number(&mut self, range: &Range<usize>, source: &str) -> ValueKind {
        if source.bytes().filter(u8::is_ascii_digit).count() > MAX_DIGITS {
            self.report(SyntaxErrorKind::BadNumber, range.clone());
            return ValueKind::Bad;
        }
        ValueKind::Number(source.to_owned())
    }

    fn gaps(&mut self, pair: Pair<'_, Rule>) {
        pair.into_inner().for_each(|inner| self.gap(&inner));
    }

    fn gap(&mut self, pair: &Pair<'_, Rule>) {
        let mut range = range(pair);
        // The rules begin behind the first character.
        range.start = range.start.saturating_sub(1);
        match pair.as_rule() {
            Rule::comment => {
                // In a file with CRLF the carriage return belongs to the newline.
                range.end -= usize::from(pair.as_str().ends_with('\r'));
                self.comments.push(Comment { span: span(self.file, range) });
            }
            Rule::slash_comment => self.report(SyntaxErrorKind::SlashComment, range),
            _ => {}
        }
    }

    fn report(&mut self, kind: SyntaxErrorKind, range: Range<usize>) {
        let span = span(self.file, range);
        if let Some(cut) = &self.cut {
            // Something half written where the file was cut off is part of the same mistake.
            let missing = span.start == span.end && span.start >= cut.start;
            if missing || span.end == cut.end {
                return;
            }
        }
        self.errors.push(SyntaxError { kind, span, related: None });
    }
}

fn range(pair: &Pair<'_, Rule>) -> Range<usize> {
    let span = pair.as_span();
    span.start()..span.end()
}

fn first_line(pair: &Pair<'_, Rule>) -> Range<usize> {
    let start = range(pair).start;
    let line = pair.as_str().split(['\n', '#']).next().unwrap_or_default();
    start..start + line.trim_end().len()
}

fn bad_value(rule: Rule) -> SyntaxErrorKind {
    match rule {
        Rule::unclosed_string => SyntaxErrorKind::UnclosedString,
        Rule::bad_number => SyntaxErrorKind::BadNumber,
        _ => SyntaxErrorKind::ValueExpected,
    }
}

/// Something stands behind the value, as in `"a"b"` or `8 0`: it was cut short and is not what was meant.
fn spoil(value: &mut Value) {
    if !matches!(value.kind, ValueKind::Array(_) | ValueKind::Object(_)) {
        value.kind = ValueKind::Bad;
    }
}

/// Whether it is unknown where a value of this rule was meant to end.
fn derails(rule: Rule) -> bool {
    !matches!(rule, Rule::object | Rule::array | Rule::string | Rule::number | Rule::word)
}
