//! The command line: exit codes, streams and formats.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly, its helpers too")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const CLEAN: &str =
    r#"{ "vhosts": [ { "port": 7681, "mounts": [ { "mountpoint": "/", "origin": "cgi:///srv/run" } ] } ] }"#;

/// A config directory with the given files.
fn config(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn lwsconf(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lwsconf"));
    command.env_remove("LWS_DDIR").args(arguments).output().unwrap()
}

fn check(dir: &Path, more: &[&str]) -> Output {
    lwsconf(&[&["check", dir.to_str().unwrap()], more].concat())
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn a_clean_configuration_exits_with_0() {
    let dir = config(&[("conf", CLEAN)]);
    let output = check(dir.path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(err(&output), "1 file checked, nothing to complain about\n");
    assert_eq!(out(&output), "");
}

#[test]
fn errors_exit_with_1_and_warnings_with_0_unless_denied() {
    let dir = config(&[("conf", &CLEAN.replace("\"port\"", "\"zork\": 1, \"port\""))]);
    assert_eq!(check(dir.path(), &[]).status.code(), Some(1));
    assert_eq!(check(dir.path(), &["--compat"]).status.code(), Some(0));
    assert_eq!(check(dir.path(), &["--compat", "--deny", "warnings"]).status.code(), Some(1));
}

#[test]
fn what_cannot_run_exits_with_2_and_says_why() {
    let output = lwsconf(&["check", "/nowhere/at/all"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).starts_with("error: cannot read the configuration in `/nowhere/at/all`: "));
    assert_eq!(lwsconf(&["explain", "L9999"]).status.code(), Some(2));
    assert_eq!(lwsconf(&["no-such-word"]).status.code(), Some(2));
}

#[test]
fn a_directory_without_conf_is_an_error_of_the_configuration() {
    let dir = config(&[("conf.d/site", CLEAN)]);
    let output = check(dir.path(), &["--format", "short"]);
    assert_eq!(output.status.code(), Some(1));
    let conf = dir.path().join("conf");
    assert_eq!(
        out(&output),
        format!("{}: error[L0101]: the configuration has no file `conf`\n", conf.display())
    );
}

#[test]
fn short_findings_are_one_line_each_sorted_by_place() {
    let dir = config(&[
        ("conf", "{ \"zork\": 1,\n  \"a\\nb\": 2 }"),
        ("conf.d/a", &CLEAN.replace("7681", "\"x\"")),
    ]);
    let output = check(dir.path(), &["--format", "short"]);
    let root = dir.path().display();
    let expected = format!(
        "{root}/conf:1:3: error[L0201]: unknown key `zork` in the outermost object\n\
         {root}/conf:2:3: error[L0201]: unknown key `a\\nb` in the outermost object\n\
         {root}/conf.d/a:1:25: error[L0202]: `port` needs a whole number, not `x`\n"
    );
    assert_eq!(out(&output), expected);
    assert_eq!(err(&output), "2 files checked: 3 errors\n");
}

#[test]
fn json_findings_are_one_object_a_line() {
    let dir = config(&[("conf", &CLEAN.replace("port", "prot"))]);
    let output = check(dir.path(), &["--format", "json"]);
    let findings: Vec<Value> = out(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let unknown = findings.iter().find(|finding| finding["code"] == "L0201").unwrap();
    assert_eq!(unknown["severity"], "error");
    assert_eq!((unknown["line"].as_u64(), unknown["column"].as_u64()), (Some(1), Some(17)));
    assert_eq!((unknown["start"].as_u64(), unknown["end"].as_u64()), (Some(16), Some(22)));
    assert_eq!(unknown["fix"]["replacement"], "\"port\"");
}

#[test]
fn colour_is_for_terminals_or_on_demand() {
    let dir = config(&[("conf", "{ \"zork\": 1 }")]);
    assert!(!err(&check(dir.path(), &[])).contains('\x1b'));
    assert!(err(&check(dir.path(), &["--color", "always"])).contains('\x1b'));
    assert!(!err(&check(dir.path(), &["--color", "never"])).contains('\x1b'));
}

#[test]
fn a_file_that_is_too_large_is_not_read_and_the_others_are() {
    let dir = config(&[("conf", CLEAN), ("conf.d/a", ""), ("conf.d/b", "{ \"zork\": 1 }")]);
    let large = fs::File::options().write(true).open(dir.path().join("conf.d/a")).unwrap();
    large.set_len(64 * 1024 * 1024 + 1).unwrap();
    let output = check(dir.path(), &["--format", "short"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("error[L0023]"), "{}", out(&output));
    assert!(out(&output).contains("error[L0201]"), "{}", out(&output));
}

#[test]
fn findings_on_enormous_lines_are_shown_without_the_line() {
    let keys: Vec<String> = (0..3000).map(|number| format!("\"zork{number}\": 1")).collect();
    let dir = config(&[("conf", &format!("{{ {} }}", keys.join(", ")))]);
    let output = check(dir.path(), &[]);
    assert_eq!(err(&output).matches("error[L0201]").count(), 3000);
    assert!(err(&output).len() < 1_000_000, "{} bytes", err(&output).len());
}

#[test]
fn explain_prints_the_page_of_a_code() {
    let output = lwsconf(&["explain", "l0201"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(out(&output).starts_with("# L0201: "));
}

#[test]
fn help_tells_the_exit_codes() {
    let output = lwsconf(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    for line in ["0  clean, or only warnings", "1  errors in the configuration", "2  could not run"] {
        assert!(out(&output).contains(line), "{}", out(&output));
    }
}

#[test]
fn compile_writes_the_same_plan_for_the_same_configuration_wherever_it_lies() {
    let text = CLEAN.replace("/srv", "_lws_ddir_/srv");
    let (a, b) = (config(&[("conf", &text)]), config(&[("conf", &text)]));
    let plans = [a, b].map(|dir| {
        let plan = dir.path().join("plan");
        let output =
            lwsconf(&["compile", dir.path().to_str().unwrap(), "-o", plan.to_str().unwrap(), "--ddir", "/d"]);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        let names: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "something is left over: {names:?}");
        let shown = lwsconf(&["show", plan.to_str().unwrap()]);
        assert!(out(&shown).contains("/d/srv"), "{}", out(&shown));
        fs::read(plan).unwrap()
    });
    assert_eq!(plans[0], plans[1]);
}

#[test]
fn a_plan_stays_as_it_is_when_there_are_errors() {
    let dir = config(&[("conf", "{ \"zork\": 1 }"), ("plan", "the old one")]);
    let plan = dir.path().join("plan");
    let arguments = ["compile", dir.path().to_str().unwrap(), "-o", plan.to_str().unwrap()];
    assert_eq!(lwsconf(&arguments).status.code(), Some(1));
    assert_eq!(fs::read_to_string(&plan).unwrap(), "the old one");
}

#[test]
fn denied_warnings_keep_the_plan_too() {
    let dir = config(&[
        ("conf", &CLEAN.replace("\"port\"", "\"sts\": 1, \"port\"")),
        ("plan", "lwsplan\nthe old one"),
    ]);
    let plan = dir.path().join("plan");
    let arguments =
        ["compile", dir.path().to_str().unwrap(), "-o", plan.to_str().unwrap(), "--deny", "warnings"];
    assert_eq!(lwsconf(&arguments).status.code(), Some(1));
    assert_eq!(fs::read_to_string(&plan).unwrap(), "lwsplan\nthe old one");
    assert_eq!(lwsconf(&arguments[..4]).status.code(), Some(0));
    assert_ne!(fs::read(&plan).unwrap(), b"lwsplan\nthe old one");
}

/// A name given by mistake costs nothing: not the config itself, not a pipe, and a link stays a link.
#[test]
fn only_a_plan_is_replaced() {
    let dir = config(&[("conf", CLEAN), ("notes", "mine")]);
    let at = |name: &str| dir.path().join(name);
    let compile =
        |plan: &Path| lwsconf(&["compile", dir.path().to_str().unwrap(), "-o", plan.to_str().unwrap()]);
    for name in ["conf", "notes"] {
        let before = fs::read(at(name)).unwrap();
        let output = compile(&at(name));
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(err(&output).contains("is no plan"), "{}", err(&output));
        assert_eq!(fs::read(at(name)).unwrap(), before, "{name}");
    }
    let output = compile(Path::new("/dev/null"));
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("is no file"), "{}", err(&output));
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    std::os::unix::fs::symlink("real", at("link")).unwrap();
    fs::write(at("real"), "").unwrap();
    assert_eq!(compile(&at("link")).status.code(), Some(0));
    assert!(fs::symlink_metadata(at("link")).unwrap().is_symlink());
    assert!(fs::read(at("real")).unwrap().starts_with(b"lwsplan\n"));
}

#[test]
fn a_plan_that_cannot_be_written_exits_with_2() {
    let dir = config(&[("conf", CLEAN)]);
    let plan = dir.path().join("no/such/folder/plan");
    let output = lwsconf(&["compile", dir.path().to_str().unwrap(), "-o", plan.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).starts_with("error: cannot write the plan `"), "{}", err(&output));
}

#[test]
fn show_refuses_what_is_no_plan() {
    let dir = config(&[("plan", "not a plan")]);
    let output = lwsconf(&["show", dir.path().join("plan").to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("is no good plan: "), "{}", err(&output));
}

#[test]
fn the_environment_gives_the_data_directory_unless_an_option_does() {
    let dir = config(&[("conf", &CLEAN.replace("/srv", "_lws_ddir_"))]);
    let plan = dir.path().join("plan");
    let compile = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lwsconf"));
        command.env("LWS_DDIR", "/from/environment").arg("compile").arg(dir.path()).arg("-o").arg(&plan);
        assert!(command.args(more).output().unwrap().status.success());
        out(&lwsconf(&["show", plan.to_str().unwrap()])).to_owned()
    };
    assert!(compile(&[]).contains("/from/environment"));
    assert!(compile(&["--ddir", "/from/option"]).contains("/from/option"));
}
