//! TLS as strangers see it: OpenSSL's own client, certificates that change, clients that dawdle.
//!
//! What needs OpenSSL's command says so and passes where that is not installed.

mod matrix;

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustix::process::{Resource, getrlimit};
use tests::client::{Client, get};
use tests::config::{TempConfig, free_port};
use tests::open_files::open_as_many_as_allowed;
use tests::server::Server;
use tests::skip::skip;
use tests::stop::Stop;
use tests::{PATIENCE, h2, tls};

/// One run of `openssl s_client`.
struct OpenSsl<'a> {
    port: u16,
    /// Further arguments.
    args: Vec<&'a str>,
    host: &'a str,
}

impl OpenSsl<'_> {
    /// Connects, asks for `/`, and returns all that OpenSSL says: about the handshake, and the answer.
    fn said(&self) -> String {
        let mut command = Command::new("timeout");
        command.arg(PATIENCE.as_secs().to_string()).args(["openssl", "s_client", "-ign_eof", "-connect"]);
        command.arg(format!("127.0.0.1:{}", self.port)).args(&self.args);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let request = format!("GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.host);
        // OpenSSL is gone already if the handshake failed.
        let _ = child.stdin.take().unwrap().write_all(request.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&text).into_owned()
    }
}

fn openssl(port: u16, args: &[&str]) -> String {
    OpenSsl { port, args: args.to_vec(), host: "a.test" }.said()
}

/// Whether OpenSSL's command is here; says so if not.
fn has_openssl() -> bool {
    let found = Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_ok();
    if !found {
        skip("there is no `openssl` command here");
    }
    found
}

/// A vhost with TLS that serves its own name as its page.
fn vhost(name: &str, port: u16, inner: &str) -> String {
    format!(
        "{{ \"name\": \"{name}\", \"port\": \"{port}\", \"interface\": \"127.0.0.1\",
            \"host-ssl-key\": \"@DIR@/{name}.key\", \"host-ssl-cert\": \"@DIR@/{name}.crt\",
            \"mounts\": [{{ \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www/{name}\" }}]{inner} }}"
    )
}

/// A config of vhosts, with certificates for `a.test` and `b.test` beside it.
fn config(vhosts: &[String]) -> TempConfig {
    let config = TempConfig::new()
        .conf("{ \"global\": { \"init-ssl\": \"1\" } }")
        .conf_d("site", &format!("{{ \"vhosts\": [ {} ] }}", vhosts.join(", ")))
        .www("a.test/index.html", "page of a")
        .www("b.test/index.html", "page of b");
    for name in ["a.test", "b.test"] {
        let _ = tls::certificate(&config.path(""), name);
    }
    config
}

#[test]
fn openssl_agrees_on_versions_alpn_and_names() {
    if !has_openssl() {
        return;
    }
    let port = free_port();
    let config = config(&[vhost("a.test", port, ""), vhost("b.test", port, "")]);
    let _server = Server::start(&config.compile());
    for (args, expected) in [
        (&["-tls1_3"][..], &["New, TLSv1.3", "page of a"][..]),
        (&["-tls1_2"], &["New, TLSv1.2", "page of a"]),
        (&["-tls1_1"], &["alert"]),
        (&["-alpn", "h2,http/1.1"], &["ALPN protocol: h2"]),
        (&["-alpn", "http/1.1"], &["ALPN protocol: http/1.1", "page of a"]),
        (&["-alpn", "spdy/3"], &["no application protocol"]),
        (&["-servername", "a.test"], &["subject=CN = a.test", "page of a"]),
        (&["-servername", "b.test"], &["subject=CN = b.test", "page of a"]),
        (&["-servername", "x.b.test"], &["subject=CN = b.test"]),
        (&["-servername", "unknown.test"], &["subject=CN = a.test"]),
        (&["-noservername"], &["subject=CN = a.test", "page of a"]),
    ] {
        let said = openssl(port, args);
        for words in expected {
            assert!(said.contains(words), "{args:?}: no `{words}` in:\n{said}");
        }
    }
}

#[test]
fn sessions_are_resumed_by_tickets() {
    if !has_openssl() {
        return;
    }
    let port = free_port();
    let config = config(&[vhost("a.test", port, "")]);
    let _server = Server::start(&config.compile());
    let session = config.path("session");
    let session = session.to_str().unwrap();
    for version in ["-tls1_3", "-tls1_2"] {
        let said = openssl(port, &[version, "-servername", "a.test", "-sess_out", session]);
        assert!(said.contains("New, TLSv1") && said.contains("page of a"), "{version}: {said}");
        let said = openssl(port, &[version, "-servername", "a.test", "-sess_in", session]);
        assert!(said.contains("Reused, TLSv1") && said.contains("page of a"), "{version}: {said}");
    }
}

/// A certificate authority with an ending, and the certificates of its clients.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Writes the authority's certificate to `NAME.pem`.
    fn new(folder: &Path, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
        Self { issuer: Issuer::new(params, key) }
    }

    /// Writes a client's certificate and key to `NAME.crt` and `NAME.key`, valid until that year.
    fn client(&self, folder: &Path, name: &str, until: i32) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_after = date_time_ymd(until, 1, 1);
        let certificate: Certificate = params.signed_by(&key, &self.issuer).unwrap();
        fs::write(folder.join(format!("{name}.crt")), certificate.pem()).unwrap();
        fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

/// `a.test` is open, `b.test` on the same port demands client certificates, and so does `a.test` on the next one.
fn with_client_certificates() -> (u16, u16, TempConfig) {
    let (port, closed) = (free_port(), free_port());
    let demand = ", \"client-cert-required\": \"1\", \"host-ssl-ca\": \"@DIR@/ca.pem\"";
    let config =
        config(&[vhost("a.test", port, ""), vhost("b.test", port, demand), vhost("a.test", closed, demand)]);
    let folder = config.path("");
    let ca = Authority::new(&folder, "ca");
    ca.client(&folder, "anna", 2100);
    ca.client(&folder, "late", 2020);
    Authority::new(&folder, "other").client(&folder, "stranger", 2100);
    (port, closed, config)
}

#[test]
fn client_certificates_are_demanded_and_checked() {
    if !has_openssl() {
        return;
    }
    let (port, _, config) = with_client_certificates();
    let _server = Server::start(&config.compile());
    let ask = |name: &str, host: &str, client: Option<&str>, more: &[&str]| {
        let path = |suffix| config.path(&format!("{}.{suffix}", client.unwrap_or_default()));
        let (cert, key) = (path("crt"), path("key"));
        let mut args = vec!["-servername", name];
        if client.is_some() {
            args.extend(["-cert", cert.to_str().unwrap(), "-key", key.to_str().unwrap()]);
        }
        args.extend(more);
        OpenSsl { port, args, host }.said()
    };
    for version in ["-tls1_3", "-tls1_2"] {
        let said = ask("b.test", "b.test", Some("anna"), &[version]);
        assert!(said.contains("page of b"), "{version}: {said}");
        for client in [None, Some("stranger"), Some("late")] {
            let said = ask("b.test", "b.test", client, &[version]);
            assert!(!said.contains("HTTP/1.1") && said.contains("alert"), "{version} {client:?}: {said}");
        }
    }
    // By Host there is no way to another policy, neither from outside in nor from inside out.
    for (name, host, client) in [("a.test", "b.test", None), ("b.test", "a.test", Some("anna"))] {
        let said = ask(name, host, client, &[]);
        assert!(said.contains("HTTP/1.1 421") && !said.contains("page of"), "{name} {host}: {said}");
    }
}

#[test]
fn a_session_of_an_open_vhost_does_not_open_a_closed_one_of_that_name() {
    if !has_openssl() {
        return;
    }
    let (open, closed, config) = with_client_certificates();
    let _server = Server::start(&config.compile());
    let session = config.path("session");
    let session = session.to_str().unwrap();
    for version in ["-tls1_3", "-tls1_2"] {
        let said = openssl(open, &[version, "-servername", "a.test", "-sess_out", session]);
        assert!(said.contains("page of a"), "{version}: {said}");
        let said = openssl(closed, &[version, "-servername", "a.test", "-sess_in", session]);
        assert!(!said.contains("page of a") && !said.contains("Reused"), "{version}: {said}");
    }
}

#[test]
fn http_2_connections_follow_the_same_rule() {
    let (port, _, config) = with_client_certificates();
    let _server = Server::start(&config.compile());
    let connect = || Client::tls(port, "a.test", tls::looking(&["h2"], true)).unwrap();
    assert_eq!(h2::get(connect(), "https", "a.test", "/"), (200, b"page of a".to_vec()));
    assert_eq!(h2::get(connect(), "https", "b.test", "/").0, 421);
}

#[test]
fn a_host_is_reached_only_as_its_own_policy_allows() {
    let port = free_port();
    // No TLS 1.2, one suite, one group, no HTTP/2: each of another vhost.
    let strict = [
        ("c.test", ", \"ssl-option-set\": \"134217728\""),
        ("d.test", ", \"tls13-ciphers\": \"TLS_CHACHA20_POLY1305_SHA256\""),
        ("e.test", ", \"ecdh-curve\": \"secp384r1\""),
        ("f.test", ", \"alpn\": \"http/1.1\""),
    ];
    let mut vhosts = vec![vhost("a.test", port, "")];
    vhosts.extend(strict.map(|(name, policy)| vhost(name, port, policy)));
    let mut config = config(&vhosts);
    for (name, _) in strict {
        let _ = tls::certificate(&config.path(""), name);
        config = config.www(&format!("{name}/index.html"), "strict");
    }
    let _server = Server::start(&config.compile());
    let ask = |versions: &[&'static rustls::SupportedProtocolVersion], host: &str| {
        let mut client = Client::tls(port, "a.test", tls::looking_with(versions, &[])).unwrap();
        client.get(host, "/").status
    };
    let (old, new) = (&rustls::version::TLS12, &rustls::version::TLS13);
    assert_eq!(ask(&[old], "a.test"), 200);
    assert_eq!((ask(&[old], "c.test"), ask(&[new], "c.test")), (421, 200));
    assert_eq!((ask(&[new], "d.test"), ask(&[new], "e.test")), (421, 421));
    assert_eq!(ask(&[new], "f.test"), 200);
    let http2 = Client::tls(port, "a.test", tls::looking(&["h2"], true)).unwrap();
    assert_eq!(h2::get(http2, "https", "f.test", "/").0, 421);
}

#[test]
fn clear_text_on_a_tls_port_is_told_redirected_or_served() {
    let (told, redirected, served) = (free_port(), free_port(), free_port());
    let config = config(&[
        vhost("a.test", told, ", \"sts\": \"1\""),
        vhost("a.test", redirected, ", \"sts\": \"1\", \"allow-non-tls\": \"1\", \"redirect-http\": \"1\""),
        vhost("a.test", served, ", \"sts\": \"1\", \"allow-non-tls\": \"1\", \"allow-http-on-https\": \"1\""),
    ]);
    let _server = Server::start(&config.compile());
    let mut client = Client::tcp(told);
    let response = client.get("a.test", "/");
    assert_eq!(response.status, 400);
    assert!(response.text().contains("https") && !response.text().contains("page of"), "{}", response.text());
    assert_eq!(client.rest().as_deref(), Some(&b""[..]), "the connection stays open");
    let response = get(redirected, "a.test:99", "/x/y?a=b&c");
    assert_eq!(response.status, 301);
    assert_eq!(response.header("location"), Some("https://a.test:99/x/y?a=b&c"));
    assert_eq!(response.header("strict-transport-security"), None);
    let response = get(served, "a.test", "/");
    assert_eq!((response.status, response.text().as_str()), (200, "page of a"));
    assert_eq!(response.header("strict-transport-security"), None);
    for port in [told, redirected, served] {
        let mut secured = Client::tls(port, "a.test", tls::looking(&[], true)).unwrap();
        let response = secured.get("a.test", "/");
        assert_eq!((response.status, response.text().as_str()), (200, "page of a"));
        assert!(response.header("strict-transport-security").is_some());
    }
}

/// Replaces the pair of `a.test` by one with another common name, or for another name altogether.
fn replace_pair(config: &TempConfig, common_name: &str, name: &str) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, common_name);
    fs::write(config.path("a.test.crt"), params.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(config.path("a.test.key"), key.serialize_pem()).unwrap();
}

/// The common name of the certificate that a new connection is shown.
fn shown(port: u16) -> Option<String> {
    let client = Client::tls(port, "a.test", tls::looking(&[], true)).ok()?;
    tls::common_name(client.session()?.peer_certificates()?.first()?)
}

#[test]
fn a_certificate_is_replaced_under_load_and_a_bad_one_is_not() {
    let port = free_port();
    let config = config(&[vhost("a.test", port, "")]);
    let server = Server::start(&config.compile());
    assert_eq!(shown(port).as_deref(), Some("a.test"));
    let stop = Stop::default();
    std::thread::scope(|scope| {
        let loading = stop.when_dropped();
        let load = scope.spawn(|| {
            while !stop.is_due() {
                let mut client = Client::tls(port, "a.test", tls::looking(&[], true)).unwrap();
                assert_eq!(client.get("a.test", "/").text(), "page of a");
            }
        });
        replace_pair(&config, "the new one", "a.test");
        let said = server.line_with("has changed and is used now");
        assert!(said.contains("conf.d/site:1") && said.contains("a.test.crt"), "{said}");
        assert_eq!(shown(port).as_deref(), Some("the new one"));
        replace_pair(&config, "another", "other.test");
        let said = server.line_with("is not for `a.test`");
        assert!(said.contains("the certificate before it stays in use"), "{said}");
        fs::write(config.path("a.test.key"), "no key").unwrap();
        let _ = server.line_with("holds no private key");
        assert_eq!(shown(port).as_deref(), Some("the new one"));
        drop(loading);
        load.join().unwrap();
    });
}

#[test]
fn a_certificate_that_is_missing_may_come_later() {
    let port = free_port();
    let config =
        config(&[vhost("a.test", port, ", \"ignore-missing-cert\": \"1\""), vhost("b.test", port, "")]);
    fs::remove_file(config.path("a.test.crt")).unwrap();
    let server = Server::start(&config.compile());
    let _ = server.line_with("is not there; TLS handshakes for it are refused");
    let refused = Client::tls(port, "a.test", tls::looking(&[], true)).unwrap_err().to_string();
    assert!(refused.contains("UnrecognisedName"), "{refused}");
    let mut other = Client::tls(port, "b.test", tls::looking(&[], true)).unwrap();
    assert_eq!(other.get("b.test", "/").text(), "page of b");
    replace_pair(&config, "late", "a.test");
    let _ = server.line_with("has changed and is used now");
    assert_eq!(shown(port).as_deref(), Some("late"));
}

#[test]
fn a_new_key_that_everybody_may_read_is_said() {
    let port = free_port();
    let config = config(&[vhost("a.test", port, "")]);
    let key = config.path("a.test.key");
    fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    let server = Server::start(&config.compile());
    assert!(!server.log()().contains("may read"), "{}", server.log()());
    replace_pair(&config, "the new one", "a.test");
    fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    let said = server.line_with("everybody on this machine may read");
    assert!(said.contains("conf.d/site:1") && said.contains("a.test.key"), "{said}");
    assert_eq!(shown(port).as_deref(), Some("the new one"));
}

/// Of many pairs most are looked at when they are needed, or in the background: a broken one keeps nobody waiting.
#[test]
fn of_many_certificates_a_broken_one_is_said_and_the_others_are_served() {
    const MANY: usize = 300;
    let port = free_port();
    let vhosts: Vec<_> = (0..MANY)
        .map(|number| vhost("a.test", port, "").replace("a.test", &format!("v{number}.test")))
        .collect();
    let mut config = config(&vhosts);
    let folder = config.path("");
    let (cert, key) = tls::certificate(&folder, "a.test");
    let copy = |number: usize, kind: &str| folder.join(format!("v{number}.test.{kind}"));
    for number in 0..MANY {
        fs::copy(&cert, copy(number, "crt")).unwrap();
        fs::copy(&key, copy(number, "key")).unwrap();
    }
    fs::copy(&cert, copy(MANY - 1, "key")).unwrap();
    config = config.www("v298.test/index.html", "one of many");
    let server = Server::start(&config.compile());
    let said = server.line_with("holds no private key");
    assert!(said.contains("v299.test") && said.contains("conf.d/site:"), "{said}");
    assert!(Client::tls(port, "v299.test", tls::looking(&[], true)).is_err());
    let mut client = Client::tls(port, "v298.test", tls::looking(&[], true)).unwrap();
    assert_eq!(client.get("v298.test", "/").text(), "one of many");
}

/// Clients that send nothing, or a byte now and then, leave the others untouched, and are closed in time.
#[test]
fn clients_that_dawdle_in_the_handshake_hold_up_nobody() {
    const SLOW: usize = 2000;
    let port = free_port();
    let config = config(&[vhost("a.test", port, "")])
        .conf("{ \"global\": { \"init-ssl\": \"1\", \"timeout-secs\": \"4\" } }");
    let _server = Server::start(&config.compile());
    let slow = SLOW.min(may_open());
    let silent: Vec<TcpStream> =
        (0..slow).map(|_| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap()).collect();
    // The beginning of a handshake that says it is long.
    let hello = [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", &[0; 53][..]].concat();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let (dribbling, _) = silent.split_at(slow / 2);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut each_second = hello.iter();
            // One byte, and a second in which the test may be over.
            while stopped.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                let Some(byte) = each_second.next() else { return };
                for mut stream in dribbling {
                    // Those that are closed take no more.
                    let _ = stream.write_all(&[*byte]);
                }
            }
        });
        for _ in 0..20 {
            let mut client = Client::tls(port, "a.test", tls::looking(&[], true)).unwrap();
            assert_eq!(client.get("a.test", "/").text(), "page of a");
        }
        for (number, mut stream) in silent.iter().enumerate() {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            // A reset is an end as well; a time-out is not.
            let open = stream.read(&mut [0; 16]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
            assert!(!open, "connection {number} is still open");
        }
        drop(stop);
    });
    drop(silent);
    let mut client = Client::tls(port, "a.test", tls::looking(&[], true)).unwrap();
    assert_eq!(client.get("a.test", "/").text(), "page of a");
}

/// How many files this process may open besides those that other tests need.
fn may_open() -> usize {
    open_as_many_as_allowed();
    let most = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(most.saturating_sub(500)).unwrap_or(usize::MAX)
}
