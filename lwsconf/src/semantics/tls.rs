//! TLS: what a certificate needs, what needs a certificate, and what OpenSSL's lists and bits come to.

mod group;
mod list;
mod option;
mod suite;

use grammar::Span;
use schemas::plan::{ClientTls, Group, Suite, Tls, TlsVersion};

use super::Lowering;
use super::rules::enumerated;
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
            if self.is_missing(fields, "host-ssl-cert") {
                self.needs_certificate(fields);
            }
            return None;
        };
        if self.is_missing(fields, "host-ssl-key") {
            self.report.push(private_key_missing(fields));
        }
        let policy = self.policy(fields, &SERVER);
        Some(Tls {
            cert,
            key: text("host-ssl-key").unwrap_or_default(),
            ca: text("host-ssl-ca"),
            ciphers: text("ciphers"),
            tls13_ciphers: text("tls13-ciphers"),
            ecdh_curve: text("ecdh-curve"),
            suites: policy.suites,
            groups: policy.groups,
            min_version: policy.min_version,
            max_version: policy.max_version,
            option_set: bits(fields, "ssl-option-set"),
            option_clear: bits(fields, "ssl-option-clear"),
            alpn: text("alpn"),
            client_cert_required: fields.is_on("client-cert-required"),
            ignore_missing_cert: fields.is_on("ignore-missing-cert"),
        })
    }

    /// What the lists and bits of a vhost come to. Where they leave nothing the report has an error.
    fn policy(&mut self, fields: &'a Fields<'a>, keys: &PolicyKeys) -> Policy {
        let PolicyKeys { tls13, tls12, groups, set, clear } = keys;
        let tls13 = suite::tls13(tls13, fields.text(tls13).as_ref(), self.report);
        let tls12 = suite::tls12(tls12, fields.text(tls12).as_ref(), self.report);
        let groups = group::groups(groups, fields.text(groups).as_ref(), self.report);
        let versions = option::versions(fields, set, clear, self.report);
        let (min, max) = versions.unwrap_or((TlsVersion::Tls12, TlsVersion::Tls13));
        let mut suites = [tls13, tls12].concat();
        suites.retain(|suite| (min..=max).contains(&suite.version()));
        if suites.is_empty() && self.report.errors() == 0 {
            self.report.push(no_suite(fields, keys));
        }
        // A version without a suite cannot be spoken either.
        let spoken = || suites.iter().map(|suite| suite.version());
        let (min_version, max_version) = (spoken().min().unwrap_or(min), spoken().max().unwrap_or(max));
        Policy { suites, groups, min_version, max_version }
    }

    /// The same for outgoing connections; nothing where no key says anything.
    fn client_policy(&mut self, fields: &'a Fields<'a>) -> (Vec<Suite>, Vec<Group>) {
        let PolicyKeys { tls13, tls12, groups, set, clear } = CLIENT;
        if ![tls13, tls12, groups, set, clear].into_iter().any(|key| fields.has(key)) {
            return Default::default();
        }
        let policy = self.policy(fields, &CLIENT);
        (policy.suites, policy.groups)
    }

    /// Says it once, however many keys there are that want a certificate.
    fn needs_certificate(&mut self, fields: &Fields<'_>) {
        let is_idle = |key: &&str| fields.has(key) && fields.boolean(key).is_none_or(|switch| switch.value);
        let mut idle = NEED_CERTIFICATE.into_iter().filter(is_idle);
        let sts = fields.boolean("sts").filter(|sts| sts.value);
        let Some((key, span)) = idle.next().and_then(|key| Some((key, fields.key_span(key)?))) else {
            if let Some(sts) = sts {
                self.report.push(sts_without_tls(sts.span));
            }
            return;
        };
        let headline = format!("`{key}` does nothing in a vhost without a certificate");
        let mut found = Diagnostic::error(Code::CertificateMissing, headline, span)
            .label("this vhost speaks plain HTTP")
            .help("name a certificate with `host-ssl-cert`, or take the key out");
        let others: Vec<&str> = idle.chain(sts.map(|_| "sts")).collect();
        if !others.is_empty() {
            found = found.note(format!("the same holds for {}", enumerated(&others)));
        }
        if matches!(key, "client-cert-required" | "host-ssl-key") {
            self.report.push_tolerated(found);
        } else {
            self.report.push(found.into_warning());
        }
    }

    /// The TLS of outgoing connections.
    pub(super) fn client_tls(&mut self, fields: &'a Fields<'a>) -> ClientTls<'a> {
        let text = |key| fields.text(key).map(|text| text.value);
        let (suites, groups) = self.client_policy(fields);
        ClientTls {
            enable: fields.is_on("enable-client-ssl"),
            key: text("client-ssl-key"),
            cert: text("client-ssl-cert"),
            ca: text("client-ssl-ca"),
            ciphers: text("client-ssl-ciphers"),
            tls13_ciphers: text("client-tls13-ciphers"),
            ecdh_curve: text("client-ecdh-curve"),
            suites,
            groups,
            option_set: bits(fields, "ssl-client-option-set"),
            option_clear: bits(fields, "ssl-client-option-clear"),
        }
    }

    /// Warns once if there are certificates and `init-ssl` is not on. Differs from lwsws, which would serve those
    /// vhosts in clear without a word.
    pub(super) fn init_ssl(&mut self) {
        let global = self.config.global();
        if global.is_some_and(|global| global.is_on("init-ssl") || global.is_misspelt("init-ssl")) {
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

/// The keys that a policy is made of.
struct PolicyKeys {
    tls13: &'static str,
    tls12: &'static str,
    groups: &'static str,
    set: &'static str,
    clear: &'static str,
}

const SERVER: PolicyKeys = PolicyKeys {
    tls13: "tls13-ciphers",
    tls12: "ciphers",
    groups: "ecdh-curve",
    set: "ssl-option-set",
    clear: "ssl-option-clear",
};

const CLIENT: PolicyKeys = PolicyKeys {
    tls13: "client-tls13-ciphers",
    tls12: "client-ssl-ciphers",
    groups: "client-ecdh-curve",
    set: "ssl-client-option-set",
    clear: "ssl-client-option-clear",
};

/// What TLS of a vhost may speak.
struct Policy {
    suites: Vec<Suite>,
    groups: Vec<Group>,
    min_version: TlsVersion,
    max_version: TlsVersion,
}

fn no_suite(fields: &Fields<'_>, keys: &PolicyKeys) -> Diagnostic {
    let PolicyKeys { tls13, tls12, set, .. } = *keys;
    let place = [tls12, tls13, set, "host-ssl-cert"]
        .into_iter()
        .find_map(|key| fields.key_span(key))
        .or(fields.brace());
    let headline = "the versions and the cipher suites of TLS do not go together";
    let found = match place {
        Some(span) => Diagnostic::error(Code::NothingLeft, headline, span),
        None => Diagnostic::error(Code::NothingLeft, headline, grammar::FileId(0)),
    };
    found
        .label("no suite for any version that is left")
        .help(format!("`{tls12}` is for TLS 1.2 and `{tls13}` for TLS 1.3: allow a version that has suites"))
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

fn sts_without_tls(place: Span) -> Diagnostic {
    Diagnostic::warning(Code::StsWithoutTls, "`sts` does nothing in a vhost without a certificate", place)
        .label("this vhost speaks plain HTTP")
        .note("clients heed the header over TLS only, so it is sent over TLS only")
        .help("give the vhost a certificate with `host-ssl-cert` and `host-ssl-key`, or take `sts` out")
}
