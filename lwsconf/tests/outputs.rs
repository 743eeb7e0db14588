//! What the program writes for machines: SARIF, annotations, schemas, completions, manual pages.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly, its helpers too")]

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use serde_json::{Value, json};

const MOUNT: &str = r#""mounts": [ { "mountpoint": "/", "origin": "file:///srv" } ]"#;

fn config(conf: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("conf"), conf).unwrap();
    dir
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lwsconf"));
    for name in ["LWS_DDIR", "NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR"] {
        command.env_remove(name);
    }
    command
}

fn lwsconf(arguments: &[&str]) -> Output {
    command().args(arguments).output().unwrap()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// The SARIF of a config directory, checked against the published schema.
fn sarif(dir: &Path) -> Value {
    let output = lwsconf(&["check", dir.to_str().unwrap(), "--format", "sarif"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(published_schema()).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
    document
}

/// The schema of SARIF 2.1.0, which lies in the source of the crate `serde-sarif`.
fn published_schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
        let arguments = ["metadata", "--format-version", "1", "--offline", "--locked"];
        let output = Command::new(cargo)
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
        let packages = metadata["packages"].as_array().unwrap();
        let package = packages.iter().find(|package| package["name"] == "serde-sarif").unwrap();
        let manifest = Path::new(package["manifest_path"].as_str().unwrap());
        let schema = fs::read_to_string(manifest.with_file_name("src").join("schema.json")).unwrap();
        // Two patterns, of languages, have a bracket too many, which strict readers of patterns refuse.
        let (slip, meant) = ("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}?$");
        assert_eq!(schema.matches(slip).count(), 2);
        serde_json::from_str(&schema.replace(slip, meant)).unwrap()
    });
    &SCHEMA
}

#[test]
fn sarif_of_a_clean_configuration_has_no_results() {
    let dir = config(&format!(r#"{{ "vhosts": [ {{ "port": 7681, "interface": "lo", {MOUNT} }} ] }}"#));
    let document = sarif(dir.path());
    assert_eq!(document["version"], "2.1.0");
    let errors = document["runs"][0]["results"].as_array().unwrap().iter();
    assert_eq!(errors.filter(|result| result["level"] == "error").count(), 0, "{document:#}");
}

#[test]
fn sarif_tells_places_rules_and_fixes() {
    // The key stands behind characters of two bytes and of two UTF-16 units.
    let dir = config(&format!(
        "{{ \"vhosts\": [ {{ # \u{e9}\n\"name\": \"\u{e9}\u{1f600}\", \"prot\": 80, {MOUNT} }} ] }}"
    ));
    let document = sarif(dir.path());
    let run = &document["runs"][0];
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let base = run["originalUriBaseIds"]["CONFIG"]["uri"].as_str().unwrap();
    assert_eq!(base, format!("file://{}/", dir.path().display()));
    let results = run["results"].as_array().unwrap();
    let unknown = results.iter().find(|result| result["ruleId"] == "L0201").unwrap();
    let region = json!({ "startLine": 2, "startColumn": 15, "endLine": 2, "endColumn": 21 });
    let place = &unknown["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"], json!({ "uri": "conf", "uriBaseId": "CONFIG" }));
    assert_eq!(place["region"], region);
    let replacement = &unknown["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(replacement["deletedRegion"], region);
    assert_eq!(replacement["insertedContent"]["text"], "\"port\"");
    let rule =
        &run["tool"]["driver"]["rules"][usize::try_from(unknown["ruleIndex"].as_u64().unwrap()).unwrap()];
    assert_eq!((rule["id"].as_str(), rule["name"].as_str()), (Some("L0201"), Some("UnknownKey")));
    assert_eq!(rule["shortDescription"]["text"], "an unknown key");
    assert!(rule["help"]["markdown"].as_str().unwrap().starts_with("# L0201: "));
}

#[test]
fn sarif_tells_related_places_and_whole_files() {
    let dir = config(&format!(r#"{{ "vhosts": [ {{ "port": 1, "port": 2, {MOUNT} }} ] }}"#));
    fs::create_dir(dir.path().join("conf.d")).unwrap();
    fs::write(dir.path().join("conf.d/a b%.bak"), "").unwrap();
    let document = sarif(dir.path());
    let results = document["runs"][0]["results"].as_array().unwrap();
    let twice = results.iter().find(|result| result["ruleId"] == "L0206").unwrap();
    assert_eq!(twice["level"], "error");
    let first = &twice["relatedLocations"][0];
    assert_eq!(first["message"]["text"], "first given here");
    assert_eq!(first["physicalLocation"]["region"]["startColumn"], 17);
    let leftover = results.iter().find(|result| result["ruleId"] == "L0103").unwrap();
    let place = &leftover["locations"][0]["physicalLocation"];
    assert_eq!(
        place,
        &json!({ "artifactLocation": { "uri": "conf.d/a%20b%25.bak", "uriBaseId": "CONFIG" } })
    );
}

#[test]
fn sarif_doubles_the_braces_of_messages() {
    let dir = config("");
    let document = sarif(dir.path());
    let results = document["runs"][0]["results"].as_array().unwrap();
    let nothing = results.iter().find(|result| result["ruleId"] == "L0301").unwrap();
    assert!(nothing["message"]["text"].as_str().unwrap().contains("{{ \"vhosts\": ["), "{nothing:#}");
}

#[test]
fn annotations_are_one_line_each_and_escaped() {
    let dir = config(&format!("{{ \"vhosts\": [ {{ \"port\": 80,\n \"a%\\nb\": 1, {MOUNT} }} ] }}"));
    let output = lwsconf(&["check", dir.path().to_str().unwrap(), "--format", "github"]);
    assert_eq!(output.status.code(), Some(1));
    let lines = text(output.stdout);
    let conf = dir.path().join("conf");
    let expected = format!(
        "::error file={},line=2,col=2,endLine=2,endColumn=9,title=L0201::unknown key `a%25\\nb` in a vhost: no such \
         key here%0Anote: lwsws ignores keys that it does not know, and all that stands in them%0Ahelp: take it out; `lwsconf \
         schema` lists all keys, and comments begin with `#`",
        conf.display()
    );
    assert!(lines.lines().any(|line| line == expected), "{expected}\n{lines}");
    assert!(lines.lines().all(|line| line.starts_with("::")), "{lines}");
}

#[test]
fn annotations_escape_names_of_files() {
    let dir = config(&format!(r#"{{ "vhosts": [ {{ "port": 80, {MOUNT} }} ] }}"#));
    fs::create_dir(dir.path().join("conf.d")).unwrap();
    fs::write(dir.path().join("conf.d/a,b:c%.old"), "").unwrap();
    let lines = text(lwsconf(&["check", dir.path().to_str().unwrap(), "--format", "github"]).stdout);
    let annotation = lines.lines().find(|line| line.contains("title=L0103")).unwrap();
    assert!(annotation.starts_with("::warning file="), "{annotation}");
    assert!(annotation.contains("/conf.d/a%2Cb%3Ac%25.old,title="), "{annotation}");
}

#[test]
fn schemas_hold_all_that_they_refer_to() {
    for level in ["conf", "global", "vhost", "mount", "ws-protocol"] {
        let output = lwsconf(&["schema", level]);
        assert_eq!(output.status.code(), Some(0));
        let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
        // Without a registry a reference to another document could not be followed.
        let validator =
            jsonschema::options().build(&schema).unwrap_or_else(|error| panic!("{level}: {error}"));
        assert!(
            !validator.is_valid(&json!({ "port": "x", "uid": "x", "mountpoint": {}, "status": {} })),
            "{level}"
        );
    }
}

#[test]
fn the_schema_of_a_file_looks_into_every_level() {
    let schema: Value = serde_json::from_slice(&lwsconf(&["schema"]).stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let file = |mount: Value, protocol: Value| {
        let vhost = json!({ "port": 80, "mounts": [mount], "ws-protocols": [ { "a": protocol } ] });
        json!({ "global": { "uid": 0 }, "vhosts": [ vhost ] })
    };
    let mount = json!({ "mountpoint": "/", "origin": "file:///srv" });
    assert!(validator.is_valid(&file(mount.clone(), json!({ "status": "ok" }))));
    assert!(!validator.is_valid(&file(json!({ "mountpoint": "/" }), json!({}))));
    assert!(!validator.is_valid(&file(mount.clone(), json!({ "status": [] }))));
    assert!(!validator.is_valid(&json!({ "global": { "zork": 1 } })));
}

#[test]
fn completions_are_there_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = lwsconf(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0));
        let script = text(output.stdout);
        for word in ["explain", "completions", "deny"] {
            assert!(script.contains(word), "{shell} lacks {word}");
        }
    }
    assert_eq!(lwsconf(&["completions", "tcl"]).status.code(), Some(2));
}

#[test]
fn manual_pages_are_there_for_the_program_and_its_commands() {
    let page = text(lwsconf(&["man"]).stdout);
    for words in [".TH lwsconf 1", "lwsconf\\-check(1)", "errors in the configuration"] {
        assert!(page.contains(words), "no {words} in\n{page}");
    }
    let page = text(lwsconf(&["man", "compile"]).stdout);
    for words in [".TH lwsconf-compile 1", "\\-\\-deny", "2  could not run"] {
        assert!(page.contains(words), "no {words} in\n{page}");
    }
    assert_eq!(lwsconf(&["man", "zork"]).status.code(), Some(2));
}

#[test]
fn every_command_tells_its_exit_codes() {
    let help = text(lwsconf(&["--help"]).stdout);
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let commands: Vec<&str> = commands.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.contains(&"check") && commands.contains(&"man"), "{commands:?}");
    for command in commands.into_iter().filter(|command| *command != "help") {
        let help = text(lwsconf(&[command, "--help"]).stdout);
        assert!(help.contains("Exit codes:\n  0  "), "{command}:\n{help}");
    }
}

#[test]
fn colours_heed_the_environment() {
    let dir = config(r#"{ "zork": 1 }"#);
    let coloured = |names: &[&str]| {
        let mut command = command();
        command.args(["check", dir.path().to_str().unwrap()]);
        command.envs(names.iter().map(|name| (name, "1")));
        text(command.output().unwrap().stderr).contains('\x1b')
    };
    assert!(!coloured(&[]));
    assert!(coloured(&["CLICOLOR_FORCE"]));
    assert!(!coloured(&["CLICOLOR_FORCE", "NO_COLOR"]));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    // More than a pipe holds, so that the program is still writing when the reader goes.
    let keys: Vec<String> = (0..5000).map(|number| format!("\"zork{number}\": 1")).collect();
    let dir = config(&format!("{{ {} }}", keys.join(",\n")));
    for format in ["short", "json", "sarif", "github"] {
        let mut command = command();
        command.args(["check", dir.path().to_str().unwrap(), "--format", format]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut [0]).unwrap();
        drop(stdout);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{format}");
        let said = text(output.stderr);
        assert!(said.ends_with("errors\n") && said.lines().count() == 1, "{format}: {said}");
    }
}

#[test]
fn what_machines_may_mend_is_clean_afterwards() {
    const BROKEN: &str = r#"{
  vhosts: [
    { name: 'a.example', “port”: 80, // the port
      "mounts": [ { "mountpoint" = "/", "origin" ">https://b.example/" }, ],
      "noipv6": on
    }
    { "name": "c.example" "port": 81, "mount": [ { "mountpoint": "/x/", "origin": "^https://b.example/" } ] },
  ]
}"#;
    let dir = config(BROKEN);
    // An edit may bring to light what stood behind it.
    for _ in 0..4 {
        let output = lwsconf(&["check", dir.path().to_str().unwrap(), "--format", "json"]);
        let findings = text(output.stdout);
        let mut edits: Vec<Value> = findings
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["fix"].take())
            .filter(|fix| !fix.is_null())
            .collect();
        let offset = |edit: &Value, key: &str| usize::try_from(edit[key].as_u64().unwrap()).unwrap();
        edits.sort_by_key(|edit| std::cmp::Reverse(offset(edit, "start")));
        let conf = dir.path().join("conf");
        let mut mended = fs::read_to_string(&conf).unwrap();
        for edit in &edits {
            let range = offset(edit, "start")..offset(edit, "end");
            mended.replace_range(range, edit["replacement"].as_str().unwrap());
        }
        fs::write(conf, mended).unwrap();
    }
    let output = lwsconf(&["check", dir.path().to_str().unwrap(), "--format", "short", "--deny", "warnings"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(output.stdout));
}
