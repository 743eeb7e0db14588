//! The few regular expressions that recordings use: characters, `.`, `\d`, `\s`, classes, `*`, `+`, `{n}`, `{n,m}`,
//! and a final `$`. `.` matches line ends too.

/// A pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    steps: Vec<Step>,
    anchored: bool,
}

#[derive(Debug, Clone)]
struct Step {
    set: Set,
    least: usize,
    most: usize,
}

#[derive(Debug, Clone)]
enum Set {
    Any,
    Class { negated: bool, ranges: Vec<(char, char)> },
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Panics
    /// If it uses what is not known here.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let (text, anchored) = match text.strip_suffix('$') {
            Some(text) if !text.ends_with('\\') => (text, true),
            _ => (text, false),
        };
        let mut rest = text;
        let mut steps = Vec::new();
        while let Some(first) = rest.chars().next() {
            let (set, after) = set(first, &rest[first.len_utf8()..]);
            let (least, most, after) = count(after);
            steps.push(Step { set, least, most });
            rest = after;
        }
        Self { steps, anchored }
    }

    /// Whether all of a text matches.
    #[must_use]
    pub fn is_all_of(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        matches(&self.steps, &text, true)
    }

    /// Whether a part of a text matches.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        (0..=text.len()).any(|start| matches(&self.steps, &text[start..], self.anchored))
    }
}

/// The set that begins with `first`, and what follows it.
fn set(first: char, rest: &str) -> (Set, &str) {
    let one = |c: char| Set::Class { negated: false, ranges: vec![(c, c)] };
    match first {
        '.' => (Set::Any, rest),
        '\\' => {
            let escaped = rest.chars().next().expect("a character after a backslash");
            let after = &rest[escaped.len_utf8()..];
            match escaped {
                'd' => (Set::Class { negated: false, ranges: vec![('0', '9')] }, after),
                's' => (Set::Class { negated: false, ranges: vec![(' ', ' '), ('\t', '\r')] }, after),
                c if !c.is_ascii_alphanumeric() => (one(c), after),
                c => panic!("pattern: \\{c} is not known"),
            }
        }
        '[' => {
            let (inside, after) = rest.split_once(']').expect("a closing bracket");
            let (negated, inside) = match inside.strip_prefix('^') {
                Some(inside) => (true, inside),
                None => (false, inside),
            };
            (Set::Class { negated, ranges: ranges(inside) }, after)
        }
        '(' | ')' | '|' | '?' | '^' => panic!("pattern: {first} is not known"),
        c => (one(c), rest),
    }
}

fn ranges(inside: &str) -> Vec<(char, char)> {
    let chars: Vec<char> = inside.chars().collect();
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let last = if chars.get(at + 1) == Some(&'-') { chars.get(at + 2).copied() } else { None };
        ranges.push((chars[at], last.unwrap_or(chars[at])));
        at += if last.is_some() { 3 } else { 1 };
    }
    ranges
}

/// How often the set before it may stand, and what follows.
fn count(text: &str) -> (usize, usize, &str) {
    if let Some(after) = text.strip_prefix('*') {
        return (0, usize::MAX, after);
    }
    if let Some(after) = text.strip_prefix('+') {
        return (1, usize::MAX, after);
    }
    let braced = text.strip_prefix('{').and_then(|rest| rest.split_once('}'));
    let number = |digits: &str| digits.parse::<usize>().ok();
    match braced {
        Some((inside, after)) => match inside.split_once(',') {
            Some((least, most)) => (number(least).unwrap_or(0), number(most).unwrap_or(usize::MAX), after),
            None => match number(inside) {
                Some(exactly) => (exactly, exactly, after),
                None => (1, 1, text),
            },
        },
        None => (1, 1, text),
    }
}

fn matches(steps: &[Step], text: &[char], to_the_end: bool) -> bool {
    let Some((step, rest)) = steps.split_first() else { return !to_the_end || text.is_empty() };
    let longest = text.iter().take(step.most).take_while(|&&c| step.set.holds(c)).count();
    (step.least..=longest).rev().any(|count| matches(rest, &text[count..], to_the_end))
}

impl Set {
    fn holds(&self, c: char) -> bool {
        match self {
            Self::Any => true,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|&(first, last)| (first..=last).contains(&c)) != *negated
            }
        }
    }
}
