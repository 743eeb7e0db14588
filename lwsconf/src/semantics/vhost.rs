//! A vhost.

use std::collections::{HashMap, HashSet};

use grammar::Span;
use schemas::plan::{AccessLog, LogFormat, Mount, Seconds, Vhost};

use super::listener::Listening;
use super::url::url;
use super::{Lowering, number};
use crate::diagnostic::{Code, Diagnostic, quoted};
use crate::schema::{Fields, Text};

/// The name of a vhost that has none.
pub(super) const DEFAULT_NAME: &str = "default";

impl<'a> Lowering<'a, '_> {
    /// Lowers a vhost. Its listener is found once all vhosts are known.
    pub(super) fn vhost(&mut self, fields: &'a Fields<'a>, listening: &mut Listening<'a>) -> Vhost<'a> {
        let tls = self.tls(fields);
        self.listen(fields, tls.is_some(), listening);
        let text = |key| fields.text(key).map(|text| text.value);
        let keepalive = fields.integer_or_default("keepalive_timeout").unwrap_or_default();
        let not_found = fields.text("error-document-404");
        let not_found = not_found.filter(|text| self.field_value("error-document-404", text));
        let name = text("name").unwrap_or(DEFAULT_NAME);
        let is_tls = tls.is_some();
        let witness = |path: &str| url(listening.last()?, is_tls, name, path);
        Vhost {
            name,
            listener: None,
            sts: fields.is_on("sts"),
            tls,
            client_tls: self.client_tls(fields),
            access_log: text("access-log"),
            access_log_format: Self::log_format(fields),
            mounts: self.mounts(fields, witness),
            protocols: self.protocols(fields),
            keepalive_timeout: Seconds(number(keepalive).unwrap_or_default()),
            headers: self.headers(fields),
            error_document_404: not_found.map(|text| text.value),
            fo_listen_queue: fields.integer("fo-listen-queue").and_then(|queue| number(queue.value)),
            strict_host_check: fields.is_on("strict-host-check"),
            allow_non_tls: fields.is_on("allow-non-tls"),
            redirect_http: fields.is_on("redirect-http"),
            allow_http_on_https: fields.is_on("allow-http-on-https"),
            listen_accept_role: text("listen-accept-role"),
            listen_accept_protocol: text("listen-accept-protocol"),
            apply_listen_accept: fields.is_on("apply-listen-accept"),
            fallback_listen_accept: fields.is_on("fallback-listen-accept"),
            disable_no_protocol_ws_upgrades: fields.has("disable-no-protocol-ws-upgrades"),
            h2_half_closed_long_poll: fields.is_on("h2-half-closed-long-poll"),
            place: self.places.of_object(fields.brace()),
        }
    }

    /// `access-log-format`; the schema has refused what is none.
    fn log_format(fields: &Fields<'_>) -> LogFormat {
        let named = fields.text("access-log-format");
        let format = |name: Text<'_>| LogFormat::ALL.into_iter().find(|format| format.name() == name.value);
        named.and_then(format).unwrap_or_default()
    }

    /// Lowers the mounts of a vhost; `witness` makes the URL that a path of it is reached by.
    fn mounts(&mut self, fields: &'a Fields<'a>, witness: impl Fn(&str) -> Option<String>) -> Vec<Mount<'a>> {
        let mut mounts = Vec::new();
        let mut lowered = Vec::new();
        let mut places: HashMap<(&str, bool), Span> = HashMap::new();
        for fields in fields.objects("mounts") {
            let Some(mount) = self.mount(fields) else { continue };
            let Some(span) = fields.text("mountpoint").map(|text| text.span()) else { continue };
            // The first of two counts, so its place is kept.
            let first = *places.entry((mount.mountpoint, mount.exact_match)).or_insert(span);
            if first != span {
                let url = witness(mount.mountpoint);
                self.report.push(duplicate(mount.mountpoint, first, span, url));
            }
            mounts.push(mount);
            lowered.push(fields);
        }
        self.lowered_mounts.push(lowered);
        mounts
    }
}

/// The access logs of all vhosts, each path once.
pub(super) fn access_logs<'a>(vhosts: &[Vhost<'a>]) -> Vec<AccessLog<'a>> {
    let mut known = HashSet::new();
    let logs =
        vhosts.iter().filter_map(|vhost| Some(AccessLog { path: vhost.access_log?, place: vhost.place }));
    logs.filter(|log| known.insert(log.path)).collect()
}

fn duplicate(mountpoint: &str, first: Span, later: Span, url: Option<String>) -> Diagnostic {
    let headline = format!("a second mount at {} is never reached", quoted(mountpoint));
    let found = Diagnostic::warning(Code::DuplicateMountpoint, headline, later)
        .label("never reached")
        .also(first, "all requests go here");
    let found = match url {
        Some(url) => found.note(format!("the first answers {}", quoted(&url))),
        None => found,
    };
    found.help("take one of them out, or mount it elsewhere")
}
