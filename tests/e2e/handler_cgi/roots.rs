//! Programs with another root.

use std::fs;
use std::process::Command;

use tests::client::get;
use tests::config::{TempConfig, free_port};
use tests::program;
use tests::server::Server;
use tests::skip::skip;

use super::{HEAD, sh};

/// Whether a root can be changed; else a line.
fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        skip("a program's root can be changed by root only");
    }
    is_root
}

#[test]
fn a_new_root() {
    if !is_root() {
        return;
    }
    let port = free_port();
    let inner = ", \"mounts\": [{ \"mountpoint\": \"/\", \"origin\": \"cgi:///run.sh\", \"cgi-chroot\": \"@DIR@/root\", \"cgi-chdir\": \"/sub\" }]";
    let config = TempConfig::vhost(port, inner)
        .program("root/run.sh", &sh(&format!("{HEAD}; echo /* $PWD")))
        .program("root/sub/x", "");
    // A shell, and the libraries that it needs.
    let shell = fs::canonicalize("/bin/sh").unwrap();
    let needs = String::from_utf8(Command::new("ldd").arg(&shell).output().unwrap().stdout).unwrap();
    let libraries = needs.split_whitespace().filter(|word| word.starts_with('/')).map(str::to_owned);
    for path in libraries.chain(["/bin/sh".to_owned()]) {
        let to = config.path("root").join(path.trim_start_matches('/'));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(&path, to).unwrap();
    }
    let _server = Server::start(&config.compile());
    let text = get(port, "a.test", "/").text();
    assert!(text.contains("/run.sh") && text.contains("/sub /sub\n") && !text.contains("/etc"), "{text}");
}

#[test]
fn a_root_that_cannot_be_had_is_told_with_its_key() {
    if !is_root() {
        return;
    }
    let port = free_port();
    let mount = |name: &str, keys: &str| {
        format!("{{ \"mountpoint\": \"/{name}\", \"origin\": \"cgi:///run.sh\", {keys} }}")
    };
    let mounts = [
        mount("root", "\"cgi-chroot\": \"@DIR@/absent\""),
        mount("folder", "\"cgi-chroot\": \"@DIR@/root\", \"cgi-chdir\": \"/absent\""),
        mount("program", "\"cgi-chroot\": \"@DIR@/root\""),
    ];
    let config = TempConfig::vhost(port, &format!(", \"mounts\": [{}]", mounts.join(",\n")))
        .program("root/run.sh", "#!/absent\n");
    let server = Server::start(&config.compile());
    for (name, words) in [
        ("root", "as its root: No such file"),
        ("folder", "cannot have `/absent` inside"),
        ("program", "`/run.sh` cannot be started in `/`: No such file"),
    ] {
        assert_eq!(get(port, "a.test", &format!("/{name}")).status, 502, "{name}");
        let said = server.line_with(words);
        assert!(said.contains(&format!("mount `/{name}`")), "{said}");
    }
}

#[test]
fn a_user_who_may_not_change_the_root_is_told() {
    if !is_root() {
        return;
    }
    let port = free_port();
    let inner =
        ", \"mounts\": [{ \"mountpoint\": \"/\", \"origin\": \"cgi:///run.sh\", \"cgi-chroot\": \"/\" }]";
    let config = TempConfig::vhost(port, inner).conf("{ \"global\": { \"uid\": 65534 } }");
    let plan = config.compile();
    let checked = program::lwsrun(["--check".as_ref(), plan.as_os_str()]);
    assert!(checked.stderr.contains("mount `/`: `cgi-chroot` needs root"), "{checked:?}");
    let server = Server::start(&plan);
    let _ = server.line_with("mount `/`: `cgi-chroot` needs root");
    assert_eq!(get(port, "a.test", "/").status, 502);
    let _ = server.line_with("cannot have `/` (`cgi-chroot`) as its root: Operation not permitted");
}
