//! Parses every file of `fixtures/grammar` and compares with the `.tree` beside it.
//!
//! Files in `ok` hold nothing that lwsws refuses; files in `err` hold something. A line of either may name the errors
//! that begin on it in a comment, as in `#~ CommaBeforeBrace`; then all errors of the file must be named so.
//! With `UPDATE_EXPECT=1` the expectations are written anew, to be read before they are kept.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use grammar::{FileId, LineIndex, Parse, display, parse};

#[test]
fn ok_files_hold_nothing_that_lwsws_refuses() {
    check_all("ok", |parse| parse.errors.iter().all(|error| error.kind.tolerated()));
}

#[test]
fn err_files_hold_something_that_lwsws_refuses() {
    check_all("err", |parse| !parse.errors.iter().all(|error| error.kind.tolerated()));
}

#[test]
fn every_expectation_belongs_to_a_fixture() {
    for folder in ["ok", "err"] {
        for tree in files(folder, "tree") {
            assert!(tree.with_extension("conf").exists(), "{} belongs to nothing", tree.display());
        }
    }
}

fn check_all(folder: &str, belongs: fn(&Parse) -> bool) {
    let fixtures = files(folder, "conf");
    assert!(!fixtures.is_empty(), "no fixtures in {folder}");
    let faults: Vec<String> = fixtures.iter().filter_map(|fixture| check(fixture, belongs).err()).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn check(fixture: &Path, belongs: fn(&Parse) -> bool) -> Result<(), String> {
    let source = fs::read(fixture).expect("fixture is readable");
    let parse = parse(FileId(0), source);
    let found = display(&parse);
    let expectation = fixture.with_extension("tree");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&expectation, &found).expect("expectation is writable");
    }
    let name = fixture.display();
    let expected = fs::read_to_string(&expectation).unwrap_or_default();
    if found != expected {
        return Err(format!("{name} differs from its .tree, which would be:\n{found}"));
    }
    if !belongs(&parse) {
        return Err(format!("{name} is in the wrong folder"));
    }
    check_markers(&parse).map_err(|fault| format!("{name} {fault}"))
}

fn check_markers(parse: &Parse) -> Result<(), String> {
    let marked: BTreeSet<(u32, String)> = (1..)
        .zip(parse.text.lines())
        .filter_map(|(line, text)| Some((line, text.split_once("#~")?.1)))
        .flat_map(|(line, names)| names.split_whitespace().map(move |name| (line, name.to_owned())))
        .collect();
    let lines = LineIndex::new(&parse.text);
    let line = |offset| lines.position(&parse.text, offset).line;
    let found: BTreeSet<_> =
        parse.errors.iter().map(|error| (line(error.span.start), format!("{:?}", error.kind))).collect();
    if marked.is_empty() || found == marked {
        return Ok(());
    }
    Err(format!("marks {marked:?} but has {found:?}"))
}

fn files(folder: &str, suffix: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/grammar").join(folder);
    let entries = fs::read_dir(&folder).expect("folder is readable");
    let paths = entries.map(|entry| entry.expect("entry is readable").path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|it| it == suffix)).collect();
    paths.sort();
    paths
}
