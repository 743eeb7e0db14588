//! Headers: names must be tokens, values free of control characters, or they could split the answer.

use schemas::plan::{Header, Pair};

use super::Lowering;
use crate::diagnostic::{Code, Diagnostic, quoted};
use crate::schema::{self, Fields, Text};

impl<'a> Lowering<'a, '_> {
    /// The headers of a vhost or a mount. Those that cannot be sent are reported and left out.
    pub(super) fn headers(&mut self, fields: &'a Fields<'a>) -> Vec<Header<'a>> {
        let mut headers = Vec::new();
        for pair in fields.pairs("headers") {
            let fine_name = self.header_name(&pair.name);
            let fine_value = self.field_value("headers", &pair.value);
            if fine_name && fine_value {
                headers.push(Header { name: pair.name.value, value: pair.value.value });
            }
        }
        headers
    }

    fn header_name(&mut self, name: &Text<'_>) -> bool {
        let fine = is_token(name.value);
        if !fine {
            let found = Diagnostic::error(
                Code::HeaderName,
                format!("{} cannot be the name of a header", quoted(name.value)),
                name.span(),
            )
            .label("not a header's name");
            self.report.push(match name.value.strip_suffix(':') {
                Some(bare) if is_token(bare) => {
                    found.fix("leave the colon out", name.span(), format!("\"{bare}\""))
                }
                _ => found.help("a name is made of letters, digits and any of ``!#$%&'*+-.^_`|~``"),
            });
        }
        fine
    }

    /// Whether a text can be sent as a header's value; reported if not.
    pub(super) fn field_value(&mut self, key: &str, text: &Text<'_>) -> bool {
        let control = |byte: u8| byte != b'\t' && (byte < b' ' || byte == 0x7f);
        let Some(offset) = text.value.bytes().position(control) else {
            return true;
        };
        let headline = format!("control character in `{key}`, which is sent as a header's value");
        let found = Diagnostic::error(Code::HeaderValue, headline, text.span_of(offset..offset + 1))
            .label("a client would take this for the end of the header")
            .help("take it out; a header's value is one line");
        self.report.push(found);
        false
    }
}

/// Names and values as the plan has them.
pub(super) fn plain_pairs<'a>(pairs: impl Iterator<Item = schema::Pair<'a>>) -> Vec<Pair<'a>> {
    pairs.map(|pair| Pair { name: pair.name.value, value: pair.value.value }).collect()
}

/// Whether a text is a token (RFC 9110, section 5.6.2).
fn is_token(text: &str) -> bool {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_fine)
}
