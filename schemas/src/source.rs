//! The JSON Schemas of the config language, one for each level of a configuration file.
//!
//! They serve editors as they are (JSON Schema 2020-12), and `lwsconf` reads its table of keys from them, so that
//! a key stands in one place only. Beside the standard words each property carries ours:
//!
//! | word | meaning |
//! | --- | --- |
//! | `x-type` | what the text of the value must be: `string path texts integer boolean presence pairs reject-list mime-map name-map object vhost-list mount-list protocol-list any` |
//! | `x-unit` | what a number counts |
//! | `x-since` | where the key comes from: `seed` (the text the project starts from), `release` (2.1.1), `newer` (later releases), `ours` |
//! | `x-repeat` | the key may stand several times in one object |
//! | `x-first` | of a repeated key the first counts, not the last |
//! | `x-clamp` | lwsws takes numbers beyond the range; the nearest number in range does the same |
//! | `x-alias-of` | the key is another spelling of this one |
//! | `x-protocol` | of the options of a protocol: only this one has it |
//! | `x-outside` | the key is lwsws's but not supported here, and why |

/// One level of a configuration file: the kind of object that its schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The outermost object of a file.
    Conf,
    /// `global`.
    Global,
    /// An entry of `vhosts`.
    Vhost,
    /// An entry of a vhost's `mounts`.
    Mount,
    /// The options of a protocol in a vhost's `ws-protocols`.
    WsProtocol,
}

impl Level {
    /// All levels, outermost first.
    pub const ALL: [Level; 5] = [Level::Conf, Level::Global, Level::Vhost, Level::Mount, Level::WsProtocol];

    /// The name of the schema's file, which is also its `$id`: how the schemas refer to each other.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Level::Conf => "conf.schema.json",
            Level::Global => "global.schema.json",
            Level::Vhost => "vhost.schema.json",
            Level::Mount => "mount.schema.json",
            Level::WsProtocol => "ws-protocol.schema.json",
        }
    }

    /// The schema as JSON text.
    #[must_use]
    pub fn schema(self) -> &'static str {
        match self {
            Level::Conf => CONF,
            Level::Global => GLOBAL,
            Level::Vhost => VHOST,
            Level::Mount => MOUNT,
            Level::WsProtocol => WS_PROTOCOL,
        }
    }
}

/// The schema of [`Level::Conf`].
pub const CONF: &str = include_str!("../json/conf.schema.json");
/// The schema of [`Level::Global`].
pub const GLOBAL: &str = include_str!("../json/global.schema.json");
/// The schema of [`Level::Vhost`].
pub const VHOST: &str = include_str!("../json/vhost.schema.json");
/// The schema of [`Level::Mount`].
pub const MOUNT: &str = include_str!("../json/mount.schema.json");
/// The schema of [`Level::WsProtocol`].
pub const WS_PROTOCOL: &str = include_str!("../json/ws-protocol.schema.json");
