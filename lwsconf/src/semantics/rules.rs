//! Rules beyond the schema: mistakes that show only when several keys, mounts or vhosts are looked at together.
//!
//! One file each, named after the mistake. A rule gets the lowered configuration and pushes what it finds; it changes
//! nothing, and does not know the others. What lwsws refuses or what leaves a hole in the plan is no rule but part of
//! the lowering. Errors of rules are tolerated ones: with `--compat` they are warnings, and a comment silences them.
//!
//! Rules see configurations with errors too. One that speaks of something missing therefore asks
//! [`View::whole`](super::view::View) first, so that one mistake is told once.

mod answer_header;
mod append_to_query;
mod auth_in_clear;
mod auth_on_redirect;
mod bad_origin;
mod cache_control_header;
mod cache_no_wins;
mod cached_as_no_store;
mod callback_not_listed;
mod cgi_in_docroot;
mod clear_keys;
mod client_cert_without_ca;
mod compat_ddir_once;
mod compat_files_dropped;
mod compat_global_tail;
mod compat_key_path;
mod compat_name_cut;
mod compat_strings_cut;
mod compat_tree;
mod dead_target;
mod default_outside;
pub(super) mod docroots;
mod empty_vhost;
mod exact_match_folder;
pub(super) mod follow;
mod framing_header;
mod header_twice;
mod headers;
mod interface_name;
mod interpret_not_listed;
mod key_without_effect;
mod keyword_shadowed;
mod listen_accept;
mod listener_overlap;
mod log_in_docroot;
mod mime_key_never_matches;
mod mime_key_shadowed;
mod mime_key_without_dot;
mod mime_star;
mod mime_value;
mod mountpoint_hash;
mod mountpoint_wildcard;
mod nameless_vhost;
mod not_found_external;
mod not_found_relative;
mod not_found_unserved;
mod open_origins;
mod open_socket;
mod proxy_in_clear;
mod proxy_loop;
mod raw_loop;
mod raw_option;
mod redirect_host;
mod redirect_loop;
mod rejects_everybody;
mod relative_path;
mod root_user;
mod secret_in_docroot;
mod security_headers;
mod server_version;
mod socket_perms;
mod sts_downgrade;
mod sts_header;
mod surrounding_blanks;
mod unknown_alpn;
mod unknown_option;
mod unknown_protocol;
mod unserved_type;
mod vhost_name_case;
mod vhost_name_dot;
mod vhost_name_port;
mod vhost_name_url;
mod vhost_name_wildcard;
mod websocket_option;
mod wide_docroot;
mod zero_timeout;

use super::view::{VhostView, View};
use crate::diagnostic::Report;

/// A rule.
type Rule = fn(&View<'_, '_>, &mut Report);

/// All rules. The order does not matter: findings are sorted by place.
const RULES: &[Rule] = &[
    vhost_name_url::check,
    vhost_name_port::check,
    vhost_name_wildcard::check,
    vhost_name_dot::check,
    vhost_name_case::check,
    nameless_vhost::check,
    empty_vhost::check,
    listener_overlap::check,
    interface_name::check,
    exact_match_folder::check,
    mountpoint_hash::check,
    mountpoint_wildcard::check,
    surrounding_blanks::check,
    relative_path::check,
    redirect_loop::check,
    proxy_loop::check,
    dead_target::check,
    sts_downgrade::check,
    append_to_query::check,
    redirect_host::check,
    mime_key_never_matches::check,
    mime_key_shadowed::check,
    mime_key_without_dot::check,
    mime_value::check,
    mime_star::check,
    default_outside::check,
    unserved_type::check,
    key_without_effect::check,
    auth_on_redirect::check,
    cached_as_no_store::check,
    cache_no_wins::check,
    cgi_in_docroot::check,
    secret_in_docroot::check,
    log_in_docroot::check,
    wide_docroot::check,
    unknown_option::check,
    unknown_protocol::check,
    callback_not_listed::check,
    interpret_not_listed::check,
    bad_origin::check,
    open_origins::check,
    listen_accept::check,
    raw_loop::check,
    raw_option::check,
    websocket_option::check,
    not_found_relative::check,
    not_found_external::check,
    not_found_unserved::check,
    clear_keys::check,
    framing_header::check,
    header_twice::check,
    answer_header::check,
    cache_control_header::check,
    sts_header::check,
    security_headers::check,
    auth_in_clear::check,
    proxy_in_clear::check,
    client_cert_without_ca::check,
    unknown_alpn::check,
    open_socket::check,
    socket_perms::check,
    server_version::check,
    root_user::check,
    zero_timeout::check,
    rejects_everybody::check,
    keyword_shadowed::check,
];

/// Rules that tell what lwsws does in silence; with `--compat` only.
const COMPAT_RULES: &[Rule] = &[
    compat_files_dropped::check,
    compat_strings_cut::check,
    compat_global_tail::check,
    compat_ddir_once::check,
    compat_key_path::check,
    compat_name_cut::check,
];

/// Runs all rules.
pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for rule in RULES {
        rule(view, report);
    }
    if report.compat() {
        for rule in COMPAT_RULES {
            rule(view, report);
        }
    }
}

/// Whether a vhost lists a protocol; or may do so, where that part of it cannot be read.
fn listed(view: &View<'_, '_>, vhost: &VhostView<'_, '_>, protocol: &str) -> bool {
    let is_listed = vhost.plan.protocols.iter().any(|listed| listed.name == protocol);
    is_listed || !view.whole || vhost.fields.is_misspelt("ws-protocols")
}

/// Names in backticks, with commas and an `and`.
pub(super) fn enumerated(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => quoted.concat(),
    }
}
