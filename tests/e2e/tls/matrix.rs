//! What OpenSSL's client and testssl.sh find: which suites and groups there are, and none of the old ones.

use std::process::{Command, Stdio};

use tests::config::{TempConfig, free_port};
use tests::server::Server;
use tests::skip::skip;

use super::{config, has_openssl, openssl, vhost};

/// Adds `rsa.crt` and `rsa.key` for `a.test`.
fn add_rsa_pair(config: &TempConfig) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=a.test"])
        .args(["-addext", "subjectAltName=DNS:a.test", "-keyout"])
        .arg(config.path("rsa.key"))
        .arg("-out")
        .arg(config.path("rsa.crt"))
        .stderr(Stdio::null())
        .status();
    assert!(made.is_ok_and(|status| status.success()), "openssl makes no pair");
}

/// Whether OpenSSL got the page, with these words about the handshake.
#[track_caller]
fn agrees(port: u16, args: &[&str], words: &[&str]) {
    let said = openssl(port, args);
    for words in words.iter().chain(&["page of a"]) {
        assert!(said.contains(words), "{args:?}: no `{words}` in:\n{said}");
    }
}

#[track_caller]
fn refuses(port: u16, args: &[&str]) {
    let said = openssl(port, args);
    assert!(said.contains("alert") && !said.contains("HTTP/1.1"), "{args:?}: {said}");
}

#[test]
fn suites_and_groups_are_those_of_the_vhost() {
    if !has_openssl() {
        return;
    }
    let (usual, rsa, strict) = (free_port(), free_port(), free_port());
    let policy =
        ", \"ciphers\": \"ECDHE-ECDSA-AES256-GCM-SHA384\", \"tls13-ciphers\": \"TLS_AES_256_GCM_SHA384\",
        \"ecdh-curve\": \"secp384r1\"";
    let of_rsa = vhost("a.test", rsa, "").replace("@DIR@/a.test.key", "@DIR@/rsa.key");
    let of_rsa = of_rsa.replace("@DIR@/a.test.crt", "@DIR@/rsa.crt");
    let config = config(&[vhost("a.test", usual, ""), of_rsa, vhost("a.test", strict, policy)]);
    add_rsa_pair(&config);
    let _server = Server::start(&config.compile());
    for suite in ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"] {
        for port in [usual, rsa] {
            agrees(
                port,
                &["-tls1_3", "-ciphersuites", suite],
                &["New, TLSv1.3", &format!("Cipher is {suite}")],
            );
        }
    }
    for suite in ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"] {
        for (port, kind) in [(usual, "ECDSA"), (rsa, "RSA")] {
            let suite = format!("ECDHE-{kind}-{suite}");
            agrees(port, &["-tls1_2", "-cipher", &suite], &["New, TLSv1.2", &format!("Cipher is {suite}")]);
        }
    }
    for group in ["X25519", "P-256", "P-384"] {
        // With TLS 1.2 OpenSSL wants the curve of an ECDSA key among the groups as well.
        for version in ["-tls1_2", "-tls1_3"] {
            agrees(rsa, &[version, "-groups", group], &["Server Temp Key"]);
        }
    }
    // What is old, or was never good: no forward secrecy, CBC, no authentication, finite fields, small or odd curves.
    for cipher in
        ["AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES128-SHA", "AES256-SHA", "aNULL"]
    {
        refuses(rsa, &["-tls1_2", "-cipher", &format!("{cipher}:@SECLEVEL=0")]);
    }
    refuses(rsa, &["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"]);
    for group in ["P-521", "X448", "ffdhe2048"] {
        refuses(usual, &["-tls1_3", "-groups", group]);
    }
    for version in ["-tls1", "-tls1_1"] {
        refuses(usual, &[version, "-cipher", "ALL:@SECLEVEL=0"]);
    }
    let only = ["ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_AES_256_GCM_SHA384"];
    agrees(strict, &["-tls1_2"], &[&format!("Cipher is {}", only[0]), "384 bits"]);
    agrees(strict, &["-tls1_3"], &[&format!("Cipher is {}", only[1]), "384 bits"]);
    refuses(strict, &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"]);
    refuses(strict, &["-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"]);
    refuses(strict, &["-tls1_3", "-groups", "X25519"]);
}

/// This server's order counts, with AES-128 first, which is the cheapest that is good.
#[test]
fn the_order_of_suites_is_the_servers_unless_the_config_gives_it_away() {
    if !has_openssl() {
        return;
    }
    let (own, given) = (free_port(), free_port());
    // SSL_OP_CIPHER_SERVER_PREFERENCE.
    let clear = ", \"ssl-option-clear\": \"4194304\"";
    let config = config(&[vhost("a.test", own, ""), vhost("a.test", given, clear)]);
    let _server = Server::start(&config.compile());
    let order = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256";
    let args = ["-tls1_3", "-ciphersuites", order];
    agrees(own, &args, &["Cipher is TLS_AES_128_GCM_SHA256"]);
    agrees(given, &args, &["Cipher is TLS_CHACHA20_POLY1305_SHA256"]);
}

/// The kernel spreads connections over the workers, so of many some come to another worker than the first did.
#[test]
fn sessions_are_resumed_on_every_worker() {
    if !has_openssl() {
        return;
    }
    let port = free_port();
    let config = config(&[vhost("a.test", port, "")])
        .conf("{ \"global\": { \"init-ssl\": \"1\", \"count-threads\": \"4\" } }");
    let _server = Server::start(&config.compile());
    let session = config.path("session");
    let session = session.to_str().unwrap();
    for version in ["-tls1_3", "-tls1_2"] {
        agrees(port, &[version, "-sess_out", session], &["New, TLSv1"]);
        for _ in 0..12 {
            agrees(port, &[version, "-sess_in", session], &["Reused, TLSv1"]);
        }
    }
}

/// Protocols, suites, forward secrecy and vulnerabilities, by a program that looks for what is wrong with a server.
#[test]
fn testssl_finds_nothing() {
    let port = free_port();
    let config = config(&[vhost("a.test", port, "")]);
    let report = config.path("report.json");
    let server = Server::start(&config.compile());
    let ran = Command::new("testssl")
        .args(["--quiet", "--color", "0", "--warnings", "batch", "--ip", "127.0.0.1"])
        .args(["--protocols", "--std", "--pfs", "--vulnerable", "--jsonfile"])
        .arg(&report)
        .arg(format!("a.test:{port}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if ran.is_err() {
        return skip("there is no `testssl` here");
    }
    let findings: Vec<serde_json::Value> =
        serde_json::from_slice(&std::fs::read(&report).unwrap()).expect("findings as JSON");
    let of = |id: &str| findings.iter().find(|finding| finding["id"] == id);
    for id in ["SSLv2", "TLS1_3", "cipherlist_NULL", "PFS", "heartbleed", "ROBOT", "LUCKY13"] {
        assert!(of(id).is_some(), "testssl did not look at {id}: {findings:?}");
    }
    // What testssl says of its own tools is no finding about the server.
    let is_fault = |finding: &&serde_json::Value| {
        let about_itself = finding["id"] == "engine_problem";
        !about_itself && !matches!(finding["severity"].as_str(), Some("OK" | "INFO"))
    };
    let faults: Vec<_> = findings.iter().filter(is_fault).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(server.stop().code(), Some(0));
}
