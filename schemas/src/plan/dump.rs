//! A plan as stable text, for `lwsconf show` and for fixtures.
//!
//! One line a key in lwsws's spelling, two blanks of indent a level, texts quoted. Keys that are absent, empty or
//! off are left out. Every struct is taken apart field by field, so that a new field cannot be forgotten here.

mod mount;
mod vhost;

use std::fmt::{Debug, Display, Write};

use super::preamble::hex;
use super::{Bind, FORMAT_VERSION, Families, Global, Limits, Listener, Plan, Sources};

/// The whole plan as text, ending in a newline.
#[must_use]
pub fn dump(plan: &Plan) -> String {
    let mut out = Out { plan, text: String::new(), depth: 0 };
    out.line("plan", format_args!("format {FORMAT_VERSION}"));
    out.sources(&plan.sources());
    out.global(&plan.global());
    for (number, listener) in plan.listeners().listeners.iter().enumerate() {
        out.listener(number, listener);
    }
    for id in plan.vhost_ids() {
        out.vhost(id, &plan.vhost(id));
    }
    out.text
}

/// The text so far, and how deep the next line is indented.
struct Out<'p> {
    plan: &'p Plan,
    text: String,
    depth: usize,
}

impl Out<'_> {
    fn line(&mut self, key: &str, value: impl Display) {
        let indent = self.depth * 2;
        let written = writeln!(self.text, "{:indent$}{key}: {value}", "");
        debug_assert!(written.is_ok(), "a String takes any text");
    }

    /// A value that stands only where the config has it.
    fn some<T: Debug>(&mut self, key: &str, value: Option<T>) {
        if let Some(value) = value {
            self.line(key, format_args!("{value:?}"));
        }
    }

    /// A switch that stands only where it is on.
    fn flag(&mut self, key: &str, on: bool) {
        if on {
            self.line(key, "on");
        }
    }

    fn nested(&mut self, lines: impl FnOnce(&mut Self)) {
        self.depth += 1;
        lines(self);
        self.depth -= 1;
    }

    fn sources(&mut self, sources: &Sources<'_>) {
        let Sources { files, ddir } = sources;
        for file in files {
            self.line("source", format_args!("{:?} blake3 {}", file.name, hex(&file.hash[..8])));
        }
        self.line("_lws_ddir_", format_args!("{ddir:?}"));
    }

    fn global(&mut self, global: &Global<'_>) {
        let Global {
            uid,
            gid,
            username,
            groupname,
            count_threads,
            init_ssl,
            server_string,
            plugin_dirs,
            ws_pingpong,
            reject_service_keywords,
            timeout,
            default_alpn,
            ip_limit_ah,
            ip_limit_wsi,
            rlimit_nofile,
            limit_cgi_programs,
            access_logs: _, // told by the vhosts
            limits,
            places: _, // the keys' lines move with every comment: not part of what is compared
        } = global;
        self.line("global", "");
        self.nested(|out| {
            out.some("uid", *uid);
            out.some("gid", *gid);
            out.some("username", *username);
            out.some("groupname", *groupname);
            out.some("count-threads", *count_threads);
            out.flag("init-ssl", *init_ssl);
            out.some("server-string", *server_string);
            plugin_dirs.iter().for_each(|dir| out.some("plugin-dir", Some(dir)));
            out.some("ws-pingpong-secs", ws_pingpong.map(|s| s.0));
            for entry in reject_service_keywords {
                let text = format!("{:?} {} {:?}", entry.keyword, entry.status, entry.text);
                out.line("reject-service-keyword", text);
            }
            out.some("timeout-secs", timeout.map(|s| s.0));
            out.some("default-alpn", *default_alpn);
            out.some("ip-limit-ah", *ip_limit_ah);
            out.some("ip-limit-wsi", *ip_limit_wsi);
            out.some("rlimit-nofile", *rlimit_nofile);
            out.some("limit-cgi-programs", *limit_cgi_programs);
            out.limits(*limits);
        });
    }

    fn limits(&mut self, limits: Limits) {
        let Limits {
            request_line,
            request_head,
            request_fields,
            request_body,
            requests,
            request_rate,
            response_rate,
        } = limits;
        self.some("limit-request-line", request_line);
        self.some("limit-request-head", request_head);
        self.some("limit-request-fields", request_fields);
        self.some("limit-request-body", request_body);
        self.some("limit-requests", requests);
        self.some("min-request-rate", request_rate);
        self.some("min-response-rate", response_rate);
    }

    fn listener(&mut self, number: usize, listener: &Listener<'_>) {
        let Listener { bind, vhosts, tls, place } = listener;
        let ids: Vec<String> = vhosts.iter().map(|id| id.0.to_string()).collect();
        let at = self.plan.describe(*place);
        let bind = match bind {
            Bind::Any { port, families } => format!("port {port}{}", families_text(*families)),
            Bind::Interface { interface, port, families } => {
                format!("{interface:?} port {port}{}", families_text(*families))
            }
            Bind::Unix { path, perms: None } => format!("unix {path:?}"),
            Bind::Unix { path, perms: Some(perms) } => format!("unix {path:?} owner {perms:?}"),
        };
        let tls = if *tls { " tls" } else { "" };
        self.line(
            &format!("listener {number}"),
            format_args!("{bind}{tls} vhosts {} at {at}", ids.join(" ")),
        );
    }
}

fn families_text(families: Families) -> &'static str {
    match families {
        Families::Both => "",
        Families::V4 => " ipv4",
        Families::V6 => " ipv6",
    }
}
