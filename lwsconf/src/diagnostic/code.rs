//! The codes: one for each kind of finding, never used again for another, each with a page in `codes/`.

use std::fmt;

/// Declares the codes with their pages.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// The code of a diagnostic. `L00xx` are syntax, `L01xx` files and `_lws_ddir_`, `L02xx` keys and values,
        /// `L03xx` and `L05xx` meaning, `L04xx` the machine (`--target`).
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
    /// A file with more syntax errors than are told.
    TooMany = "L0024",

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
    /// A text that is not among those that a key knows.
    UnknownWord = "L0212",
    /// An option that its protocol does not have.
    UnknownOption = "L0213",

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

    /// A comment to `lwsconf` that cannot be read.
    BadAllow = "L0330",
    /// A comment that would silence an error without which there is no plan.
    AllowRefused = "L0331",
    /// A comment that silences nothing.
    UnusedAllow = "L0332",
    /// A URL as the name of a vhost.
    VhostNameUrl = "L0333",
    /// A port in the name of a vhost.
    VhostNamePort = "L0334",
    /// A wildcard as the name of a vhost.
    VhostNameWildcard = "L0335",
    /// A name of a vhost that ends in a dot.
    VhostNameDot = "L0336",
    /// Upper-case letters in the name of a vhost.
    VhostNameCase = "L0337",
    /// A vhost without a name behind others on its listener.
    NamelessVhost = "L0338",
    /// A vhost that listens and serves nothing.
    EmptyVhost = "L0339",
    /// Two listeners on one port that cover the same address.
    ListenerOverlap = "L0340",
    /// An `interface` that can be neither an address nor a device.
    InterfaceName = "L0341",
    /// A folder or a proxy with `exact-match`.
    ExactMatchFolder = "L0342",
    /// A `#` in a mountpoint.
    MountpointHash = "L0343",
    /// A blank at the start or end of a name or path.
    SurroundingBlanks = "L0344",
    /// Redirects that lead back to where they began.
    RedirectLoop = "L0345",
    /// Proxies that lead back to where they began.
    ProxyLoop = "L0346",
    /// A redirect or proxy to a vhost of the configuration that has nothing there.
    DeadTarget = "L0347",
    /// A redirect from a vhost with `sts` to its own name in clear.
    StsDowngrade = "L0348",
    /// `append-path` behind a query.
    AppendToQuery = "L0349",
    /// A redirect without a host.
    RedirectHost = "L0350",
    /// A key of `extra-mimetypes` that no file name ends in.
    MimeKeyNeverMatches = "L0351",
    /// A key of `extra-mimetypes` behind one that matches the same files.
    MimeKeyShadowed = "L0352",
    /// A key of `extra-mimetypes` without a dot.
    MimeKeyWithoutDot = "L0353",
    /// A text of `extra-mimetypes` that is no media type.
    MimeValue = "L0354",
    /// `*` in `extra-mimetypes`.
    MimeStar = "L0355",
    /// A default document that leads out of its folder.
    DefaultOutside = "L0356",
    /// A document whose suffix no table knows.
    UnservedType = "L0357",
    /// A key that does nothing on this kind of mount.
    KeyWithoutEffect = "L0358",
    /// `basic-auth` on a redirect.
    AuthOnRedirect = "L0359",
    /// `cache-*` keys that come out as `no-store`.
    CachedAsNoStore = "L0360",
    /// `cache-no` beside other `cache-*` keys.
    CacheNoWins = "L0361",
    /// A CGI program in a folder that is served.
    CgiInDocroot = "L0362",
    /// Credentials or a private key in a folder that is served.
    SecretInDocroot = "L0363",
    /// A log or plugins in a folder that is served.
    LogInDocroot = "L0364",
    /// A mount of a folder of the system.
    WideDocroot = "L0365",
    /// A protocol that is not built in, and no folder for plugins.
    UnknownProtocol = "L0366",
    /// A callback mount of a protocol that the vhost does not list.
    CallbackNotListed = "L0367",
    /// `interpret` with a protocol that the vhost does not list.
    InterpretNotListed = "L0368",
    /// `listen-accept-*` keys that do not fit together.
    ListenAccept = "L0369",
    /// An `error-document-404` without a slash in front.
    NotFoundRelative = "L0370",
    /// An `error-document-404` on another site.
    NotFoundExternal = "L0371",
    /// An `error-document-404` that no mount of files serves.
    NotFoundUnserved = "L0372",
    /// Keys for plain HTTP on a TLS port that do not fit together.
    ClearKeys = "L0373",
    /// A header that says where an answer ends.
    FramingHeader = "L0374",
    /// A header that is given twice in one list.
    HeaderTwice = "L0375",
    /// A header that belongs to each single answer.
    AnswerHeader = "L0376",
    /// A `Cache-Control` header beside `cache-*` keys.
    CacheControlHeader = "L0377",
    /// A Strict-Transport-Security header by hand that does little.
    StsHeader = "L0378",
    /// A vhost with files and without the usual protective headers.
    SecurityHeaders = "L0379",
    /// Credentials that travel in clear.
    AuthInClear = "L0380",
    /// A proxy to a public address without TLS.
    ProxyInClear = "L0381",
    /// Client certificates are required, and nothing to check them with.
    ClientCertWithoutCa = "L0382",
    /// An ALPN name that is not supported.
    UnknownAlpn = "L0383",
    /// A cipher suite that is not supported.
    SuiteUnknown = "L0384",
    /// A key exchange group that is not supported.
    GroupUnknown = "L0385",
    /// TLS settings that leave nothing to speak.
    NothingLeft = "L0386",
    /// Option bits of OpenSSL that do nothing here, or weaken TLS.
    TlsOption = "L0387",
    /// A unix socket that anybody may connect to.
    OpenSocket = "L0388",
    /// A version number in `server-string`.
    ServerVersion = "L0389",
    /// A server that stays root.
    RootUser = "L0390",
    /// A time of zero seconds.
    ZeroTimeout = "L0391",
    /// A keyword that turns browsers away.
    RejectsEverybody = "L0392",
    /// A keyword that a later one always overrules.
    KeywordShadowed = "L0393",
    /// With `--compat`: files that lwsws does not read.
    CompatFilesDropped = "L0394",
    /// With `--compat`: more text than lwsws has room for.
    CompatStringsCut = "L0395",
    /// With `--compat`: a text of `global` that lwsws cuts.
    CompatGlobalTail = "L0396",
    /// With `--compat`: `_lws_ddir_` where lwsws leaves it as it is.
    CompatDdirOnce = "L0397",
    /// With `--compat`: a key that is too deep for lwsws.
    CompatKeyPath = "L0398",
    /// With `--compat`: a name that lwsws cuts at a dot.
    CompatNameCut = "L0399",

    /// A user or group that the machine does not know.
    UnknownAccount = "L0401",
    /// A file or folder that is not there.
    PathMissing = "L0402",
    /// A file or folder that may not be used.
    PathForbidden = "L0403",
    /// A file where a folder must be, or the like.
    PathType = "L0404",
    /// A file that holds no certificate or key.
    BadCertificate = "L0405",
    /// A certificate and a private key that do not belong together.
    KeyMismatch = "L0406",
    /// A certificate for another name.
    NameNotCovered = "L0407",
    /// A certificate that does not hold now.
    Expired = "L0408",
    /// A certificate that will soon hold no more.
    ExpiresSoon = "L0409",
    /// Certificates in the wrong order.
    ChainOrder = "L0410",
    /// A private key that anybody can read.
    KeyExposed = "L0411",
    /// An interface or address that the machine does not have.
    NoInterface = "L0412",
    /// A port that another program has.
    PortTaken = "L0413",
    /// A port for privileged programs.
    PortPrivileged = "L0414",
    /// Too few open files.
    FewDescriptors = "L0415",

    /// A `*` in a mountpoint.
    MountpointWildcard = "L0501",
    /// An owner of a unix socket that is not of the form `USER:GROUP`.
    SocketPerms = "L0502",
    /// An origin that no page can have.
    BadOrigin = "L0503",
    /// A websocket protocol that any page may use with what its visitor has.
    OpenOrigins = "L0504",
    /// A protocol for raw connections that lwsrun does not have.
    RawOption = "L0505",
    /// Raw connections that are handed on to where they come from.
    RawLoop = "L0506",
}

impl Code {
    /// Whether the code is found with `--compat` only.
    pub(super) fn is_compat_only(self) -> bool {
        (Code::CompatFilesDropped..=Code::CompatNameCut).contains(&self)
    }

    /// Whether the code is found with `--target` only.
    pub(super) fn is_target_only(self) -> bool {
        (Code::UnknownAccount..=Code::FewDescriptors).contains(&self)
    }

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
