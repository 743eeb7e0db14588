//! What a vhost's TLS keys allow: suites, groups and versions, in OpenSSL's words, made into rustls's.
//!
//! rustls has nine suites, all of them with forward secrecy and authenticated encryption. Words for others select
//! nothing; a list that leaves nothing is an error, since serving with other suites than asked for would be worse.

use rustls::crypto::aws_lc_rs::{self, cipher_suite as suite, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::version::{TLS12, TLS13};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};
use schemas::plan::Tls;

/// The suites of TLS 1.3, the most preferred first.
///
/// AES-128 comes first although OpenSSL's clients list AES-256 first: its hash, SHA-256, has machine instructions
/// on every processor that matters, SHA-384 has not, and a handshake hashes a lot.
const TLS13_SUITES: [(&str, SupportedCipherSuite); 3] = [
    ("TLS_AES_128_GCM_SHA256", suite::TLS13_AES_128_GCM_SHA256),
    ("TLS_AES_256_GCM_SHA384", suite::TLS13_AES_256_GCM_SHA384),
    ("TLS_CHACHA20_POLY1305_SHA256", suite::TLS13_CHACHA20_POLY1305_SHA256),
];

/// The suites of TLS 1.2, the most preferred first, with OpenSSL's name and the words that select each.
const TLS12_SUITES: [(&str, &[&str], SupportedCipherSuite); 6] = [
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        &["AES", "AES128", "AESGCM", "ECDSA", "aECDSA"],
        suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-RSA-AES128-GCM-SHA256",
        &["AES", "AES128", "AESGCM", "aRSA"],
        suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        &["AES", "AES256", "AESGCM", "ECDSA", "aECDSA"],
        suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-RSA-AES256-GCM-SHA384",
        &["AES", "AES256", "AESGCM", "aRSA"],
        suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        &["CHACHA20", "ECDSA", "aECDSA"],
        suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "ECDHE-RSA-CHACHA20-POLY1305",
        &["CHACHA20", "aRSA"],
        suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

/// Words that select all six suites of TLS 1.2.
const ALL_WORDS: [&str; 8] = ["ALL", "DEFAULT", "HIGH", "TLSv1.2", "ECDHE", "EECDH", "kECDHE", "kEECDH"];

/// Names of groups for key exchange.
const GROUPS: [(&[&str], &dyn SupportedKxGroup); 5] = [
    (&["X25519"], kx_group::X25519),
    (&["prime256v1", "secp256r1", "P-256"], kx_group::SECP256R1),
    (&["secp384r1", "P-384"], kx_group::SECP384R1),
    (&["X25519MLKEM768"], kx_group::X25519MLKEM768),
    (&["SecP256r1MLKEM768"], kx_group::SECP256R1MLKEM768),
];

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

/// A key whose value leaves nothing to speak.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is `{value}`, which leaves nothing that this server can speak; it has {has}")]
pub(crate) struct NothingLeft {
    key: &'static str,
    value: String,
    has: String,
}

impl Policy {
    /// # Errors
    /// If a key leaves nothing.
    pub(super) fn of(tls: &Tls<'_>) -> Result<Self, NothingLeft> {
        let options = tls.option_set & !tls.option_clear;
        let mut cipher_suites = tls13_suites(tls.tls13_ciphers)?;
        cipher_suites.extend(tls12_suites(tls.ciphers)?);
        let mut provider = CryptoProvider { cipher_suites, ..aws_lc_rs::default_provider() };
        if let Some(list) = tls.ecdh_curve {
            provider.kx_groups = groups(list)?;
        }
        Ok(Self {
            provider,
            versions: versions(options)?,
            own_order: tls.option_clear & CIPHER_SERVER_PREFERENCE == 0,
            tickets: options & NO_TICKET == 0,
        })
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

fn tls13_suites(list: Option<&str>) -> Result<Vec<SupportedCipherSuite>, NothingLeft> {
    let Some(list) = list else { return Ok(TLS13_SUITES.map(|(_, suite)| suite).to_vec()) };
    let find = |word| TLS13_SUITES.into_iter().find(|(name, _)| *name == word).map(|(_, suite)| suite);
    let suites: Vec<_> = words(list).filter_map(find).collect();
    not_empty(suites, "tls13-ciphers", list, || TLS13_SUITES.map(|(name, _)| name).join(", "))
}

/// Works through an OpenSSL list: each word adds what it selects and is not there yet, `!` takes away for good, `-`
/// takes away, `+` moves to the end. Words joined by `+` select what all of them do.
fn tls12_suites(list: Option<&str>) -> Result<Vec<SupportedCipherSuite>, NothingLeft> {
    let Some(list) = list else { return Ok(TLS12_SUITES.map(|(_, _, suite)| suite).to_vec()) };
    let mut chosen: Vec<usize> = Vec::new();
    let mut banned: Vec<usize> = Vec::new();
    for word in words(list) {
        let (sign, word) = match word.split_at_checked(1) {
            Some((sign @ ("!" | "-" | "+"), rest)) => (sign, rest),
            _ => ("", word),
        };
        let selected: Vec<usize> = (0..TLS12_SUITES.len()).filter(|&index| selects(word, index)).collect();
        let is_selected = |index: &usize| selected.contains(index);
        match sign {
            "!" => {
                chosen.retain(|index| !is_selected(index));
                banned.extend(&selected);
            }
            "-" => chosen.retain(|index| !is_selected(index)),
            "+" => chosen.sort_by_key(is_selected),
            _ => {
                let new = |index: &usize| !chosen.contains(index) && !banned.contains(index);
                let added: Vec<usize> = selected.iter().copied().filter(new).collect();
                chosen.extend(added);
            }
        }
    }
    let suites = chosen.into_iter().map(|index| TLS12_SUITES[index].2).collect();
    not_empty(suites, "ciphers", list, || TLS12_SUITES.map(|(name, ..)| name).join(", "))
}

fn selects(word: &str, index: usize) -> bool {
    let (name, tags, suite) = &TLS12_SUITES[index];
    let is_standard_name = || suite.suite().as_str() == Some(word);
    word == *name
        || is_standard_name()
        || word.split('+').all(|tag| ALL_WORDS.contains(&tag) || tags.contains(&tag))
}

fn groups(list: &str) -> Result<Vec<&'static dyn SupportedKxGroup>, NothingLeft> {
    let find = |word| GROUPS.into_iter().find(|(names, _)| names.contains(&word)).map(|(_, group)| group);
    let groups: Vec<_> = words(list).filter_map(find).collect();
    not_empty(groups, "ecdh-curve", list, || GROUPS.map(|(names, _)| names[0]).join(", "))
}

fn versions(options: u64) -> Result<Vec<&'static SupportedProtocolVersion>, NothingLeft> {
    let all = [(NO_TLS13, &TLS13), (NO_TLS12, &TLS12)];
    let versions: Vec<_> =
        all.into_iter().filter(|(bit, _)| options & bit == 0).map(|(_, version)| version).collect();
    not_empty(versions, "ssl-option-set", &options.to_string(), || "TLS 1.2 and TLS 1.3".to_owned())
}

fn not_empty<T>(
    found: Vec<T>,
    key: &'static str,
    value: &str,
    has: impl FnOnce() -> String,
) -> Result<Vec<T>, NothingLeft> {
    if found.is_empty() { Err(NothingLeft { key, value: value.to_owned(), has: has() }) } else { Ok(found) }
}

/// The words of a list: OpenSSL separates them by colons, commas or blanks.
fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split([':', ',', ' ', ';']).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::testing::tls;

    fn names(ciphers: &str) -> Vec<String> {
        let suites = tls12_suites(Some(ciphers)).unwrap_or_default();
        suites
            .iter()
            .map(|suite| TLS12_SUITES.iter().find(|(.., known)| known == suite).unwrap().0.to_owned())
            .collect()
    }

    #[test]
    fn openssl_lists_select_suites() {
        let ecdsa = "ECDHE-ECDSA-AES256-GCM-SHA384";
        let rsa = "ECDHE-RSA-AES256-GCM-SHA384";
        assert_eq!(names("ECDHE-ECDSA-AES256-GCM-SHA384:DHE-RSA-AES256-GCM-SHA384"), [ecdsa]);
        assert_eq!(names("ECDHE+AES256:!MD5"), [ecdsa, rsa]);
        assert_eq!(names("AES256 CHACHA20 !aRSA -CHACHA20 HIGH +AES128").len(), 3);
        assert_eq!(names("ECDHE-RSA-AES256-GCM-SHA384,AES256"), [rsa, ecdsa]);
        assert_eq!(names("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"), [rsa]);
        assert_eq!(names("HIGH:!ALL:AES128"), [""; 0]);
        assert_eq!(names("HIGH").len(), 6);
    }

    #[test]
    fn what_leaves_nothing_is_an_error() {
        for tls in [
            Tls { ciphers: Some("RC4-SHA"), ..tls("c", "k") },
            Tls { tls13_ciphers: Some("TLS_AES_128_CCM_SHA256"), ..tls("c", "k") },
            Tls { ecdh_curve: Some("secp521r1"), ..tls("c", "k") },
            Tls { option_set: NO_TLS12 | NO_TLS13, ..tls("c", "k") },
        ] {
            let error = Policy::of(&tls).unwrap_err().to_string();
            assert!(error.contains("leaves nothing"), "{error}");
        }
    }

    #[test]
    fn options_choose_versions_order_and_tickets() {
        let all = Policy::of(&tls("c", "k")).unwrap();
        assert!(all.versions.len() == 2 && all.own_order && all.tickets);
        let some = Tls {
            option_set: NO_TLS13 | NO_TICKET,
            option_clear: CIPHER_SERVER_PREFERENCE,
            ecdh_curve: Some("prime256v1"),
            ..tls("c", "k")
        };
        let some = Policy::of(&some).unwrap();
        assert!(some.versions == [&TLS12] && !some.own_order && !some.tickets);
        assert_eq!(some.provider.kx_groups.len(), 1);
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
