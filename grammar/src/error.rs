//! What can be wrong with a file before any key is looked at.

use crate::Span;

/// One syntax error: what, where, and whether lwsws would have let it pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// What is wrong.
    pub kind: SyntaxErrorKind,
    /// Where: the offending bytes, or an empty span at the place where something is missing.
    pub span: Span,
    /// A second place that explains the first, such as the bracket that was never closed.
    pub related: Option<Related>,
}

/// A second place of an error, and what it has to do with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// The place.
    pub span: Span,
    /// A few words that stand at it, such as `opened here`.
    pub label: &'static str,
}

/// The kinds of syntax error. lwsws's own number for it, where it has one, stands in brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SyntaxErrorKind {
    /// A byte that is not UTF-8. lwsws passes such bytes through: tolerated.
    NotUtf8,
    /// A byte order mark at the start (-2).
    ByteOrderMark,
    /// The document does not begin with `{` (-2).
    NoOpeningBrace,
    /// The outermost value is a list, of which lwsws ignores all: tolerated.
    OutermostList,
    /// Text after the outermost value, which lwsws ignores: tolerated.
    TextAfterDocument,
    /// A bracket or brace that is never closed: the file ends early (-1).
    Unclosed,
    /// A closing bracket of the wrong kind, or one too many (-3, -15 to -17).
    WrongCloser,
    /// A string without its closing quote (-6).
    UnclosedString,
    /// A control character, tab and newline included, inside a string (-6).
    ControlCharacter,
    /// An escape that is not one of `\" \\ \/ \b \f \n \r \t \uXXXX` (-7).
    BadEscape,
    /// `\u` without four hexadecimal digits (-8).
    BadHex,
    /// `\u0000`, which cuts the text for lwsws: tolerated.
    NulEscape,
    /// Half of a surrogate pair, which is no character: tolerated, read as U+FFFD.
    LoneSurrogate,
    /// A key without quotes, or something else where a key must stand (-4).
    KeyExpected,
    /// The colon after a key is missing (-9).
    ColonExpected,
    /// Something that is no value, such as a bare word or a single quote (-10, -14).
    ValueExpected,
    /// A number in a form that lwsws refuses (-11 to -13, -21).
    BadNumber,
    /// A comma is missing between two members or items (-21).
    CommaExpected,
    /// A comma before `}` (-4).
    CommaBeforeBrace,
    /// A comma before `]`: tolerated.
    CommaBeforeBracket,
    /// `//` or `/* */`: the language has `#` comments only (-4, -10).
    SlashComment,
    /// Nested deeper than [`MAX_NESTING`](crate::MAX_NESTING) (-18).
    TooDeep,
}

impl SyntaxErrorKind {
    /// Whether the real lwsws goes on as if nothing were wrong. Such errors are what `--compat` makes warnings.
    #[must_use]
    pub fn tolerated(self) -> bool {
        matches!(
            self,
            Self::NotUtf8
                | Self::OutermostList
                | Self::TextAfterDocument
                | Self::NulEscape
                | Self::LoneSurrogate
                | Self::CommaBeforeBracket
        )
    }
}
