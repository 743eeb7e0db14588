//! The codes: one for each kind of finding, never used again for another, each with a page in `codes/`.

use std::fmt;

/// Declares the codes with their pages.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// The code of a diagnostic. `L00xx` are syntax, `L01xx` files and `_lws_ddir_`, `L02xx` keys and values,
        /// `L03xx` meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// All codes, in order.
            pub const ALL: &[Code] = &[$(Code::$name,)*];

            /// The code as shown, such as `L0203`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Code::$name => $number,)*
                }
            }

            /// The page that explains it, in Markdown.
            #[must_use]
            pub fn page(self) -> &'static str {
                match self {
                    $(Code::$name => include_str!(concat!("../../codes/", $number, ".md")),)*
                }
            }
        }
    };
}

codes! {
    /// A byte that is not UTF-8.
    NotUtf8 = "L0001",
    /// A byte order mark.
    ByteOrderMark = "L0002",
    /// No `{` at the start.
    NoOpeningBrace = "L0003",
    /// A list as outermost value.
    OutermostList = "L0004",
    /// Text after the outermost value.
    TextAfterDocument = "L0005",
    /// A bracket that is never closed.
    Unclosed = "L0006",
    /// A closing bracket of the wrong kind.
    WrongCloser = "L0007",
    /// A string without its closing quote.
    UnclosedString = "L0008",
    /// A control character in a string.
    ControlCharacter = "L0009",
    /// An unknown escape.
    BadEscape = "L0010",
    /// `\u` without four hexadecimal digits.
    BadHex = "L0011",
    /// `\u0000`.
    NulEscape = "L0012",
    /// Half of a surrogate pair.
    LoneSurrogate = "L0013",
    /// Something else where a key must stand.
    KeyExpected = "L0014",
    /// No colon after a key.
    ColonExpected = "L0015",
    /// Something that is no value.
    ValueExpected = "L0016",
    /// A number in a form that is refused.
    BadNumber = "L0017",
    /// No comma between two members.
    CommaExpected = "L0018",
    /// A comma before `}`.
    CommaBeforeBrace = "L0019",
    /// A comma before `]`.
    CommaBeforeBracket = "L0020",
    /// A `//` or `/* */` comment.
    SlashComment = "L0021",
    /// Nested too deep.
    TooDeep = "L0022",

    /// The file `conf` is not there.
    MissingConf = "L0101",
    /// A file that cannot be read.
    UnreadableFile = "L0102",
    /// A file that looks like a leftover, and is read.
    BackupName = "L0103",
    /// A symbolic link in `conf.d`, which is not read.
    SkippedLink = "L0104",
    /// `_lws_ddir_` in a key, where it is not replaced.
    WordInKey = "L0105",
    /// A text that is too long once `_lws_ddir_` is replaced.
    ExpandedTooLong = "L0106",

    /// A key that does not exist.
    UnknownKey = "L0201",
    /// A value of the wrong type.
    WrongType = "L0202",
    /// A number out of range.
    OutOfRange = "L0203",
    /// Lists and objects nested otherwise than the key wants them.
    WrongShape = "L0204",
    /// A key that must be there and is not.
    MissingKey = "L0205",
    /// A key that is given twice.
    DuplicateKey = "L0206",
    /// Another spelling of a key.
    OtherSpelling = "L0207",
    /// A key of lwsws that is not supported.
    OutOfScope = "L0208",
    /// A switch that is neither on nor off.
    NotBoolean = "L0209",
    /// A key that counts by being there, with a value that looks like "no".
    PresenceCounts = "L0210",
    /// A text that is too long.
    TextTooLong = "L0211",
}

impl Code {
    /// The code of that number, such as `L0203`; case does not matter.
    #[must_use]
    pub fn find(number: &str) -> Option<Code> {
        Self::ALL.iter().copied().find(|code| code.as_str().eq_ignore_ascii_case(number))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
