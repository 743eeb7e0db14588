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
    /// A file that is too large to be read.
    TooLarge = "L0023",

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

    /// A configuration without a vhost.
    NoVhost = "L0301",
    /// A vhost that does not say where it listens.
    PortMissing = "L0302",
    /// A unix socket without a path.
    SocketPathMissing = "L0303",
    /// IPv4 only and IPv6 only at once.
    FamilyConflict = "L0304",
    /// Vhosts on one port that want different address families.
    MixedFamilies = "L0305",
    /// `ipv6only` switched off.
    Ipv6OnlyOff = "L0306",
    /// TLS and clear on one listener.
    MixedTls = "L0307",
    /// A certificate without `init-ssl`.
    InitSslMissing = "L0308",
    /// A certificate without its key.
    PrivateKeyMissing = "L0309",
    /// A TLS setting without a certificate.
    CertificateMissing = "L0310",
    /// `sts` without TLS.
    StsWithoutTls = "L0311",
    /// Two vhosts with the same name on the same listener.
    DuplicateVhost = "L0312",
    /// A protocol that is listed twice.
    DuplicateProtocol = "L0313",
    /// Two default protocols.
    TwoDefaults = "L0314",
    /// A name that no header can have.
    HeaderName = "L0315",
    /// A value that no header can have.
    HeaderValue = "L0316",
    /// A keyword to reject without a usable status.
    RejectStatus = "L0317",
    /// An origin of an unknown scheme.
    UnknownScheme = "L0318",
    /// `^` for a redirect.
    CaretRedirect = "L0319",
    /// An origin with nothing after its scheme.
    EmptyOrigin = "L0320",
    /// A path that is relative.
    RelativePath = "L0321",
    /// A proxy's target that cannot be read.
    BadUpstream = "L0322",
    /// A proxy's target without a path.
    UpstreamPath = "L0323",
    /// A mountpoint that does not begin with `/`.
    MountpointStart = "L0324",
    /// A mountpoint that ends in `/`.
    MountpointSlash = "L0325",
    /// A mountpoint that no path can match.
    MountpointUnreachable = "L0326",
    /// Two mounts at one mountpoint.
    DuplicateMountpoint = "L0327",
    /// A default document that is a folder.
    DefaultIsFolder = "L0328",
    /// A name that no environment variable can have.
    VariableName = "L0329",
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
