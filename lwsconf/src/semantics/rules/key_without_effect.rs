//! Keys that do nothing on the kind of mount that they stand in.

use grammar::Span;
use schemas::plan::{Cache, Mount, Origin, ProxyLimits, Symlinks};

use super::enumerated;
use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::{MountView, View};

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Files,
    Programs,
    Callbacks,
    Redirects,
    Proxies,
    Nothing,
}

const KEYS: [(&str, Purpose); 24] = [
    ("default", Purpose::Files),
    ("fallback", Purpose::Files),
    ("symlinks", Purpose::Files),
    ("extra-mimetypes", Purpose::Files),
    ("interpret", Purpose::Files),
    ("cache-max-age", Purpose::Files),
    ("cache-reuse", Purpose::Files),
    ("cache-revalidate", Purpose::Files),
    ("cache-intermediaries", Purpose::Files),
    ("cache-no", Purpose::Files),
    ("cgi-timeout", Purpose::Programs),
    ("cgi-env", Purpose::Programs),
    ("cgi-chroot", Purpose::Programs),
    ("cgi-chdir", Purpose::Programs),
    ("pmo", Purpose::Callbacks),
    ("auth-mask", Purpose::Callbacks),
    ("append-path", Purpose::Redirects),
    ("proxy-connect-timeout", Purpose::Proxies),
    ("proxy-answer-timeout", Purpose::Proxies),
    ("proxy-idle-timeout", Purpose::Proxies),
    ("proxy-websocket-timeout", Purpose::Proxies),
    ("proxy-connections", Purpose::Proxies),
    ("proxy-body-limit", Purpose::Proxies),
    ("protocol", Purpose::Nothing),
];

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for (_, mount) in view.mounts().filter(|(_, mount)| may_have_some(mount.plan)) {
        let Some((purpose, kind)) = kind(&mount.plan.origin) else { continue };
        let idle: Vec<(&str, Span)> = KEYS
            .iter()
            .filter(|(key, wanted)| *wanted != purpose && !is_for_both(key, purpose))
            .filter_map(|(key, _)| Some((*key, mount.fields.key_span(key).filter(|_| is_meant(mount, key))?)))
            .collect();
        if let Some((first, others)) = idle.split_first() {
            report.push(without_effect(*first, others, kind));
        }
    }
}

/// Whether any key may be for another kind of mount: a quick look, since nearly all mounts have none.
fn may_have_some(mount: &Mount<'_>) -> bool {
    let for_programs = mount.cgi_timeout.is_some()
        || mount.cgi_chroot.is_some()
        || mount.cgi_chdir.is_some()
        || !mount.cgi_env.is_empty();
    let for_others = mount.append_path
        || mount.proxy != ProxyLimits::default()
        || mount.auth_mask.is_some()
        || !mount.pmo.is_empty();
    let for_files = mount.default.is_some()
        || mount.fallback.is_some()
        || mount.symlinks != Symlinks::Inside
        || mount.cache != Cache::default()
        || !mount.extra_mimetypes.is_empty()
        || !mount.interpret.is_empty();
    let is_file = matches!(mount.origin, Origin::File { .. });
    for_programs || for_others || mount.protocol.is_some() || (for_files && !is_file)
}

/// The headers that keep answers in caches are added to those of an upstream as well, if the mount asks for it.
fn is_for_both(key: &str, purpose: Purpose) -> bool {
    purpose == Purpose::Proxies && key.starts_with("cache-")
}

/// A switch that is off says nothing, and so is no mistake.
fn is_meant(mount: &MountView<'_, '_>, key: &str) -> bool {
    mount.fields.boolean(key).is_none_or(|switch| switch.value)
}

/// The purpose that an origin serves, and what to call it; none for an origin that does nothing itself.
fn kind(origin: &Origin<'_>) -> Option<(Purpose, &'static str)> {
    Some(match origin {
        Origin::File { .. } => (Purpose::Files, "a mount of files"),
        Origin::Cgi { .. } => (Purpose::Programs, "a CGI program"),
        Origin::Callback { .. } => (Purpose::Callbacks, "a callback"),
        Origin::Redirect { .. } => (Purpose::Redirects, "a redirect"),
        Origin::Proxy(_) => (Purpose::Proxies, "a proxy"),
        Origin::Gzip { .. } => return None,
    })
}

fn without_effect(first: (&str, Span), others: &[(&str, Span)], kind: &str) -> Diagnostic {
    let keys = || std::iter::once(&first).chain(others).map(|(key, _)| *key);
    // The documentation of lwsws itself has these two where they do nothing.
    let is_documented = keys().all(|key| matches!(key, "default" | "protocol"));
    let severity = if is_documented { Diagnostic::remark } else { Diagnostic::warning };
    let mut found = idle(severity, first, others, &format!("on {kind}"));
    if keys().any(|key| matches!(key, "cgi-env" | "pmo")) {
        found = found.note("lwsws keeps `cgi-env` and `pmo` in one list: use the one that is for this mount");
    }
    if keys().any(|key| key.starts_with("cache-")) {
        found = found.note("cache headers are sent with files and answers of proxies only; to send one here, write it in `headers`");
    }
    found.help(take_out(others))
}

/// Keys that do nothing where they stand.
pub(super) fn idle(
    severity: fn(Code, String, Span) -> Diagnostic,
    first: (&str, Span),
    others: &[(&str, Span)],
    there: &str,
) -> Diagnostic {
    let names: Vec<&str> = std::iter::once(&first).chain(others).map(|(key, _)| *key).collect();
    let verb = if others.is_empty() { "does" } else { "do" };
    let headline = format!("{} {verb} nothing {there}", enumerated(&names));
    let found = severity(Code::KeyWithoutEffect, headline, first.1).label("without effect");
    others.iter().fold(found, |found, (_, place)| found.also(*place, "without effect"))
}

/// What to do with them.
pub(super) fn take_out(others: &[(&str, Span)]) -> &'static str {
    if others.is_empty() { "take it out" } else { "take them out" }
}
