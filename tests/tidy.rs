//! What holds for the source tree itself: what files look like, which crate may know which, what may come in.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a step of a test that fails should fail the test, there and then")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tests::repository;

#[test]
fn every_file_opens_with_what_it_is_for() {
    let texts = repository::texts("rs");
    let bad =
        texts.iter().filter(|(_, text)| !text.starts_with("//! ") || text.starts_with("//! Placeholder"));
    none(bad.map(|(file, _)| file.display()), "do not open with `//!` and what they are for");
}

#[test]
fn no_file_is_too_long_to_read() {
    let texts = repository::texts("rs");
    let long = texts.iter().filter(|(_, text)| text.lines().count() > 600);
    none(long.map(|(file, _)| file.display()), "have more than 600 lines");
}

#[test]
fn our_own_keys_stand_in_one_table() {
    let table = std::fs::read_to_string(repository::root().join("KEYS.md")).unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let mut rows: Vec<&str> = rows.collect();
    let schemas: Vec<Value> = ["global", "vhost", "mount", "ws-protocol"]
        .iter()
        .map(|level| {
            let file = repository::root().join(format!("schemas/json/{level}.schema.json"));
            serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
        })
        .collect();
    let properties = schemas.iter().flat_map(|schema| schema["properties"].as_object().unwrap());
    let mut ours: Vec<&str> = properties
        .filter(|(_, property)| property["x-since"] == "ours")
        .map(|(key, _)| key.as_str())
        .collect();
    rows.sort_unstable();
    ours.sort_unstable();
    assert_eq!(rows, ours, "KEYS.md, and the keys that the schemas call ours");
}

#[test]
fn no_test_is_ignored_or_sleeps() {
    // Put together here, so that this file does not hold them.
    let marks = [["#[", "ignore"].concat(), ["#[", "should_panic"].concat()];
    let sleep = ["thread::", "sleep("].concat();
    let texts = repository::texts("rs");
    let bad = texts.iter().filter(|(file, text)| {
        let of_tests = file.iter().any(|part| part == "tests" || part == "tests.rs");
        marks.iter().any(|mark| text.contains(mark)) || of_tests && text.contains(&sleep)
    });
    none(bad.map(|(file, _)| file.display()), "hold a test that is ignored, sleeps, or wants a panic");
}

#[test]
fn the_tree_speaks_of_itself_alone() {
    // Put together here, so that this file does not hold them.
    let outside = [
        ["/wo", "rk"].concat(),
        ["../sha", "red"].concat(),
        ["/ro", "ot/"].concat(),
        ["/ho", "me/"].concat(),
    ];
    let mut bad = Vec::new();
    // Recorded requests ask for paths of their own.
    let recorded = Path::new("tests/oracle/cases.jsonl");
    for file in repository::files().into_iter().filter(|file| file != recorded) {
        let text = std::fs::read(repository::root().join(&file)).unwrap();
        let text = String::from_utf8_lossy(&text);
        for name in &outside {
            let ends = text.match_indices(name.as_str()).map(|(at, name)| &text[at + name.len()..]);
            let mut whole = ends
                .filter(|rest| name.ends_with('/') || !rest.starts_with(|c: char| c.is_ascii_alphanumeric()));
            if whole.next().is_some() {
                bad.push(format!("{} names {name}", file.display()));
            }
        }
    }
    none(bad, "name a place outside of the tree");
}

/// The files are those that `ARCHITECTURE.md` names for it, with the reason.
#[test]
fn unsafe_code_stands_only_where_it_may() {
    let architecture = read("ARCHITECTURE.md");
    let section = architecture.split("\n## Unsafe code\n").nth(1).expect("a section on unsafe code");
    let section = section.split("\n## ").next().unwrap_or(section);
    let quoted = section.split('`').skip(1).step_by(2);
    let allowed: Vec<String> =
        quoted.filter(|word| word.ends_with(".rs")).map(|word| format!("lwsrun/src/{word}")).collect();
    assert!(!allowed.is_empty(), "{section}");
    let words = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe trait", "unsafe extern", "(unsafe_code"];
    let forbidden = "#![forbid(unsafe_code)]";
    let holds = |text: &str| {
        let code = text.lines().map(str::trim_start);
        let mut code = code.filter(|line| !line.starts_with("//") && *line != forbidden);
        code.any(|line| words.iter().any(|word| line.contains(word)))
    };
    // This file names what it looks for.
    let texts = repository::texts("rs").into_iter().filter(|(file, _)| !file.ends_with("tidy.rs"));
    let found: Vec<String> =
        texts.filter(|(_, text)| holds(text)).map(|(file, _)| file.display().to_string()).collect();
    none(
        found.iter().filter(|file| !allowed.contains(file)),
        "hold unsafe code that ARCHITECTURE.md does not know",
    );
    none(
        allowed.iter().filter(|file| !found.contains(file)),
        "hold no unsafe code, but ARCHITECTURE.md says so",
    );
    for root in ["grammar/src/lib.rs", "schemas/src/lib.rs", "lwsconf/src/lib.rs", "tests/src/lib.rs"] {
        assert!(read(root).contains(forbidden), "{root} does not forbid unsafe code");
    }
}

#[test]
fn crates_know_only_whom_they_may() {
    let metadata = metadata();
    let members = ["grammar", "schemas", "lwsconf", "lwsrun", "tests"];
    let mut arrows: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        // Path dependencies have no source.
        if !members.contains(&name) || !package["source"].is_null() {
            continue;
        }
        assert_eq!(package["publish"], Value::Array(Vec::new()), "{name} could be published");
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let inner =
            dependencies.filter(|dependency| dependency["source"].is_null() && dependency["kind"].is_null());
        let mut inner: Vec<&str> = inner.filter_map(|dependency| dependency["name"].as_str()).collect();
        inner.sort_unstable();
        arrows.insert(name, inner);
    }
    assert_eq!(arrows["grammar"], [""; 0]);
    assert_eq!(arrows["schemas"], [""; 0]);
    assert_eq!(arrows["lwsconf"], ["grammar", "schemas"]);
    assert_eq!(arrows["lwsrun"], ["schemas"]);
}

#[test]
fn the_server_holds_no_parser() {
    let tree = tree(&["--package", "lwsrun", "--edges", "normal"]);
    for crate_name in ["pest", "pest_derive", "jsonschema", "serde_json", "grammar", "lwsconf"] {
        assert!(!tree.contains_key(crate_name), "lwsrun is built with {crate_name}");
    }
    assert!(
        tree.contains_key("schemas") && tree.contains_key("hyper"),
        "this is not the tree of lwsrun: {tree:?}"
    );
    let features =
        text_of(&["tree", "--package", "lwsrun", "--edges", "normal,features", "--invert", "schemas"]);
    for feature in ["\"write\"", "\"source\""] {
        assert!(!features.contains(feature), "lwsrun turns on the feature {feature} of schemas:\n{features}");
    }
}

#[test]
fn nothing_comes_in_that_was_kept_out() {
    let tree = tree(&["--workspace", "--edges", "normal,build,dev", "--all-features"]);
    let deny = deny_list("\ndeny = [", "crate = \"");
    for name in ["ring", "openssl", "native-tls"] {
        assert!(deny.iter().any(|denied| denied == name), "deny.toml does not keep {name} out: {deny:?}");
    }
    // An entry with a version, such as `bincode@>=3`, is looked at below.
    for name in deny.iter().filter(|name| !name.contains('@')) {
        assert!(!tree.contains_key(name), "{name} is in the build");
    }
    assert_eq!(
        tree.get("bincode").map(Vec::as_slice),
        Some(&["2.0.1".to_owned()][..]),
        "the plan's bytes are those of bincode 2.0.1"
    );
}

#[test]
fn every_licence_is_one_that_was_agreed_to() {
    let allowed = deny_list("\nallow = [", "\"");
    let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
    assert!(allowed.contains(&"MIT"), "{allowed:?}");
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "only {} packages", packages.len());
    let bad = packages.iter().filter_map(|package| {
        let name = package["name"].as_str()?;
        let licence = package["license"].as_str().unwrap_or("none");
        (!is_allowed(licence, &allowed)).then(|| format!("{name}: {licence}"))
    });
    none(bad, "have another licence");
}

/// The stages are told three times: where they are called, and in the picture of the whole.
#[test]
fn stages_stand_in_the_same_order_everywhere() {
    let architecture = read("ARCHITECTURE.md");
    for (heading, source, fewest) in
        [("**lwsconf**:", "lwsconf/src/lib.rs", 5), ("**lwsrun**:", "lwsrun/src/lib.rs", 6)]
    {
        let section = architecture.split(heading).nth(1).expect("a section for each program");
        let table = section.split("\n\n").nth(1).expect("a table of stages");
        let rows = table.lines().skip(2).filter_map(|row| row.split('|').nth(1));
        let order: Vec<&str> = rows.map(str::trim).collect();
        let head: String = read(source).lines().take_while(|line| line.starts_with("//!")).collect();
        let words = head.split(|c: char| !c.is_ascii_alphabetic());
        let mut firsts: Vec<usize> = Vec::new();
        for stage in words.filter_map(|word| order.iter().position(|stage| *stage == word)) {
            if !firsts.contains(&stage) {
                firsts.push(stage);
            }
        }
        assert!(firsts.len() >= fewest, "{source} names only {} of the stages {order:?}", firsts.len());
        assert!(firsts.is_sorted(), "{source} does not name the stages in the order {order:?}");
    }
}

#[test]
fn the_architecture_names_tests_that_exist() {
    let text = read("ARCHITECTURE.md");
    let quoted = text.split('`').skip(1).step_by(2);
    let named: Vec<&str> = quoted.filter(|word| word.contains("tests/") && !word.contains('*')).collect();
    assert!(named.len() > 5, "{named:?}");
    let missing = named.into_iter().filter(|name| !repository::root().join(name).exists());
    none(missing, "are named in ARCHITECTURE.md and do not exist");
}

fn read(name: &str) -> String {
    std::fs::read_to_string(repository::root().join(name)).unwrap()
}

/// Fails if there is anything in a list, and says all of it.
fn none(bad: impl IntoIterator<Item = impl ToString>, what: &str) {
    let bad: Vec<String> = bad.into_iter().map(|item| item.to_string()).collect();
    assert!(bad.is_empty(), "these {what}:\n{}", bad.join("\n"));
}

/// Whether an SPDX expression can be met with the licences of a list. `/` is the old way to write `OR`.
fn is_allowed(expression: &str, allowed: &[&str]) -> bool {
    let expression = expression.trim();
    if let Some((left, right)) = split_outside(expression, " OR ").or_else(|| split_outside(expression, "/"))
    {
        return is_allowed(left, allowed) || is_allowed(right, allowed);
    }
    if let Some((left, right)) = split_outside(expression, " AND ") {
        return is_allowed(left, allowed) && is_allowed(right, allowed);
    }
    match expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => is_allowed(inner, allowed),
        None => allowed.contains(&expression),
    }
}

/// Splits an expression at the first `word` that stands outside of parentheses.
fn split_outside<'e>(expression: &'e str, word: &str) -> Option<(&'e str, &'e str)> {
    let mut found = expression.match_indices(word).map(|(at, _)| expression.split_at(at));
    let depth = |text: &str| text.matches('(').count() - text.matches(')').count();
    let (left, right) = found.find(|(left, _)| depth(left) == 0)?;
    Some((left, &right[word.len()..]))
}

#[test]
fn licence_expressions_are_understood() {
    let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"];
    for fine in [
        "MIT",
        "GPL-3.0 OR MIT",
        "GPL-3.0/MIT",
        "MIT AND ISC",
        "ISC AND (GPL-3.0 OR MIT)",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(is_allowed(fine, &allowed), "{fine}");
    }
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-3.0", "Apache-2.0", "none", ""] {
        assert!(!is_allowed(bad, &allowed), "{bad}");
    }
}

/// The quoted texts of a list of `deny.toml` that come after `mark`, up to the list's end.
fn deny_list(start: &str, mark: &str) -> Vec<String> {
    let text = read("deny.toml");
    let list =
        text.split(start).nth(1).and_then(|rest| rest.split("\n]").next()).expect("a list of deny.toml");
    let lines = list.lines().filter_map(|line| line.split_once(mark)?.1.split('"').next());
    lines.map(str::to_owned).collect()
}

/// Names of all crates in a dependency tree, with their versions.
fn tree(args: &[&str]) -> BTreeMap<String, Vec<String>> {
    let mut all = vec!["tree", "--prefix", "none", "--format", "{p}"];
    all.extend(args);
    let mut crates: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text_of(&all).lines() {
        let mut words = line.split(' ');
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            let versions = crates.entry(name.to_owned()).or_default();
            let version = version.trim_start_matches('v').to_owned();
            if !versions.contains(&version) {
                versions.push(version);
            }
        }
    }
    crates
}

fn metadata() -> Value {
    let host = host();
    let text = text_of(&["metadata", "--format-version", "1", "--filter-platform", &host]);
    serde_json::from_str(&text).unwrap()
}

/// What Cargo says to a question about this workspace, without asking the network.
fn text_of(args: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let args: Vec<&str> = args.iter().copied().chain(["--offline", "--locked"]).collect();
    run(Path::new(&cargo), &args)
}

/// The system that this was built for, in Cargo's words.
fn host() -> String {
    let said = run(Path::new("rustc"), &["-vV"]);
    said.lines().find_map(|line| line.strip_prefix("host: ")).expect("a line of rustc").to_owned()
}

fn run(program: &Path, args: &[&str]) -> String {
    let output = Command::new(program).args(args).current_dir(repository::root()).output().unwrap();
    assert!(
        output.status.success(),
        "{} {args:?}:\n{}",
        program.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}
