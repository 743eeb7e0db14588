//! The table of keys, read from the embedded schemas once: what each level of the config may hold.
//!
//! The schemas are the only place where a key stands; this file knows their words (see
//! [`schemas::source`]) and nothing of any key.

use std::collections::HashMap;
use std::sync::LazyLock;

use schemas::source::Level;
use serde_json::{Map, Value};

/// The keys of one level.
#[derive(Debug)]
pub(crate) struct Keys {
    /// What an object of this level is called, with its article.
    pub(crate) title: &'static str,
    /// Whether keys that are not listed are let through.
    pub(crate) open: bool,
    /// All keys, in the order of the schema.
    pub(crate) keys: Vec<Key>,
    by_name: HashMap<String, usize>,
}

/// One key: all that can be said about it without looking at others.
#[derive(Debug)]
pub(crate) struct Key {
    /// How it is written.
    pub(crate) name: String,
    /// What it does, a sentence or two.
    pub(crate) description: String,
    /// What its value must be.
    pub(crate) kind: Kind,
    /// Smallest and largest number.
    pub(crate) range: (i64, i64),
    /// What a number counts, such as `seconds`.
    pub(crate) unit: Option<String>,
    /// The documented number if the key is absent.
    pub(crate) default: Option<i64>,
    /// The longest text in bytes.
    pub(crate) longest: Option<usize>,
    /// The texts it may be; none for any text.
    pub(crate) words: Vec<String>,
    /// Whether it must be there.
    pub(crate) required: bool,
    /// Whether it may stand several times in one object.
    pub(crate) repeat: bool,
    /// Whether of several the first counts.
    pub(crate) first: bool,
    /// Whether a number out of range is brought into it, as lwsws does.
    pub(crate) clamp: bool,
    /// The key that it is another spelling of.
    pub(crate) alias_of: Option<String>,
    /// The one protocol that has it; an option without one is every protocol's.
    pub(crate) protocol: Option<String>,
    /// Why it is not supported.
    pub(crate) outside: Option<String>,
    /// Whether some later stage has asked for it: a key that nobody asks for would be accepted and dropped.
    #[cfg(test)]
    pub(crate) asked: std::sync::atomic::AtomicBool,
}

/// What the value of a key must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text; paths are texts too.
    Text,
    /// A text, or a list of texts.
    Texts,
    /// A whole number.
    Integer,
    /// On or off.
    Boolean,
    /// Anything: only its being there counts.
    Presence,
    /// A list of objects, name to text.
    Pairs,
    /// One object, name to text.
    Map,
    /// One object with keys of its own.
    Object(Level),
    /// A list of such objects.
    Objects(Level),
    /// A list of objects, name to options.
    Protocols,
    /// A key that is not supported, whatever stands there.
    Any,
}

impl Keys {
    /// The keys of a level.
    pub(crate) fn of(level: Level) -> &'static Keys {
        static TABLES: LazyLock<Vec<Keys>> = LazyLock::new(|| Level::ALL.map(read).into());
        &TABLES[level as usize]
    }

    /// The key of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&Key> {
        self.by_name.get(name).and_then(|index| self.keys.get(*index))
    }

    /// Remembers that a key was asked for.
    #[cfg(test)]
    pub(crate) fn mark_asked(&self, name: &str) {
        if let Some(key) = self.get(name) {
            key.asked.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    }

    /// The key that a key stands for: itself, unless it is another spelling.
    pub(crate) fn canonical<'a>(&'a self, key: &'a Key) -> &'a Key {
        key.alias_of.as_deref().and_then(|name| self.get(name)).unwrap_or(key)
    }
}

impl Kind {
    /// Whether values of several objects are put together, rather than one taking the other's place.
    pub(crate) fn accumulates(self) -> bool {
        matches!(self, Kind::Pairs | Kind::Map | Kind::Object(_) | Kind::Objects(_) | Kind::Protocols)
    }
}

/// What an object of a level is called.
fn title(level: Level) -> &'static str {
    match level {
        Level::Conf => "the outermost object",
        Level::Global => "`global`",
        Level::Vhost => "a vhost",
        Level::Mount => "a mount",
        Level::WsProtocol => "the options of a protocol",
    }
}

/// Reads one schema. They are part of the program and a test reads them all, so a broken one cannot be shipped.
fn read(level: Level) -> Keys {
    let schema: Value = serde_json::from_str(level.schema()).unwrap_or_default();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    let mut keys: Vec<Key> = properties
        .iter()
        .filter_map(|(name, property)| read_key(name, property.as_object()?, &required))
        .collect();
    // The order of the properties is not kept by every build of the JSON reader.
    keys.sort_by(|a, b| a.name.cmp(&b.name));
    let by_name = keys.iter().enumerate().map(|(index, key)| (key.name.clone(), index)).collect();
    Keys { title: title(level), open: schema["additionalProperties"] == true, keys, by_name }
}

fn read_key(name: &str, property: &Map<String, Value>, required: &[Value]) -> Option<Key> {
    let number = |word: &str| property.get(word).and_then(Value::as_i64);
    let text = |word: &str| property.get(word).and_then(Value::as_str).map(str::to_owned);
    let flag = |word: &str| property.get(word).and_then(Value::as_bool).unwrap_or(false);
    Some(Key {
        name: name.to_owned(),
        description: text("description").unwrap_or_default(),
        kind: kind(property.get("x-type")?.as_str()?)?,
        range: (number("minimum").unwrap_or(i64::MIN), number("maximum").unwrap_or(i64::MAX)),
        unit: text("x-unit"),
        default: number("default"),
        longest: number("maxLength").and_then(|length| usize::try_from(length).ok()),
        words: property
            .get("enum")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(word)
            .collect(),
        required: required.iter().any(|key| key == name),
        repeat: flag("x-repeat"),
        first: flag("x-first"),
        clamp: flag("x-clamp"),
        alias_of: text("x-alias-of"),
        protocol: text("x-protocol"),
        outside: text("x-outside"),
        #[cfg(test)]
        asked: std::sync::atomic::AtomicBool::new(false),
    })
}

fn word(word: &Value) -> Option<String> {
    word.as_str().map(str::to_owned)
}

fn kind(word: &str) -> Option<Kind> {
    Some(match word {
        "string" | "path" => Kind::Text,
        "texts" => Kind::Texts,
        "integer" => Kind::Integer,
        "boolean" => Kind::Boolean,
        "presence" => Kind::Presence,
        "pairs" | "reject-list" => Kind::Pairs,
        "mime-map" | "name-map" => Kind::Map,
        "object" => Kind::Object(Level::Global),
        "vhost-list" => Kind::Objects(Level::Vhost),
        "mount-list" => Kind::Objects(Level::Mount),
        "protocol-list" => Kind::Protocols,
        "any" => Kind::Any,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_of_every_schema_is_in_the_table() {
        for level in Level::ALL {
            let schema: Value = serde_json::from_str(level.schema()).unwrap();
            let properties = schema["properties"].as_object().unwrap();
            let keys = Keys::of(level);
            for name in properties.keys() {
                assert!(keys.get(name).is_some(), "{level:?} lacks `{name}`");
            }
            assert_eq!(keys.keys.len(), properties.len());
        }
    }

    #[test]
    fn other_spellings_lead_to_keys_of_the_same_kind() {
        for level in Level::ALL {
            let keys = Keys::of(level);
            for key in keys.keys.iter().filter(|key| key.alias_of.is_some()) {
                let canonical = keys.canonical(key);
                assert!(canonical.alias_of.is_none(), "`{}` leads nowhere", key.name);
                assert_eq!(canonical.kind, key.kind);
            }
        }
    }

    #[test]
    fn integers_have_a_range_with_the_default_in_it() {
        for key in Level::ALL.iter().flat_map(|level| &Keys::of(*level).keys) {
            if key.kind == Kind::Integer {
                assert!(key.range.0 > i64::MIN && key.range.1 < i64::MAX, "`{}` has no range", key.name);
                let default = key.default.unwrap_or(key.range.0);
                assert!((key.range.0..=key.range.1).contains(&default), "default of `{}`", key.name);
            }
        }
    }
}
