//! What holds for any input: no panic, every place inside the source, and trees that come out as they went in.

use grammar::{
    FileId, MAX_ERRORS, MAX_NESTING, MAX_SOURCE, Member, Parse, Span, SyntaxErrorKind, Value, ValueKind,
    Word, display, parse,
};
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check(&bytes);
    }

    #[test]
    fn any_tokens_are_taken(tokens in prop::collection::vec(prop::sample::select(TOKENS), 0..80)) {
        check(tokens.concat().as_bytes());
    }

    #[test]
    fn a_config_with_tokens_spliced_in_is_taken(
        document in document(),
        gaps in gaps(),
        splices in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(TOKENS), 0..4_usize), 1..4),
    ) {
        let mut bytes = document.write(&mut gaps.into_iter().cycle()).into_bytes();
        for (index, token, cut) in splices {
            let at = index.index(bytes.len() + 1);
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, token.bytes());
        }
        check(&bytes);
    }

    #[test]
    fn what_is_valid_has_no_errors_and_comes_out_as_it_went_in(document in document(), gaps in gaps()) {
        let text = document.write(&mut gaps.into_iter().cycle());
        let parse = check(text.as_bytes());
        prop_assert_eq!(&parse.errors, &[]);
        prop_assert_eq!(parse.root.as_ref().map(Plain::of), Some(document));
    }
}

#[test]
fn deep_nesting_and_long_runs_are_taken() {
    // What takes quadratic time takes minutes here.
    let starts = ["", "{", "[1,", "{\"a\":"];
    for run in TOKENS
        .iter()
        .chain(["{\"a\":", "[{\"a\":[", "a = ", "\"a\" : ", "' ", "\"}}", "[}", "{},", "1 "].iter())
    {
        for start in starts {
            let text = format!("{start}{}", run.repeat(20_000 / run.len()));
            let parse = parse(FileId(0), text.as_bytes());
            assert_eq!(&**parse.text, &*text);
        }
    }
}

#[test]
fn nesting_is_refused_where_lwsws_refuses_it() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let kinds = |text: &str| {
        parse(FileId(0), text.as_bytes()).errors.iter().map(|error| error.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&nested(MAX_NESTING)), [SyntaxErrorKind::OutermostList]);
    assert_eq!(kinds(&nested(MAX_NESTING + 1)), [SyntaxErrorKind::OutermostList, SyntaxErrorKind::TooDeep]);
    assert_eq!(kinds(&nested(100_000)), [SyntaxErrorKind::OutermostList, SyntaxErrorKind::TooDeep]);
    assert_eq!(
        kinds(&"[".repeat(100_000)),
        [SyntaxErrorKind::OutermostList, SyntaxErrorKind::TooDeep, SyntaxErrorKind::Unclosed]
    );
}

#[test]
fn a_source_that_is_too_large_is_refused_in_words() {
    let parse = parse(FileId(3), vec![b' '; MAX_SOURCE + 1]);
    assert_eq!(parse.errors.len(), 1);
    assert_eq!(parse.errors[0].kind, SyntaxErrorKind::TooLarge);
    assert_eq!(parse.errors[0].span.file, FileId(3));
}

#[test]
fn errors_beyond_the_limit_are_one_error_that_is_not_tolerated() {
    // Tolerated ones first, so that the others are not told.
    let source = [b"{ \"a\": \"".as_slice(), &b"\xffx".repeat(MAX_ERRORS + 5), b"\", zork }"].concat();
    let parse = parse(FileId(0), source);
    assert_eq!(parse.errors.len(), MAX_ERRORS + 1);
    let refused: Vec<_> = parse.errors.iter().filter(|error| !error.kind.tolerated()).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].kind, SyntaxErrorKind::TooMany);
    assert_eq!(refused[0].span.range().start, 8 + 2 * MAX_ERRORS);
}

const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    "#",
    ",",
    ":",
    "=",
    "\\",
    "\n",
    "\r",
    "\t",
    " ",
    "'",
    "/",
    "//",
    "/*",
    "*/",
    "://",
    "true",
    "nul",
    "-1.",
    "1e",
    "007",
    "\u{e9}",
    "\u{0}",
    "\u{7}",
    "\"a\"",
    "\"a\":",
    "\"\\u00\"",
    "\\ud83d",
    "@@",
    "\u{feff}",
    "# c\n",
];

fn check(bytes: &[u8]) -> Parse {
    let parse = parse(FileId(7), bytes);
    assert_eq!(parse.text.len(), bytes.len());
    let whole = Span { file: FileId(7), start: 0, end: u32::try_from(bytes.len()).expect("short") };
    let refused = parse.errors.iter().any(|error| !error.kind.tolerated());
    if let Some(root) = &parse.root {
        check_value(&parse, root, whole, 1, refused);
    }
    for error in &parse.errors {
        check_span(&parse, error.span, whole);
        error.related.iter().for_each(|related| check_span(&parse, related.span, whole));
    }
    assert!(parse.errors.is_sorted_by_key(|error| error.span));
    for comment in &parse.comments {
        check_span(&parse, comment.span, whole);
        assert!(parse.text[comment.span.range()].starts_with('#'));
    }
    assert!(parse.comments.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start));
    assert!(display(&parse).starts_with("tree\n"));
    parse
}

fn check_value(parse: &Parse, value: &Value, within: Span, depth: usize, refused: bool) {
    check_span(parse, value.span, within);
    match &value.kind {
        ValueKind::String(text) => {
            check_span(parse, text.inner(), value.span);
            assert_eq!(text.source_span(0..text.as_str().len()), text.inner());
            let mut end = text.inner().start;
            for (at, character) in text.as_str().char_indices() {
                let part = text.source_span(at..at + character.len_utf8());
                check_span(parse, part, text.inner());
                assert_eq!(part.start, end, "parts follow each other");
                end = part.end;
            }
            assert_eq!(end, text.inner().end);
        }
        ValueKind::Number(number) => assert_eq!(number, &parse.text[value.span.range()]),
        ValueKind::Word(_) => {}
        ValueKind::Array(items) => {
            assert!(depth <= MAX_NESTING);
            items.iter().for_each(|item| check_value(parse, item, value.span, depth + 1, refused));
        }
        ValueKind::Object(object) => {
            assert!(depth <= MAX_NESTING);
            for member in &object.members {
                check_span(parse, member.key.span, value.span);
                check_span(parse, member.key.text.inner(), member.key.span);
                check_value(parse, &member.value, value.span, depth + 1, refused);
            }
        }
        ValueKind::Bad => assert!(refused, "a bad value was reported"),
    }
}

fn check_span(parse: &Parse, span: Span, within: Span) {
    assert_eq!(span.file, within.file);
    assert!(
        within.start <= span.start && span.start <= span.end && span.end <= within.end,
        "{span:?} {within:?}"
    );
    assert!(parse.text.get(span.range()).is_some(), "{span:?} is not on character boundaries");
}

/// A value without its places.
#[derive(Debug, Clone, PartialEq)]
enum Plain {
    String(String),
    Number(String),
    Word(Word),
    Array(Vec<Plain>),
    Object(Vec<(String, Plain)>),
}

impl Plain {
    fn of(value: &Value) -> Self {
        match &value.kind {
            ValueKind::String(text) => Self::String(text.as_str().to_owned()),
            ValueKind::Number(number) => Self::Number(number.clone()),
            ValueKind::Word(word) => Self::Word(*word),
            ValueKind::Array(items) => Self::Array(items.iter().map(Self::of).collect()),
            ValueKind::Object(object) => {
                let plain = |member: &Member| (member.key.text.as_str().to_owned(), Self::of(&member.value));
                Self::Object(object.members.iter().map(plain).collect())
            }
            ValueKind::Bad => panic!("a bad value at {:?}", value.span),
        }
    }

    /// As source, with the next one of `gaps` wherever one may stand.
    fn write(&self, gaps: &mut dyn Iterator<Item = &'static str>) -> String {
        let mut gap = || gaps.next().unwrap_or_default();
        match self {
            Self::String(text) => quoted(text),
            Self::Number(number) => number.clone(),
            Self::Word(Word::True) => "true".to_owned(),
            Self::Word(Word::False) => "false".to_owned(),
            Self::Word(Word::Null) => "null".to_owned(),
            Self::Array(items) => {
                let (first, last) = (gap(), gap());
                let items: Vec<_> = items.iter().map(|item| item.write(gaps)).collect();
                format!("[{first}{}{last}]", items.join(&format!("{first},{last}")))
            }
            Self::Object(members) => {
                let (first, last) = (gap(), gap());
                let member = |(key, value): &(String, Self)| {
                    format!("{}{last}:{first}{}", quoted(key), value.write(gaps))
                };
                let members: Vec<_> = members.iter().map(member).collect();
                format!("{{{first}{}{last}}}", members.join(&format!("{last},{first}")))
            }
        }
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\0'..' ' | '\u{10000}'.. => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    quoted.push_str(&format!("\\u{unit:04x}"));
                }
            }
            _ => quoted.push(character),
        }
    }
    quoted + "\""
}

/// An object, as a config is one.
fn document() -> impl Strategy<Value = Plain> {
    let members = prop::collection::vec((text(), value()), 0..4);
    members.prop_map(Plain::Object)
}

fn value() -> impl Strategy<Value = Plain> {
    let leaf = prop_oneof![
        text().prop_map(Plain::String),
        "-?[0-9]{1,9}(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?".prop_map(Plain::Number),
        prop::sample::select(&[Word::True, Word::False, Word::Null][..]).prop_map(Plain::Word),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Plain::Array),
            prop::collection::vec((text(), inner), 0..5).prop_map(Plain::Object),
        ]
    })
}

/// All characters but NUL, which is reported; those that mean something in the language more often than others.
fn text() -> impl Strategy<Value = String> {
    "([\"\\\\{}\\[\\]#,:/' ]|[a-z]|[^\0]){0,8}"
}

fn gaps() -> impl Strategy<Value = Vec<&'static str>> {
    let gap = prop::sample::select(&["", " ", "\n\t", "\r\n", "# c\n", " # \"{[,\n  # two\n"][..]);
    prop::collection::vec(gap, 1..20)
}
