//! The JSON Schemas are good JSON Schemas, and they say the same as the compiler.
//!
//! Three things differ by design, and are left out of the comparison:
//!
//! * a key given twice: to a JSON Schema an object has each key once;
//! * the range of a number in quotes: to a JSON Schema that is a text, whose digits it cannot compare;
//! * the length of a text: JSON Schemas count characters, the compiler bytes. No fixture tells them apart.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly, its helpers too")]

use std::fs;
use std::path::{Path, PathBuf};

use grammar::{FileId, ValueKind, Word};
use jsonschema::{Registry, Validator};
use lwsconf::Options;
use lwsconf::diagnostic::json;
use schemas::source::Level;
use serde_json::Value;

#[test]
fn the_schemas_are_valid() {
    for level in Level::ALL {
        let schema = schema(level);
        jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("{level:?}: {error}"));
        assert_eq!(schema["$id"], level.file_name());
    }
}

#[test]
fn every_property_is_described() {
    for level in Level::ALL {
        for (name, property) in schema(level)["properties"].as_object().unwrap() {
            let description = property["description"].as_str().unwrap_or_default();
            assert!(description.ends_with('.'), "{level:?}: `{name}` has no description");
            assert!(property["x-type"].is_string() && property["x-since"].is_string(), "{level:?}: `{name}`");
        }
    }
}

#[test]
fn schemas_and_compiler_agree_on_every_fixture() {
    let validator = validator();
    let mut compared = (0, 0);
    for kind in ["ok", "err"] {
        for folder in folders(&root().join("fixtures/schema").join(kind)) {
            for (file, accepted) in verdicts(&folder) {
                let parse = grammar::parse(FileId(0), fs::read(&file).unwrap());
                let (Some(root), true) = (&parse.root, parse.errors.is_empty()) else { continue };
                assert_eq!(validator.is_valid(&to_json(root)), accepted, "{}", file.display());
                if accepted { compared.0 += 1 } else { compared.1 += 1 }
            }
        }
    }
    assert!(compared.0 > 20 && compared.1 > 30, "hardly anything was compared: {compared:?}");
}

/// The files of a configuration, and whether the compiler's check of keys and values accepts each.
fn verdicts(folder: &Path) -> Vec<(PathBuf, bool)> {
    let options = Options { dir: folder.to_owned(), ..Options::default() };
    let outcome = lwsconf::check(&options).unwrap();
    let findings: Vec<Value> = outcome
        .diagnostics
        .iter()
        .map(|diagnostic| serde_json::from_str(&json::render(diagnostic, &outcome.files)).unwrap())
        .filter(|finding: &Value| counts(finding))
        .collect();
    let mut verdicts = Vec::new();
    for path in [vec![folder.join("conf")], files(&folder.join("conf.d"))].concat() {
        if path.is_file() {
            let name = path.to_str().unwrap();
            let refused = findings.iter().any(|finding| finding["file"] == name);
            verdicts.push((path, !refused));
        }
    }
    verdicts
}

/// Whether a finding is one that a JSON Schema can have too.
fn counts(finding: &Value) -> bool {
    let code = finding["code"].as_str().unwrap();
    let is_quoted = finding["file"].as_str().and_then(|file| {
        let bytes = fs::read(file).ok()?;
        Some(bytes.get(usize::try_from(finding["start"].as_u64()?).ok()?) == Some(&b'"'))
    });
    let by_design = code == "L0206" || (code == "L0203" && is_quoted == Some(true));
    finding["severity"] == "error" && code.starts_with("L02") && !by_design
}

fn validator() -> Validator {
    let mut registry = Registry::new();
    for level in Level::ALL {
        registry = registry.add(base(level), schema(level)).unwrap();
    }
    let registry = registry.prepare().unwrap();
    let whole = serde_json::json!({ "$ref": base(Level::Conf) });
    jsonschema::options().with_registry(&registry).build(&whole).unwrap()
}

fn base(level: Level) -> String {
    format!("https://schemas.invalid/{}", level.file_name())
}

fn schema(level: Level) -> Value {
    serde_json::from_str(level.schema()).unwrap()
}

/// A tree as JSON, of keys given twice the last.
fn to_json(value: &grammar::Value) -> Value {
    match &value.kind {
        ValueKind::String(text) => text.as_str().into(),
        ValueKind::Number(number) => serde_json::from_str(number).unwrap(),
        ValueKind::Word(Word::True) => true.into(),
        ValueKind::Word(Word::False) => false.into(),
        ValueKind::Word(Word::Null) | ValueKind::Bad => Value::Null,
        ValueKind::Array(items) => items.iter().map(to_json).collect(),
        ValueKind::Object(object) => object
            .members
            .iter()
            .map(|member| (member.key.text.as_str().to_owned(), to_json(&member.value)))
            .collect(),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    entries(parent, |path| path.is_dir())
}

fn files(parent: &Path) -> Vec<PathBuf> {
    entries(parent, |path| path.is_file() && !path.is_symlink() && !path.to_str().unwrap().contains('~'))
}

fn entries(parent: &Path, wanted: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.unwrap().path()).filter(|path| wanted(path)).collect();
    paths.sort();
    paths
}
