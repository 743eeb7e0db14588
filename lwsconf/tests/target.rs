//! `--target`: a machine that is fit, and every way in which it may not be, with real files, certificates and sockets.
//!
//! The server is to run as `nobody`, so that root finds what others may not.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly, its helpers too")]

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::Value;

const DAY: u64 = 86_400;

/// A machine in a folder that everybody may look into.
struct Machine {
    dir: tempfile::TempDir,
    global: String,
}

/// A finding of `--target`.
#[derive(Debug)]
struct Found {
    code: String,
    severity: String,
    label: String,
    message: String,
    /// What stands at the place.
    text: String,
}

impl Machine {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        Self { dir, global: r#""username": "nobody""#.to_owned() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn folder(&self, name: &str, mode: u32) -> String {
        fs::create_dir_all(self.path(name)).unwrap();
        self.mode(name, mode);
        self.text(name)
    }

    fn file(&self, name: &str, text: &str, mode: u32) -> String {
        fs::write(self.path(name), text).unwrap();
        self.mode(name, mode);
        self.text(name)
    }

    fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    /// What is found on the machine about a vhost with these keys.
    fn check(&self, vhost: &str) -> Vec<Found> {
        self.check_with(vhost, &mut Command::new(env!("CARGO_BIN_EXE_lwsconf")))
    }

    fn check_with(&self, vhost: &str, command: &mut Command) -> Vec<Found> {
        let conf = self.dir.path().join("etc");
        fs::create_dir_all(&conf).unwrap();
        let text = format!("{{ \"global\": {{ {} }},\n\"vhosts\": [ {{ {vhost} }} ] }}", self.global);
        fs::write(conf.join("conf"), &text).unwrap();
        let output = command.arg("check").arg(&conf).args(["--target", "--format", "json"]).output().unwrap();
        let findings = String::from_utf8(output.stdout).unwrap();
        let findings = findings.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let findings = findings.filter(|finding| finding["code"].as_str().unwrap().starts_with("L04"));
        findings
            .map(|finding| {
                let word = |key: &str| finding[key].as_str().unwrap().to_owned();
                let offset = |key: &str| finding[key].as_u64().and_then(|at| usize::try_from(at).ok());
                let text = offset("start").zip(offset("end")).map_or("", |(start, end)| &text[start..end]);
                Found {
                    code: word("code"),
                    severity: word("severity"),
                    label: word("label"),
                    message: word("message"),
                    text: text.to_owned(),
                }
            })
            .collect()
    }

    /// The one thing that is found.
    fn one(&self, vhost: &str) -> Found {
        let mut found = self.check(vhost);
        assert_eq!(found.len(), 1, "{found:#?}");
        found.remove(0)
    }
}

/// A vhost that listens where nobody else does, with more keys.
fn vhost(more: &str) -> String {
    format!(r#""unix-socket": "1", "interface": "@lwsconf-{}", {more}"#, std::process::id())
}

fn mount(origin: &str) -> String {
    vhost(&format!(r#""mounts": [ {{ "mountpoint": "/", "origin": "{origin}" }} ]"#))
}

fn tls(certificate: &str, key: &str) -> String {
    vhost(&format!(r#""name": "a.site.example", "host-ssl-cert": "{certificate}", "host-ssl-key": "{key}""#))
}

/// Days from now.
fn params(name: &str, begins: i64, ends: i64) -> CertificateParams {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let moment = |days: i64| {
        let seconds = now.saturating_add_signed(days * i64::try_from(DAY).unwrap());
        rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds)
    };
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.not_before, params.not_after) = (moment(begins), moment(ends));
    params
}

/// A machine with `cert.pem` and `key.pem` for a name.
fn with_certificate(name: &str, begins: i64, ends: i64) -> Machine {
    let machine = Machine::new();
    let key = KeyPair::generate().unwrap();
    let certificate = params(name, begins, ends).self_signed(&key).unwrap();
    machine.file("cert.pem", &certificate.pem(), 0o644);
    machine.file("key.pem", &key.serialize_pem(), 0o600);
    machine
}

fn check_certificate(machine: &Machine) -> Found {
    machine.one(&tls(&machine.text("cert.pem"), &machine.text("key.pem")))
}

#[test]
fn nothing_is_found_on_a_machine_that_is_fit() {
    let machine = with_certificate("*.site.example", -1, 90);
    let docroot = machine.folder("www", 0o755);
    let program = machine.file("run", "#!/bin/sh\n", 0o755);
    let users = machine.file("users", "a:b\n", 0o644);
    symlink("www", machine.path("link")).unwrap();
    let keys = format!(
        r#""access-log": "{}", "mounts": [
          {{ "mountpoint": "/", "origin": "file://{docroot}", "basic-auth": "{users}" }},
          {{ "mountpoint": "/link", "origin": "file://{}/../link" }},
          {{ "mountpoint": "/cgi", "origin": "cgi://{program}" }} ]"#,
        machine.text("log"),
        machine.text("www")
    );
    let found =
        machine.check(&format!("{}, {keys}", tls(&machine.text("cert.pem"), &machine.text("key.pem"))));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn nothing_is_looked_at_without_the_option() {
    let dir = tempfile::tempdir().unwrap();
    let conf = r#"{ "vhosts": [ { "port": 7681, "mounts": [ { "mountpoint": "/", "origin": "file:///no/where" } ] } ] }"#;
    fs::write(dir.path().join("conf"), conf).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lwsconf"));
    let output = command.arg("check").arg(dir.path()).args(["--format", "short"]).output().unwrap();
    assert!(!String::from_utf8(output.stdout).unwrap().contains("[L04"));
}

#[test]
fn a_machine_that_is_not_fit_gets_no_plan() {
    let machine = Machine::new();
    machine.check(&mount("file:///no/where"));
    let plan = machine.path("plan");
    let compile = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lwsconf"));
        command.arg("compile").arg(machine.path("etc")).arg("-o").arg(&plan).args(more);
        command.output().unwrap().status.code()
    };
    assert_eq!(compile(&["--target"]), Some(1));
    assert!(!plan.exists());
    assert_eq!(compile(&[]), Some(0));
    assert!(plan.exists());
}

#[test]
fn unknown_users_and_groups_are_told() {
    let mut machine = Machine::new();
    for (global, text) in [
        (r#""username": "no-such-user""#, "no-such-user"),
        (r#""groupname": "no-such-group""#, "no-such-group"),
        (r#""uid": 3999999999"#, "3999999999"),
        (r#""gid": "3999999999""#, "\"3999999999\""),
    ] {
        machine.global = global.to_owned();
        let found = machine.one(&mount(">https://b.example/"));
        assert_eq!((found.code.as_str(), found.text.as_str()), ("L0401", text), "{found:?}");
    }
}

#[test]
fn the_first_part_of_a_path_that_is_missing_is_named() {
    let machine = Machine::new();
    let docroot = machine.text("gone/deep/html");
    let found = machine.one(&mount(&format!("file://{docroot}")));
    assert_eq!((found.code.as_str(), found.severity.as_str(), found.text), ("L0402", "error", docroot));
    assert_eq!(found.label, format!("there is no `{}`", machine.text("gone")));
}

#[test]
fn links_are_followed_to_where_they_lead() {
    let machine = Machine::new();
    symlink("gone", machine.path("dangling")).unwrap();
    let found = machine.one(&mount(&format!("file://{}", machine.text("dangling/html"))));
    assert_eq!(found.label, format!("there is no `{}`", machine.text("gone")));
    symlink("b", machine.path("a")).unwrap();
    symlink("a", machine.path("b")).unwrap();
    let found = machine.one(&mount(&format!("file://{}", machine.text("a"))));
    assert_eq!(found.code, "L0402");
    assert!(found.label.ends_with("lead in a circle"), "{found:?}");
}

#[test]
fn what_the_user_may_not_use_is_named_with_its_mode() {
    let machine = Machine::new();
    machine.folder("private/www", 0o755);
    machine.mode("private", 0o700);
    let found = machine.one(&mount(&format!("file://{}", machine.text("private/www"))));
    assert_eq!((found.code.as_str(), found.severity.as_str()), ("L0403", "error"));
    assert_eq!(found.label, format!("may not search `{}`, whose mode is 0700", machine.text("private")));
    assert!(found.message.starts_with("user `nobody` has no access to"), "{found:?}");

    let program = machine.file("run", "#!/bin/sh\n", 0o644);
    let found = machine.one(&mount(&format!("cgi://{program}")));
    assert_eq!(found.label, format!("may not execute `{program}`, whose mode is 0644"));

    let users = machine.file("users", "a:b\n", 0o600);
    let docroot = machine.folder("www", 0o755);
    let protected = format!(
        r#""mounts": [ {{ "mountpoint": "/", "origin": "file://{docroot}", "basic-auth": "{users}" }} ],
           "ws-protocols": [ {{ "lws-mirror-protocol": {{ "basic-auth": "{users}" }} }} ]"#
    );
    let found = machine.check(&vhost(&protected));
    assert_eq!(found.len(), 2, "both name it: {found:#?}");
    assert!(found.iter().all(|found| found.label == format!("may not read `{users}`, whose mode is 0600")));
}

#[test]
fn what_is_of_the_wrong_kind_is_told() {
    let mut machine = Machine::new();
    let file = machine.file("file", "", 0o644);
    let folder = machine.folder("folder", 0o755);
    let found = machine.one(&mount(&format!("file://{file}")));
    assert_eq!(found.label, format!("`{file}` is a file, and a folder is needed"));
    let found = machine.one(&mount(&format!("file://{file}/below")));
    assert_eq!(found.label, format!("`{file}` is a file, and a folder is needed"));
    let found = machine.one(&vhost(&format!(r#""access-log": "{folder}""#)));
    assert_eq!((found.code.as_str(), found.text.as_str()), ("L0404", folder.as_str()));
    let found = machine.one(&vhost(&format!(r#""access-log": "{folder}/gone/log""#)));
    assert_eq!(found.code, "L0402");
    let found = machine.one(&format!(r#""unix-socket": "1", "interface": "{file}""#));
    assert_eq!(found.label, format!("`{file}` is a file, and a socket, or nothing, is needed"));
    let socket = machine.text("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    assert!(machine.check(&format!(r#""unix-socket": "1", "interface": "{socket}""#)).is_empty());
    machine.global.push_str(&format!(r#", "plugin-dir": "{file}""#));
    assert_eq!(machine.one(&mount(">https://b.example/")).code, "L0404");
}

#[test]
fn files_that_hold_no_certificate_or_key_are_told() {
    let machine = with_certificate("a.site.example", -1, 90);
    let (certificate, key) = (machine.text("cert.pem"), machine.text("key.pem"));
    let found = machine.one(&tls(&machine.file("empty.pem", "no PEM at all\n", 0o644), &key));
    assert_eq!((found.code.as_str(), found.label.as_str()), ("L0405", "holds no certificate in PEM"));
    let broken = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
    let found = machine.one(&tls(&machine.file("broken.pem", broken, 0o644), &key));
    assert_eq!((found.code.as_str(), found.label.as_str()), ("L0405", "holds a broken certificate"));
    let no_key = machine.file("nokey.pem", &fs::read_to_string(&certificate).unwrap(), 0o600);
    let found = machine.one(&tls(&certificate, &no_key));
    assert_eq!((found.code.as_str(), found.text.as_str()), ("L0405", no_key.as_str()));
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAMCAQE=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let found = machine.one(&tls(&certificate, &machine.file("encrypted.pem", encrypted, 0o600)));
    assert_eq!((found.code.as_str(), found.label.as_str()), ("L0405", "it is encrypted"));
}

#[test]
fn a_certificate_that_is_still_to_come_is_waited_for_if_that_is_wanted() {
    let machine = Machine::new();
    let (certificate, key) = (machine.text("cert.pem"), machine.text("key.pem"));
    assert_eq!(machine.check(&tls(&certificate, &key)).len(), 2);
    let waiting = format!(r#"{}, "ignore-missing-cert": "1""#, tls(&certificate, &key));
    assert!(machine.check(&waiting).is_empty());
}

#[test]
fn a_key_of_another_certificate_is_told() {
    let machine = with_certificate("a.site.example", -1, 90);
    let other = machine.file("other.pem", &KeyPair::generate().unwrap().serialize_pem(), 0o600);
    let found = machine.one(&tls(&machine.text("cert.pem"), &other));
    assert_eq!((found.code.as_str(), found.text), ("L0406", machine.text("cert.pem")));
}

#[test]
fn a_certificate_for_another_name_is_told() {
    let found = check_certificate(&with_certificate("b.example", -1, 90));
    assert_eq!((found.code.as_str(), found.severity.as_str()), ("L0407", "error"));
    assert_eq!(found.message, "the certificate is not for `a.site.example`");
    // A wildcard stands for a whole label and for no more than one.
    assert_eq!(check_certificate(&with_certificate("*.a.site.example", -1, 90)).code, "L0407");
}

#[test]
fn certificates_that_do_not_hold_now_are_told() {
    let found = check_certificate(&with_certificate("a.site.example", -90, -1));
    assert_eq!((found.code.as_str(), found.severity.as_str()), ("L0408", "error"));
    assert!(found.label.starts_with("ended on 20"), "{found:?}");
    let found = check_certificate(&with_certificate("a.site.example", 2, 90));
    assert_eq!(found.code, "L0408");
    assert!(found.label.starts_with("begins on 20"), "{found:?}");
    let found = check_certificate(&with_certificate("a.site.example", -80, 10));
    assert_eq!((found.code.as_str(), found.severity.as_str()), ("L0409", "warning"));
}

#[test]
fn a_chain_in_the_wrong_order_is_told() {
    let machine = Machine::new();
    let mut authority = params("ca.site.example", -1, 900);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(rcgen::DnType::CommonName, "an authority");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let site = params("a.site.example", -1, 90).signed_by(&key, &authority).unwrap();
    let stranger = params("b.example", -1, 90).self_signed(&KeyPair::generate().unwrap()).unwrap();
    machine.file("key.pem", &key.serialize_pem(), 0o600);
    let chain = |parts: [String; 2]| {
        machine.file("cert.pem", &parts.concat(), 0o644);
        machine.check(&tls(&machine.text("cert.pem"), &machine.text("key.pem")))
    };
    assert!(chain([site.pem(), authority.pem()]).is_empty());
    let found = chain([site.pem(), stranger.pem()]);
    assert_eq!((found[0].code.as_str(), found[0].severity.as_str()), ("L0410", "warning"), "{found:#?}");
    let found = chain([authority.pem(), site.pem()]);
    let swapped = found.iter().find(|found| found.severity == "error" && found.code == "L0410").unwrap();
    assert_eq!(swapped.label, "it is certificate 2 of 2");
}

#[test]
fn a_key_that_everybody_can_read_is_told() {
    let machine = with_certificate("a.site.example", -1, 90);
    machine.mode("key.pem", 0o644);
    let found = check_certificate(&machine);
    assert_eq!((found.code.as_str(), found.severity.as_str()), ("L0411", "warning"));
    assert_eq!((found.label.as_str(), found.text), ("its mode is 0644", machine.text("key.pem")));
    machine.mode("key.pem", 0o640);
    assert!(machine.check(&tls(&machine.text("cert.pem"), &machine.text("key.pem"))).is_empty());
}

#[test]
fn interfaces_and_addresses_that_are_not_there_are_told() {
    let machine = Machine::new();
    let listen = |interface: &str| machine.check(&format!(r#""port": 45671, "interface": "{interface}""#));
    for interface in ["nosuch0", "192.0.2.77", "2001:db8::77"] {
        let found = listen(interface);
        assert_eq!((found[0].code.as_str(), found[0].severity.as_str()), ("L0412", "warning"));
        assert_eq!(found[0].text, interface);
    }
    assert!(listen("lo").iter().all(|found| found.code != "L0412"));
}

#[test]
fn a_port_that_is_taken_is_told() {
    let machine = Machine::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for interface in ["", r#", "interface": "127.0.0.1""#, r#", "interface": "lo""#] {
        let found = machine.one(&format!(r#""port": {port}{interface}"#));
        assert_eq!((found.code.as_str(), found.text), ("L0413", port.to_string()), "{interface}");
        assert_eq!(found.severity, "warning");
    }
}

#[test]
fn a_low_port_needs_privileges() {
    let mut machine = Machine::new();
    machine.global = r#""server-string": "x""#.to_owned();
    let program = machine.path("lwsconf");
    fs::copy(env!("CARGO_BIN_EXE_lwsconf"), &program).unwrap();
    let mut command = Command::new(&program);
    if fs::metadata("/proc/self").is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0) {
        command.uid(65534).gid(65534);
    }
    let found = machine.check_with(r#""port": 7, "interface": "lo""#, &mut command);
    let lowest = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap();
    if lowest.trim().parse::<u16>().unwrap() > 7 {
        assert_eq!((found[0].code.as_str(), found[0].text.as_str()), ("L0414", "7"), "{found:#?}");
    } else {
        assert!(found.is_empty(), "everybody may have it here: {found:#?}");
    }
}

#[test]
fn too_few_open_files_are_told() {
    let mut machine = Machine::new();
    machine.global.push_str(r#", "count-threads": 4, "rlimit-nofile": 100"#);
    let found = machine.one(&mount(">https://b.example/"));
    assert_eq!((found.code.as_str(), found.text.as_str()), ("L0415", "100"), "{found:?}");
    machine.global = machine.global.replace("100", "1000");
    assert!(machine.check(&mount(">https://b.example/")).is_empty());
}

#[test]
fn every_code_of_the_machine_is_tested_here() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/target.rs")).unwrap();
    let codes = lwsconf::diagnostic::Code::ALL.iter().map(|code| code.as_str());
    let missing: Vec<&str> =
        codes.filter(|code| code.starts_with("L04") && !text.contains(&format!("\"{code}\""))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
