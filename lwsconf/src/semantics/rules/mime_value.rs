//! A text of `extra-mimetypes` that is no media type.

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for (_, mount) in view.mounts().filter(|(_, mount)| !mount.plan.extra_mimetypes.is_empty()) {
        for pair in mount.fields.pairs("extra-mimetypes") {
            let (key, value) = (pair.name.value, pair.value.value);
            // Where key and value are swapped that has been said; the empty text stands for no type at all.
            if is_media_type(value) || value.is_empty() || key.contains('/') {
                continue;
            }
            let headline = format!("{} is no content type", quoted(value));
            let found = Diagnostic::warning(Code::MimeValue, headline, pair.value.span())
                .label("not of the form `type/subtype`")
                .help("write one such as `text/plain` or `application/octet-stream`");
            report.push(found);
        }
    }
}

/// Whether a text is `type/subtype`, perhaps with parameters (RFC 9110, section 8.3.1).
fn is_media_type(text: &str) -> bool {
    let is_token = |text: &str| {
        let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
        !text.is_empty() && text.bytes().all(is_fine)
    };
    let essence = text.split(';').next().unwrap_or_default().trim();
    essence.split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}
