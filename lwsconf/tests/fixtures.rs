//! Runs the compiler on every configuration in `fixtures` and compares what it says.
//!
//! * A folder in `ok` must be accepted, one in `err` refused.
//! * A line that something is said about ends in `#~ L0203`, several codes parted by blanks; where no comment can
//!   stand, `#~^ L0203` in the line below does it. What is said must be exactly what is marked.
//! * `NAME.stderr` beside the folder holds the full output, and for the examples in `lwsws` `NAME.plan.txt` the plan.
//!   `UPDATE_EXPECT=1` writes them anew.
//! * A first line `#! --compat` in `conf` gives options to the compiler.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly, its helpers too")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lwsconf::diagnostic::Code;
use serde_json::Value;

/// A configuration and where its expected output stands.
struct Fixture {
    folder: PathBuf,
    name: String,
    options: Vec<String>,
}

#[test]
fn schema_fixtures() {
    check_suite("schema");
}

#[test]
fn semantics_fixtures() {
    check_suite("semantics");
}

#[test]
fn documented_examples_compile() {
    let examples = fixtures(&root().join("lwsws"));
    assert!(examples.len() > 10, "the examples are gone");
    let check_both = |example: &Fixture| check(example, true).and_then(|()| compare_plan(example));
    let failures: Vec<String> = examples.iter().filter_map(|example| check_both(example).err()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_code_has_a_fixture_and_every_page_a_code() {
    let mut seen = String::new();
    for file in walk(&root()) {
        if file.extension().is_some_and(|extension| extension == "stderr") {
            seen.push_str(&fs::read_to_string(file).unwrap());
        }
    }
    for code in Code::ALL {
        // Files that are too large for a fixture, or too bad, are made by a test, and machines that are not fit too.
        let made = [Code::TooLarge, Code::TooMany].contains(code) || *code >= Code::UnknownAccount;
        let produced = made || seen.contains(&format!("[{code}]: "));
        assert!(produced, "no fixture produces {code}");
        assert!(code.page().starts_with(&format!("# {code}: ")), "the page of {code} is another's");
    }
    let pages = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("codes")).unwrap().count();
    assert_eq!(pages, Code::ALL.len(), "there are pages without a code");
}

fn check_suite(suite: &str) {
    let mut failures = Vec::new();
    for (kind, accepted) in [("ok", true), ("err", false)] {
        let fixtures = fixtures(&root().join(suite).join(kind));
        assert!(!fixtures.is_empty(), "no fixtures in {suite}/{kind}");
        failures.extend(fixtures.iter().filter_map(|fixture| check(fixture, accepted).err()));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("fixtures")
}

fn fixtures(folder: &Path) -> Vec<Fixture> {
    let mut fixtures = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            let options = options(&path.join("conf"));
            fixtures.push(Fixture { folder: folder.to_owned(), name, options });
        } else if let Some(of) = name.strip_suffix(".stderr").or(name.strip_suffix(".plan.txt")) {
            assert!(folder.join(of).is_dir(), "{} belongs to no fixture", path.display());
        }
    }
    fixtures.sort_by(|a, b| a.name.cmp(&b.name));
    fixtures
}

fn options(conf: &Path) -> Vec<String> {
    let text = fs::read(conf).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let first = text.lines().next().and_then(|line| line.strip_prefix("#!")).unwrap_or("");
    first.split_whitespace().map(str::to_owned).collect()
}

fn check(fixture: &Fixture, accepted: bool) -> Result<(), String> {
    let full = run(fixture, &["--format", "full", "--color", "never"]);
    let shown = String::from_utf8(full.stderr).unwrap();
    let code = if accepted { 0 } else { 1 };
    if full.status.code() != Some(code) {
        return Err(format!("{}: exit code {:?}, not {code}:\n{shown}", fixture.name, full.status.code()));
    }
    let json = run(fixture, &["--format", "json"]);
    let said = said(&String::from_utf8(json.stdout).unwrap());
    let marked = marked(fixture);
    if said != marked {
        return Err(format!("{}: said\n{said:?}\nbut marked\n{marked:?}\n{shown}", fixture.name));
    }
    compare(&fixture.folder.join(format!("{}.stderr", fixture.name)), &shown)
}

fn run(fixture: &Fixture, more: &[&str]) -> Output {
    run_word("check", fixture, more)
}

fn run_word(word: &str, fixture: &Fixture, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lwsconf"))
        .current_dir(&fixture.folder)
        .env_remove("LWS_DDIR")
        .args([word, &fixture.name])
        .args(&fixture.options)
        .args(more)
        .output()
        .unwrap()
}

/// Compiles a fixture and compares the plan's text with `NAME.plan.txt`.
fn compare_plan(fixture: &Fixture) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan");
    let compiled = run_word("compile", fixture, &["--output", plan.to_str().unwrap()]);
    assert_eq!(compiled.status.code(), Some(0), "{}", fixture.name);
    let show = Command::new(env!("CARGO_BIN_EXE_lwsconf")).arg("show").arg(&plan).output().unwrap();
    assert_eq!(show.status.code(), Some(0), "{}", fixture.name);
    let text = String::from_utf8(show.stdout).unwrap();
    compare(&fixture.folder.join(format!("{}.plan.txt", fixture.name)), &text)
}

/// A finding as a fixture marks it: file, line, code.
type Mark = (String, u64, String);

/// What was said about lines; findings about whole files have no line.
fn said(json: &str) -> Vec<Mark> {
    let mut marks: Vec<Mark> = json
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter_map(|finding| {
            let text = |key: &str| finding[key].as_str().unwrap().to_owned();
            Some((text("file"), finding["line"].as_u64()?, text("code")))
        })
        .collect();
    marks.sort();
    marks
}

fn marked(fixture: &Fixture) -> Vec<Mark> {
    let mut marks = Vec::new();
    for file in walk(&fixture.folder.join(&fixture.name)) {
        let name = file.strip_prefix(&fixture.folder).unwrap().to_str().unwrap().to_owned();
        let text = fs::read(&file).unwrap();
        for (line, number) in String::from_utf8_lossy(&text).lines().zip(1..) {
            let Some((_, codes)) = line.split_once("#~") else { continue };
            let (codes, above) = match codes.strip_prefix('^') {
                Some(codes) => (codes, 1),
                None => (codes, 0),
            };
            marks
                .extend(codes.split_whitespace().map(|code| (name.clone(), number - above, code.to_owned())));
        }
    }
    marks.sort();
    marks
}

/// All files below a folder; links are left out.
fn walk(folder: &Path) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            files.extend(walk(&entry.path()));
        } else if entry.file_type().unwrap().is_file() {
            files.insert(entry.path());
        }
    }
    files
}

fn compare(expected: &Path, shown: &str) -> Result<(), String> {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(expected, shown).unwrap();
        return Ok(());
    }
    let wanted = fs::read_to_string(expected).unwrap_or_default();
    if wanted == shown {
        return Ok(());
    }
    Err(format!("{}: expected\n{wanted}\nbut got\n{shown}", expected.display()))
}
