//! lwsrun beside the real lwsws: recorded exchanges are replayed, and `lwsrun/COMPAT.md` must say of every case that
//! comes out differently that it does, and why. An entry for a case that agrees fails too, so the file stays true.

#![forbid(unsafe_code)]

use std::ffi::OsStr;

use tests::oracle::compat::{Verdict, entries};
use tests::oracle::{Outcome, Stage, check, replay};
use tests::program;

/// All groups of recordings, each with a config of its own.
const GROUPS: [&str; 10] =
    ["cgi", "files", "hosts", "log", "parse", "proto", "proxy", "ranges", "status", "tls"];

#[test]
fn files_and_hosts() {
    let mut outcomes = replay("files");
    outcomes.extend(replay("hosts"));
    hold(&outcomes);
    agree("files and hosts", &outcomes, 97);
}

#[test]
fn cgi() {
    let outcomes = replay("cgi");
    hold(&outcomes);
    agree("cgi", &outcomes, 97);
}

#[test]
fn log() {
    // Whatever is recorded of it is a quirk or was decided: no case counts.
    hold(&replay("log"));
}

#[test]
fn proto() {
    let outcomes = replay("proto");
    hold(&outcomes);
    agree("proto", &outcomes, 95);
    // Those of the form are about the callback mount, not about websockets.
    let of_form = |outcome: &&Outcome| {
        outcome.case.value["request"]["raw"].as_str().is_some_and(|raw| raw.starts_with("POST /formtest "))
    };
    agree("protocol-post-demo", outcomes.iter().filter(of_form), 97);
}

#[test]
fn proxy() {
    let outcomes = replay("proxy");
    hold(&outcomes);
    agree("proxy", &outcomes, 97);
}

#[test]
fn status() {
    let outcomes = replay("status");
    hold(&outcomes);
    agree("status", &outcomes, 95);
}

#[test]
fn ranges() {
    let outcomes = replay("ranges");
    hold(&outcomes);
    agree("ranges", &outcomes, 97);
}

#[test]
fn tls() {
    hold(&replay("tls"));
}

#[test]
fn parse() {
    let outcomes = check("parse");
    hold(&outcomes);
    let agree = outcomes.iter().filter(|outcome| outcome.agrees()).count();
    assert!(agree >= 30, "only {agree} of {} agree", outcomes.len());
}

#[test]
fn every_recorded_config_compiles_with_compat() {
    let mut compiled = 0;
    for group in GROUPS.into_iter().filter(|group| *group != "parse") {
        let stage = Stage::prepare(group);
        let config = stage.config(group);
        let plan = config.join("plan");
        let arguments: [&OsStr; 5] =
            ["compile".as_ref(), "--compat".as_ref(), config.as_ref(), "-o".as_ref(), plan.as_ref()];
        let done = program::lwsconf(arguments);
        assert_eq!(done.code, Some(0), "{group}: {}", done.stderr);
        assert!(!done.stderr.contains("error"), "{group}: {}", done.stderr);
        assert!(plan.metadata().is_ok_and(|plan| plan.len() > 0), "{group}: no plan");
        compiled += 1;
    }
    let folders = std::fs::read_dir(tests::repository::root().join("tests/oracle/configs")).unwrap();
    assert_eq!(compiled + 1, folders.count(), "a group is missing");
}

#[test]
fn compat_names_only_cases_that_exist() {
    let known: Vec<String> =
        GROUPS.iter().flat_map(|group| tests::oracle::cases(group)).map(|case| case.id).collect();
    let unknown: Vec<String> = entries().into_keys().filter(|id| !known.contains(id)).collect();
    assert!(unknown.is_empty(), "no such cases: {unknown:?}");
}

/// Compares outcomes with what `COMPAT.md` says, and reports all contradictions at once.
fn hold(outcomes: &[Outcome]) {
    let entries = entries();
    let mut wrong = Vec::new();
    for outcome in outcomes {
        let id = &outcome.case.id;
        let excused = outcome.case.excused.is_some();
        let said = entries.get(id).map(|entry| entry.verdict);
        let differences = outcome.differences.join("; ");
        let complaint = match (outcome.agrees(), excused, said) {
            (true, false, None) | (true, true, Some(Verdict::Same)) => continue,
            (false, true, Some(Verdict::Better)) | (false, _, Some(Verdict::Differs)) => continue,
            (true, true, None) => {
                "is a quirk, agrees, and is not in the file: has it been decided?".to_owned()
            }
            (true, _, Some(verdict)) => format!("agrees, but the file says {verdict:?}"),
            (false, _, None) => format!("is not in the file, and differs: {differences}"),
            (false, _, Some(verdict)) => format!("the file says {verdict:?}, but: {differences}"),
        };
        wrong.push(format!("{id}: {complaint}"));
    }
    assert!(
        wrong.is_empty(),
        "{} cases are not as lwsrun/COMPAT.md says:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Says how many of the cases that count agree, and holds that it is as much as so many percent.
#[allow(clippy::print_stdout, reason = "the figure is what whoever runs this wants to see")]
fn agree<'a>(what: &str, outcomes: impl IntoIterator<Item = &'a Outcome>, percent: usize) {
    let counted: Vec<_> = outcomes.into_iter().filter(|outcome| outcome.case.excused.is_none()).collect();
    let agree = counted.iter().filter(|outcome| outcome.agrees()).count();
    println!("{what}: {agree} of {} agree", counted.len());
    assert!(!counted.is_empty() && agree * 100 >= counted.len() * percent, "{what}: too few");
}
