//! TLS to upstreams: who is trusted, what is spoken, and what is said if it cannot be.

use std::path::PathBuf;

use tests::client::get;
use tests::config::TempConfig;
use tests::program;
use tests::server::Server;

use crate::free_port;

/// A proxy in front of a vhost with TLS for `localhost`, and the certificate of that.
fn secure(client_keys: impl Fn(&str) -> String) -> (TempConfig, PathBuf, u16) {
    let (port, back) = (free_port(), free_port());
    let config =
        TempConfig::new().conf("{ \"global\": { \"init-ssl\": \"yes\" } }").www("note.txt", "over TLS");
    let (cert, key) = tests::tls::certificate(&config.path("tls"), "localhost");
    let (cert, key) = (cert.display().to_string(), key.display());
    let keys = client_keys(&cert);
    let config = config.conf_d(
        "site",
        &format!(
            r#"{{ "vhosts": [{{ "name": "a.test", "port": "{port}", "interface": "127.0.0.1",
            "mounts": [{{ "mountpoint": "/px", "origin": "https://localhost:{back}/" }}] {keys} }},
            {{ "name": "localhost", "port": "{back}", "interface": "127.0.0.1", "host-ssl-cert": "{cert}",
            "host-ssl-key": "{key}", "mounts": [{{ "mountpoint": "/", "origin": "file://@DIR@/www" }}] }}] }}"#
        ),
    );
    let plan = config.compile();
    (config, plan, port)
}

#[test]
fn the_upstream_is_trusted_if_the_mounts_authorities_vouch_for_it() {
    for keys in [
        "",
        ", \"client-ssl-ciphers\": \"ECDHE-ECDSA-AES128-GCM-SHA256\", \"ssl-client-option-set\": \"536870912\"",
    ] {
        let (_config, plan, port) = secure(|cert| format!(", \"client-ssl-ca\": \"{cert}\"{keys}"));
        let _server = Server::start(&plan);
        assert_eq!(get(port, "a.test", "/px/note.txt").text(), "over TLS", "{keys}");
    }
}

#[test]
fn without_authorities_of_the_mount_those_of_the_system_count() {
    let (config, plan, port) = secure(|_| String::new());
    let cert = config.path("tls/localhost.crt");
    let server = Server::spawn(program::command("lwsrun").arg(&plan).env("SSL_CERT_FILE", &cert));
    assert_eq!(get(port, "a.test", "/px/note.txt").text(), "over TLS");
    drop(server);
    let (other, _) = tests::tls::certificate(&config.path("tls"), "other.test");
    let server = Server::spawn(program::command("lwsrun").arg(&plan).env("SSL_CERT_FILE", &other));
    assert_eq!(get(port, "a.test", "/px/note.txt").status, 502);
    let said = server.line_with("answered 502");
    assert!(said.contains("certificate") && said.contains("conf.d/site:2"), "{said}");
}

#[test]
fn a_certificate_for_another_name_is_502() {
    let (config, plan, port) = secure(|cert| format!(", \"client-ssl-ca\": \"{cert}\""));
    // The same pair, for a name that nobody asked for.
    let (cert, key) = tests::tls::certificate(&config.path("tls"), "other.test");
    std::fs::copy(cert, config.path("tls/localhost.crt")).unwrap();
    std::fs::copy(key, config.path("tls/localhost.key")).unwrap();
    let server = Server::start(&plan);
    assert_eq!(get(port, "a.test", "/px/note.txt").status, 502);
    assert!(server.line_with("answered 502").contains("not valid for name"));
}

#[test]
fn keys_that_cannot_be_used_are_told_at_the_start() {
    let (_config, plan, port) =
        secure(|cert| format!(", \"client-ssl-ca\": \"{cert}\", \"client-ssl-cert\": \"{cert}\""));
    let server = Server::start(&plan);
    let said = server.line_with("client-ssl-cert");
    assert!(said.contains("conf.d/site:1") && said.contains("`client-ssl-key`"), "{said}");
    let checked = program::lwsrun(["--check".as_ref(), plan.as_os_str()]).expect_code(0);
    let words = "conf.d/site:1: vhost `a.test`: client-ssl-cert needs its private key, `client-ssl-key`; its https:// mounts answer 502";
    assert!(checked.stderr.contains(words), "{}", checked.stderr);
    assert_eq!(get(port, "a.test", "/px/note.txt").status, 502);
}
