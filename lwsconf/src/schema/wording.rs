//! What is said about keys and values, in the user's words.

use grammar::{Key as WrittenKey, Span, Value, ValueKind, Word};
use schemas::source::Level;

use super::fields::Text;
use super::keys::{Key, Keys, Kind};
use super::nearest::{closest, nearest};
use crate::diagnostic::{Code, Diagnostic, quoted};

pub(crate) fn unknown(name: &str, place: Span, keys: &'static Keys) -> Diagnostic {
    let found =
        Diagnostic::error(Code::UnknownKey, format!("unknown key {} in {}", quoted(name), keys.title), place)
            .label("no such key here")
            .note("lwsws ignores keys that it does not know, and all that stands in them");
    if let Some(level) = other_level(name, keys) {
        return found.help(format!("{} belongs in {}", quoted(name), Keys::of(level).title));
    }
    match nearest(name, keys) {
        Some(meant) => found.fix(format!("did you mean `{meant}`?"), place, format!("\"{meant}\"")),
        None => found.help(foreign(name).map_or_else(
            || "take it out; `lwsconf schema` lists all keys, and comments begin with `#`".to_owned(),
            |here| format!("use {here}"),
        )),
    }
}

/// What is written here for a word that nginx, Apache or Caddy would know.
fn foreign(name: &str) -> Option<&'static str> {
    const WORDS: [(&[&str], &str); 12] = [
        (&["server_name", "servername", "serveralias", "host", "hostname", "domain"], "`name` of a vhost"),
        (&["listen"], "`port` of a vhost, with `interface` for one address"),
        (
            &["root", "documentroot", "document_root", "alias", "directory", "file_server"],
            "a mount: `\"mounts\": [ { \"mountpoint\": \"/\", \"origin\": \"file:///FOLDER\" } ]`",
        ),
        (
            &["location", "locations", "routes", "handle"],
            "a mount of `mounts`, with `mountpoint` and `origin`",
        ),
        (&["proxy_pass", "proxypass", "reverse_proxy"], "a mount whose `origin` is `http://HOST/`"),
        (&["return", "rewrite", "redirect"], "a mount whose `origin` is `>https://HOST/`"),
        (&["index", "directoryindex"], "`default` of a mount"),
        (&["ssl_certificate", "sslcertificatefile", "cert", "certificate"], "`host-ssl-cert` of a vhost"),
        (
            &["ssl_certificate_key", "sslcertificatekeyfile", "key", "private_key"],
            "`host-ssl-key` of a vhost",
        ),
        (&["error_page", "errordocument"], "`error-document-404` of a vhost"),
        (&["add_header", "header"], "`headers` of a vhost or a mount"),
        (&["worker_processes", "workers", "threads"], "`count-threads` of `global`"),
    ];
    let known = |words: &[&str]| words.iter().any(|word| name.eq_ignore_ascii_case(word));
    WORDS.iter().find(|(words, _)| known(words)).map(|(_, here)| *here)
}

/// Another level that has the key.
fn other_level(name: &str, keys: &'static Keys) -> Option<Level> {
    let mut others = Level::ALL.into_iter().filter(|level| !std::ptr::eq(Keys::of(*level), keys));
    others.find(|level| Keys::of(*level).get(name).is_some_and(|key| key.outside.is_none()))
}

pub(crate) fn missing(key: &Key, keys: &Keys, brace: Span) -> Diagnostic {
    let title = keys.title.trim_start_matches("a ");
    Diagnostic::error(Code::MissingKey, format!("this {title} has no `{}`", key.name), brace)
        .label(format!("no `{}` in here", key.name))
        .help(format!("add it: {}", sentence(&key.description)))
}

pub(crate) fn duplicate(key: &Key, earlier: Span, later: Span) -> Diagnostic {
    let takes = if key.kind.accumulates() {
        "lwsws puts both together"
    } else if key.first {
        "lwsws takes the first"
    } else {
        "lwsws takes the last"
    };
    given_twice(format!("`{}` is given twice", key.name), earlier, later).note(takes)
}

/// A key that is given in two spellings. `earlier_counts` says which of the two is taken.
pub(crate) fn duplicate_spelling(
    canonical: &Key,
    earlier: Span,
    later: Span,
    earlier_counts: bool,
) -> Diagnostic {
    let takes = if earlier_counts { "the first of them counts" } else { "the last of them counts" };
    let headline = format!("`{}` is given twice, in two spellings", canonical.name);
    given_twice(headline, earlier, later).note(takes)
}

fn given_twice(headline: String, earlier: Span, later: Span) -> Diagnostic {
    Diagnostic::error(Code::DuplicateKey, headline, later)
        .label("given again here")
        .also(earlier, "first given here")
        .help("keep one of them")
}

pub(crate) fn duplicate_name(key: &Key, name: &WrittenKey, earlier: Span) -> Diagnostic {
    let headline = format!("{} is given twice in `{}`", quoted(name.text.as_str()), key.name);
    given_twice(headline, earlier, name.span)
}

pub(crate) fn other_spelling(key: &Key, canonical: &Key, place: Span) -> Diagnostic {
    let headline = format!("`{}` is read as `{}`", key.name, canonical.name);
    Diagnostic::remark(Code::OtherSpelling, headline, place).label("another spelling").fix(
        "the usual spelling",
        place,
        format!("\"{}\"", canonical.name),
    )
}

pub(crate) fn out_of_scope(key: &Key, reason: &str, place: Span) -> Diagnostic {
    Diagnostic::error(Code::OutOfScope, format!("`{}` is not supported", key.name), place)
        .label(reason)
        .help("take the key out, or leave this part of the configuration to lwsws")
}

pub(crate) fn wrong_shape(key: &Key, wanted: Kind, value: &Value) -> Diagnostic {
    let headline = format!("`{}` needs {}, not {}", key.name, describe(wanted), found(value));
    let diagnostic = Diagnostic::error(Code::WrongShape, headline, opening(value))
        .label(format!("{} begins here", found(value)))
        .note("lwsws ignores a key whose value has another shape than it expects");
    let wants_list = matches!(wanted, Kind::Pairs | Kind::Objects(_) | Kind::Protocols);
    match &value.kind {
        ValueKind::Object(_) if wants_list => diagnostic.help("put brackets around it: `[{ … }]`"),
        ValueKind::Array(_) => diagnostic.help("leave the brackets out"),
        _ => diagnostic,
    }
}

pub(crate) fn wrong_item(key: &Key, item: &Value) -> Diagnostic {
    let example = match (key.kind, &item.kind) {
        (Kind::Protocols, ValueKind::String(name)) => {
            let name: String = name.as_str().chars().filter(|letter| !letter.is_control()).take(60).collect();
            format!("{{ \"{name}\": {{ \"status\": \"ok\" }} }}")
        }
        _ => "{ \"name\": … }".to_owned(),
    };
    let headline = format!("`{}` is a list of objects, and this is {}", key.name, found(item));
    Diagnostic::error(Code::WrongShape, headline, opening(item))
        .label("not an object")
        .note("lwsws ignores such items")
        .help(format!("put it in braces: `{example}`"))
}

pub(crate) fn options_expected(key: &Key, name: &WrittenKey, value: &Value) -> Diagnostic {
    let name = quoted(name.text.as_str());
    let headline = format!("{name} in `{}` needs an object of options, not {}", key.name, found(value));
    Diagnostic::error(Code::WrongShape, headline, opening(value))
        .label("not an object")
        .note("lwsws does not switch the protocol on like this")
        .help(format!("write {name} with `{{ \"status\": \"ok\" }}`"))
}

pub(crate) fn text_expected(key: &Key, name: &WrittenKey, value: &Value) -> Diagnostic {
    let name = quoted(name.text.as_str());
    let headline = format!("{name} in `{}` needs a text, not {}", key.name, found(value));
    Diagnostic::error(Code::WrongShape, headline, opening(value))
        .label(format!("{} begins here", found(value)))
        .note("lwsws ignores such entries")
}

pub(crate) fn bare_word(name: &str, value: &Value, read: &str) -> Diagnostic {
    let headline = format!("{} needs a text, not {}", quoted(name), found(value));
    Diagnostic::error(Code::WrongType, headline, value.span)
        .label("a word without quotes")
        .note(format!("lwsws reads it as `\"{read}\"`"))
        .help("put the text that you mean in quotes")
}

pub(crate) fn not_whole(key: &Key, value: &Value, text: &str, read: i64) -> Diagnostic {
    let headline = format!("`{}` needs a whole number, not {}", key.name, written(value, text));
    let found = Diagnostic::error(Code::WrongType, headline, value.span)
        .label("not a whole number")
        .note(format!("lwsws reads it as {read}"));
    if !matches!(value.kind, ValueKind::Word(_))
        && let Some(number) = meant_number(key, text)
    {
        return found.fix(format!("write {}", amount(key, number)), value.span, number.to_string());
    }
    match key.name.as_str() {
        "uid" => found.help("write a number, or the name of a user with `username`"),
        "gid" => found.help("write a number, or the name of a group with `groupname`"),
        name if name.contains("option-") && text.contains("OP_") => found.help(
            "write the number that OpenSSL has for it; `lwsconf explain L0387` tells those that matter",
        ),
        _ => found.help(range(key)),
    }
}

/// The number that was most likely meant: the same without blanks, or a time with its unit.
fn meant_number(key: &Key, text: &str) -> Option<i64> {
    let text = text.trim();
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let number: i64 = text[..end].parse().ok()?;
    let factor = match (text[end..].trim_start(), key.unit.as_deref()) {
        ("", _) => 1,
        ("s" | "sec" | "seconds", Some("seconds")) => 1,
        ("m" | "min" | "minutes", Some("seconds")) => 60,
        ("h" | "hours", Some("seconds")) => 3600,
        ("d" | "days", Some("seconds")) => 86400,
        ("k" | "K" | "KB" | "KiB", Some("bytes")) => 1 << 10,
        ("m" | "M" | "MB" | "MiB", Some("bytes")) => 1 << 20,
        _ => return None,
    };
    let (least, most) = key.range;
    number.checked_mul(factor).filter(|number| (least..=most).contains(number))
}

/// A number with what it counts.
fn amount(key: &Key, number: i64) -> String {
    let unit = key.unit.as_ref().map(|unit| format!(" {unit}")).unwrap_or_default();
    format!("{number}{unit}")
}

pub(crate) fn out_of_range(key: &Key, value: &Value, text: &str, number: i64) -> Diagnostic {
    let headline = format!("{} is out of range for `{}`", quoted(text), key.name);
    let found = Diagnostic::error(Code::OutOfRange, headline, value.span).label(if number < key.range.0 {
        "too small"
    } else {
        "too large"
    });
    // A port has 16 bits on the wire, and lwsws does not look.
    let found = match (key.name.as_str(), u16::try_from(number & 0xffff)) {
        ("port", Ok(wrapped)) if number > key.range.1 && wrapped != 0 && number < i64::MAX => {
            found.note(format!("lwsws takes any number, and listens on port {wrapped} or not at all"))
        }
        _ => found,
    };
    found.help(range(key))
}

pub(crate) fn not_boolean(key: &Key, value: &Value, text: &str, read: bool) -> Diagnostic {
    let headline = format!("`{}` is a switch, and {} is neither on nor off", key.name, written(value, text));
    Diagnostic::error(Code::NotBoolean, headline, value.span)
        .label("neither on nor off")
        .note(format!("lwsws reads it as {}", if read { "on" } else { "off" }))
        .help("write one of `1 0 on off yes no true false`")
}

pub(crate) fn presence_counts(key: &Key, value: &Value, text: &str) -> Diagnostic {
    let headline = format!("`{}` is on although it says {}", key.name, written(value, text));
    Diagnostic::warning(Code::PresenceCounts, headline, value.span)
        .label("any value switches it on")
        .help(format!("take `{}` out to switch it off", key.name))
}

pub(crate) fn too_long(key: &Key, text: &Text<'_>) -> Diagnostic {
    let longest = key.longest.unwrap_or_default();
    let headline = format!("`{}` is {} bytes long", key.name, text.value.len());
    Diagnostic::error(Code::TextTooLong, headline, text.span()).label(format!("may have {longest} bytes"))
}

pub(crate) fn unknown_word(key: &Key, text: &Text<'_>) -> Diagnostic {
    let headline = format!("`{}` cannot be {}", key.name, quoted(text.value));
    let found = Diagnostic::error(Code::UnknownWord, headline, text.span()).label("not one of its words");
    match closest(text.value, key.words.iter().map(String::as_str)) {
        Some(meant) => found.help(format!("did you mean `{meant}`?")),
        None => found.help(format!("write one of `{}`", key.words.join(" "))),
    }
}

fn range(key: &Key) -> String {
    let (least, most) = key.range;
    let unit = key.unit.as_ref().map(|unit| format!(" {unit}")).unwrap_or_default();
    format!("write a whole number from {least} to {most}{unit}")
}

/// A value as the user wrote it.
fn written(value: &Value, text: &str) -> String {
    match &value.kind {
        ValueKind::Word(_) => found(value).to_owned(),
        _ if text.is_empty() => "an empty text".to_owned(),
        _ => quoted(text),
    }
}

fn describe(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "a text",
        Kind::Texts => "a text or a list of texts",
        Kind::Integer => "a whole number",
        Kind::Boolean => "a switch",
        Kind::Presence | Kind::Any => "a single value",
        Kind::Map | Kind::Object(_) => "an object",
        Kind::Pairs | Kind::Objects(_) | Kind::Protocols => "a list of objects",
    }
}

fn found(value: &Value) -> &'static str {
    match &value.kind {
        ValueKind::String(_) => "a text",
        ValueKind::Number(_) => "a number",
        ValueKind::Word(Word::True) => "`true`",
        ValueKind::Word(Word::False) => "`false`",
        ValueKind::Word(Word::Null) => "`null`",
        ValueKind::Array(_) => "a list",
        ValueKind::Object(_) => "an object",
        ValueKind::Bad => "nothing readable",
    }
}

/// The place to mark: of a list or an object its bracket, so that it is not drawn as a whole.
fn opening(value: &Value) -> Span {
    match &value.kind {
        ValueKind::Array(_) | ValueKind::Object(_) => {
            Span { end: value.span.start.saturating_add(1).min(value.span.end), ..value.span }
        }
        _ => value.span,
    }
}

/// A description as the end of a sentence.
fn sentence(description: &str) -> String {
    let mut letters = description.trim_end_matches('.').chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}
