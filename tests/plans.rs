//! Plans: what is read, what is refused and in which words, and that the same config gives the same bytes.
//!
//! The plans that are damaged here are the committed ones, so they hold what a compiler really writes.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a step of a test that fails should fail the test, there and then")]

#[path = "plans/damage.rs"]
mod damage;

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use schemas::plan::{FORMAT_VERSION, ListenerId, Plan, ReadError, dump};
use schemas::route::{Facts, route};
use tests::config::TempConfig;
use tests::{program, repository};

fn settings(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 1000, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(settings(10_000))]

    #[test]
    fn any_bytes_end_in_words(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(Plan::from_bytes(bytes).is_err());
    }

    #[test]
    fn any_damage_is_refused(damage in damage::anywhere()) {
        let good = committed();
        let damaged = damage.apply(&good);
        prop_assume!(damaged != good);
        let refused = Plan::from_bytes(damaged);
        prop_assert!(refused.is_err(), "accepted with {damage:?}");
    }

    /// Someone who repairs hash and checksums after the damage gets past the first checks. What is then accepted is
    /// a plan, so all of it can be used.
    #[test]
    fn any_sealed_damage_is_refused_or_harmless(damages in proptest::collection::vec(damage::anywhere(), 1..4)) {
        let mut bytes = committed();
        for damage in &damages {
            bytes = damage.apply(&bytes);
        }
        damage::seal(&mut bytes);
        if let Ok(plan) = Plan::from_bytes(bytes) {
            use_all(&plan);
        }
    }
}

#[test]
fn sealing_again_changes_nothing() {
    let good = committed();
    let mut sealed = good.clone();
    damage::seal(&mut sealed);
    assert_eq!(good, sealed, "the tests' own idea of a plan's hashes is not that of the writer");
}

#[test]
fn each_fault_of_the_preamble_has_its_words() {
    let good = committed();
    let changed = |at: usize, bytes: &[u8]| {
        let mut plan = good.clone();
        plan[at..at + bytes.len()].copy_from_slice(bytes);
        plan
    };
    let longer = [&good[..], b"\0"].concat();
    let version = format!("plan of format version 7, written by `lwsconf {}`", env!("CARGO_PKG_VERSION"));
    let reads = format!("this program reads version {FORMAT_VERSION}: compile the config again");
    let cases: [(&str, Vec<u8>, &[&str]); 9] = [
        ("empty", Vec::new(), &["not a plan: 0 bytes, a plan has at least 128"]),
        ("short", good[..100].to_vec(), &["not a plan: 100 bytes, a plan has at least 128"]),
        ("foreign", b"{ \"vhosts\": [] }".to_vec(), &["not a plan: begins with `{ \\\"vhost`"]),
        (
            "magic",
            changed(0, b"LWSPLAN\n"),
            &["not a plan: begins with `LWSPLAN\\n`", "a plan begins with `lwsplan\\n`"],
        ),
        ("version", changed(8, &[7, 0, 0, 0]), &[&version, &reads]),
        (
            "flags",
            changed(12, &[1, 0, 0, 0]),
            &["plan has flags 0x1, this program knows none", "compile the config again"],
        ),
        ("cut", good[..good.len() - 8].to_vec(), &["plan is damaged:", "bytes long, it says that it has"]),
        ("longer", longer, &["plan is damaged:", "bytes long, it says that it has"]),
        (
            "content",
            changed(good.len() - 16, b"x"),
            &["plan is damaged: its content has the hash", "its preamble says"],
        ),
    ];
    for (name, bytes, words) in cases {
        let error = Plan::from_bytes(bytes).expect_err(name).to_string();
        for words in words {
            assert!(error.contains(words), "{name}: `{words}` is not in `{error}`");
        }
    }
}

#[test]
fn a_forged_length_claims_no_memory() {
    // The count of source files stands first in the first section; sealed, so that the decoder gets to see it.
    let mut bytes = committed();
    let sections = u32::from_le_bytes(bytes[24..28].try_into().unwrap());
    let first = 128 + 32 * sections as usize;
    bytes[first..first + 8].copy_from_slice(&u64::MAX.to_le_bytes());
    damage::seal(&mut bytes);
    let error = Plan::from_bytes(bytes).expect_err("no plan has that many files");
    assert!(matches!(&error, ReadError::Section { section, .. } if section == "sources"), "{error}");
}

/// Plans of released versions stay readable for as long as their version is.
#[test]
fn committed_plans_stay_readable() {
    let plans = committed_plans();
    assert!(!plans.is_empty());
    for plan in plans {
        let text = fs::read_to_string(plan.with_extension("txt")).unwrap();
        assert_eq!(dump(&tests::config::open(&plan)), text, "{}", plan.display());
        let shown = program::lwsconf(["show".as_ref(), plan.as_os_str()]).expect_code(0);
        assert_eq!(shown.stdout, text, "lwsconf show {}", plan.display());
        let _ = program::lwsrun(["--check".as_ref(), plan.as_os_str()]).expect_code(0);
        use_all(&tests::config::open(&plan));
    }
}

#[test]
fn equal_configs_give_equal_bytes_wherever_they_lie() {
    let here = repository::root().join("fixtures/demo");
    let elsewhere = TempConfig::new();
    let copied = elsewhere.path("quite/another/place");
    copy(&here, &copied);
    let plans = [(&here, "one"), (&here, "two"), (&copied, "three")].map(|(folder, name)| {
        let plan = elsewhere.path(name);
        let _ = program::compile(folder, &plan, &["--ddir", "/srv/demo"]).expect_code(0);
        fs::read(plan).unwrap()
    });
    assert_eq!(plans[0], plans[1], "compiled twice");
    assert_eq!(plans[0], plans[2], "compiled from another folder");
}

#[test]
fn compat_never_changes_the_plan() {
    let folder = repository::root().join("fixtures/demo");
    let scratch = TempConfig::new();
    let plans = [&["--ddir", "/srv/demo"][..], &["--ddir", "/srv/demo", "--compat"]].map(|options| {
        let plan = scratch.path("plan");
        let _ = program::compile(&folder, &plan, options).expect_code(0);
        fs::read(plan).unwrap()
    });
    assert_eq!(plans[0], plans[1]);
}

/// Looks at everything that a plan gives.
fn use_all(plan: &Plan) {
    assert!(dump(plan).starts_with("plan: "));
    assert_ne!(plan.hash(), [0; 32]);
    assert_ne!(plan.vhost_ids().len(), 0);
    let _ = (plan.sources(), plan.global(), format!("{plan:?}"));
    for id in plan.vhost_ids() {
        let vhost = plan.vhost(id);
        assert!(plan.describe(vhost.place).contains(':'));
    }
    for (number, _) in (0..).zip(&plan.listeners().listeners) {
        for host in [None, Some("a.test"), Some("[::1]:80"), Some("")] {
            for target in ["/", "/a/b/../c%20d?e=f", "/%zz", "*"] {
                let facts =
                    Facts { listener: ListenerId(number), tls: false, host, target, user_agent: Some("x") };
                let _ = route(plan, &facts);
            }
        }
    }
}

/// The bytes of the first committed plan.
fn committed() -> Vec<u8> {
    fs::read(&committed_plans()[0]).unwrap()
}

fn committed_plans() -> Vec<PathBuf> {
    let folder = repository::root().join("fixtures/plans/v1");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut plans: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "plan")).collect();
    plans.sort();
    plans
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let from = entry.unwrap().path();
        let to = to.join(from.file_name().unwrap());
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::write(to, fs::read(from).unwrap()).unwrap();
        }
    }
}
