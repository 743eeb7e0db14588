//! `origin`: the scheme says what is mounted.

use schemas::plan::Origin;

use super::Lowering;
use crate::diagnostic::{Code, Diagnostic, quoted};
use crate::schema::{Text, closest};

/// All schemes, as they are written.
const SCHEMES: [&str; 9] = [
    "file://",
    "cgi://",
    "callback://",
    "http://",
    "https://",
    ">http://",
    ">https://",
    "gzip://",
    // Written so in the documentation, where the program has `>`.
    "^https://",
];

impl<'a> Lowering<'a, '_> {
    /// Takes an origin apart; none if it is wrong.
    pub(super) fn origin(&mut self, text: &Text<'a>) -> Option<Origin<'a>> {
        let origin = text.value;
        if let Some(url) = origin.strip_prefix('>') {
            return self.redirect(text, url);
        }
        if let Some(url) = origin.strip_prefix('^') {
            let redirect = self.redirect(text, url)?;
            self.report.push(caret(text));
            return Some(redirect);
        }
        if let Some(docroot) = self.after(text, "file://") {
            return Some(Origin::File { docroot: self.path(text, docroot)? });
        }
        if let Some(program) = self.after(text, "cgi://") {
            return Some(Origin::Cgi { program: self.path(text, program)? });
        }
        if let Some(protocol) = self.after(text, "callback://") {
            return Some(Origin::Callback { protocol: self.not_empty(text, protocol)? });
        }
        if let Some(path) = self.after(text, "gzip://") {
            return Some(Origin::Gzip { path: self.not_empty(text, path)? });
        }
        if let Some(target) = self.after(text, "http://") {
            return self.upstream(text, target, false).map(Origin::Proxy);
        }
        if let Some(target) = self.after(text, "https://") {
            return self.upstream(text, target, true).map(Origin::Proxy);
        }
        self.report.push(unknown_scheme(text));
        None
    }

    fn after(&self, text: &Text<'a>, scheme: &str) -> Option<&'a str> {
        text.value.strip_prefix(scheme)
    }

    /// `>http://HOST…`; `url` is what follows the mark.
    fn redirect(&mut self, text: &Text<'a>, url: &'a str) -> Option<Origin<'a>> {
        let Some(rest) = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")) else {
            self.report.push(unknown_scheme(text));
            return None;
        };
        self.not_empty(text, rest)?;
        self.field_value("origin", text).then_some(Origin::Redirect { url })
    }

    fn path(&mut self, text: &Text<'a>, path: &'a str) -> Option<&'a str> {
        let path = self.not_empty(text, path)?;
        // Who gives a relative `--ddir` has chosen so.
        let ddir = self.config.resolved.ddir;
        let is_chosen = !ddir.is_empty() && path.starts_with(ddir);
        if !path.starts_with('/') && !is_chosen {
            self.report.push(relative(text, path));
        }
        Some(path)
    }

    fn not_empty(&mut self, text: &Text<'a>, rest: &'a str) -> Option<&'a str> {
        if rest.is_empty() {
            self.report.push(empty(text));
            return None;
        }
        Some(rest)
    }
}

fn unknown_scheme(text: &Text<'_>) -> Diagnostic {
    let origin = text.value;
    let headline = format!("{} is no origin that can be mounted", quoted(origin));
    let end = origin.find("://").map(|colon| colon + 3);
    let found =
        Diagnostic::error(Code::UnknownScheme, headline, text.span_of(0..end.unwrap_or(origin.len())))
            .label("unknown scheme");
    let all = SCHEMES[..SCHEMES.len() - 1].iter().map(|scheme| format!("`{scheme}`")).collect::<Vec<_>>();
    let found = found.note(format!("origins begin with one of {}", all.join(" ")));
    match end {
        None if origin.starts_with('/') => {
            let before = grammar::Span { end: text.span().start, ..text.span() };
            found.fix("for a folder", before, "file://")
        }
        None if origin.starts_with(['>', '^']) => {
            found.help("a redirect needs a whole URL: `>https://HOST/PATH`")
        }
        None => found.help("for a folder write `file:///its/path`"),
        Some(end) => match closest(&origin[..end], SCHEMES.into_iter()) {
            Some(scheme) => found.fix(format!("did you mean `{scheme}`?"), text.span_of(0..end), scheme),
            None => found,
        },
    }
}

fn caret(text: &Text<'_>) -> Diagnostic {
    let mark = text.span_of(0..1);
    Diagnostic::remark(Code::CaretRedirect, "`^` is read as `>`, a redirect", mark)
        .note("so says the documentation of lwsws; the program itself knows only `>`")
        .fix("the usual spelling", mark, ">")
}

fn empty(text: &Text<'_>) -> Diagnostic {
    let headline = format!("the origin {} names nothing", quoted(text.value));
    Diagnostic::error(Code::EmptyOrigin, headline, text.span())
        .label("nothing after the scheme")
        .help("name the folder, program, protocol or host behind the scheme")
}

fn relative(text: &Text<'_>, path: &str) -> Diagnostic {
    let headline = format!("the path {} is relative", quoted(path));
    let start = text.value.len() - path.len();
    Diagnostic::warning(Code::RelativePath, headline, text.span_of(start..text.value.len()))
        .label("does not begin with `/`")
        .note("it would be looked for below the folder that the server is started in")
        .help("write the whole path, with three slashes: `file:///srv/www`")
}
