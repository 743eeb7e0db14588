//! The Authorization header: `Basic`, a blank, and `user:password` in base64 (RFC 7617, section 2).

use std::fmt;

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::base64;
use super::credentials::LONGEST;

/// The user and password that a client gives.
pub(crate) struct Given {
    /// With the colon between them, which is the first of perhaps several.
    pair: Box<[u8]>,
    colon: usize,
}

impl Given {
    /// What a request gives; `None` if that is nothing, of another scheme, given twice, or not to be read.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut fields = headers.get_all(AUTHORIZATION).iter();
        let (Some(field), None) = (fields.next(), fields.next()) else { return None };
        let (scheme, rest) = field.as_bytes().split_at_checked(b"Basic ".len())?;
        // Base64 has four digits for three bytes; what is longer matches no line.
        if !scheme.eq_ignore_ascii_case(b"Basic ") || rest.len() > LONGEST * 4 / 3 + 16 {
            return None;
        }
        Self::new(base64::decode(rest.trim_ascii())?)
    }

    /// `None` without a colon.
    pub(super) fn new(pair: Vec<u8>) -> Option<Self> {
        let colon = pair.iter().position(|&byte| byte == b':')?;
        Some(Self { pair: pair.into(), colon })
    }

    /// `user:password`.
    pub(super) fn pair(&self) -> &[u8] {
        &self.pair
    }

    pub(super) fn user(&self) -> &[u8] {
        &self.pair[..self.colon]
    }

    pub(super) fn password(&self) -> &[u8] {
        &self.pair[self.colon + 1..]
    }
}

/// Says nothing of what was given, so that no log ever does.
impl fmt::Debug for Given {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Given")
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn pair(fields: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(AUTHORIZATION, HeaderValue::from_static(field));
        }
        let given = Given::of(&headers)?;
        assert_eq!([given.user(), given.password()].join(&b':'), given.pair());
        Some(String::from_utf8(given.pair().to_vec()).unwrap())
    }

    #[test]
    fn what_can_be_read() {
        let mate = Some("mate:rope".to_owned());
        assert_eq!(pair(&["Basic bWF0ZTpyb3Bl"]), mate);
        assert_eq!(pair(&["bASIC   bWF0ZTpyb3Bl "]), mate);
        assert_eq!(
            pair(&["Basic c2tpcHBlcjpzM2NyZXQ6d2l0aDpjb2xvbnM="]),
            Some("skipper:s3cret:with:colons".to_owned())
        );
        assert_eq!(pair(&["Basic Og=="]), Some(":".to_owned()));
        for unreadable in [
            "",
            "Basic",
            "Basic ",
            "BasicbWF0ZTpyb3Bl",
            "Digest username=\"mate\"",
            "Basic bWF0ZQ==",
            "Basic bWF0ZTpyb3Bl, Basic bWF0ZTpyb3Bl",
            "Basic !",
        ] {
            assert_eq!(pair(&[unreadable]), None, "{unreadable}");
        }
        assert_eq!(pair(&[]), None);
        assert_eq!(pair(&["Basic bWF0ZTpyb3Bl"; 2]), None);
    }
}
