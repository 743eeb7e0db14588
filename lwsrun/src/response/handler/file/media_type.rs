//! File name to Content-Type, by the tables of the mount.

use http::HeaderValue;
use schemas::plan::Mime;
use schemas::route::{ContentType, content_type};

use crate::response::error::Refusal;

/// The `extra-mimetypes` of a mount: suffix and media type, in config order.
#[derive(Debug)]
pub(super) struct MediaTypes {
    extra: Box<[(Box<str>, Box<str>)]>,
}

impl MediaTypes {
    pub(super) fn new(extra: &[Mime<'_>]) -> Self {
        Self { extra: extra.iter().map(|mime| (mime.suffix.into(), mime.media_type.into())).collect() }
    }

    /// Whether the tables, `*` aside, know the suffix of a name.
    pub(super) fn know(&self, name: &[u8]) -> bool {
        let extra: Vec<Mime<'_>> = self.mimes().filter(|mime| mime.suffix != "*").collect();
        content_type(&extra, name) != ContentType::Unknown
    }

    fn mimes(&self) -> impl Iterator<Item = Mime<'_>> {
        self.extra.iter().map(|(suffix, media_type)| Mime { suffix, media_type })
    }

    /// The value of Content-Type for a file, if it is to have one. Asked for once when a file comes into memory.
    pub(super) fn of(&self, name: &[u8]) -> Result<Option<HeaderValue>, Refusal> {
        let extra: Vec<Mime<'_>> = self.mimes().collect();
        match content_type(&extra, name) {
            ContentType::Type(media_type) => {
                HeaderValue::from_str(media_type).map(Some).map_err(|_| Refusal::Internal)
            }
            ContentType::Absent => Ok(None),
            ContentType::Unknown => Err(Refusal::UnsupportedMediaType),
        }
    }
}
