//! What a vhost's TLS keys allow: the plan's suites, groups and versions, made into rustls's.
//!
//! The compiler has worked out what OpenSSL's words come to; here nothing is left to interpret but a few option bits.

use rustls::crypto::aws_lc_rs::{self, cipher_suite as suite, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CipherSuite, NamedGroup, ProtocolVersion, ServerConnection, SupportedCipherSuite,
    SupportedProtocolVersion,
};
use schemas::plan::{Group, Suite, Tls, TlsVersion};

/// Bits of `ssl-option-set` that have a meaning here (`openssl/ssl.h`).
const NO_TICKET: u64 = 1 << 14;
const CIPHER_SERVER_PREFERENCE: u64 = 1 << 22;
const NO_TLS12: u64 = 1 << 27;
const NO_TLS13: u64 = 1 << 29;
const HONOURED: u64 = NO_TICKET | CIPHER_SERVER_PREFERENCE | NO_TLS12 | NO_TLS13;

/// Bits that are always set, so to speak: no SSL 3.0, TLS 1.0 or 1.1, no compression, no renegotiation.
const ALWAYS_SET: u64 = 1 << 25 | 1 << 26 | 1 << 28 | 1 << 17 | 1 << 30;

/// The policy of a vhost.
#[derive(Debug)]
pub(super) struct Policy {
    /// Suites and groups.
    pub(super) provider: CryptoProvider,
    /// TLS 1.3, TLS 1.2, or both.
    pub(super) versions: Vec<&'static SupportedProtocolVersion>,
    /// Whether this side's order of suites counts, not the client's.
    pub(super) own_order: bool,
    /// Whether sessions can be resumed by tickets.
    pub(super) tickets: bool,
}

impl Policy {
    /// The policy of these keys.
    pub(super) fn of(tls: &Tls<'_>) -> Self {
        let versions = [(TlsVersion::Tls13, &TLS13), (TlsVersion::Tls12, &TLS12)];
        let allowed = tls.min_version..=tls.max_version;
        let provider = CryptoProvider {
            cipher_suites: tls.suites.iter().copied().map(suite_of).collect(),
            kx_groups: tls.groups.iter().copied().map(group_of).collect(),
            ..aws_lc_rs::default_provider()
        };
        Self {
            provider,
            versions: versions
                .into_iter()
                .filter(|(version, _)| allowed.contains(version))
                .map(|(_, spoken)| spoken)
                .collect(),
            own_order: tls.option_clear & CIPHER_SERVER_PREFERENCE == 0,
            tickets: tls.option_set & !tls.option_clear & NO_TICKET == 0,
        }
    }
}

/// What a handshake agreed on, as far as a vhost's keys have a say in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Agreed {
    version: Option<ProtocolVersion>,
    suite: Option<CipherSuite>,
    /// `None` for a session of TLS 1.2 that was resumed.
    group: Option<NamedGroup>,
    /// Whether HTTP/2 was agreed on; HTTP/1.1 otherwise, also for clients that say nothing of it.
    pub(crate) http2: bool,
}

impl Agreed {
    /// What a handshake that is complete agreed on.
    pub(crate) fn of(session: &ServerConnection) -> Self {
        Self {
            version: session.protocol_version(),
            suite: session.negotiated_cipher_suite().map(|suite| suite.suite()),
            group: session.negotiated_key_exchange_group().map(|group| group.name()),
            http2: session.alpn_protocol() == Some(b"h2"),
        }
    }
}

/// What a vhost lets its handshakes agree on.
#[derive(Debug)]
pub(crate) struct Allowed {
    versions: Vec<ProtocolVersion>,
    suites: Vec<CipherSuite>,
    groups: Vec<NamedGroup>,
    http2: bool,
}

impl Allowed {
    /// What these keys allow; `alpn` is their ALPN list.
    pub(crate) fn by(tls: &Tls<'_>, alpn: &str) -> Self {
        let Policy { provider, versions, .. } = Policy::of(tls);
        Self {
            versions: versions.iter().map(|version| version.version).collect(),
            suites: provider.cipher_suites.iter().map(SupportedCipherSuite::suite).collect(),
            groups: provider.kx_groups.iter().map(|group| group.name()).collect(),
            http2: alpn.split(',').any(|entry| entry.trim() == "h2"),
        }
    }

    /// Whether a handshake with these keys could have come to this.
    pub(crate) fn allows(&self, agreed: &Agreed) -> bool {
        agreed.version.is_some_and(|version| self.versions.contains(&version))
            && agreed.suite.is_some_and(|suite| self.suites.contains(&suite))
            && agreed.group.is_none_or(|group| self.groups.contains(&group))
            && (self.http2 || !agreed.http2)
    }
}

/// Words about option bits that change nothing here, if there are any.
pub(crate) fn without_effect(tls: &Tls<'_>) -> Option<String> {
    let (set, clear) = (tls.option_set & !(HONOURED | ALWAYS_SET), tls.option_clear & !HONOURED);
    let words =
        |key, bits: u64| (bits != 0).then(|| format!("`{key}`: {bits} has no effect on this server's TLS"));
    let words: Vec<_> =
        [words("ssl-option-set", set), words("ssl-option-clear", clear)].into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join("; "))
}

pub(super) fn suite_of(of: Suite) -> SupportedCipherSuite {
    match of {
        Suite::Tls13Aes128Gcm => suite::TLS13_AES_128_GCM_SHA256,
        Suite::Tls13Aes256Gcm => suite::TLS13_AES_256_GCM_SHA384,
        Suite::Tls13Chacha20 => suite::TLS13_CHACHA20_POLY1305_SHA256,
        Suite::EcdsaAes128Gcm => suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        Suite::RsaAes128Gcm => suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        Suite::EcdsaAes256Gcm => suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        Suite::RsaAes256Gcm => suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        Suite::EcdsaChacha20 => suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        Suite::RsaChacha20 => suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    }
}

pub(super) fn group_of(of: Group) -> &'static dyn SupportedKxGroup {
    match of {
        Group::X25519MlKem768 => kx_group::X25519MLKEM768,
        Group::X25519 => kx_group::X25519,
        Group::Secp256r1 => kx_group::SECP256R1,
        Group::Secp384r1 => kx_group::SECP384R1,
        Group::Secp256r1MlKem768 => kx_group::SECP256R1MLKEM768,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::testing::tls;

    #[test]
    fn the_plan_chooses_suites_groups_and_versions() {
        let all = Policy::of(&tls("c", "k"));
        assert!(all.versions.len() == 2 && all.own_order && all.tickets);
        assert_eq!(all.provider.cipher_suites.len(), Suite::ALL.len());
        assert_eq!(all.provider.cipher_suites[0], suite::TLS13_AES_128_GCM_SHA256);
        let some = Tls {
            suites: vec![Suite::RsaChacha20, Suite::EcdsaAes256Gcm],
            groups: vec![Group::Secp256r1],
            max_version: TlsVersion::Tls12,
            option_set: NO_TICKET,
            option_clear: CIPHER_SERVER_PREFERENCE,
            ..tls("c", "k")
        };
        let some = Policy::of(&some);
        assert!(some.versions == [&TLS12] && !some.own_order && !some.tickets);
        let expected = [
            suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
            suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        ];
        assert_eq!(some.provider.cipher_suites, expected);
        assert_eq!(some.provider.kx_groups.len(), 1);
    }

    #[test]
    fn what_was_agreed_on_is_measured_by_each_part() {
        let agreed = Agreed {
            version: Some(ProtocolVersion::TLSv1_2),
            suite: Some(CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
            group: Some(NamedGroup::X25519),
            http2: true,
        };
        let usual = tls("c", "k");
        let allows = |tls: &Tls<'_>, alpn| Allowed::by(tls, alpn).allows(&agreed);
        assert!(allows(&usual, "http/1.1, h2"));
        assert!(!allows(&usual, "http/1.1"));
        assert!(!allows(&Tls { min_version: TlsVersion::Tls13, ..usual.clone() }, "h2"));
        assert!(!allows(&Tls { suites: vec![Suite::RsaAes256Gcm], ..usual.clone() }, "h2"));
        assert!(!allows(&Tls { groups: vec![Group::Secp256r1], ..usual.clone() }, "h2"));
        // Of a resumed session the group is not known, and it was agreed on earlier.
        let resumed = Agreed { group: None, ..agreed };
        assert!(Allowed::by(&Tls { groups: vec![Group::Secp256r1], ..usual }, "h2").allows(&resumed));
    }

    #[test]
    fn names_of_plan_and_rustls_mean_the_same() {
        for suite in Suite::ALL {
            let version =
                if suite_of(suite).version() == &TLS13 { TlsVersion::Tls13 } else { TlsVersion::Tls12 };
            assert_eq!(format!("{suite:?}").starts_with("Tls13"), version == TlsVersion::Tls13, "{suite:?}");
        }
        let group = |group| format!("{:?}", group_of(group).name()).to_lowercase();
        for each in Group::USUAL.into_iter().chain([Group::Secp256r1MlKem768]) {
            assert_eq!(group(each), format!("{each:?}").to_lowercase());
        }
    }

    #[test]
    fn options_without_effect_are_told() {
        assert_eq!(without_effect(&Tls { option_set: HONOURED | ALWAYS_SET, ..tls("c", "k") }), None);
        let words = without_effect(&Tls { option_set: 1 | NO_TLS13, option_clear: 1 << 25, ..tls("c", "k") });
        let words = words.unwrap();
        assert!(
            words.contains("`ssl-option-set`: 1 has") && words.contains("`ssl-option-clear`: 33554432"),
            "{words}"
        );
    }
}
