//! What of a plan is not honoured, so that it is refused and said instead of ignored.
//!
//! Each struct of the plan is taken apart field by field: a new key does not compile until someone decides here
//! whether the server honours it. A key whose only effect is on something that is refused anyway counts as honoured.

use schemas::plan::{Global, Limits, Mount, Origin, Plan, Tls, Vhost};

use crate::protocol::onward;
use crate::response::layer::headers::Headers;

/// Something in the plan that is not served as it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unhonoured {
    /// The `file:line` of the config.
    pub(crate) place: String,
    /// What is refused: the whole server, a vhost, or a mount.
    pub(crate) scope: Scope,
    /// What it is about, in words, such as ``mount `/a`: `interpret` is not honoured``.
    pub(crate) what: String,
}

/// How much is refused because of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The server does not start.
    Server,
    /// Every request to the vhost is answered 501.
    Vhost,
    /// Every request to the mount is answered 501.
    Mount,
    /// Only the named header is left out.
    Header,
}

/// What of `global` is not honoured.
pub(crate) fn in_global(plan: &Plan) -> Vec<Unhonoured> {
    let global = plan.global();
    let finding = |key: &'static str| {
        let place = global.places.iter().find(|at| at.key == key);
        let place = place.map_or_else(|| "global".to_owned(), |at| plan.describe(at.place));
        let what = format!("`{key}` is not honoured, the server does not start with it");
        Unhonoured { place, scope: Scope::Server, what }
    };
    global_keys(&global).into_iter().map(finding).collect()
}

/// What of a vhost and its mounts is not honoured, in config order. Costs little where all of it is.
pub(crate) fn in_vhost(plan: &Plan, vhost: &Vhost<'_>) -> Vec<Unhonoured> {
    let mut found = Vec::new();
    let mut add = |at, scope, what| found.push(Unhonoured { place: plan.describe(at), scope, what });
    for key in vhost_keys(vhost) {
        let what = format!("vhost `{}`: `{key}` is not honoured, the vhost answers 501", vhost.name);
        add(vhost.place, Scope::Vhost, what);
    }
    for name in Headers::refused(&vhost.headers) {
        let what = format!("vhost `{}`: header `{name}` frames messages and is not sent", vhost.name);
        add(vhost.place, Scope::Header, what);
    }
    for mount in &vhost.mounts {
        let point = mount.mountpoint;
        for key in mount_keys(mount) {
            let what = format!("mount `{point}`: `{key}` is not honoured, the mount answers 501");
            add(mount.place, Scope::Mount, what);
        }
        for name in Headers::refused(&mount.headers) {
            let what = format!("mount `{point}`: header `{name}` frames messages and is not sent");
            add(mount.place, Scope::Header, what);
        }
    }
    found
}

/// Keys of `global` that are set and not honoured.
pub(crate) fn global_keys(global: &Global<'_>) -> Vec<&'static str> {
    let Global {
        uid: _,
        gid: _,
        username: _,
        groupname: _,
        count_threads: _,
        init_ssl: _, // a vhost with a certificate speaks TLS whatever it says
        server_string: _,
        plugin_dirs: _, // a protocol that is not built in is refused by its name
        ws_pingpong: _,
        reject_service_keywords: _,
        timeout: _,
        default_alpn: _,
        ip_limit_ah,
        ip_limit_wsi: _,
        rlimit_nofile: _,
        limit_cgi_programs: _,
        access_logs: _,
        limits,
        places: _,
    } = global;
    let Limits {
        request_line: _,
        request_head: _,
        request_fields: _,
        request_body: _,
        requests: _,
        request_rate: _,
        response_rate: _,
    } = limits;
    set([("ip-limit-ah", ip_limit_ah.is_some())])
}

/// Keys of a vhost that are set and not honoured.
pub(crate) fn vhost_keys(vhost: &Vhost<'_>) -> Vec<&'static str> {
    let Vhost {
        name: _,
        listener: _,
        sts: _,
        tls,
        client_tls: _, // taken apart in `boot::tls::client`
        access_log: _,
        access_log_format: _,
        mounts: _,
        protocols: _,
        keepalive_timeout: _,
        headers: _,
        error_document_404: _,
        fo_listen_queue: _, // of a listener's first vhost; the survey tells the others
        strict_host_check: _,
        allow_non_tls: _,
        redirect_http: _,
        allow_http_on_https: _,
        listen_accept_role,
        listen_accept_protocol,
        apply_listen_accept,
        fallback_listen_accept,
        disable_no_protocol_ws_upgrades: _,
        h2_half_closed_long_poll,
        place: _,
    } = vhost;
    if let Some(tls) = tls {
        all_of_tls(tls);
    }
    // Without an occasion the role is never taken, and without a role there is nobody to give connections to: neither
    // does anything in lwsws, and the compiler says so.
    let occasion = *apply_listen_accept || *fallback_listen_accept;
    let raw_is_honoured = !occasion || onward(vhost).is_some();
    set([
        ("listen-accept-role", listen_accept_role.is_some() && !raw_is_honoured),
        ("listen-accept-protocol", listen_accept_protocol.is_some() && !raw_is_honoured),
        ("h2-half-closed-long-poll", *h2_half_closed_long_poll),
    ])
}

/// All keys of TLS are honoured. Taken apart all the same: a new one does not compile until it is looked at here.
fn all_of_tls(tls: &Tls<'_>) {
    let Tls {
        cert: _,
        key: _,
        ca: _,
        ciphers: _,       // as `suites`
        tls13_ciphers: _, // as `suites`
        ecdh_curve: _,    // as `groups`
        suites: _,
        groups: _,
        min_version: _,
        max_version: _,
        option_set: _,   // as the versions
        option_clear: _, // as the versions
        alpn: _,
        client_cert_required: _,
        ignore_missing_cert: _,
    } = tls;
}

/// Keys of a mount that are set and not honoured; `origin` with its kind where that is not served.
pub(crate) fn mount_keys(mount: &Mount<'_>) -> Vec<&'static str> {
    let Mount {
        mountpoint: _,
        origin,
        default: _,
        protocol: _,  // lwsws reads it and never uses it
        auth_mask: _, // handed to callback protocols
        cgi_timeout: _,
        cgi_env: _,
        cgi_chroot: _,
        cgi_chdir: _,
        proxy: _, // taken apart in `proxy::origin`
        pmo: _,   // handed to callback protocols
        cache: _,
        extra_mimetypes: _,
        interpret: _,
        basic_auth: _,
        headers: _,
        keepalive_timeout: _,
        exact_match: _,
        append_path: _,
        no_ws_upgrades: _,
        symlinks: _,
        fallback: _,
        place: _,
    } = mount;
    let gzip = matches!(origin, Origin::Gzip { .. });
    set([("origin gzip://", gzip)])
}

fn set<const N: usize>(keys: [(&'static str, bool); N]) -> Vec<&'static str> {
    keys.into_iter().filter(|(_, set)| *set).map(|(key, _)| key).collect()
}
