//! Sends the requests of a case and compares the answers.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::pattern::Pattern;
use super::stage::{Stage, latin1};
use super::{Case, compare};
use crate::client::Response;
use crate::lines::lines;
use crate::tls;

/// How long nothing must come where no answer was recorded.
const SILENCE: Duration = Duration::from_secs(3);

/// Runs a case; what is different from the recording.
#[must_use]
pub fn run(case: &Case, stage: &Stage) -> Vec<String> {
    let request = &case.value["request"];
    let log = Log::of(case, stage);
    let mut client = match stage.connect(request) {
        Ok(client) => client,
        Err(error) => return vec![format!("no connection: {error}")],
    };
    let bytes = stage.bytes(request);
    client.send(&bytes);
    let expected = match case.list("responses") {
        [] => std::slice::from_ref(&case.value["response"]),
        several => several,
    };
    let methods = methods(&latin1(&bytes));
    let mut differences = Vec::new();
    for (number, expected) in expected.iter().enumerate() {
        let method = methods.get(number).or(methods.last()).map_or("GET", String::as_str);
        if expected["status"].is_null() {
            client.set_patience(SILENCE);
        }
        let response: Option<Response> = client.response(method);
        compare::response(case, request, expected, response.as_ref(), stage, &mut differences);
        if response.is_none() {
            break;
        }
    }
    differences.extend(log.and_then(|log| log.difference()));
    let session = client.session();
    let alpn = session.and_then(|session| session.alpn_protocol()).map(latin1);
    same(case, "alpn", alpn.as_deref(), &mut differences);
    let shown = session.and_then(|session| session.peer_certificates()?.first().cloned());
    let name = shown.and_then(|certificate| tls::common_name(&certificate));
    same(case, "peer_cn", name.as_deref(), &mut differences);
    differences
}

/// The access log in which a request must leave its line.
struct Log {
    path: PathBuf,
    lines: usize,
    pattern: Pattern,
}

impl Log {
    /// As it is before the request.
    fn of(case: &Case, stage: &Stage) -> Option<Self> {
        let text = |key: &str| Some(latin1(&stage.fill(case.value["log"][key].as_str()?)));
        let path = PathBuf::from(text("file")?);
        let lines = std::fs::read_to_string(&path).unwrap_or_default().lines().count();
        Some(Self { path, lines, pattern: Pattern::new(&text("regex")?) })
    }

    /// What is different after it.
    fn difference(&self) -> Option<String> {
        let last = lines(&self.path, self.lines + 1).pop().unwrap_or_default();
        (!self.pattern.is_all_of(&last)).then(|| format!("logged as {last:?}"))
    }
}

/// The methods of requests that stand one after the other in one packet.
fn methods(bytes: &str) -> Vec<String> {
    let lines = bytes.split("\r\n").filter(|line| line.ends_with(" HTTP/1.1") || line.ends_with(" HTTP/1.0"));
    lines.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

fn same(case: &Case, key: &str, found: Option<&str>, differences: &mut Vec<String>) {
    let expected = &case.value[key];
    if *expected != Value::Null && expected.as_str() != found {
        differences.push(format!("{key} {found:?}, recorded {expected}"));
    }
}
