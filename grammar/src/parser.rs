//! Builds the tree from what pest finds. The only file that names pest.
//!
//! The steps: bytes to text > brackets put right (`brackets.rs`) > grammar (`lwsws.pest`) > tree. The grammar takes
//! any text, so all that is left to decide here is what each of its error rules means, and which errors are only
//! the consequence of one before.

use std::ops::Range;

use pest::Parser as _;
use pest::iterators::Pair;
use pest_derive::Parser;

use crate::unescape::unescape;
use crate::{
    Comment, FileId, Key, Member, Object, Parse, Span, SyntaxError, SyntaxErrorKind, Text, Value, ValueKind, Word,
    brackets, utf8,
};

/// How many objects and arrays may stand inside each other, the outermost one counted, as in lwsws.
pub const MAX_NESTING: usize = 64;

/// The largest source that is read, in bytes: 64 MiB, far beyond any config, and small enough for spans of 32 bits.
pub const MAX_SOURCE: usize = 64 << 20;

/// How many digits a number may have in lwsws, those of fraction and exponent counted.
const MAX_DIGITS: usize = 20;

/// Parses one file, whatever it holds.
///
/// Never fails: what cannot be read is reported in [`Parse::errors`], and the tree holds what can. Time and memory
/// grow with the length of the source; one longer than [`MAX_SOURCE`] is not read at all.
#[must_use]
pub fn parse(file: FileId, source: &[u8]) -> Parse {
    if source.len() > MAX_SOURCE {
        let error = SyntaxError { kind: SyntaxErrorKind::TooLarge, span: span(file, 0..0), related: None };
        return Parse { file, text: String::new(), root: None, comments: Vec::new(), errors: vec![error] };
    }
    let mut errors = Vec::new();
    let text = utf8::decode(file, source, &mut errors);
    let repaired = brackets::repair(file, &text);
    errors.extend(repaired.errors);
    let mut builder = Builder { file, errors, comments: Vec::new(), depth: 0 };
    let root = match Lwsws::parse(Rule::document, &repaired.text) {
        Ok(document) => builder.document(document),
        // Not reached as long as the grammar takes any text; pest itself gives up if the stack runs short.
        Err(_) => {
            builder.report(SyntaxErrorKind::TooDeep, 0..0);
            None
        }
    };
    let Builder { mut errors, comments, .. } = builder;
    errors.sort_by_key(|error| (error.span, error.kind));
    Parse { file, text, root, comments, errors }
}

/// A range of a source as a span. Sources are never longer than [`MAX_SOURCE`], so 32 bits hold every offset.
pub(crate) fn span(file: FileId, range: Range<usize>) -> Span {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { file, start: offset(range.start), end: offset(range.end) }
}

#[derive(Parser)]
#[grammar = "lwsws.pest"]
struct Lwsws;

struct Builder {
    file: FileId,
    errors: Vec<SyntaxError>,
    comments: Vec<Comment>,
    /// How many objects and arrays are open.
    depth: usize,
}

impl Builder {
    fn document(&mut self, pairs: Pairs<'_, Rule>) -> Option<Value> {
        let mut root = None;
        let mut begins = true;
        for pair in pairs.flat_map(Pair::into_inner) {
            let range = range(&pair);
            match pair.as_rule() {
                Rule::byte_order_mark => self.report(SyntaxErrorKind::ByteOrderMark, range),
                Rule::not_a_start => {
                    begins = false;
                    let first_line = pair.as_str().find('\n').unwrap_or(range.len());
                    self.report(SyntaxErrorKind::NoOpeningBrace, range.start..range.start + first_line);
                    self.gaps(pair);
                }
                Rule::braceless => {
                    begins = false;
                    self.report(SyntaxErrorKind::NoOpeningBrace, range.start..range.start);
                    root = Some(self.value(pair));
                }
                Rule::array if begins => {
                    self.report(SyntaxErrorKind::OutermostList, range.start..range.start + 1);
                    root = Some(self.value(pair));
                }
                Rule::object | Rule::array => root = Some(self.value(pair)),
                Rule::text_after if begins => {
                    let length = pair.as_str().trim_end().len();
                    self.report(SyntaxErrorKind::TextAfterDocument, range.start..range.start + length);
                }
                _ => self.gap(&pair),
            }
        }
        root
    }

    fn value(&mut self, pair: Pair<'_, Rule>) -> Value {
        let range = range(&pair);
        let kind = match pair.as_rule() {
            Rule::string => self.string(&pair),
            Rule::number => self.number(&pair),
            Rule::word => match pair.as_str() {
                "true" => ValueKind::Word(Word::True),
                "false" => ValueKind::Word(Word::False),
                _ => ValueKind::Word(Word::Null),
            },
            Rule::object | Rule::braceless => self.nested(|builder| ValueKind::Object(builder.object(pair))),
            Rule::array => self.nested(|builder| ValueKind::Array(builder.array(pair))),
            Rule::unclosed_string => self.bad(SyntaxErrorKind::UnclosedString, range.clone()),
            Rule::bad_number => self.bad(SyntaxErrorKind::BadNumber, range.clone()),
            Rule::missing_value => self.bad(SyntaxErrorKind::ValueExpected, range.clone()),
            _ => {
                self.gaps(pair);
                self.bad(SyntaxErrorKind::ValueExpected, range.clone())
            }
        };
        Value { span: span(self.file, range), kind }
    }

    /// What is nested too deep was emptied and reported before; it counts as unreadable.
    fn nested(&mut self, build: impl FnOnce(&mut Self) -> ValueKind) -> ValueKind {
        self.depth += 1;
        let kind = build(self);
        let too_deep = self.depth > MAX_NESTING;
        self.depth -= 1;
        if too_deep { ValueKind::Bad } else { kind }
    }

    fn object(&mut self, pair: Pair<'_, Rule>) -> Object {
        let mut members = Vec::new();
        let mut state = Sequence::default();
        for pair in pair.into_inner() {
            let range = range(&pair);
            match pair.as_rule() {
                Rule::member | Rule::bare_member => {
                    let (member, derailed) = self.member(pair);
                    members.extend(member);
                    state.entry(derailed);
                }
                Rule::keyless => {
                    if !state.adrift {
                        self.report(SyntaxErrorKind::KeyExpected, range.start..range.start + 1);
                    }
                    // For the errors and comments in it: there is no key to keep it under.
                    pair.into_inner().for_each(|inner| drop(self.value(inner)));
                    state.entry(true);
                }
                Rule::bad_member => {
                    if !state.adrift {
                        self.report(SyntaxErrorKind::KeyExpected, range);
                    }
                    self.gaps(pair);
                    state.entry(true);
                }
                Rule::extra_comma => {
                    self.report(SyntaxErrorKind::KeyExpected, range);
                    self.gaps(pair);
                }
                Rule::comma_before_brace => self.report(SyntaxErrorKind::CommaBeforeBrace, range),
                _ => self.separator(pair, &mut state),
            }
        }
        Object { members }
    }

    /// Also says whether the member ends in an error, after which a missing comma is no news.
    fn member(&mut self, pair: Pair<'_, Rule>) -> (Option<Member>, bool) {
        let mut key = None;
        let mut key_unclosed = false;
        let mut colon = true;
        let mut value = None;
        let mut derailed = false;
        for pair in pair.into_inner() {
            let range = range(&pair);
            match pair.as_rule() {
                Rule::comment | Rule::slash_comment => self.gap(&pair),
                Rule::bare_key => {
                    self.report(SyntaxErrorKind::KeyExpected, range.clone());
                    key = Some(self.bare_key(pair.as_str(), range));
                }
                rule if key.is_none() => {
                    key_unclosed = rule == Rule::unclosed_string;
                    key = Some(self.key(&pair));
                    derailed = key_unclosed;
                }
                Rule::missing_colon => {
                    colon = false;
                    derailed = true;
                    let key_end = key.as_ref().map_or(range.start, |key| key.span.range().end);
                    let place = if range.is_empty() { key_end..key_end } else { range };
                    if !key_unclosed {
                        self.report(SyntaxErrorKind::ColonExpected, place);
                    }
                }
                // Only after a missing colon, which is reported.
                Rule::stray => self.gaps(pair),
                rule => {
                    derailed = derails(rule);
                    value = Some(self.value(pair));
                }
            }
        }
        (member, derailed)
    }
}
