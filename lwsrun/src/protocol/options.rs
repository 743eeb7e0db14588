//! What a protocol is told when it is started: the vhost and the options, free of lifetimes.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use schemas::plan;

use super::Sessions;
use crate::counts::Served;

/// The vhost that a protocol is started for.
#[derive(Clone)]
pub struct VhostContext {
    pub(crate) vhost: Arc<str>,
    pub(crate) place: String,
    /// The sessions of all protocols of the vhost, by name.
    pub(crate) sessions: Arc<[(Box<str>, Sessions)]>,
    /// Which of them are its own.
    pub(crate) index: usize,
    /// The server as a whole.
    pub(crate) served: Option<Arc<Served>>,
}

impl VhostContext {
    /// The vhost's `name`, as written.
    #[must_use]
    pub fn vhost(&self) -> &str {
        &self.vhost
    }

    /// Where the config lists the protocol, such as `conf.d/site:12`.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The sessions that this protocol will have on this vhost.
    #[must_use]
    pub fn sessions(&self) -> Sessions {
        self.sessions.get(self.index).map(|(_, sessions)| sessions.clone()).unwrap_or_default()
    }

    /// The sessions that another protocol of this vhost has; `None` if the vhost does not list it.
    #[must_use]
    pub fn sessions_of(&self, protocol: &str) -> Option<Sessions> {
        let mut all = self.sessions.iter();
        all.find(|(name, _)| **name == *protocol).map(|(_, sessions)| sessions.clone())
    }
}

impl fmt::Debug for VhostContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "VhostContext({} at {})", self.vhost, self.place)
    }
}

/// The options that a vhost gives to a protocol, in config order; `status` is among them. A name may stand more
/// than once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options(Vec<(Box<str>, OptionValue)>);

/// The value of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionValue {
    /// A text, a number or a word: `1` for `true`, `0` for `false`, empty for `null`.
    Text(Box<str>),
    /// A list or an object, as compact JSON.
    Json(Box<str>),
}

/// Why a protocol does not start, in words that name the option at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StartError(String);

impl StartError {
    /// From words: lower-case start, no full stop, the user's text in backticks.
    #[must_use]
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

impl Options {
    /// All options, in config order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &OptionValue)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// All values of one name, in config order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &OptionValue> {
        self.iter().filter(move |(each, _)| *each == name).map(|(_, value)| value)
    }

    /// The text of an option; of several the last.
    ///
    /// # Errors
    /// If its value is a list or an object.
    pub fn text(&self, name: &str) -> Result<Option<&str>, StartError> {
        match self.all(name).last() {
            None => Ok(None),
            Some(OptionValue::Text(text)) => Ok(Some(text)),
            Some(OptionValue::Json(json)) => {
                Err(StartError::new(format!("option `{name}` must be a text or a number, not `{json}`")))
            }
        }
    }

    /// The texts of an option that may stand several times. Each value is a list, or a text in which they are parted
    /// by blanks.
    ///
    /// # Errors
    /// If a value is neither.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, StartError> {
        let mut texts = Vec::new();
        for value in self.all(name) {
            match value {
                OptionValue::Text(text) => texts.extend(text.split_ascii_whitespace().map(str::to_owned)),
                OptionValue::Json(json) => texts.extend(list(json).ok_or_else(|| {
                    StartError::new(format!(
                        "option `{name}` must be a text or a list of texts, not `{json}`"
                    ))
                })?),
            }
        }
        Ok(texts)
    }

    /// The number of an option; of several the last.
    ///
    /// # Errors
    /// If its value is not a whole number of the wanted range.
    pub fn number<N: FromStr>(&self, name: &str) -> Result<Option<N>, StartError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => {
                Err(StartError::new(format!("option `{name}` must be a whole number in range, not `{text}`")))
            }
        }
    }

    /// Whether an option is on (`true`, 1, `on`) or off (`false`, 0, `off`); of several the last.
    ///
    /// # Errors
    /// If its value is neither.
    pub fn switch(&self, name: &str) -> Result<Option<bool>, StartError> {
        match self.text(name)? {
            None => Ok(None),
            Some("1" | "on") => Ok(Some(true)),
            Some("0" | "off") => Ok(Some(false)),
            Some(text) => {
                Err(StartError::new(format!("option `{name}` must be `true` or `false`, not `{text}`")))
            }
        }
    }
}

/// The texts of a list in compact JSON, if none of them needs an escape.
fn list(json: &str) -> Option<Vec<String>> {
    let inner = json.strip_prefix('[')?.strip_suffix(']')?;
    if inner.is_empty() {
        return Some(Vec::new());
    }
    let inner = inner.strip_prefix('"')?.strip_suffix('"')?;
    let texts = inner.split("\",\"").map(|text| (!text.contains(['"', '\\'])).then(|| text.to_owned()));
    texts.collect()
}

impl From<&[plan::ProtocolOption<'_>]> for Options {
    fn from(options: &[plan::ProtocolOption<'_>]) -> Self {
        let owned = options.iter().map(|option| {
            let value = match &option.value {
                plan::OptionValue::Text(text) => OptionValue::Text((*text).into()),
                plan::OptionValue::Json(json) => OptionValue::Json((*json).into()),
            };
            (option.name.into(), value)
        });
        Self(owned.collect())
    }
}

impl FromIterator<(Box<str>, OptionValue)> for Options {
    fn from_iter<I: IntoIterator<Item = (Box<str>, OptionValue)>>(options: I) -> Self {
        Self(options.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_in_both_forms() {
        let read = |value| Options::from_iter([("l".into(), value)]).texts("l");
        let texts = |texts: &[&str]| Ok(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(read(OptionValue::Text(" a  b".into())), texts(&["a", "b"]));
        assert_eq!(read(OptionValue::Json("[]".into())), texts(&[]));
        assert_eq!(read(OptionValue::Json(r#"["a b","c"]"#.into())), texts(&["a b", "c"]));
        for wrong in ["[1]", "{}", r#"["a","#, r#"["\n"]"#, r#"["a",["b"]]"#] {
            assert!(read(OptionValue::Json(wrong.into())).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_last_value_counts_and_faults_are_named() {
        let text = |text: &str| OptionValue::Text(text.into());
        let options: Options = [
            ("n".into(), text("1")),
            ("n".into(), text("2")),
            ("word".into(), text("two")),
            ("list".into(), OptionValue::Json("[1]".into())),
        ]
        .into_iter()
        .collect();
        assert_eq!(options.number::<u32>("n"), Ok(Some(2)));
        assert_eq!(options.number::<u32>("absent"), Ok(None));
        assert_eq!(options.all("n").count(), 2);
        assert_eq!(options.switch("absent"), Ok(None));
        let switch = |value| Options::from_iter([("s".into(), text(value))]).switch("s");
        assert_eq!((switch("1"), switch("on")), (Ok(Some(true)), Ok(Some(true))));
        assert_eq!((switch("0"), switch("off")), (Ok(Some(false)), Ok(Some(false))));
        let error = switch("2").unwrap_err();
        assert_eq!(error.to_string(), "option `s` must be `true` or `false`, not `2`");
        let error = options.number::<u32>("word").unwrap_err();
        assert_eq!(error.to_string(), "option `word` must be a whole number in range, not `two`");
        let error = options.text("list").unwrap_err();
        assert_eq!(error.to_string(), "option `list` must be a text or a number, not `[1]`");
    }
}
