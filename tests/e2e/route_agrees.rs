//! What the server does is what `schemas::route` says, on the same plan: the compiler explains routes with it.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use schemas::plan::{ListenerId, Plan};
use schemas::route::{ContentType, Facts, Target, content_type, route, split_target};
use tests::client::{Client, Response};
use tests::config::{TempConfig, free_port, open};
use tests::server::Server;

/// One listener, two vhosts, all kinds of mounts, some inside others.
const VHOSTS: &str = r#"{ "vhosts": [{
    "name": "a.test", "port": "@PORT@", "interface": "127.0.0.1", "headers": [{ "X-V": "a", "X-Both": "vhost" }],
    "mounts": [
        { "mountpoint": "/", "origin": "file://@DIR@/www" },
        { "mountpoint": "/x", "origin": "file://@DIR@/www/y", "default": "start.txt", "headers": [{ "X-Both": "mount" }] },
        { "mountpoint": "/x/deep", "origin": "file://@DIR@/www" },
        { "mountpoint": "/x/deep/er", "origin": ">http://elsewhere.test/er", "append-path": "1" },
        { "mountpoint": "/go", "origin": ">https://elsewhere.test/" },
        { "mountpoint": "/exact", "origin": ">http://elsewhere.test/exact", "exact-match": "1" },
        { "mountpoint": "/y y", "origin": "file://@DIR@/www/y" },
        { "mountpoint": "/cgi", "origin": "cgi://@DIR@/none.sh" }
    ]
 }, {
    "name": "b.test", "port": "@PORT@", "interface": "127.0.0.1", "headers": [{ "X-V": "b" }],
    "mounts": [ { "mountpoint": "/y", "origin": "file://@DIR@/www" }, { "mountpoint": "/y/x", "origin": ">http://elsewhere.test/" } ]
}] }"#;

const GLOBAL: &str =
    r#"{ "global": { "server-string": "harbour", "reject-service-keywords": [{ "badbot": "403 No" }] } }"#;

/// Segments of paths, and odd ways to write them.
const SEGMENTS: [&str; 26] = [
    "",
    "x",
    "y",
    "deep",
    "er",
    "go",
    "exact",
    "cgi",
    "y%20y",
    "index.html",
    "start.txt",
    "a.txt",
    "b.zap",
    "noext",
    "..",
    ".",
    "%2e%2e",
    "%2E",
    "%78",
    "%2f",
    "a%2Etxt",
    "x%2Fdeep",
    "...",
    "%zz",
    "%00",
    "+;&=@~",
];

/// A request that is asked of both.
#[derive(Debug, Clone)]
struct Ask {
    host: Option<&'static str>,
    path: String,
    query: Option<&'static str>,
    agent: Option<&'static str>,
}

const HOSTS: [Option<&str>; 6] =
    [Some("a.test"), Some("b.test"), Some("www.b.test:80"), Some("B.TEST"), Some("other"), None];

const AGENTS: [Option<&str>; 5] = [None, None, None, Some("browser"), Some("a badbot")];

const QUERIES: [Option<&str>; 3] = [None, Some("q=1&r=%2F"), Some("")];

fn asks() -> impl Strategy<Value = Ask> {
    let segments = proptest::collection::vec(select(&SEGMENTS[..]), 0..5);
    let parts = (select(&HOSTS[..]), segments, select(&QUERIES[..]), select(&AGENTS[..]));
    parts.prop_map(|(host, segments, query, agent)| Ask {
        host,
        path: format!("/{}", segments.join("/")),
        query,
        agent,
    })
}

#[test]
fn the_server_goes_where_route_says() {
    let port = free_port();
    let config = TempConfig::new().conf(GLOBAL).conf_d("site", &VHOSTS.replace("@PORT@", &port.to_string()));
    let files = [
        "index.html",
        "a.txt",
        "b.zap",
        "noext",
        "x/index.html",
        "y/index.html",
        "y/start.txt",
        "y/a.txt",
        "y/x/a.txt",
        "deep/a.txt",
    ];
    let config = files.iter().fold(config, |config, name| config.www(name, format!("this is {name}")));
    let plan_path = config.compile();
    let plan = open(&plan_path);
    let _server = Server::start(&plan_path);
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 1500,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let done = runner.run(&asks(), |ask| agree(&plan, port, &ask));
    if let Err(error) = done {
        panic!("{error}");
    }
}

fn agree(plan: &Plan, port: u16, ask: &Ask) -> Result<(), TestCaseError> {
    let target = match ask.query {
        Some(query) => format!("{}?{query}", ask.path),
        None => ask.path.clone(),
    };
    let facts =
        Facts { listener: ListenerId(0), tls: false, host: ask.host, target: &target, user_agent: ask.agent };
    let route = route(plan, &facts);
    let response = send(port, ask, &target);
    let (status, location) = (response.status, response.header("location"));
    match &route.target {
        Target::BadPath(_) => prop_assert_eq!(status, 400),
        Target::Rejected { status: expected } => prop_assert_eq!(status, *expected),
        Target::NoMount => prop_assert_eq!(status, 404),
        Target::Redirect { location: expected } => {
            prop_assert_eq!((status, location), (301, Some(expected.as_str())));
        }
        // The program is not there; a path that it could take otherwise does not even get there.
        Target::Dynamic { .. } => prop_assert!(matches!(status, 400 | 502), "{}", status),
        Target::File { docroot, below } => {
            let vhost = plan.vhost(route.vhost);
            let default = route.mount.and_then(|id| vhost.mounts[id.index()].default).unwrap_or("index.html");
            agree_on_file(docroot, &String::from_utf8_lossy(below), default, &target, &response)?;
        }
    }
    for (name, value) in &route.headers {
        prop_assert!(response.header_all(name).contains(&value.as_str()), "no header {}: {}", name, value);
    }
    Ok(())
}

/// What a file mount does is decided by the files that are there.
fn agree_on_file(
    docroot: &str,
    below: &str,
    default: &str,
    target: &str,
    response: &Response,
) -> Result<(), TestCaseError> {
    let path = Path::new(docroot).join(below);
    let folder = below.is_empty() || below.ends_with('/');
    let location = response.header("location");
    if path.is_dir() && !folder {
        let query = split_target(target).1.map_or(String::new(), |query| format!("?{query}"));
        prop_assert_eq!(response.status, 301);
        let location = location.unwrap_or_default();
        prop_assert!(location.ends_with(&format!("/{query}")), "{} for {}", location, target);
        return Ok(());
    }
    let file = if folder { path.join(default) } else { path };
    if !file.is_file() || below.trim_end_matches('/').ends_with(".txt") && folder {
        prop_assert_eq!(response.status, 404, "{:?}", file);
    } else if content_type(&[], file.as_os_str().as_encoded_bytes()) == ContentType::Unknown {
        prop_assert_eq!(response.status, 415, "{:?}", file);
    } else {
        let content = std::fs::read_to_string(&file).unwrap();
        prop_assert_eq!((response.status, response.text()), (200, content), "{:?}", file);
    }
    Ok(())
}

fn send(port: u16, ask: &Ask, target: &str) -> Response {
    let mut client = Client::tcp(port);
    let version = if ask.host.is_some() { "1.1" } else { "1.0" };
    let host = ask.host.map_or(String::new(), |host| format!("Host: {host}\r\n"));
    let agent = ask.agent.map_or(String::new(), |agent| format!("User-Agent: {agent}\r\n"));
    client.send(format!("GET {target} HTTP/{version}\r\n{host}{agent}\r\n"));
    client.expect("GET")
}
