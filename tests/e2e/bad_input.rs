//! Bad plans, bad configs, bad circumstances: words that name the place, the right exit status, nothing left behind.

use std::fs;
use std::net::TcpListener;

use tests::client::get;
use tests::config::{TempConfig, free_port};
use tests::program::{self, Finished};
use tests::server::Server;

use super::WWW;

#[test]
fn bad_plans_are_refused_in_words() {
    let config = TempConfig::vhost(free_port(), WWW).www("index.html", "home");
    let good = fs::read(config.compile()).unwrap();
    let changed = |at: usize, byte: u8| {
        let mut plan = good.clone();
        plan[at] ^= byte;
        plan
    };
    for (name, bytes, words) in [
        ("damaged", changed(good.len() - 20, 1), "damaged"),
        ("cut", good[..good.len() / 2].to_vec(), "damaged"),
        ("other-version", changed(8, 64), "compile the config again"),
        ("not-a-plan", b"{ \"vhosts\": [] }\n".to_vec(), "not a plan"),
        ("empty", Vec::new(), "not a plan"),
    ] {
        let path = config.path(name);
        fs::write(&path, bytes).unwrap();
        for check in [&["--check"][..], &[]] {
            let done = program::lwsrun(check.iter().map(AsRef::as_ref).chain([path.as_os_str()]));
            let Finished { stderr, .. } = done.expect_code(1);
            assert!(stderr.contains(words) && stderr.contains(path.to_str().unwrap()), "{name}: {stderr}");
            assert!(!stderr.contains("panicked"), "{name}: {stderr}");
        }
    }
    let missing = program::lwsrun([config.path("missing")]).expect_code(1);
    assert!(missing.stderr.contains("missing"), "{}", missing.stderr);
    let _ = program::lwsrun(["--check".as_ref(), config.path("plan").as_os_str()]).expect_code(0);
}

#[test]
fn a_plan_that_others_may_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let config = TempConfig::vhost(free_port(), WWW).www("index.html", "home");
    let plan = config.compile();
    fs::set_permissions(&plan, fs::Permissions::from_mode(0o666)).unwrap();
    let done = program::lwsrun([&plan]).expect_code(1);
    assert!(done.stderr.contains("writable"), "{}", done.stderr);
}

#[test]
fn a_port_in_use_is_named_with_its_line() {
    let port = free_port();
    let _taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let config = TempConfig::vhost(port, WWW).www("index.html", "home");
    let done = program::lwsrun([config.compile()]).expect_code(1);
    assert!(
        done.stderr.contains("conf.d/site:") && done.stderr.contains(&port.to_string()),
        "{}",
        done.stderr
    );
}

#[test]
fn a_missing_docroot_is_a_warning_with_its_line() {
    let port = free_port();
    let config = TempConfig::vhost(
        port,
        ",\n\"mounts\": [{ \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" },
            { \"mountpoint\": \"/none\", \"origin\": \"file://@DIR@/no-such-folder\" }]",
    )
    .www("index.html", "home");
    let server = Server::start(&config.compile());
    let said = server.line_with("no-such-folder");
    assert!(said.contains("conf.d/site:4"), "{said}");
    assert_eq!(get(port, "a.test", "/none/x.txt").status, 404);
    assert_eq!(get(port, "a.test", "/").text(), "home");
}

#[test]
fn a_missing_certificate_is_named_with_its_line() {
    let config = TempConfig::vhost(
        free_port(),
        ",\n\"host-ssl-key\": \"@DIR@/no.key\", \"host-ssl-cert\": \"@DIR@/no.crt\"",
    )
    .conf("{ \"global\": { \"init-ssl\": \"1\" } }");
    let done = program::lwsrun([config.compile()]).expect_code(1);
    assert!(done.stderr.contains("no.crt") && done.stderr.contains("conf.d/site:"), "{}", done.stderr);
}

#[test]
fn a_broken_config_writes_no_plan_and_spares_the_one_that_is_there() {
    let config = TempConfig::vhost(free_port(), ",\n\"mounst\": []");
    let done = config.try_compile(&[]).expect_code(1);
    assert!(done.stderr.contains("mounst") && done.stderr.contains("conf.d/site:3"), "{}", done.stderr);
    assert!(!config.path("plan").exists(), "a plan was written");
    fs::write(config.path("plan"), "the old one").unwrap();
    let _ = config.try_compile(&[]).expect_code(1);
    assert_eq!(fs::read_to_string(config.path("plan")).unwrap(), "the old one");
    assert_eq!(left(&config), ["etc", "plan"], "something else was left behind");
}

#[test]
fn what_cannot_be_read_or_written_is_another_exit_status() {
    let config = TempConfig::vhost(free_port(), WWW).www("index.html", "home");
    let plan = config.path("plan");
    let done = program::compile(&config.path("no-such-folder"), &plan, &[]).expect_code(2);
    assert!(done.stderr.contains("no-such-folder"), "{}", done.stderr);
    let done = program::lwsconf(["check".as_ref(), config.path("no-such-folder").as_os_str()]).expect_code(2);
    assert!(done.stderr.contains("no-such-folder"), "{}", done.stderr);
    let nowhere = config.path("no-such-folder/plan");
    let done = program::compile(&config.folder(), &nowhere, &[]).expect_code(2);
    assert!(done.stderr.contains("no-such-folder"), "{}", done.stderr);
    let folder = config.path("www");
    let done = program::compile(&config.folder(), &folder, &[]).expect_code(2);
    assert!(done.stderr.contains(folder.to_str().unwrap()), "{}", done.stderr);
    assert_eq!(left(&config), ["etc", "www"], "something was left behind");
}

#[test]
fn wrong_command_lines_are_exit_status_2() {
    let _ = program::lwsconf(["no-such-command"]).expect_code(2);
    let _ = program::lwsrun(["--no-such-option"]).expect_code(2);
}

/// What lies in the folder of a config.
fn left(config: &TempConfig) -> Vec<String> {
    let entries = fs::read_dir(config.path("")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
