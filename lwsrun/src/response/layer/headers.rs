//! The `headers` of vhost and mount, and what the server adds by itself, on every answer.

use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, ETAG, LAST_MODIFIED, LOCATION,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use schemas::plan::Header;
use schemas::route::merged_headers;

/// Fields that frame the message; a configured one would contradict the server's own.
const FRAMING: [HeaderName; 4] = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE];

/// Fields that may stand only once: a configured one replaces the handler's.
const SINGLE: [HeaderName; 6] = [CACHE_CONTROL, CONTENT_TYPE, DATE, ETAG, LAST_MODIFIED, LOCATION];

/// Configured headers, ready to be sent.
#[derive(Debug)]
pub(crate) struct Headers {
    fields: Box<[Field]>,
}

#[derive(Debug)]
struct Field {
    name: HeaderName,
    value: HeaderValue,
    mode: Mode,
}

/// What becomes of a header that an answer has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Replaced,
    Joined,
    Kept,
}

/// A header of answers that do not have it.
pub(crate) type DefaultField = (HeaderName, HeaderValue);

impl Headers {
    /// Prepares the headers of a vhost and one of its mounts, and those that answers have by default.
    pub(crate) fn new(vhost: &[Header<'_>], mount: &[Header<'_>], defaults: &[DefaultField]) -> Self {
        let mut fields: Vec<Field> = Vec::new();
        for header in merged_headers(vhost, mount) {
            // The plan was checked: names and values are legal.
            let name = HeaderName::from_bytes(header.name.as_bytes());
            let value = HeaderValue::from_bytes(header.value.as_bytes());
            let (Ok(name), Ok(value)) = (name, value) else { continue };
            if !FRAMING.contains(&name) {
                let replace = SINGLE.contains(&name) && !fields.iter().any(|field| field.name == name);
                fields.push(Field { name, value, mode: if replace { Mode::Replaced } else { Mode::Joined } });
            }
        }
        let default = |(name, value): &DefaultField| Field {
            name: name.clone(),
            value: value.clone(),
            mode: Mode::Kept,
        };
        fields.extend(defaults.iter().map(default));
        Self { fields: fields.into() }
    }

    /// Puts the headers into an answer.
    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        for Field { name, value, mode } in &*self.fields {
            match mode {
                Mode::Replaced => {
                    headers.insert(name, value.clone());
                }
                Mode::Joined => {
                    headers.append(name, value.clone());
                }
                Mode::Kept => {
                    headers.entry(name).or_insert_with(|| value.clone());
                }
            }
        }
    }

    /// The names of configured headers that frame messages and are therefore not sent.
    pub(crate) fn refused<'h>(headers: &'h [Header<'_>]) -> impl Iterator<Item = &'h str> {
        headers
            .iter()
            .filter(|header| FRAMING.iter().any(|name| header.name.eq_ignore_ascii_case(name.as_str())))
            .map(|header| header.name)
    }
}

#[cfg(test)]
mod tests {
    use http::header::SERVER;

    use super::*;

    #[test]
    fn single_fields_are_replaced_and_others_added() {
        let vhost = [
            Header { name: "X-A", value: "1" },
            Header { name: "Cache-Control", value: "no-cache" },
            Header { name: "Content-Length", value: "7" },
        ];
        let mount = [Header { name: "x-a", value: "2" }, Header { name: "x-a", value: "3" }];
        let mut map = HeaderMap::new();
        map.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let default = |name, value| (name, HeaderValue::from_static(value));
        let defaults = [default(SERVER, "s"), default(CACHE_CONTROL, "private")];
        Headers::new(&vhost, &mount, &defaults).apply(&mut map);
        let values: Vec<_> = map.get_all("x-a").iter().collect();
        assert_eq!(values, ["2", "3"]);
        assert_eq!(map[CACHE_CONTROL], "no-cache");
        assert_eq!(map[SERVER], "s");
        assert_eq!(map.get_all(CACHE_CONTROL).iter().count(), 1);
        assert!(!map.contains_key(CONTENT_LENGTH));
        assert_eq!(Headers::refused(&vhost).collect::<Vec<_>>(), ["Content-Length"]);
    }
}
