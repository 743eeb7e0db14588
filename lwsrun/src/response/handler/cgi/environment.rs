//! What a program is told (RFC 3875, section 4.1), and what lwsws and others tell beyond that. The server's own
//! environment is not among it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::{HeaderName, Version};
use schemas::plan::{Mount, Origin, Vhost};

use super::program::Program;
use crate::connection::{ClientCertificate, ConnectionFacts};
use crate::request::path::AsSent;
use crate::response::log::User;

/// Where programs look for programs: that of lwsws.
const PATH: &str = "/bin:/usr/bin:/usr/local/bin:/var/www/cgi-bin";

/// Fields that are not passed on as `HTTP_…`: told under names of their own, meant for this hop, or not a program's
/// business. `Proxy` would be taken for a setting by what the program calls.
const KEPT: [HeaderName; 10] = [
    AUTHORIZATION,
    CONNECTION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("proxy"),
];

/// What a mount's programs are told, whatever the request.
#[derive(Debug)]
pub(super) struct Environment {
    /// `cgi-env`, which wins over all else.
    own: Vec<(OsString, OsString)>,
    vhost: Box<str>,
    port: Option<u16>,
    /// The folder of the vhost's mount `/`, if it is one of files.
    docroot: Option<Box<str>>,
}

/// Names and values.
pub(super) type Variables = Vec<(OsString, OsString)>;

impl Environment {
    pub(super) fn new(vhost: &Vhost<'_>, mount: &Mount<'_>, port: Option<u16>) -> Self {
        let docroot = vhost.mounts.iter().find_map(|mount| match mount.origin {
            Origin::File { docroot } if mount.mountpoint == "/" => Some(docroot.trim_end_matches('/').into()),
            _ => None,
        });
        let own = mount.cgi_env.iter().map(|pair| (pair.name.into(), pair.value.into())).collect();
        Self { own, vhost: vhost.name.into(), port, docroot }
    }

    /// What a program is told of a request.
    pub(super) fn of(&self, parts: &Parts, program: &Program<'_>) -> Variables {
        let mut told = Told(Vec::with_capacity(40));
        let facts = parts.extensions.get::<ConnectionFacts>();
        told.text("GATEWAY_INTERFACE", "CGI/1.1");
        told.text("SERVER_SOFTWARE", concat!("lwsrun/", env!("CARGO_PKG_VERSION")));
        told.text("PATH", PATH);
        told.text("REQUEST_METHOD", parts.method.as_str());
        told.text("QUERY_STRING", parts.uri.query().unwrap_or_default());
        let sent = parts.extensions.get::<AsSent>().map(|sent| sent.0.as_str());
        let target = sent.or(parts.uri.path_and_query().map(|target| target.as_str()));
        told.text("REQUEST_URI", target.unwrap_or("/"));
        told.text("SERVER_PROTOCOL", protocol(parts.version));
        self.tell_program(&mut told, program);
        self.tell_server(&mut told, parts, facts.is_some_and(|facts| facts.tls));
        if let Some(peer) = facts.and_then(|facts| facts.peer) {
            told.text("REMOTE_ADDR", &peer.ip().to_canonical().to_string());
            told.text("REMOTE_PORT", &peer.port().to_string());
        } else {
            // RFC 3875 wants one; there is none behind a unix socket.
            told.text("REMOTE_ADDR", "");
        }
        if let Some(user) = parts.extensions.get::<User>() {
            told.text("AUTH_TYPE", "Basic");
            told.bytes("REMOTE_USER", &user.0);
        }
        if let Some(client) = parts.extensions.get::<ClientCertificate>() {
            told.text("SSL_CLIENT_VERIFY", "SUCCESS");
            told.text("SSL_CLIENT_S_DN", &client.subject);
        }
        tell_fields(&mut told, parts);
        for (name, value) in &self.own {
            told.0.retain(|(known, _)| known != name);
            told.0.push((name.clone(), value.clone()));
        }
        told.0
    }

    fn tell_program(&self, told: &mut Told, program: &Program<'_>) {
        let path = program.path.as_os_str().as_bytes();
        told.bytes("SCRIPT_PATH", path);
        told.bytes("SCRIPT_FILENAME", path);
        told.bytes("SCRIPT_NAME", &program.name);
        told.bytes("PATH_INFO", &program.rest);
        if let Some(docroot) = &self.docroot {
            told.text("DOCUMENT_ROOT", docroot);
            if !program.rest.is_empty() {
                told.bytes("PATH_TRANSLATED", &[docroot.as_bytes(), &program.rest].concat());
            }
        }
    }

    fn tell_server(&self, told: &mut Told, parts: &Parts, tls: bool) {
        let field = || parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let authority = parts.uri.authority().map(http::uri::Authority::as_str).or_else(field);
        let (name, port) = authority.map_or((&*self.vhost, None), split_port);
        told.text("SERVER_NAME", name);
        let usual = if tls { 443 } else { 80 };
        let port = self.port.map(|port| port.to_string()).or(port.map(str::to_owned));
        told.text("SERVER_PORT", &port.unwrap_or_else(|| format!("{usual}")));
        told.text("REQUEST_SCHEME", if tls { "https" } else { "http" });
        if tls {
            told.text("HTTPS", "ON");
        }
    }
}

/// The fields of the request. Those whose names become the same variable as others could are left out: `X_Y` is not
/// `X-Y`.
fn tell_fields(told: &mut Told, parts: &Parts) {
    for (name, variable) in [(CONTENT_TYPE, "CONTENT_TYPE"), (CONTENT_LENGTH, "CONTENT_LENGTH")] {
        if let Some(value) = parts.headers.get(name) {
            told.bytes(variable, value.as_bytes());
        }
    }
    if let (Some(authority), false) = (parts.uri.authority(), parts.headers.contains_key(HOST)) {
        told.text("HTTP_HOST", authority.as_str());
    }
    for name in parts.headers.keys().filter(|name| !KEPT.contains(name)) {
        if !name.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            continue;
        }
        let separator: &[u8] = if name == COOKIE { b"; " } else { b", " };
        let values: Vec<&[u8]> = parts.headers.get_all(name).iter().map(|value| value.as_bytes()).collect();
        let mut variable = String::with_capacity(5 + name.as_str().len());
        variable.push_str("HTTP_");
        variable.extend(name.as_str().chars().map(|c| if c == '-' { '_' } else { c.to_ascii_uppercase() }));
        told.0.push((variable.into(), OsString::from_vec(values.join(separator))));
    }
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        _ => "HTTP/1.1",
    }
}

/// A host and its port; the brackets of an IPv6 address stay.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (name, Some(port).filter(|port| !port.is_empty()))
        }
        _ => (authority, None),
    }
}

struct Told(Variables);

impl Told {
    fn text(&mut self, name: &str, value: &str) {
        self.0.push((name.into(), value.into()));
    }

    fn bytes(&mut self, name: &str, value: &[u8]) {
        self.0.push((name.into(), OsStr::from_bytes(value).into()));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use http::Request;
    use schemas::plan::Pair;

    use super::super::program::Programs;
    use super::*;
    use crate::boot::testing::{self, mount, vhost};

    fn told(request: http::request::Builder, mount: &Mount<'_>) -> BTreeMap<String, String> {
        let programs = Programs::new(mount, "/srv/bin/prog");
        let vhost = Vhost { mounts: vec![testing::mount("/")], ..vhost() };
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(ConnectionFacts {
            tls: true,
            peer: Some("[::ffff:192.0.2.7]:4711".parse().unwrap()),
            ..testing::connection()
        });
        parts.extensions.insert(User(b"mate"[..].into()));
        parts.extensions.insert(ClientCertificate { trust: "t".into(), subject: "CN=anna".into() });
        let program = programs.find(parts.uri.path()).unwrap();
        let variables = Environment::new(&vhost, mount, Some(8443)).of(&parts, &program);
        let count = variables.len();
        let text = |text: OsString| text.into_string().unwrap();
        let map: BTreeMap<_, _> =
            variables.into_iter().map(|(name, value)| (text(name), text(value))).collect();
        assert_eq!(map.len(), count, "no name twice");
        map
    }

    #[test]
    fn all_of_rfc_3875_and_nothing_that_a_client_could_disguise() {
        let mount = Mount {
            cgi_env: vec![Pair { name: "PATH", value: "/x" }, Pair { name: "GIT_PROJECT_ROOT", value: "b" }],
            ..mount("/cgi")
        };
        let request = Request::post("/cgi/a%20b/c?x=%26&y")
            .header("host", "a.test:1")
            .header("content-type", "text/plain")
            .header("content-length", "3")
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .header("x-one", "1")
            .header("x-one", "2")
            .header("x_one", "disguised")
            .header("content_length", "9")
            .header("proxy", "http://evil.test/")
            .header("authorization", "Basic c2VjcmV0")
            .header("connection", "x");
        let told = told(request, &mount);
        for (name, value) in [
            ("GATEWAY_INTERFACE", "CGI/1.1"),
            ("SERVER_SOFTWARE", concat!("lwsrun/", env!("CARGO_PKG_VERSION"))),
            ("REQUEST_METHOD", "POST"),
            ("QUERY_STRING", "x=%26&y"),
            ("REQUEST_URI", "/cgi/a%20b/c?x=%26&y"),
            ("SCRIPT_NAME", "/cgi"),
            ("SCRIPT_PATH", "/srv/bin/prog"),
            ("PATH_INFO", "/a b/c"),
            ("PATH_TRANSLATED", "/nowhere/a b/c"),
            ("SERVER_NAME", "a.test"),
            ("SERVER_PORT", "8443"),
            ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("REMOTE_ADDR", "192.0.2.7"),
            ("REMOTE_USER", "mate"),
            ("AUTH_TYPE", "Basic"),
            ("SSL_CLIENT_S_DN", "CN=anna"),
            ("SSL_CLIENT_VERIFY", "SUCCESS"),
            ("HTTPS", "ON"),
            ("CONTENT_TYPE", "text/plain"),
            ("CONTENT_LENGTH", "3"),
            ("HTTP_COOKIE", "a=1; b=2"),
            ("HTTP_X_ONE", "1, 2"),
            ("HTTP_HOST", "a.test:1"),
            ("PATH", "/x"),
            ("GIT_PROJECT_ROOT", "b"),
        ] {
            assert_eq!(told.get(name).map(String::as_str), Some(value), "{name}");
        }
        for name in ["HTTP_PROXY", "HTTP_AUTHORIZATION", "HTTP_CONTENT_LENGTH", "HTTP_CONNECTION"] {
            assert!(!told.contains_key(name), "{name}");
        }
    }
}
