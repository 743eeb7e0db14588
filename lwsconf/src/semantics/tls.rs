//! TLS: what a certificate needs, and what needs a certificate.

use schemas::plan::{ClientTls, Tls};

use super::Lowering;
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::Fields;

/// Keys that do nothing without a certificate. The first two are refused then, rather than warned of: whoever
/// writes them counts on TLS.
const NEED_CERTIFICATE: [&str; 12] = [
    "client-cert-required",
    "host-ssl-key",
    "host-ssl-ca",
    "ciphers",
    "tls13-ciphers",
    "ecdh-curve",
    "ssl-option-set",
    "ssl-option-clear",
    "alpn",
    "allow-non-tls",
    "redirect-http",
    "allow-http-on-https",
];

impl<'a> Lowering<'a, '_> {
    /// The TLS of a vhost: there is some if it names a certificate.
    pub(super) fn tls(&mut self, fields: &'a Fields<'a>) -> Option<Tls<'a>> {
        let text = |key| fields.text(key).map(|text| text.value);
        let Some(cert) = text("host-ssl-cert") else {
            if !fields.has("host-ssl-cert") {
                self.needs_certificate(fields);
            }
            return None;
        };
        if !fields.has("host-ssl-key") {
            self.report.push(private_key_missing(fields));
        }
        Some(Tls {
            cert,
            key: text("host-ssl-key").unwrap_or_default(),
            ca: text("host-ssl-ca"),
            ciphers: text("ciphers"),
            tls13_ciphers: text("tls13-ciphers"),
            ecdh_curve: text("ecdh-curve"),
            option_set: bits(fields, "ssl-option-set"),
            option_clear: bits(fields, "ssl-option-clear"),
            alpn: text("alpn"),
            client_cert_required: fields.is_on("client-cert-required"),
            ignore_missing_cert: fields.is_on("ignore-missing-cert"),
        })
    }

    fn needs_certificate(&mut self, fields: &Fields<'_>) {
        for key in NEED_CERTIFICATE {
            let is_off = fields.boolean(key).is_some_and(|switch| !switch.value);
            if is_off || !fields.has(key) {
                continue;
            }
            let Some(span) = fields.key_span(key) else { continue };
            let headline = format!("`{key}` does nothing in a vhost without a certificate");
            let found = Diagnostic::error(Code::CertificateMissing, headline, span)
                .label("this vhost speaks plain HTTP")
                .help("name a certificate with `host-ssl-cert`, or take the key out");
            if matches!(key, "client-cert-required" | "host-ssl-key") {
                self.report.push_tolerated(found);
            } else {
                self.report.push(found.into_warning());
            }
        }
        if let Some(sts) = fields.boolean("sts").filter(|sts| sts.value) {
            let headline = "`sts` does nothing in a vhost without a certificate";
            let found = Diagnostic::warning(Code::StsWithoutTls, headline, sts.span)
                .label("this vhost speaks plain HTTP")
                .note("clients heed the header over TLS only, so it is sent over TLS only");
            self.report.push(found);
        }
    }

    /// The TLS of outgoing connections.
    pub(super) fn client_tls(&self, fields: &'a Fields<'a>) -> ClientTls<'a> {
        let text = |key| fields.text(key).map(|text| text.value);
        ClientTls {
            enable: fields.is_on("enable-client-ssl"),
            key: text("client-ssl-key"),
            cert: text("client-ssl-cert"),
            ca: text("client-ssl-ca"),
            ciphers: text("client-ssl-ciphers"),
            tls13_ciphers: text("client-tls13-ciphers"),
            ecdh_curve: text("client-ecdh-curve"),
            option_set: bits(fields, "ssl-client-option-set"),
            option_clear: bits(fields, "ssl-client-option-clear"),
        }
    }

    /// Warns once if there are certificates and `init-ssl` is not on. Differs from lwsws, which would serve those
    /// vhosts in clear without a word.
    pub(super) fn init_ssl(&mut self) {
        let global = self.config.global();
        if global.is_some_and(|global| global.is_on("init-ssl")) {
            return;
        }
        let mut certificates = self.config.vhosts().filter_map(|vhost| vhost.key_span("host-ssl-cert"));
        let Some(first) = certificates.next() else {
            return;
        };
        let headline = "a vhost names a certificate, and `init-ssl` is not on";
        let mut found = Diagnostic::warning(Code::InitSslMissing, headline, first)
            .label("served over TLS")
            .note("lwsws would serve it in clear on the same port")
            .help("add `\"init-ssl\": \"on\"` to `global`");
        if let Some(switch) = global.and_then(|global| global.boolean("init-ssl")) {
            found = found.also(switch.span, "switched off here");
        }
        let others = certificates.count();
        if others > 0 {
            found = found.note(format!("{others} more vhosts name certificates"));
        }
        self.report.push(found);
    }
}

/// The bits of a key that may stand several times.
fn bits(fields: &Fields<'_>, key: &str) -> u64 {
    fields.integers(key).fold(0, |bits, more| bits | more.value.unsigned_abs())
}

fn private_key_missing(fields: &Fields<'_>) -> Diagnostic {
    let place = fields.key_span("host-ssl-cert").or(fields.brace());
    let headline = "a certificate needs its private key";
    let found = match place {
        Some(span) => Diagnostic::error(Code::PrivateKeyMissing, headline, span),
        None => Diagnostic::error(Code::PrivateKeyMissing, headline, grammar::FileId(0)),
    };
    found.label("no `host-ssl-key` beside it").help("name the key's file with `host-ssl-key`")
}
