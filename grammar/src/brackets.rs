//! Puts brackets right before the grammar runs, so that one lost bracket does not upset all that follows.
//!
//! Out comes a text of the same length in which every closer has its opener: surplus closers are blanked, mistyped
//! ones corrected. A closer that is missing cannot be put in; the grammar ends the object or array without it. What
//! is nested too deep is emptied, which also bounds how deep the grammar and everything after it recurse.

use std::borrow::Cow;
use std::ops::Range;

use crate::errors::Errors;
use crate::parser::{MAX_NESTING, span};
use crate::scan::{Bracket, Scanner, Token};
use crate::{FileId, Related, SyntaxError, SyntaxErrorKind};

/// How many brackets are looked at to judge a repair. Enough for the closers of a vhost and the next few mounts.
const LOOKAHEAD: usize = 12;

/// A text whose brackets match, and what was wrong with them.
pub(crate) struct Repaired<'s> {
    /// As long as the source, byte for byte.
    pub(crate) text: Cow<'s, str>,
    pub(crate) errors: Errors,
    /// How many tokens the source has, comments included.
    pub(crate) tokens: usize,
}

/// Matches all brackets up to the outermost closer, or to the end of the file.
pub(crate) fn repair(file: FileId, source: &str) -> Repaired<'_> {
    let mut matcher = Matcher::new(file);
    let mut scanner = Scanner::new(source);
    let mut first = true;
    let mut end = 0;
    let mut pos = 0;
    let mut tokens = 0;
    while let Some((token, range)) = scanner.next() {
        matcher.line(&source.as_bytes()[pos..range.start]);
        pos = range.end;
        tokens += 1;
        match token {
            Token::Comment | Token::SlashComment { open: false } => continue,
            // Whatever is still open may be closed in there.
            Token::SlashComment { open: true } => matcher.stack.clear(),
            // A file that begins with a key is read as if its brace stood there.
            Token::String if first => matcher.push(Bracket::Brace, None),
            Token::Open(bracket) => matcher.open(bracket, range.clone()),
            Token::Close(bracket) if matcher.close(bracket, range.clone(), scanner) => break,
            Token::String | Token::Other if matcher.too_deep() => matcher.blank(range.clone()),
            _ => {}
        }
        first = false;
        end = range.end;
    }
    matcher.end(end);
    // Comments may follow the document, or all that somebody believed to be part of it.
    tokens += std::iter::from_fn(|| scanner.next()).count();
    Repaired { text: apply(source, &matcher.edits), errors: matcher.errors, tokens }
}

struct Matcher {
    file: FileId,
    /// At most one more than [`MAX_NESTING`]: the one that is too deep stays, empty.
    stack: Vec<Opener>,
    /// How many brackets are open inside the one that is too deep. A count, not kept one by one, or a file of
    /// nothing but openers would take many times its size.
    excess: usize,
    /// By how many blanks the current line is indented.
    indent: usize,
    /// Whether the current token is the first of its line.
    first_of_line: bool,
    /// The first opener whose closer stands further left than the line it is on, as if it closed an outer one.
    suspect: Option<Range<usize>>,
    /// In source order, apart from each other.
    edits: Vec<(Range<usize>, Edit)>,
    errors: Errors,
}

struct Opener {
    bracket: Bracket,
    /// `None` for the brace that a file without one is read with.
    at: Option<Range<usize>>,
    indent: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Edit {
    Blank,
    Close(Bracket),
}

/// What a closer that does not match the innermost opener is taken for.
#[derive(Clone, Copy)]
enum Remedy {
    /// Closers are missing before it: it closes the opener at this place in the stack.
    Missing(usize),
    /// It was meant to close the innermost one.
    Mistyped,
    /// It closes nothing.
    Surplus,
}

impl Matcher {
    fn new(file: FileId) -> Self {
        Self {
            file,
            stack: Vec::new(),
            excess: 0,
            indent: 0,
            first_of_line: true,
            suspect: None,
            edits: Vec::new(),
            errors: Errors::default(),
        }
    }

    /// Takes in the blanks between two tokens.
    fn line(&mut self, blanks: &[u8]) {
        let newline = blanks.iter().rposition(|&byte| byte == b'\n');
        self.first_of_line = newline.is_some();
        if let Some(newline) = newline {
            self.indent = blanks.len() - newline - 1;
        }
    }

    fn too_deep(&self) -> bool {
        self.stack.len() > MAX_NESTING
    }

    fn open(&mut self, bracket: Bracket, at: Range<usize>) {
        if self.too_deep() {
            self.excess += 1;
            self.blank(at);
            return;
        }
        self.push(bracket, Some(at.clone()));
        if self.too_deep() {
            self.report(SyntaxErrorKind::TooDeep, at, None);
        }
    }

    fn push(&mut self, bracket: Bracket, at: Option<Range<usize>>) {
        self.stack.push(Opener { bracket, at, indent: self.indent });
    }

    /// Takes in a closer, and says whether it was the outermost one.
    fn close(&mut self, bracket: Bracket, at: Range<usize>, ahead: Scanner<'_>) -> bool {
        let Some(innermost) = self.stack.last() else { return false };
        if self.excess > 0 {
            self.excess -= 1;
            self.blank(at);
        } else if innermost.bracket == bracket {
            if self.first_of_line && self.indent < innermost.indent && self.suspect.is_none() {
                self.suspect = innermost.at.clone();
            }
            self.stack.pop();
        } else {
            self.mend(bracket, at, ahead);
        }
        self.stack.is_empty()
    }

    fn mend(&mut self, bracket: Bracket, at: Range<usize>, ahead: Scanner<'_>) {
        let remedy = self.cheapest(bracket, ahead);
        let innermost = self.stack.last().map(|opener| (opener.bracket, opener.at.clone()));
        let opened = innermost.as_ref().and_then(|(_, at)| at.clone());
        match (remedy, innermost) {
            (Remedy::Missing(place), _) => {
                self.stack.truncate(place);
                self.report(SyntaxErrorKind::WrongCloser, at, opened);
            }
            (Remedy::Mistyped, Some((meant, _))) => {
                self.stack.pop();
                self.edits.push((at.clone(), Edit::Close(meant)));
                self.report(SyntaxErrorKind::WrongCloser, at, opened);
            }
            (Remedy::Mistyped | Remedy::Surplus, _) => {
                self.blank(at.clone());
                self.report(SyntaxErrorKind::WrongCloser, at, None);
            }
        }
    }

    /// Tries each remedy on the brackets that follow, and takes the one after which the fewest of them are wrong.
    fn cheapest(&self, bracket: Bracket, ahead: Scanner<'_>) -> Remedy {
        let open: Vec<Bracket> = self.stack.iter().map(|opener| opener.bracket).collect();
        let innermost = open.len().saturating_sub(1);
        let missing = open.iter().rposition(|&opener| opener == bracket);
        let missing = missing.map(|place| (Remedy::Missing(place), place, innermost - place));
        let others = [(Remedy::Mistyped, innermost, 1), (Remedy::Surplus, open.len(), 1)];
        missing
            .into_iter()
            .chain(others)
            .min_by_key(|&(_, keep, cost)| cost + wrong_ahead(open[..keep].to_vec(), ahead))
            .map_or(Remedy::Surplus, |(remedy, _, _)| remedy)
    }

    /// The file ends here, and the last token ended at `end`.
    fn end(&mut self, end: usize) {
        // One error, however many are open: a file that was cut off is one mistake.
        if let Some(innermost) = self.stack.iter().rev().find_map(|opener| opener.at.clone()) {
            let opened = self.suspect.take().unwrap_or(innermost);
            self.report(SyntaxErrorKind::Unclosed, end..end, Some(opened));
        }
    }

    fn blank(&mut self, range: Range<usize>) {
        match self.edits.last_mut() {
            // Kept one by one, a file of nothing but openers would take many times its size.
            Some((last, Edit::Blank)) if last.end == range.start => last.end = range.end,
            _ => self.edits.push((range, Edit::Blank)),
        }
    }

    fn report(&mut self, kind: SyntaxErrorKind, at: Range<usize>, opened: Option<Range<usize>>) {
        let related = opened.map(|at| Related { span: span(self.file, at), label: "opened here" });
        self.errors.push(SyntaxError { kind, span: span(self.file, at), related });
    }
}

/// How many of the next few brackets do not match if these are open.
fn wrong_ahead(mut open: Vec<Bracket>, mut ahead: Scanner<'_>) -> usize {
    let mut wrong = 0;
    for _ in 0..LOOKAHEAD {
        match ahead.next_bracket() {
            // All that lies behind the document is lost.
            Some(_) if open.is_empty() => wrong += 1,
            Some(Token::Close(bracket)) => match open.iter().rposition(|&opener| opener == bracket) {
                Some(place) => {
                    wrong += open.len() - 1 - place;
                    open.truncate(place);
                }
                None => wrong += 1,
            },
            Some(Token::Open(bracket)) => open.push(bracket),
            _ => return wrong + open.len(),
        }
    }
    wrong
}

fn apply<'s>(source: &'s str, edits: &[(Range<usize>, Edit)]) -> Cow<'s, str> {
    if edits.is_empty() {
        return Cow::Borrowed(source);
    }
    let mut text = String::with_capacity(source.len());
    for (range, edit) in edits {
        text.push_str(&source[text.len()..range.start]);
        match edit {
            Edit::Blank => text.extend(std::iter::repeat_n(' ', range.len())),
            Edit::Close(bracket) => text.push(bracket.closer()),
        }
    }
    text.push_str(&source[text.len()..]);
    Cow::Owned(text)
}
