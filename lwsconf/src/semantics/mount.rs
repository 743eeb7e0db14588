//! A mount: where it hangs, and what is done there.

use grammar::Span;
use schemas::plan::{Cache, Interpret, Mime, Mount, Origin, Pair, ProxyLimits, Seconds, Symlinks};

use super::header::plain_pairs;
use super::{Lowering, number};
use crate::diagnostic::{Code, Diagnostic, quoted};
use crate::schema::{Fields, Text};

impl<'a> Lowering<'a, '_> {
    /// Lowers a mount; none if its place or its origin is wrong.
    pub(super) fn mount(&mut self, fields: &'a Fields<'a>) -> Option<Mount<'a>> {
        let mountpoint = fields.text("mountpoint").filter(|text| self.mountpoint(text));
        let origin = fields.text("origin").and_then(|text| self.origin(&text));
        if let Some(Origin::File { .. }) = origin {
            self.documents(fields);
        }
        let cgi_env = self.environment(fields);
        let extra_mimetypes = self.mimetypes(fields);
        let headers = self.headers(fields);
        let integer = |key| fields.integer(key).map(|integer| integer.value);
        let text = |key| fields.text(key).map(|text| text.value);
        Some(Mount {
            mountpoint: mountpoint?.value,
            origin: origin?,
            default: text("default"),
            protocol: text("protocol"),
            auth_mask: integer("auth-mask").and_then(number),
            cgi_timeout: integer("cgi-timeout").and_then(number).map(Seconds),
            cgi_env,
            cgi_chroot: text("cgi-chroot"),
            cgi_chdir: text("cgi-chdir"),
            proxy: proxy(fields),
            pmo: plain_pairs(fields.pairs("pmo")),
            cache: cache(fields),
            extra_mimetypes,
            interpret: interpret(fields),
            basic_auth: text("basic-auth"),
            headers,
            keepalive_timeout: integer("keepalive-timeout").and_then(number).map(Seconds),
            exact_match: fields.is_on("exact-match"),
            append_path: fields.is_on("append-path"),
            no_ws_upgrades: fields.is_on("no-ws-upgrades"),
            symlinks: symlinks(fields),
            fallback: text("fallback"),
            place: self.places.of_object(fields.brace()),
        })
    }

    /// Whether the plan can hold a mountpoint; what lwsws never matches is reported too.
    fn mountpoint(&mut self, mountpoint: &Text<'_>) -> bool {
        let path = mountpoint.value;
        if path.is_empty() {
            self.report.push(wrong_start(mountpoint));
            return false;
        }
        if !path.starts_with('/') {
            self.report.push_tolerated(wrong_start(mountpoint));
        } else if path.len() > 1 && path.ends_with('/') {
            self.report.push_tolerated(trailing_slash(mountpoint));
        } else if let Some(reason) = unreachable(path) {
            self.report.push(never_matches(mountpoint, reason));
        }
        true
    }

    fn environment(&mut self, fields: &'a Fields<'a>) -> Vec<Pair<'a>> {
        for pair in fields.pairs("cgi-env") {
            if pair.name.value.is_empty() || pair.name.value.contains('=') {
                self.report.push(variable_name(&pair.name));
            }
        }
        plain_pairs(fields.pairs("cgi-env"))
    }

    fn mimetypes(&mut self, fields: &'a Fields<'a>) -> Vec<Mime<'a>> {
        let mut types = Vec::new();
        for pair in fields.pairs("extra-mimetypes") {
            if self.field_value("extra-mimetypes", &pair.value) {
                types.push(Mime { suffix: pair.name.value, media_type: pair.value.value });
            }
        }
        types
    }

    fn documents(&mut self, fields: &Fields<'_>) {
        for (key, what) in [("default", "default document"), ("fallback", "fallback")] {
            if let Some(text) = fields.text(key).filter(|text| text.value.ends_with('/')) {
                self.report.push(document_is_folder(what, &text));
            }
        }
    }
}

fn cache(fields: &Fields<'_>) -> Cache {
    let max_age = fields.integer_or_default("cache-max-age").unwrap_or_default();
    Cache {
        max_age: number(max_age).unwrap_or_default(),
        reuse: fields.is_on("cache-reuse"),
        revalidate: fields.is_on("cache-revalidate"),
        intermediaries: fields.is_on("cache-intermediaries"),
        no_cache: fields.is_on("cache-no"),
    }
}

fn proxy(fields: &Fields<'_>) -> ProxyLimits {
    let integer = |key| fields.integer(key).map(|integer| integer.value);
    let seconds = |key| integer(key).and_then(number).map(Seconds);
    ProxyLimits {
        connect_timeout: seconds("proxy-connect-timeout"),
        answer_timeout: seconds("proxy-answer-timeout"),
        idle_timeout: seconds("proxy-idle-timeout"),
        websocket_timeout: seconds("proxy-websocket-timeout"),
        connections: integer("proxy-connections").and_then(number),
        body_limit: integer("proxy-body-limit").and_then(number),
    }
}

/// The schema lets no other word through.
fn symlinks(fields: &Fields<'_>) -> Symlinks {
    match fields.text("symlinks").map(|text| text.value) {
        Some("none") => Symlinks::None,
        Some("all") => Symlinks::All,
        _ => Symlinks::Inside,
    }
}

fn interpret<'a>(fields: &'a Fields<'a>) -> Vec<Interpret<'a>> {
    let pairs = fields.pairs("interpret");
    pairs.map(|pair| Interpret { suffix: pair.name.value, protocol: pair.value.value }).collect()
}

/// Why no path can match a mountpoint, if so. Paths are decoded and cleaned before they are matched.
fn unreachable(path: &str) -> Option<&'static str> {
    let mut segments = path.split('/').skip(1);
    if path.contains("//") {
        Some("slashes are collapsed before a path is matched")
    } else if segments.any(|segment| segment == "." || segment == "..") {
        Some("dot segments are resolved before a path is matched")
    } else if path.contains('?') {
        Some("the query is cut off before a path is matched")
    } else if has_escape(path) {
        Some("escapes are decoded before a path is matched")
    } else {
        None
    }
}

fn has_escape(path: &str) -> bool {
    path.as_bytes().windows(3).any(
        |three| matches!(three, [b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()),
    )
}

fn wrong_start(mountpoint: &Text<'_>) -> Diagnostic {
    let headline = format!("the mountpoint {} does not begin with `/`", quoted(mountpoint.value));
    Diagnostic::error(Code::MountpointStart, headline, mountpoint.span())
        .label("no path can match this")
        .note("lwsws accepts it, and never serves it")
        .fix("begin it with a slash", start(mountpoint.span()), "/")
}

fn trailing_slash(mountpoint: &Text<'_>) -> Diagnostic {
    let length = mountpoint.value.len();
    let trimmed = mountpoint.value.trim_end_matches('/').len().max(1);
    let slashes = mountpoint.span_of(trimmed..length);
    let headline = format!("the mountpoint {} ends in `/`", quoted(mountpoint.value));
    Diagnostic::error(Code::MountpointSlash, headline, slashes)
        .label("nothing below it can match")
        .note("lwsws accepts it, and serves nothing below it")
        .fix("leave the slash out", slashes, "")
}

fn never_matches(mountpoint: &Text<'_>, reason: &str) -> Diagnostic {
    let headline = format!("no path can match the mountpoint {}", quoted(mountpoint.value));
    Diagnostic::warning(Code::MountpointUnreachable, headline, mountpoint.span())
        .label("never matches")
        .note(reason)
        .help("write the path as it is once it is decoded and cleaned")
}

fn document_is_folder(what: &str, text: &Text<'_>) -> Diagnostic {
    let headline = format!("the {what} {} is a folder", quoted(text.value));
    let found = Diagnostic::warning(Code::DefaultIsFolder, headline, text.span())
        .label("names no file")
        .help("name a file, such as `index.html`, or take the key out");
    match what {
        "fallback" => found,
        _ => found.note("lwsws answers with the length of the folder and no content"),
    }
}

fn variable_name(name: &Text<'_>) -> Diagnostic {
    let headline = format!("{} cannot be the name of an environment variable", quoted(name.value));
    Diagnostic::error(Code::VariableName, headline, name.span())
        .label("empty, or with a `=`")
        .help("write the name and the value apart: `\"NAME\": \"value\"`")
}

/// The place before the first byte of a span.
fn start(span: Span) -> Span {
    Span { end: span.start, ..span }
}
