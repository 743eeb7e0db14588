//! `ciphers` and `tls13-ciphers`: OpenSSL's lists made into the suites that are spoken here.

use std::cmp::Reverse;

use schemas::plan::{Suite, TlsVersion};

use super::list::{Unknown, nothing_left, words};
use crate::diagnostic::{Code, Report};
use crate::schema::Text;

/// Words that select all suites of TLS 1.2 here.
const ALL: [&str; 10] =
    ["ALL", "DEFAULT", "HIGH", "TLSv1.2", "ECDHE", "EECDH", "kECDHE", "kEECDH", "ECDH", "kECDH"];

/// Words that OpenSSL knows and that select none of the suites here. To exclude them is right, and needless.
const OTHERS: [&str; 60] = [
    "COMPLEMENTOFALL",
    "COMPLEMENTOFDEFAULT",
    "MEDIUM",
    "LOW",
    "EXP",
    "EXPORT",
    "EXPORT40",
    "EXPORT56",
    "eNULL",
    "NULL",
    "aNULL",
    "kRSA",
    "RSA",
    "kDHr",
    "kDHd",
    "kDH",
    "kDHE",
    "kEDH",
    "DH",
    "DHE",
    "EDH",
    "ADH",
    "AECDH",
    "kECDHr",
    "kECDHe",
    "aECDH",
    "aDSS",
    "DSS",
    "aDH",
    "aKRB5",
    "kKRB5",
    "KRB5",
    "SSLv2",
    "SSLv3",
    "TLSv1",
    "TLSv1.0",
    "TLSv1.1",
    "AESCCM",
    "AESCCM8",
    "ARIA",
    "ARIA128",
    "ARIA256",
    "CAMELLIA",
    "CAMELLIA128",
    "CAMELLIA256",
    "CBC",
    "3DES",
    "DES",
    "RC4",
    "RC2",
    "IDEA",
    "SEED",
    "MD5",
    "SHA1",
    "SHA",
    "SHA256",
    "SHA384",
    "PSK",
    "SRP",
    "GOST",
];

/// Pieces of the names of suites that nobody should speak.
const BROKEN: [&str; 13] =
    ["RC4", "RC2", "DES", "MD5", "NULL", "EXP", "ADH", "AECDH", "IDEA", "SEED", "PSK", "SRP", "ANON"];

/// The suites of TLS 1.2 that a list selects, in its order. Each word adds what it selects and is not there yet;
/// `!` takes away for good, `-` takes away, `+` moves to the end. Words joined by `+` select what all of them do.
pub(super) fn tls12(key: &str, list: Option<&Text<'_>>, report: &mut Report) -> Vec<Suite> {
    let spoken = || Suite::ALL.into_iter().filter(|suite| suite.version() == TlsVersion::Tls12);
    let Some(list) = list else { return spoken().collect() };
    let mut unknown = Unknown::new();
    let mut chosen: Vec<Suite> = Vec::new();
    let mut banned: Vec<Suite> = Vec::new();
    for (place, written) in words(list.value) {
        let (sign, word) = match written.split_at_checked(1) {
            Some((sign @ ("!" | "-" | "+" | "@"), word)) => (sign, word),
            _ => ("", written),
        };
        let selected: Vec<Suite> = spoken().filter(|suite| selects(word, *suite)).collect();
        let is_selected = |suite: &Suite| selected.contains(suite);
        match sign {
            "!" => {
                chosen.retain(|suite| !is_selected(suite));
                banned.extend(&selected);
            }
            "-" => chosen.retain(|suite| !is_selected(suite)),
            "+" => chosen.sort_by_key(is_selected),
            "@" if word == "STRENGTH" => chosen.sort_by_key(|suite| Reverse(bits(*suite))),
            "@" => {}
            _ => {
                let is_new = |suite: &Suite| !banned.contains(suite);
                for suite in selected.iter().copied().filter(is_new) {
                    if !chosen.contains(&suite) {
                        chosen.push(suite);
                    }
                }
            }
        }
        if selected.is_empty()
            && let Some(reason) = why_not(sign, word)
        {
            unknown.push(list, place, written, reason);
        }
    }
    // What is left over from a list that leaves nothing need not be said name by name.
    if chosen.is_empty() {
        report.push_tolerated(nothing_left(key, list, spoken().map(Suite::name)));
    } else if let Some(found) = unknown.finding(Code::SuiteUnknown, key, "cipher suite") {
        report.push(found);
    }
    chosen
}

/// The suites of TLS 1.3 that a list names, in its order.
pub(super) fn tls13(key: &str, list: Option<&Text<'_>>, report: &mut Report) -> Vec<Suite> {
    let spoken = || Suite::ALL.into_iter().filter(|suite| suite.version() == TlsVersion::Tls13);
    let Some(list) = list else { return spoken().collect() };
    let mut unknown = Unknown::new();
    let mut chosen = Vec::new();
    for (place, word) in words(list.value) {
        match spoken().find(|suite| suite.name() == word) {
            Some(suite) if chosen.contains(&suite) => {}
            Some(suite) => chosen.push(suite),
            None if word.starts_with("ECDHE-") || word.starts_with("DHE-") => {
                unknown.push(list, place, word, "a suite of TLS 1.2: it belongs in `ciphers`");
            }
            None => unknown.push(list, place, word, "no suite of TLS 1.3 here"),
        }
    }
    if chosen.is_empty() {
        report.push_tolerated(nothing_left(key, list, spoken().map(Suite::name)));
    } else if let Some(found) = unknown.finding(Code::SuiteUnknown, key, "cipher suite") {
        report.push(found);
    }
    chosen
}

fn selects(word: &str, suite: Suite) -> bool {
    word == suite.name() || word == standard_name(suite) || word.split('+').all(|tag| has_tag(suite, tag))
}

fn has_tag(suite: Suite, tag: &str) -> bool {
    let is_ecdsa = matches!(suite, Suite::EcdsaAes128Gcm | Suite::EcdsaAes256Gcm | Suite::EcdsaChacha20);
    let is_chacha = matches!(suite, Suite::EcdsaChacha20 | Suite::RsaChacha20);
    match tag {
        "AES" | "AESGCM" | "FIPS" => !is_chacha,
        "AES128" => bits(suite) == 128,
        "AES256" => bits(suite) == 256 && !is_chacha,
        "CHACHA20" => is_chacha,
        "ECDSA" | "aECDSA" => is_ecdsa,
        "aRSA" => !is_ecdsa,
        "SUITEB128" => is_ecdsa && !is_chacha,
        "SUITEB128ONLY" => suite == Suite::EcdsaAes128Gcm,
        "SUITEB192" => suite == Suite::EcdsaAes256Gcm,
        _ => ALL.contains(&tag),
    }
}

/// The length of the key.
fn bits(suite: Suite) -> u32 {
    match suite {
        Suite::Tls13Aes128Gcm | Suite::EcdsaAes128Gcm | Suite::RsaAes128Gcm => 128,
        _ => 256,
    }
}

/// The name in the registry of TLS, which OpenSSL takes too; none for TLS 1.3.
fn standard_name(suite: Suite) -> &'static str {
    match suite {
        Suite::Tls13Aes128Gcm | Suite::Tls13Aes256Gcm | Suite::Tls13Chacha20 => "",
        Suite::EcdsaAes128Gcm => "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        Suite::RsaAes128Gcm => "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        Suite::EcdsaAes256Gcm => "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        Suite::RsaAes256Gcm => "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        Suite::EcdsaChacha20 => "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        Suite::RsaChacha20 => "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    }
}

/// Why a word that selects nothing is worth a word; none if it is right all the same.
fn why_not(sign: &str, word: &str) -> Option<&'static str> {
    let is_known = word.split('+').all(|tag| OTHERS.contains(&tag) || has_any_tag(tag));
    if sign == "@" {
        // Every suite here is good for the third level of OpenSSL.
        let is_met =
            word == "STRENGTH" || ["SECLEVEL=0", "SECLEVEL=1", "SECLEVEL=2", "SECLEVEL=3"].contains(&word);
        return (!is_met).then_some("no such command here");
    }
    if !sign.is_empty() {
        // To take away what is not there is right, unless the word is a slip of the pen.
        return (!is_known && !word.contains(['-', '_'])).then_some("no such word");
    }
    Some(if Suite::ALL.iter().any(|suite| suite.name() == word) {
        "a suite of TLS 1.3: it belongs in `tls13-ciphers`"
    } else if BROKEN.iter().any(|piece| word.to_ascii_uppercase().contains(piece)) {
        "broken, or not for the web"
    } else if is_known {
        "selects nothing that is supported"
    } else if ["DHE-", "EDH-", "TLS_DHE_"].iter().any(|start| word.starts_with(start)) {
        "no key exchange with DHE here"
    } else if word.contains("ECDHE") {
        "no CBC, CCM, Camellia or ARIA here"
    } else if word.contains('-') || word.starts_with("TLS_") {
        "without forward secrecy"
    } else {
        "no such name"
    })
}

fn has_any_tag(tag: &str) -> bool {
    Suite::ALL.into_iter().any(|suite| has_tag(suite, tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str) -> (Vec<&'static str>, usize) {
        let mut report = Report::new(false);
        let text = Text::bare(list);
        let suites = tls12("ciphers", Some(&text), &mut report);
        (suites.into_iter().map(Suite::name).collect(), report.into_sorted().len())
    }

    #[test]
    fn openssl_lists_select_suites() {
        let ecdsa = "ECDHE-ECDSA-AES256-GCM-SHA384";
        let rsa = "ECDHE-RSA-AES256-GCM-SHA384";
        assert_eq!(names("ECDHE-ECDSA-AES256-GCM-SHA384:DHE-RSA-AES256-GCM-SHA384"), (vec![ecdsa], 1));
        assert_eq!(names("ECDHE+AES256:!MD5"), (vec![ecdsa, rsa], 0));
        assert_eq!(names("ECDHE-RSA-AES256-GCM-SHA384,AES256"), (vec![rsa, ecdsa], 0));
        assert_eq!(names("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"), (vec![rsa], 0));
        assert_eq!(names("SUITEB192"), (vec![ecdsa], 0));
        assert_eq!(names("HIGH:!aNULL:!MD5:!3DES:@SECLEVEL=2").0.len(), 6);
        assert_eq!(names("AESGCM:@STRENGTH").0[..2], [ecdsa, rsa]);
        assert_eq!(names("AES:-aRSA:+AES128").0, [ecdsa, "ECDHE-ECDSA-AES128-GCM-SHA256"]);
        assert_eq!(names("HIGH:!ALL:AES128"), (vec![], 1));
    }

    #[test]
    fn words_that_do_nothing_are_told_and_right_ones_are_not() {
        assert_eq!(names("HIGH:!aNULL:!DHE-RSA-AES128-SHA:!kRSA+AES").1, 0);
        for list in
            ["HIGH:!aNUL", "HIGH:RC4", "HIGH:AES256-SHA", "HIGH:@SECLEVEL=5", "HIGH:TLS_AES_128_GCM_SHA256"]
        {
            assert_eq!(names(list).1, 1, "{list}");
        }
    }
}
