//! Comments that silence findings: `# lwsconf: allow(L0203) reason`.
//!
//! * Alone on its line a comment speaks for the next line that holds more than blanks and a comment, so that several
//!   may stand above one line; behind code it speaks for its own line.
//! * It names one code and gives a reason, and silences one finding of that code on that line.
//! * Warnings, notes, and errors that lwsws tolerates can be silenced; an error that is tolerated is then taken as
//!   with `--compat`. Any other error leaves a hole in the plan and stands: syntax, a missing key, an unknown scheme.
//! * A comment that cannot be read, that would silence such an error, or that silences nothing is a finding itself.

use std::collections::HashMap;

use grammar::{Comment, FileId, Span};

use super::{Code, Diagnostic, Place, quoted};

/// What every such comment begins with, behind the `#`.
const WORD: &str = "lwsconf";
/// How many comments may speak for one line: each finding there goes through all of them.
const MOST_ON_LINE: usize = 100;
/// How it goes on, for help lines.
const FORM: &str = "write `# lwsconf: allow(CODE) reason`, with one code such as `L0365`";

/// The comments of a configuration that silence something, by file.
#[derive(Debug, Default)]
pub(super) struct Allowances {
    by_file: HashMap<FileId, Vec<Allowance>>,
}

#[derive(Debug)]
struct Allowance {
    code: Code,
    /// The comment itself.
    comment: Span,
    /// The bytes of the line that it speaks for.
    start: u32,
    end: u32,
    state: State,
}

impl Allowance {
    /// Whether a later comment stands between this one and the line that this one speaks for.
    fn speaks_over(&self, later: Span) -> bool {
        self.comment.end <= later.start && later.end <= self.start
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No finding yet.
    Open,
    /// A finding was silenced.
    Used,
    /// Its finding is an error that cannot be silenced.
    Refused,
}

impl Allowances {
    /// Reads the comments of a file; what cannot be read is returned as findings.
    pub(super) fn read(&mut self, text: &str, comments: &[Comment]) -> Vec<Diagnostic> {
        let mut bad = Vec::new();
        if !text.contains(WORD) {
            return bad;
        }
        for comment in comments {
            let written = text.get(comment.span.range()).unwrap_or_default();
            match directive(written) {
                Directive::None => {}
                Directive::Bad(reason) => bad.push(bad_allow(comment.span, reason)),
                Directive::Allow(code) => {
                    let allowances = self.by_file.entry(comment.span.file).or_default();
                    let (start, end) = match allowances.last() {
                        // Above one line, so that not every comment goes through all that come behind it.
                        Some(last) if last.speaks_over(comment.span) => (last.start, last.end),
                        _ => line_spoken_for(text, comment.span),
                    };
                    let on_line = allowances.iter().rev().take(MOST_ON_LINE);
                    if on_line.filter(|other| other.start == start).count() == MOST_ON_LINE {
                        bad.push(bad_allow(comment.span, "too many for one line"));
                        continue;
                    }
                    let allowance = Allowance { code, comment: comment.span, start, end, state: State::Open };
                    allowances.push(allowance);
                }
            }
        }
        bad
    }

    /// Whether a comment silences a finding. `can_be` says whether it is of a kind that can be silenced.
    pub(super) fn silences(&mut self, diagnostic: &Diagnostic, can_be: bool) -> bool {
        let Place::Span(span) = diagnostic.place else {
            return false;
        };
        let Some(allowances) = self.by_file.get_mut(&span.file) else {
            return false;
        };
        // Lines do not overlap and comments stand in order, so those for one line are neighbours.
        let behind = allowances.partition_point(|allowance| allowance.start <= span.start);
        let on_line = allowances[..behind].iter_mut().rev().take_while(|at| at.end >= span.start);
        let open = on_line.filter(|at| at.state == State::Open && at.code == diagnostic.code);
        match open.last() {
            Some(allowance) => {
                allowance.state = if can_be { State::Used } else { State::Refused };
                can_be
            }
            None => false,
        }
    }

    /// Findings about comments that silenced nothing. Those of codes that `found_by` denies are passed over: the run
    /// did not look for them.
    pub(super) fn left(&self, found_by: impl Fn(Code) -> bool) -> impl Iterator<Item = Diagnostic> {
        self.by_file.values().flatten().filter_map(move |allowance| match allowance.state {
            State::Used => None,
            State::Refused => Some(refused(allowance)),
            State::Open => found_by(allowance.code).then(|| unused(allowance)),
        })
    }
}

enum Directive {
    /// An ordinary comment.
    None,
    /// One to `lwsconf` that cannot be read, and why.
    Bad(&'static str),
    Allow(Code),
}

/// What a comment, `#` included, says to the compiler.
fn directive(comment: &str) -> Directive {
    let Some(rest) = comment.trim_start_matches('#').trim_start().strip_prefix(WORD) else {
        return Directive::None;
    };
    let Some(words) = rest.strip_prefix(':') else {
        let is_meant = rest.trim_start().starts_with("allow(");
        return if is_meant { Directive::Bad("no `:` behind `lwsconf`") } else { Directive::None };
    };
    let Some(words) = words.trim_start().strip_prefix("allow") else {
        return Directive::Bad("`allow` is all that can be said here");
    };
    let Some((code, reason)) = words.trim_start().strip_prefix('(').and_then(|words| words.split_once(')'))
    else {
        return Directive::Bad("no code in brackets behind `allow`");
    };
    match Code::find(code.trim()) {
        None => Directive::Bad("there is no such code"),
        Some(_) if reason.trim().is_empty() => Directive::Bad("no reason behind the brackets"),
        Some(code) => Directive::Allow(code),
    }
}

/// The bytes of the line that a comment speaks for.
fn line_spoken_for(text: &str, comment: Span) -> (u32, u32) {
    let before = text.get(..comment.range().start).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let alone = before[start..].trim().is_empty();
    let mut at = if alone { comment.range().end } else { start };
    let mut lines = text.get(at..).unwrap_or_default().split_inclusive('\n');
    if alone {
        for line in lines.by_ref() {
            let words = line.trim();
            if !words.is_empty() && !words.starts_with('#') {
                return (offset(at), offset(at + line.len().saturating_sub(1)));
            }
            at += line.len();
        }
        return (offset(at), offset(at));
    }
    let length = lines.next().map_or(0, str::len);
    (offset(start), offset(start + length.saturating_sub(1)))
}

/// Files are smaller than 4 GiB: the grammar reads no larger ones.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn bad_allow(comment: Span, reason: &str) -> Diagnostic {
    Diagnostic::warning(Code::BadAllow, "a comment to `lwsconf` that cannot be read", comment)
        .label(reason)
        .note("nothing is silenced by it")
        .help(FORM)
}

fn refused(allowance: &Allowance) -> Diagnostic {
    let headline = format!("{} cannot be silenced here", quoted(allowance.code.as_str()));
    Diagnostic::warning(Code::AllowRefused, headline, allowance.comment)
        .label("the error stands")
        .note("without what it is about there is no plan")
        .help("put right what the error says, and take the comment out")
}

fn unused(allowance: &Allowance) -> Diagnostic {
    let headline = format!("nothing to silence: no {} on this line", quoted(allowance.code.as_str()));
    let line = Span { file: allowance.comment.file, start: allowance.start, end: allowance.start };
    let found = Diagnostic::warning(Code::UnusedAllow, headline, allowance.comment);
    let is_above = allowance.start > allowance.comment.start;
    let found = match is_above {
        true => found.label("speaks for the next line with code").also(line, "this one"),
        false => found.label("speaks for this line"),
    };
    found.help("take the comment out, or put it right above the line that it is for")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speaks_for(text: &str) -> &str {
        let start = text.find("# lwsconf").unwrap();
        let end = text[start..].find('\n').map_or(text.len(), |length| start + length);
        let (start, end) = (u32::try_from(start).unwrap(), u32::try_from(end).unwrap());
        let (start, end) = line_spoken_for(text, Span { file: FileId(0), start, end });
        text[start as usize..(end as usize + 1).min(text.len())].trim()
    }

    #[test]
    fn comments_without_end_above_one_line_are_read_in_good_time() {
        let text = format!("{}a", "# lwsconf: allow(L0201) x\n".repeat(200_000));
        let parse = grammar::parse(FileId(0), text.as_bytes());
        let comments: Vec<Comment> = (0..200_000_u32)
            .map(|line| Comment { span: Span { file: FileId(0), start: line * 26, end: line * 26 + 25 } })
            .collect();
        let mut allowances = Allowances::default();
        let bad = allowances.read(&parse.text, &comments);
        assert_eq!(bad.len(), comments.len() - MOST_ON_LINE);
        let at = u32::try_from(text.len() - 1).unwrap();
        assert!(allowances.by_file[&FileId(0)].iter().all(|allowance| allowance.start == at));
    }

    #[test]
    fn a_comment_speaks_for_the_next_code_or_its_own_line() {
        assert_eq!(speaks_for("{\n # lwsconf: x\n\n# y\n a\n b }"), "a");
        assert_eq!(speaks_for("{\n a # lwsconf: x\n b }"), "a # lwsconf: x");
        assert_eq!(speaks_for("{ } # lwsconf: x"), "{ } # lwsconf: x");
        assert_eq!(speaks_for("# lwsconf: x"), "");
    }

    #[test]
    fn comments_are_read_strictly() {
        let read = |comment| match directive(comment) {
            Directive::None => "none",
            Directive::Bad(_) => "bad",
            Directive::Allow(_) => "allow",
        };
        for (comment, said) in [
            ("# lwsconf: allow(L0203) why", "allow"),
            ("#lwsconf:allow ( l0203 ) why", "allow"),
            ("# lwsconf: allow(L0203)", "bad"),
            ("# lwsconf: allow(L9999) why", "bad"),
            ("# lwsconf: allow(L0203, L0204) why", "bad"),
            ("# lwsconf: allow L0203 why", "bad"),
            ("# lwsconf: deny(L0203) why", "bad"),
            ("# lwsconf allow(L0203) why", "bad"),
            ("# lwsconf is a compiler", "none"),
            ("# see lwsconf: allow(L0203) why", "none"),
        ] {
            assert_eq!(read(comment), said, "{comment}");
        }
    }
}
