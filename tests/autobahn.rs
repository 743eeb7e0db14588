//! The cases of the Autobahn test suite, against `lws-echo`, over TCP and TLS: each must be OK or INFORMATIONAL.
//!
//! `kosoku` plays them, started by `autobahn.py`; where it is not installed this says so and passes. It speaks TCP only,
//! so for TLS a bridge of this test encrypts. Without `AUTOBAHN=all` the cases that take long are left out: of those of
//! many or large messages a few are played.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a step of a test that fails should fail the test, there and then")]

use std::path::Path;
use std::process::{Command, Stdio};

use rustls::pki_types::ServerName;
use serde_json::Value;
use tests::config::{TempConfig, free_port};
use tests::server::Server;
use tests::skip::skip;
use tests::tls;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

/// The environment's name for the Python that has `kosoku`; else it is `python3`.
const PYTHON: &str = "KOSOKU_PYTHON";

/// What a Python says by that has no `kosoku`.
const ABSENT: i32 = 77;

/// The program, mended.
const LAUNCHER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/autobahn.py");

/// What is left out of the short set.
const LONG: [&str; 3] = ["9.*", "12.*", "13.*"];

/// Of the long groups what stands for the rest: each kind of data and each offer of parameters once, whole and in
/// fragments in turn.
const SHORT: [&str; 14] = [
    "9.1.1", "9.2.1", "12.1.1", "12.2.11", "12.3.3", "12.4.2", "12.5.11", "13.1.1", "13.2.11", "13.3.2",
    "13.4.11", "13.5.1", "13.6.11", "13.7.3",
];

/// How many cases there are, and in the short set.
const CASES: usize = 517;
const CASES_SHORT: usize = 261;

/// Messages of the suite have up to 16 MiB.
const PROTOCOLS: &str =
    ",\n\"ws-protocols\": [{ \"lws-echo\": { \"default\": \"1\", \"max-message-size\": \"33554432\" } }]";

#[test]
fn over_tcp() {
    let port = free_port();
    let config = TempConfig::vhost(port, PROTOCOLS);
    let _server = Server::start(&config.compile());
    play(port, &config.path("report"));
}

#[test]
fn over_tls() {
    let port = free_port();
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = tls::certificate(folder.path(), "a.test");
    let (certificate, key) = (certificate.display(), key.display());
    let keys = format!(",\n\"host-ssl-cert\": \"{certificate}\", \"host-ssl-key\": \"{key}\"{PROTOCOLS}");
    let config = TempConfig::vhost(port, &keys);
    let _server = Server::start(&config.compile());
    play(bridge(port), &config.path("report"));
}

/// A port whose connections are passed on to `port` with TLS.
fn bridge(port: u16) -> u16 {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap().port()).unwrap();
            let connector = TlsConnector::from(tls::looking(&["http/1.1"], true));
            while let Ok((mut near, _)) = listener.accept().await {
                let connector = connector.clone();
                tokio::spawn(async move {
                    let far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    // Cases send frames in pieces, and would wait for an acknowledgement between them.
                    near.set_nodelay(true).unwrap();
                    far.set_nodelay(true).unwrap();
                    let name = ServerName::try_from("a.test").unwrap();
                    let mut far = connector.connect(name, far).await.unwrap();
                    // However it ends, the suite sees it.
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
    });
    told.recv().unwrap()
}

/// Plays the cases against a port.
fn play(port: u16, report: &Path) {
    let python = std::env::var(PYTHON).unwrap_or_else(|_| "python3".to_owned());
    let all = std::env::var("AUTOBAHN").is_ok_and(|set| set == "all");
    let address = format!("ws://127.0.0.1:{port}");
    let run = |choice: &[&str], name: &str| {
        let report = report.join(name);
        let mut command = Command::new(&python);
        command
            .args(["-B", LAUNCHER, "-m", "fuzzingclient", "-p", "4"])
            .args(choice)
            .arg("-o")
            .arg(&report)
            .arg(&address);
        match command.stdout(Stdio::null()).stderr(Stdio::null()).status() {
            Ok(status) if status.code() != Some(ABSENT) => Some(judge(&report.join("index.json"))),
            _ => {
                skip(&format!("{python} has no kosoku"));
                None
            }
        }
    };
    let judged = if all {
        run(&[], "all")
    } else {
        let without: Vec<&str> = LONG.iter().flat_map(|group| ["-x", group]).collect();
        let with: Vec<&str> = SHORT.iter().flat_map(|group| ["-i", group]).collect();
        run(&without, "most").and_then(|most| Some(most + run(&with, "samples")?))
    };
    let Some(judged) = judged else { return };
    assert_eq!(judged, if all { CASES } else { CASES_SHORT }, "cases were played");
}

/// How many cases there are in a report; all of them must be good.
fn judge(index: &Path) -> usize {
    let index: Value = serde_json::from_slice(&std::fs::read(index).expect("a report")).unwrap();
    let cases = index.as_object().unwrap().values().next().unwrap().as_object().unwrap();
    let is_good = |case: &Value, what: &str| matches!(case[what].as_str(), Some("OK" | "INFORMATIONAL"));
    let bad: Vec<String> = cases
        .iter()
        .filter(|(_, case)| !is_good(case, "behavior") || !is_good(case, "behaviorClose"))
        .map(|(id, case)| format!("{id}: {} {}", case["behavior"], case["behaviorClose"]))
        .collect();
    assert!(bad.is_empty(), "{} of {} cases: {}", bad.len(), cases.len(), bad.join(", "));
    cases.len()
}
