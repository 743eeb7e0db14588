//! `server-string`: the `server` header of every answer, none if the config names none.

use http::HeaderValue;
use http::header::SERVER;

use super::headers::DefaultField;

/// The header, if there is one; a configured one wins over it.
pub(crate) fn field(value: Option<HeaderValue>) -> Option<DefaultField> {
    value.map(|value| (SERVER, value))
}
