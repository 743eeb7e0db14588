//! A vhost with its TLS and protocols as text.

use super::Out;
use crate::plan::{ClientTls, LogFormat, OptionValue, Protocol, Tls, Vhost, VhostId};

impl Out<'_> {
    pub(super) fn vhost(&mut self, id: VhostId, vhost: &Vhost<'_>) {
        let Vhost {
            name,
            listener,
            sts,
            tls,
            client_tls,
            access_log,
            access_log_format,
            mounts,
            protocols,
            keepalive_timeout,
            headers,
            error_document_404,
            fo_listen_queue,
            strict_host_check,
            allow_non_tls,
            redirect_http,
            allow_http_on_https,
            listen_accept_role,
            listen_accept_protocol,
            apply_listen_accept,
            fallback_listen_accept,
            disable_no_protocol_ws_upgrades,
            h2_half_closed_long_poll,
            place,
        } = vhost;
        let at = self.plan.describe(*place);
        self.line(&format!("vhost {}", id.0), format_args!("{name:?} at {at}"));
        self.nested(|out| {
            match listener {
                Some(id) => out.line("listener", id.0),
                None => out.line("listener", "none"),
            }
            out.flag("sts", *sts);
            if let Some(tls) = tls {
                out.tls(tls);
            }
            out.client_tls(client_tls);
            out.some("access-log", *access_log);
            if *access_log_format != LogFormat::default() {
                out.line("access-log-format", access_log_format.name());
            }
            out.line("keepalive_timeout", keepalive_timeout.0);
            headers.iter().for_each(|h| out.line("header", format_args!("{}: {:?}", h.name, h.value)));
            out.some("error-document-404", *error_document_404);
            out.some("fo-listen-queue", *fo_listen_queue);
            out.flag("strict-host-check", *strict_host_check);
            out.flag("allow-non-tls", *allow_non_tls);
            out.flag("redirect-http", *redirect_http);
            out.flag("allow-http-on-https", *allow_http_on_https);
            out.some("listen-accept-role", *listen_accept_role);
            out.some("listen-accept-protocol", *listen_accept_protocol);
            out.flag("apply-listen-accept", *apply_listen_accept);
            out.flag("fallback-listen-accept", *fallback_listen_accept);
            out.flag("disable-no-protocol-ws-upgrades", *disable_no_protocol_ws_upgrades);
            out.flag("h2-half-closed-long-poll", *h2_half_closed_long_poll);
            mounts.iter().for_each(|mount| out.mount(mount));
            protocols.iter().for_each(|protocol| out.protocol(protocol));
        });
    }

    fn tls(&mut self, tls: &Tls<'_>) {
        let Tls {
            cert,
            key,
            ca,
            ciphers,
            tls13_ciphers,
            ecdh_curve,
            suites,
            groups,
            min_version,
            max_version,
            option_set,
            option_clear,
            alpn,
            client_cert_required,
            ignore_missing_cert,
        } = tls;
        self.line("host-ssl-cert", format_args!("{cert:?}"));
        self.line("host-ssl-key", format_args!("{key:?}"));
        self.some("host-ssl-ca", *ca);
        self.some("ciphers", *ciphers);
        self.some("tls13-ciphers", *tls13_ciphers);
        self.some("ecdh-curve", *ecdh_curve);
        self.line("tls", format_args!("{} to {}", min_version.name(), max_version.name()));
        suites.iter().for_each(|suite| self.line("suite", suite.name()));
        groups.iter().for_each(|group| self.line("group", group.name()));
        self.some("ssl-option-set", Some(*option_set).filter(|&bits| bits != 0));
        self.some("ssl-option-clear", Some(*option_clear).filter(|&bits| bits != 0));
        self.some("alpn", *alpn);
        self.flag("client-cert-required", *client_cert_required);
        self.flag("ignore-missing-cert", *ignore_missing_cert);
    }

    fn client_tls(&mut self, tls: &ClientTls<'_>) {
        let ClientTls {
            enable,
            key,
            cert,
            ca,
            ciphers,
            tls13_ciphers,
            ecdh_curve,
            suites,
            groups,
            option_set,
            option_clear,
        } = tls;
        self.flag("enable-client-ssl", *enable);
        self.some("client-ssl-key", *key);
        self.some("client-ssl-cert", *cert);
        self.some("client-ssl-ca", *ca);
        self.some("client-ssl-ciphers", *ciphers);
        self.some("client-tls13-ciphers", *tls13_ciphers);
        self.some("client-ecdh-curve", *ecdh_curve);
        suites.iter().for_each(|suite| self.line("client-suite", suite.name()));
        groups.iter().for_each(|group| self.line("client-group", group.name()));
        self.some("ssl-client-option-set", Some(*option_set).filter(|&bits| bits != 0));
        self.some("ssl-client-option-clear", Some(*option_clear).filter(|&bits| bits != 0));
    }

    fn protocol(&mut self, protocol: &Protocol<'_>) {
        let Protocol { name, default, raw, basic_auth, options, place } = protocol;
        let at = self.plan.describe(*place);
        self.line("protocol", format_args!("{name:?} at {at}"));
        self.nested(|out| {
            out.flag("default", *default);
            out.flag("raw", *raw);
            out.some("basic-auth", *basic_auth);
            for option in options {
                match option.value {
                    OptionValue::Text(text) => out.line(option.name, format_args!("{text:?}")),
                    OptionValue::Json(json) => out.line(option.name, json),
                }
            }
        });
    }
}
