//! Whatever the files of a configuration hold, a check ends in words: it never panics, and every finding can be shown.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly, its helpers too")]

use std::fs;
use std::path::{Path, PathBuf};

use lwsconf::Options;
use lwsconf::diagnostic::{full, json, short};
use proptest::prelude::*;

/// A change to a file: where (per mille of its length), how many bytes to take out, what to put there.
type Change = (usize, usize, Vec<u8>);

/// What is put in: bytes of all kinds, and pieces that mean something.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "\"",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "#",
        "_lws_ddir_",
        "\\u0000",
        "\\ud800",
        "\u{feff}",
        "é",
        "\n",
        "\r\n",
        "\"port\":",
        "\"vhosts\": [",
        "\"mounts\": [{}]",
        "\"origin\": \"^https://",
        "null",
        "true",
        "-",
        "1e9",
        "99999999999",
        "\"ws-protocols\": [ { \"a\": { \"b\": [ { \"c\": 007 } ] } } ],",
        "\"headers\": [ { \"\": \"\\n\" } ],",
    ];
    prop_oneof![
        prop::sample::select(words.map(|word| word.as_bytes().to_vec()).to_vec()),
        prop::collection::vec(any::<u8>(), 0..6),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    (0..=1000_usize, 0..12_usize, piece())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_damage_ends_in_words(
        original in prop::sample::select(originals()),
        changes in prop::collection::vec(change(), 1..6),
        compat in any::<bool>(),
    ) {
        let mut bytes = fs::read(original).unwrap();
        for (place, taken, put) in changes {
            let start = bytes.len() * place / 1000;
            let end = (start + taken).min(bytes.len());
            bytes.splice(start..end, put);
        }
        check(&bytes, compat);
    }

    #[test]
    fn any_bytes_end_in_words(bytes in prop::collection::vec(any::<u8>(), 0..200), compat in any::<bool>()) {
        check(&bytes, compat);
    }
}

fn check(bytes: &[u8], compat: bool) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("conf"), bytes).unwrap();
    let options = Options { dir: dir.path().to_owned(), compat, ..Options::default() };
    let plan = dir.path().join("plan");
    let outcome = lwsconf::compile(&options, &plan).unwrap();
    for diagnostic in &outcome.diagnostics {
        assert!(!full::render(diagnostic, &outcome.files).is_empty());
        assert!(!short::render(diagnostic, &outcome.files).contains('\n'));
        assert!(!json::render(diagnostic, &outcome.files).contains('\n'));
    }
    let errors = outcome.diagnostics.iter().any(|one| one.severity() == lwsconf::diagnostic::Severity::Error);
    assert_eq!(plan.exists(), !errors, "a plan is written if and only if there is no error");
}

/// The files of all fixtures.
fn originals() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("fixtures");
    let mut files = Vec::new();
    for suite in ["schema/ok", "schema/err", "semantics/ok", "semantics/err", "lwsws"] {
        for entry in fs::read_dir(root.join(suite)).unwrap() {
            let conf = entry.unwrap().path().join("conf");
            if conf.is_file() {
                files.push(conf);
            }
        }
    }
    files.sort();
    files
}
