//! What the config says of a protocol's sessions: the options that every protocol has.

use schemas::plan;

use super::{Options, Protocol, StartError};
use crate::request::protect::Doorkeeper;

/// Whether messages are compressed for clients that offer it.
const DEFLATE: &str = "permessage-deflate";

/// Which values of `Origin` may open a session.
const ORIGINS: &str = "origins";

/// Longest message of a client, in bytes.
const MESSAGE: &str = "max-message-size";

/// Longest frame of a client, in bytes.
const FRAME: &str = "max-frame-size";

/// Longest message where the config does not say.
const USUAL_MESSAGE: usize = 1024 * 1024;

/// The most that the config may allow. A message is in memory as a whole.
const MOST: usize = 256 * 1024 * 1024;

/// On what terms sessions of a protocol are held.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    /// Whether there are sessions at all.
    pub(crate) opens: bool,
    /// Whether offers of permessage-deflate are taken.
    pub(crate) deflate: bool,
    /// Who may open a session, by the page that asks; `None`: any page.
    pub(crate) origins: Option<Origins>,
    /// Who may open a session, by name and password.
    pub(crate) door: Option<Doorkeeper>,
    /// Longest message of a client.
    pub(crate) message: usize,
    /// Longest frame of a client.
    pub(crate) frame: usize,
}

/// Values of `Origin` that are let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origins(Box<[Box<str>]>);

impl Terms {
    /// From the protocol's entry in the config. `place` is its `file:line`.
    ///
    /// # Errors
    /// If an option cannot be used.
    pub(super) fn read(
        entry: &plan::Protocol<'_>,
        options: &Options,
        protocol: &dyn Protocol,
        place: &str,
    ) -> Result<Self, StartError> {
        let message = size(options, MESSAGE)?.unwrap_or(USUAL_MESSAGE);
        Ok(Self {
            opens: protocol.websockets(),
            deflate: options.switch(DEFLATE)?.unwrap_or_else(|| protocol.permessage_deflate()),
            origins: Origins::read(options)?,
            door: entry.basic_auth.map(|file| Doorkeeper::new(file, place.to_owned())),
            message,
            frame: size(options, FRAME)?.unwrap_or(message).min(message),
        })
    }
}

fn size(options: &Options, name: &str) -> Result<Option<usize>, StartError> {
    match options.number(name)? {
        Some(size) if !(1..=MOST).contains(&size) => {
            Err(StartError::new(format!("option `{name}` must be 1 to {MOST} bytes, not `{size}`")))
        }
        size => Ok(size),
    }
}

impl Origins {
    fn read(options: &Options) -> Result<Option<Self>, StartError> {
        let mut origins = options.texts(ORIGINS)?;
        if origins.is_empty() {
            // An empty list lets nobody in, or everybody: whoever wrote it has to say.
            return match options.all(ORIGINS).next() {
                None => Ok(None),
                Some(_) => Err(StartError::new(format!(
                    "option `{ORIGINS}` lists none; take it out to let every page in, or list `self`"
                ))),
            };
        }
        origins.iter_mut().for_each(|origin| origin.make_ascii_lowercase());
        let is_origin = |origin: &str| match origin.split_once("://") {
            Some((scheme, host)) => !scheme.is_empty() && !host.is_empty() && !host.contains('/'),
            None => origin == "null" || origin == "self",
        };
        match origins.iter().find(|origin| !is_origin(origin)) {
            Some(wrong) => Err(StartError::new(format!(
                "option `{ORIGINS}` must list origins such as `https://example.com`, or `self`, not `{wrong}`"
            ))),
            None => Ok(Some(Self(origins.into_iter().map(Into::into).collect()))),
        }
    }

    /// Whether a page of that origin may open a session at that host. Who sends none is no page: every browser sends
    /// it, and nothing keeps other programs from making one up.
    pub(crate) fn admit(&self, origin: Option<&str>, host: Option<&str>) -> bool {
        let Some(origin) = origin else { return true };
        let is_own = || {
            let (_, of) = origin.split_once("://").unwrap_or_default();
            host.is_some_and(|host| host.eq_ignore_ascii_case(of))
        };
        self.0.iter().any(|each| if **each == *"self" { is_own() } else { each.eq_ignore_ascii_case(origin) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::OptionValue;

    fn origins(values: &[OptionValue]) -> Result<Option<Origins>, StartError> {
        let options = values.iter().map(|value| (ORIGINS.into(), value.clone()));
        Origins::read(&options.collect())
    }

    fn text(text: &str) -> OptionValue {
        OptionValue::Text(text.into())
    }

    #[test]
    fn who_is_let_in() {
        assert_eq!(origins(&[]), Ok(None));
        for none in [text(""), text("  "), OptionValue::Json("[]".into())] {
            assert!(origins(&[none]).unwrap_err().to_string().contains("lists none"));
        }
        let two = origins(&[text("https://a.test self"), text("http://B.test:8080")]).unwrap().unwrap();
        let list = OptionValue::Json(r#"["https://a.test","self","http://b.test:8080"]"#.into());
        assert_eq!(origins(&[list]).unwrap().unwrap(), two);
        for (origin, admitted) in [
            (Some("https://a.test"), true),
            (Some("HTTPS://A.test"), true),
            (Some("http://a.test"), false),
            (Some("https://a.test.evil.test"), false),
            (Some("https://c.test:7681"), true),
            (Some("https://c.test"), false),
            (Some("http://b.test:8080"), true),
            (Some("null"), false),
            (Some(""), false),
            (None, true),
        ] {
            assert_eq!(two.admit(origin, Some("c.test:7681")), admitted, "{origin:?}");
        }
    }

    #[test]
    fn what_is_no_origin_is_named() {
        for wrong in ["a.test", "https://a.test/", "://x"] {
            let error = origins(&[text(wrong)]).unwrap_err().to_string();
            assert!(error.contains(&format!("not `{wrong}`")), "{error}");
        }
        let error = origins(&[OptionValue::Json("{\"a\":1}".into())]).unwrap_err().to_string();
        assert!(error.starts_with("option `origins` must be a text or a list of texts"), "{error}");
    }

    #[test]
    fn sizes_have_their_bounds() {
        let of = |value: &str| size(&Options::from_iter([(MESSAGE.into(), text(value))]), MESSAGE);
        assert_eq!(of("1"), Ok(Some(1)));
        assert_eq!(of("268435456"), Ok(Some(MOST)));
        for wrong in ["0", "268435457", "-1", "1k"] {
            let error = of(wrong).unwrap_err().to_string();
            assert!(error.starts_with("option `max-message-size` must be"), "{error}");
        }
    }
}
