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
    /// Larger than [`MAX_SOURCE`](crate::MAX_SOURCE), and not read.
    TooLarge,
    /// More in all files together than a [`Budget`](crate::Budget) allows.
    TooMuch,
    /// More errors than [`MAX_ERRORS`](crate::MAX_ERRORS), of which the others are not told.
    TooMany,
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
    /// What is wrong, in the user's words: one line, lower case, no full stop.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::NotUtf8 => "bytes that are not UTF-8",
            Self::ByteOrderMark => "byte order mark at the start of the file",
            Self::NoOpeningBrace => "the file does not begin with `{`",
            Self::OutermostList => "the outermost value is a list, all of which is ignored",
            Self::TextAfterDocument => "text after the end of the config, which is ignored",
            Self::Unclosed => "the file ends while a bracket is still open",
            Self::WrongCloser => "closing bracket that does not match",
            Self::UnclosedString => "string without its closing quote",
            Self::ControlCharacter => "control character in a string",
            Self::BadEscape => "unknown escape in a string",
            Self::BadHex => "`\\u` without four hexadecimal digits",
            Self::NulEscape => "`\\u0000` in a string",
            Self::LoneSurrogate => "half of a surrogate pair, which is no character",
            Self::KeyExpected => "expected a key in double quotes",
            Self::ColonExpected => "expected `:` after the key",
            Self::ValueExpected => "expected a value",
            Self::BadNumber => "number in a form that cannot be read",
            Self::CommaExpected => "expected `,` or a closing bracket",
            Self::CommaBeforeBrace => "comma before `}`",
            Self::CommaBeforeBracket => "comma before `]`",
            Self::SlashComment => "comment that does not begin with `#`",
            Self::TooDeep => "nested deeper than 64 levels",
            Self::TooLarge => "the file is larger than 64 MiB",
            Self::TooMuch => "the files hold more than 64 MiB or 6000000 words and signs together",
            Self::TooMany => "more than 10000 errors in this file",
        }
    }

    /// What to do about it: one line, lower case, no full stop.
    #[must_use]
    pub fn help(self) -> Option<&'static str> {
        Some(match self {
            Self::NotUtf8 => "save the file as UTF-8",
            Self::ByteOrderMark => "save the file as UTF-8 without a byte order mark",
            Self::NoOpeningBrace => "put the whole config between `{` and `}`",
            Self::OutermostList => "a config is an object: begin it with `{`, as in `{ \"vhosts\": [ … ] }`",
            Self::TextAfterDocument => "remove the text, or move the last `}` behind it",
            Self::Unclosed => "add the missing `}` or `]`, or put back the end of the file",
            Self::WrongCloser => "close what was opened last first, or remove this bracket",
            Self::UnclosedString => "end the string with `\"` on the line that it begins on",
            Self::ControlCharacter => {
                "write a tab as `\\t`, another one as `\\u` and four hexadecimal digits"
            }
            Self::BadEscape => {
                "write a backslash as `\\\\`; the escapes are `\\\"` `\\\\` `\\/` `\\b` `\\f` `\\n` `\\r` `\\t` `\\uXXXX`"
            }
            Self::BadHex => "write four digits, as in `\\u00e9`, or write the character itself",
            Self::NulEscape => "remove it: lwsws drops the rest of the string from there",
            Self::LoneSurrogate => "write both halves, as in `\\ud83d\\ude00`, or the character itself",
            Self::KeyExpected | Self::ColonExpected => "write `\"key\": value`",
            Self::ValueExpected => {
                "a value is a text in double quotes, a number, `true`, `false`, `null`, `{ … }` or `[ … ]`"
            }
            Self::BadNumber => {
                "a number is at most 20 digits, with `-`, fraction and exponent if need be; quote anything else"
            }
            Self::CommaExpected => "put a comma between two members or items, and quotes around a text",
            Self::CommaBeforeBrace | Self::CommaBeforeBracket => "remove the comma",
            Self::SlashComment => "begin the comment with `#`, on each line",
            Self::TooDeep => return None,
            Self::TooLarge | Self::TooMuch => "take out what is no config; is all of it meant to be one?",
            Self::TooMany => "is it a config at all? From here on errors are not told",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MAX_ERRORS, MAX_NESTING, MAX_SOURCE, MAX_TOKENS};

    #[test]
    fn messages_name_the_real_limits() {
        assert!(SyntaxErrorKind::TooDeep.message().contains(&format!(" {MAX_NESTING} levels")));
        assert!(SyntaxErrorKind::TooLarge.message().contains(&format!(" {} MiB", MAX_SOURCE >> 20)));
        let much = SyntaxErrorKind::TooMuch.message();
        assert!(much.contains(&format!(" {} MiB or {MAX_TOKENS} ", MAX_SOURCE >> 20)));
        assert!(SyntaxErrorKind::TooMany.message().contains(&format!(" {MAX_ERRORS} errors")));
    }
}
