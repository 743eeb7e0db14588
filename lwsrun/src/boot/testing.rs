//! Plans for the unit tests of this crate.

use schemas::plan::{
    Bind, Cache, ClientTls, Families, Global, Group, Limits, Listener, ListenerId, Listeners, LogFormat,
    Mount, Origin, Place, ProxyLimits, Seconds, SourceFile, SourceId, Sources, Suite, Symlinks, Tls,
    TlsVersion, Vhost, VhostId,
};

use crate::connection::{ConnectionFacts, Presence};

/// A connection of the first listener, in clear, of nobody in particular.
pub(crate) fn connection() -> ConnectionFacts {
    ConnectionFacts {
        listener: ListenerId(0),
        tls: false,
        peer: None,
        sni_vhost: None,
        agreed: None,
        client: None,
        share: None,
        presence: Presence::default(),
    }
}

/// A place in the only source.
pub(crate) const PLACE: Place = Place { file: SourceId(0), line: 7 };

/// A `global` without a key.
pub(crate) fn global() -> Global<'static> {
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

/// A vhost `a.test` of the first listener, without mounts.
pub(crate) fn vhost() -> Vhost<'static> {
    Vhost {
        name: "a.test",
        listener: Some(ListenerId(0)),
        sts: false,
        tls: None,
        client_tls: ClientTls::default(),
        access_log: None,
        access_log_format: LogFormat::default(),
        mounts: Vec::new(),
        protocols: Vec::new(),
        keepalive_timeout: Seconds(60),
        headers: Vec::new(),
        error_document_404: None,
        fo_listen_queue: None,
        strict_host_check: false,
        allow_non_tls: false,
        redirect_http: false,
        allow_http_on_https: false,
        listen_accept_role: None,
        listen_accept_protocol: None,
        apply_listen_accept: false,
        fallback_listen_accept: false,
        disable_no_protocol_ws_upgrades: false,
        h2_half_closed_long_poll: false,
        place: PLACE,
    }
}

/// TLS keys of a vhost, without any policy.
pub(crate) fn tls<'a>(cert: &'a str, key: &'a str) -> Tls<'a> {
    Tls {
        cert,
        key,
        ca: None,
        ciphers: None,
        tls13_ciphers: None,
        ecdh_curve: None,
        suites: Suite::ALL.to_vec(),
        groups: Group::USUAL.to_vec(),
        min_version: TlsVersion::Tls12,
        max_version: TlsVersion::Tls13,
        option_set: 0,
        option_clear: 0,
        alpn: None,
        client_cert_required: false,
        ignore_missing_cert: false,
    }
}

/// A listener for one vhost.
pub(crate) fn listener(bind: Bind<'_>) -> Listener<'_> {
    Listener { bind, vhosts: vec![VhostId(0)], tls: false, place: PLACE }
}

/// The bytes of a plan.
pub(crate) fn written(global: &Global<'_>, listeners: Vec<Listener<'_>>, vhosts: &[Vhost<'_>]) -> Vec<u8> {
    let files = vec![SourceFile { name: "conf.d/site", hash: [0; 32] }];
    let sources = Sources { files, ddir: "/usr/share" };
    schemas::plan::write(&sources, global, &Listeners { listeners }, vhosts).unwrap()
}

/// The bytes of a plan with one vhost on one address.
pub(crate) fn plan_bytes(interface: &str, port: u16) -> Vec<u8> {
    let bind = Bind::Interface { interface, port, families: Families::Both };
    written(&global(), vec![listener(bind)], &[vhost()])
}

/// A mount of a folder, without any key that may be left out.
pub(crate) fn mount(mountpoint: &str) -> Mount<'_> {
    Mount {
        mountpoint,
        origin: Origin::File { docroot: "/nowhere" },
        default: None,
        protocol: None,
        auth_mask: None,
        cgi_timeout: None,
        cgi_env: Vec::new(),
        cgi_chroot: None,
        cgi_chdir: None,
        proxy: ProxyLimits::default(),
        pmo: Vec::new(),
        cache: Cache::default(),
        extra_mimetypes: Vec::new(),
        interpret: Vec::new(),
        basic_auth: None,
        headers: Vec::new(),
        keepalive_timeout: None,
        exact_match: false,
        append_path: false,
        no_ws_upgrades: false,
        symlinks: Symlinks::Inside,
        fallback: None,
        place: PLACE,
    }
}
