//! A real nginx as upstream.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use tests::PATIENCE;
use tests::client::Client;
use tests::config::free_ports;
use tests::skip::skip;

use super::{get, site};
use crate::{Site, TempConfig};

/// An nginx that runs until the test is over.
struct Nginx {
    child: Child,
    config: TempConfig,
    /// Its port in clear; the next one is with TLS and HTTP/2.
    port: u16,
    ca: String,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts one; `None`, and a line that says so, if there is none on this machine.
fn nginx() -> Option<Nginx> {
    if !Command::new("nginx").arg("-v").stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        skip("no nginx here");
        return None;
    }
    let port = free_ports(2);
    let config = TempConfig::new();
    let folder = config.path("nginx");
    let (cert, key) = tests::tls::certificate(&folder, "localhost");
    let at = |name: &str| folder.join(name).display().to_string();
    std::fs::write(folder.join("1m"), vec![b'm'; 1 << 20]).unwrap();
    let text = format!(
        "daemon off; master_process off; worker_processes 1; pid {pid};\n\
         events {{ worker_connections 512; }}\n\
         http {{ access_log off; client_max_body_size 0; client_body_temp_path {b}; proxy_temp_path {b};\n\
         fastcgi_temp_path {b}; uwsgi_temp_path {b}; scgi_temp_path {b}; gzip on; gzip_proxied any; gzip_min_length 1;\n\
         gzip_types text/plain;\n\
         server {{ listen 127.0.0.1:{port}; listen 127.0.0.1:{secure} ssl http2; ssl_certificate {cert};\n\
         ssl_certificate_key {key}; ssl_client_certificate {cert}; ssl_verify_client optional; root {root};\n\
         location /told {{ default_type text/plain;\n\
         return 200 \"$request_method $uri $server_protocol $http_host $ssl_client_verify\"; }}\n\
         location /go {{ return 302 /told/there; }} }} }}",
        pid = at("pid"),
        b = at("bodies"),
        cert = cert.display(),
        key = key.display(),
        root = folder.display(),
        secure = port + 1,
    );
    std::fs::write(folder.join("conf"), text).unwrap();
    let child = Command::new("nginx")
        .args(["-e", &at("errors"), "-c", &at("conf")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it was there a moment ago");
    let nginx = Nginx { child, config, port, ca: cert.display().to_string() };
    let deadline = Instant::now() + PATIENCE;
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "nginx does not start: {}", nginx.errors());
        std::thread::yield_now();
    }
    Some(nginx)
}

impl Nginx {
    fn errors(&self) -> String {
        std::fs::read_to_string(self.config.path("nginx/errors")).unwrap_or_default()
    }

    fn in_clear(&self) -> Site {
        let origin = format!("http://127.0.0.1:{}/", self.port);
        site(&format!(",\n\"mounts\": [{{ \"mountpoint\": \"/px\", \"origin\": \"{origin}\" }}]"), &[])
    }

    fn over_tls(&self, keys: &str) -> Site {
        let origin = format!("https://localhost:{}/", self.port + 1);
        site(&format!(",\n\"mounts\": [{{ \"mountpoint\": \"/px\", \"origin\": \"{origin}\" }}]{keys}"), &[])
    }
}

#[test]
fn files_and_answers_of_nginx_come_through() {
    let Some(nginx) = nginx() else { return };
    let site = nginx.in_clear();
    let mut client = Client::tcp(site.port);
    for _ in 0..3 {
        let response = client.get("a.test", "/px/1m");
        assert_eq!((response.status, response.body.len()), (200, 1 << 20));
        assert!(response.body.iter().all(|&byte| byte == b'm'));
        let response = client.get("a.test", "/px/told/a%20b");
        assert_eq!(response.text(), format!("GET /told/a b HTTP/1.1 127.0.0.1:{} ", nginx.port));
        let response = client.get("a.test", "/px/go");
        assert_eq!((response.status, response.header("location")), (302, Some("/px/told/there")));
        assert_eq!(client.get("a.test", "/px/missing").status, 404);
        client.send("GET /px/told HTTP/1.1\r\nHost: a.test\r\nAccept-Encoding: gzip\r\n\r\n");
        let response = client.expect("GET");
        assert_eq!(response.header("content-encoding"), Some("gzip"));
        client.send("GET /px/1m HTTP/1.1\r\nHost: a.test\r\nRange: bytes=1-3\r\n\r\n");
        let response = client.expect("GET");
        assert_eq!((response.status, response.text().as_str()), (206, "mmm"));
    }
}

#[test]
fn http2_over_tls_is_spoken_where_nginx_chooses_it() {
    let Some(nginx) = nginx() else { return };
    let site = nginx.over_tls(&format!(", \"client-ssl-ca\": \"{}\"", nginx.ca));
    let told = get(&site, "/px/told").text();
    assert_eq!(told, format!("GET /told HTTP/2.0 localhost:{} NONE", nginx.port + 1));
    let site = Arc::new(site);
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let site = Arc::clone(&site);
            std::thread::spawn(move || get(&site, "/px/1m").body.len())
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), 1 << 20);
    }
}

#[test]
fn a_client_certificate_is_shown() {
    let Some(nginx) = nginx() else { return };
    let key = Path::new(&nginx.ca).with_extension("key");
    let keys = format!(
        ", \"client-ssl-ca\": \"{ca}\", \"client-ssl-cert\": \"{ca}\", \"client-ssl-key\": \"{key}\"",
        ca = nginx.ca,
        key = key.display()
    );
    let told = get(&nginx.over_tls(&keys), "/px/told").text();
    assert!(told.ends_with(" SUCCESS"), "{told} {}", nginx.errors());
}
