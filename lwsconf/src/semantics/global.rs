//! `global`.

use std::collections::HashMap;

use grammar::Span;
use schemas::plan::{Global, KeyPlace, Limits, RejectKeyword, Seconds};

use super::{Lowering, number};
use crate::diagnostic::{Code, Diagnostic, quoted};
use crate::schema::{Fields, Pair};

impl<'a> Lowering<'a, '_> {
    pub(super) fn global(&mut self, fields: Option<&'a Fields<'a>>) -> Global<'a> {
        let Some(fields) = fields else {
            return empty();
        };
        let integer = |key| fields.integer(key).map(|integer| integer.value);
        let text = |key| fields.text(key).map(|text| text.value);
        let server_string =
            fields.text("server-string").filter(|text| self.field_value("server-string", text));
        Global {
            uid: integer("uid").and_then(number),
            gid: integer("gid").and_then(number),
            username: text("username"),
            groupname: text("groupname"),
            count_threads: integer("count-threads").and_then(number),
            init_ssl: fields.is_on("init-ssl"),
            server_string: server_string.map(|text| text.value),
            plugin_dirs: fields.texts("plugin-dir").map(|text| text.value).collect(),
            ws_pingpong: integer("ws-pingpong-secs").and_then(number).map(Seconds),
            reject_service_keywords: self.reject_keywords(fields),
            timeout: integer("timeout-secs").and_then(number).map(Seconds),
            default_alpn: text("default-alpn"),
            ip_limit_ah: integer("ip-limit-ah").and_then(number),
            ip_limit_wsi: integer("ip-limit-wsi").and_then(number),
            rlimit_nofile: integer("rlimit-nofile").and_then(number),
            limit_cgi_programs: integer("limit-cgi-programs").and_then(number),
            access_logs: Vec::new(), // once the vhosts are known
            limits: limits(fields),
            places: self.key_places(fields),
        }
    }

    /// Where each key stands, in the order of the config; of a key given several times the last place.
    fn key_places(&self, fields: &Fields<'a>) -> Vec<KeyPlace<'a>> {
        let mut last: HashMap<&str, Span> = HashMap::new();
        for (key, span) in fields.key_places() {
            let place = last.entry(key).or_insert(span);
            *place = (*place).max(span);
        }
        let mut places: Vec<(&str, Span)> = last.into_iter().collect();
        places.sort_by_key(|(_, span)| *span);
        places.into_iter().map(|(key, span)| KeyPlace { key, place: self.places.of(span) }).collect()
    }

    fn reject_keywords(&mut self, fields: &Fields<'a>) -> Vec<RejectKeyword<'a>> {
        fields.pairs("reject-service-keywords").filter_map(|pair| self.reject_keyword(&pair)).collect()
    }

    /// `"keyword": "403 text"`.
    fn reject_keyword(&mut self, pair: &Pair<'a>) -> Option<RejectKeyword<'a>> {
        let value = pair.value.value;
        let (first, text) = value.split_once(' ').unwrap_or((value, ""));
        let status: u16 = first.parse().unwrap_or_default();
        if !(100..1000).contains(&status) {
            self.report.push(no_status(pair));
            return None;
        }
        if !(400..600).contains(&status) {
            self.report.push(odd_status(pair, status));
        }
        Some(RejectKeyword { keyword: pair.name.value, status, text })
    }
}

fn limits(fields: &Fields<'_>) -> Limits {
    let integer = |key| fields.integer(key).map(|integer| integer.value);
    Limits {
        request_line: integer("limit-request-line").and_then(number),
        request_head: integer("limit-request-head").and_then(number),
        request_fields: integer("limit-request-fields").and_then(number),
        request_body: integer("limit-request-body").and_then(number),
        requests: integer("limit-requests").and_then(number),
        request_rate: integer("min-request-rate").and_then(number),
        response_rate: integer("min-response-rate").and_then(number),
    }
}

fn no_status(pair: &Pair<'_>) -> Diagnostic {
    let headline = format!("{} is rejected without a status", quoted(pair.name.value));
    Diagnostic::error(Code::RejectStatus, headline, pair.value.span())
        .label("does not begin with a status of three digits")
        .help("write a status, a blank, and a text for the error page, such as `403 go away`")
}

fn odd_status(pair: &Pair<'_>, status: u16) -> Diagnostic {
    let headline = format!("{} is rejected with status {status}", quoted(pair.name.value));
    Diagnostic::warning(Code::RejectStatus, headline, pair.value.span())
        .label("not an error to a client")
        .help("use a status from 400 to 599")
}

/// What a configuration without `global` has.
fn empty() -> Global<'static> {
    Global {
        uid: None,
        gid: None,
        username: None,
        groupname: None,
        count_threads: None,
        init_ssl: false,
        server_string: None,
        plugin_dirs: Vec::new(),
        ws_pingpong: None,
        reject_service_keywords: Vec::new(),
        timeout: None,
        default_alpn: None,
        ip_limit_ah: None,
        ip_limit_wsi: None,
        rlimit_nofile: None,
        limit_cgi_programs: None,
        access_logs: Vec::new(),
        limits: Limits::default(),
        places: Vec::new(),
    }
}
