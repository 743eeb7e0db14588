//! Directories and files that no one would call a configuration end in words and an exit code, in good time.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly, its helpers too")]

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

const CLEAN: &str = r#"{ "vhosts": [ { "port": 7681, "mounts": [ { "mountpoint": "/", "origin": ">https://a.example/" } ] } ] }"#;

/// A config directory that is clean.
fn clean() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("conf"), CLEAN).unwrap();
    fs::create_dir(dir.path().join("conf.d")).unwrap();
    dir
}

/// The exit code, and what was said in all.
fn check(dir: impl AsRef<OsStr>) -> (i32, String) {
    run(Command::new(env!("CARGO_BIN_EXE_lwsconf")).arg("check").arg(dir).args(["--format", "short"]))
}

fn run(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("panicked"), "{said}");
    (output.status.code().unwrap(), said)
}

#[test]
fn what_is_no_regular_file_in_the_folder_is_passed_over() {
    let dir = clean();
    let fragments = dir.path().join("conf.d");
    mkfifo(&fragments.join("pipe"), Mode::S_IRWXU).unwrap();
    let _socket = UnixListener::bind(fragments.join("socket")).unwrap();
    fs::create_dir(fragments.join("folder")).unwrap();
    let (code, said) = check(dir.path());
    assert_eq!((code, said.lines().count()), (0, 1), "{said}");
}

#[test]
fn loops_of_links_are_told_and_not_followed() {
    let dir = clean();
    let fragments = dir.path().join("conf.d");
    symlink("b", fragments.join("a")).unwrap();
    symlink("a", fragments.join("b")).unwrap();
    symlink("..", fragments.join("up")).unwrap();
    let (code, said) = check(dir.path());
    assert_eq!((code, said.matches("warning[L0104]").count()), (0, 3), "{said}");
    fs::remove_dir_all(&fragments).unwrap();
    symlink("conf.d", &fragments).unwrap();
    let (code, said) = check(dir.path());
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("error[L0102]: `conf.d` cannot be read: "), "{said}");
}

#[test]
fn conf_may_be_anything() {
    type Make = fn(&Path);
    let kinds: [(&str, Make); 4] = [
        ("a pipe that nobody writes to", |conf| mkfifo(conf, Mode::S_IRWXU).unwrap()),
        ("a socket", |conf| drop(UnixListener::bind(conf).unwrap())),
        ("a folder", |conf| fs::create_dir(conf).unwrap()),
        ("a device", |conf| symlink("/dev/zero", conf).unwrap()),
    ];
    for (kind, make) in kinds {
        let dir = tempfile::tempdir().unwrap();
        make(&dir.path().join("conf"));
        let (code, said) = check(dir.path());
        assert_eq!(code, 1, "{kind}: {said}");
        assert!(
            said.contains("error[L0102]: `conf` cannot be read: it is not a regular file"),
            "{kind}: {said}"
        );
    }
    let dir = tempfile::tempdir().unwrap();
    symlink("conf", dir.path().join("conf")).unwrap();
    let (code, said) = check(dir.path());
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("error[L0102]"), "{said}");
}

#[test]
fn the_directory_may_be_anything() {
    let dir = tempfile::tempdir().unwrap();
    mkfifo(&dir.path().join("pipe"), Mode::S_IRWXU).unwrap();
    fs::write(dir.path().join("file"), CLEAN).unwrap();
    symlink("loop", dir.path().join("loop")).unwrap();
    for name in ["pipe", "file", "loop", "gone"] {
        let (code, said) = check(dir.path().join(name));
        assert_eq!(code, 2, "{name}: {said}");
        assert!(said.starts_with("error: cannot read the configuration in `"), "{name}: {said}");
    }
    let (code, _) = check(OsStr::new(""));
    assert_eq!(code, 2);
}

#[test]
fn names_may_be_any_bytes() {
    let dir = clean();
    let name = OsString::from_vec(b"a\xff\n\x1b[31m{%".to_vec());
    fs::write(dir.path().join("conf.d").join(&name), "{ \"zork\": 1 }").unwrap();
    let below = dir.path().join(OsStr::from_bytes(b"dir\xfe\n"));
    fs::create_dir(&below).unwrap();
    fs::rename(dir.path().join("conf"), below.join("conf")).unwrap();
    fs::rename(dir.path().join("conf.d"), below.join("conf.d")).unwrap();
    for format in ["full", "short", "json", "github", "sarif"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lwsconf"));
        let (code, said) = run(command.arg("check").arg(&below).args(["--format", format]));
        assert_eq!(code, 1, "{format}: {said}");
        assert!(said.contains("unknown key `zork`"), "{format}: {said}");
        assert!(!said.contains('\x1b'), "{format}: {said}");
    }
    let plan = dir.path().join("plan");
    fs::write(below.join("conf.d").join(&name), "").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lwsconf"));
    let (code, said) = run(command.arg("compile").arg(&below).arg("-o").arg(&plan));
    assert_eq!(code, 0, "{said}");
}

#[test]
fn what_may_not_be_read_is_told_and_the_rest_is_read() {
    let dir = clean();
    // Whoever may read everything runs as somebody who may not.
    let program = dir.path().join("lwsconf");
    fs::copy(env!("CARGO_BIN_EXE_lwsconf"), &program).unwrap();
    let mode =
        |name: &str, mode| fs::set_permissions(dir.path().join(name), Permissions::from_mode(mode)).unwrap();
    mode("", 0o755);
    fs::write(dir.path().join("conf.d/a"), CLEAN).unwrap();
    fs::write(dir.path().join("conf.d/b"), "{ \"zork\": 1 }").unwrap();
    let check = || {
        let mut command = Command::new(&program);
        if nix::unistd::geteuid().is_root() {
            command.uid(65534).gid(65534);
        }
        run(command.arg("check").arg(dir.path()).args(["--format", "short"]))
    };
    mode("conf.d/a", 0o000);
    let (code, said) = check();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("error[L0102]: `conf.d/a` cannot be read: Permission denied"), "{said}");
    assert!(said.contains("error[L0201]"), "{said}");
    mode("conf.d", 0o000);
    let (code, said) = check();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("error[L0102]: `conf.d` cannot be read: Permission denied"), "{said}");
    // The names can be listed, the files not be looked at.
    mode("conf.d", 0o444);
    let (code, said) = check();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("error[L0102]"), "{said}");
    mode("conf.d", 0o755);
}

#[test]
fn a_file_of_100_megabytes_is_refused_in_words() {
    let dir = clean();
    let large = File::create(dir.path().join("conf.d/large")).unwrap();
    large.set_len(100 << 20).unwrap();
    let (code, said) = check(dir.path());
    assert_eq!(code, 1);
    assert!(said.contains("error[L0023]"), "{said}");
    assert!(said.ends_with("2 files checked: 1 error\n"), "{said}");
}

#[test]
fn more_than_memory_is_good_for_is_refused_once_whatever_it_is() {
    // Of comments neither file has too many alone.
    for (junk, names) in
        [("\"\"", &["a"][..]), ("{},", &["a"]), ("a b:", &["a"]), ("1 ", &["a"]), ("#\n", &["a", "b"])]
    {
        let dir = clean();
        for name in names {
            let text = junk.repeat(6_200_000 / names.len());
            fs::write(dir.path().join("conf.d").join(name), text).unwrap();
        }
        let (code, said) = check(dir.path());
        assert_eq!((code, said.matches("error[").count()), (1, 1), "{junk}: {said}");
        assert!(said.contains("conf.d/a: error[L0023]"), "{junk}: {said}");
    }
}

#[test]
fn of_errors_without_end_the_first_are_told() {
    let dir = clean();
    fs::write(dir.path().join("conf.d/junk"), format!("{{ {} }}", "a b:".repeat(50_000))).unwrap();
    let (code, said) = check(dir.path());
    assert_eq!(code, 1);
    assert_eq!(said.matches("error[L00").count(), 10_001);
    assert!(said.contains("error[L0024]"));
    let keys = r#""zork": 1, "#.repeat(40_000);
    for name in ["a", "b", "c"] {
        fs::write(dir.path().join("conf.d").join(name), format!("{{ {keys} \"zork\": 1 }}")).unwrap();
    }
    let (code, said) = check(dir.path());
    assert_eq!(code, 1);
    assert_eq!(said.lines().count(), 100_001);
    assert!(said.ends_with("errors, not all of them told\n"), "{}", &said[said.len() - 500..]);
}

#[test]
fn any_nesting_ends_in_words() {
    for (open, levels) in
        [("[", 2_000_000), ("{\"a\":", 500_000), ("{\"vhosts\":[", 200_000), ("[{", 1_000_000)]
    {
        let dir = clean();
        fs::write(dir.path().join("conf.d/deep"), open.repeat(levels)).unwrap();
        let (code, said) = check(dir.path());
        assert_eq!(code, 1, "{open}");
        assert!(said.contains("error[L0022]"), "{open}: {said}");
    }
}

#[test]
fn a_thousand_files_are_told_of_in_the_same_order_every_time() {
    let dir = clean();
    for number in 0..1000 {
        fs::write(dir.path().join(format!("conf.d/{number:04}")), format!("{{ \"zork{number}\": 1 "))
            .unwrap();
    }
    let (code, first) = check(dir.path());
    assert_eq!(code, 1);
    let names: Vec<&str> = first.lines().filter_map(|line| line.split("conf.d/").nth(1)?.get(..4)).collect();
    assert!(names.len() == 2000 && names.is_sorted(), "{} findings", names.len());
    for _ in 0..3 {
        assert_eq!(check(dir.path()).1, first);
    }
}
