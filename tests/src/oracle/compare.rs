//! When an answer is as good as the recorded one.
//!
//! Status, the headers that the case names, and the content must be the same, with these exceptions, all of them
//! decided: any well-formed entity tag will do; STS may be missing on plain HTTP; a Location may be relative and may
//! keep the query, if it leads to the same place; headers of a 400 are free, and so is the content of error pages.
//! HTTP version, reason, `Date` and whether the connection closes are not looked at.

use rustls::SupportedCipherSuite;
use rustls::crypto::aws_lc_rs::cipher_suite;
use serde_json::Value;

use super::Case;
use super::pattern::Pattern;
use super::stage::{Stage, latin1};
use crate::client::Response;

/// Compares one answer and adds what is different.
pub fn response(
    case: &Case,
    request: &Value,
    expected: &Value,
    found: Option<&Response>,
    stage: &Stage,
    differences: &mut Vec<String>,
) {
    let status = expected["status"].as_u64();
    let (Some(status), Some(found)) = (status, found) else {
        match (status, found) {
            (None, Some(found)) => differences.push(format!("status {}, recorded no answer", found.status)),
            (Some(status), None) => differences.push(format!("no answer, recorded status {status}")),
            _ => {}
        }
        return;
    };
    if u64::from(found.status) != status {
        differences.push(format!("status {}, recorded {status}", found.status));
        return;
    }
    for name in case.list("match_headers").iter().filter_map(Value::as_str) {
        header(name, request, expected, found, stage, differences);
    }
    if status < 400 {
        content(expected, found, stage, differences);
    }
}

fn header(
    name: &str,
    request: &Value,
    expected: &Value,
    found: &Response,
    stage: &Stage,
    differences: &mut Vec<String>,
) {
    if let Some(absent) = name.strip_prefix('!') {
        if !found.header_all(absent).is_empty() {
            differences.push(format!("header `{absent}` should not be there"));
        }
        return;
    }
    let mut found_values: Vec<String> = found.header_all(name).into_iter().map(str::to_owned).collect();
    let mut expected_values: Vec<String> = expected["headers"]
        .as_array()
        .map_or(&[][..], Vec::as_slice)
        .iter()
        .filter(|header| header[0].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name)))
        .filter_map(|header| header[1].as_str())
        .map(|value| latin1(&stage.fill(value)))
        .collect();
    found_values.sort();
    expected_values.sort();
    let excused = name == "date"
        || found.status == 400
        || decided_better(name, request, &found_values, &expected_values, stage);
    if !excused && found_values != expected_values {
        differences.push(format!("header `{name}`: {found_values:?}, recorded {expected_values:?}"));
    }
}

fn decided_better(name: &str, request: &Value, found: &[String], expected: &[String], stage: &Stage) -> bool {
    let tls = !request["tls"].is_null();
    match (name, found, expected) {
        ("etag", _, _) => found.len() == expected.len() && found.iter().all(|tag| is_entity_tag(tag)),
        ("location", [found], [expected]) => {
            let raw = latin1(&stage.bytes(request));
            same_target(found, expected, &raw, tls)
        }
        ("strict-transport-security", [], _) => !tls,
        _ => false,
    }
}

/// RFC 9110, section 8.8.3.
fn is_entity_tag(tag: &str) -> bool {
    let quoted = tag.strip_prefix("W/").unwrap_or(tag);
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.is_some_and(|inner| inner.chars().all(|c| matches!(c, '\x21' | '\x23'..='\x7e')))
}

/// Whether two locations lead to the same place from this request, or one also keeps its query.
fn same_target(found: &str, expected: &str, raw: &str, tls: bool) -> bool {
    let path = raw.split(' ').nth(1).unwrap_or("/");
    let host = raw.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("host").then(|| value.trim())
    });
    let scheme = if tls { "https" } else { "http" };
    let base = (scheme, host.unwrap_or("x"), path);
    let (found, expected) = (absolute(found, base), absolute(expected, base));
    let query = path.split_once('?').map(|(_, query)| query);
    found == expected || query.is_some_and(|query| found == format!("{expected}?{query}"))
}

/// A reference as an absolute URL (RFC 3986, section 5.2); dot segments are left as they are.
fn absolute(reference: &str, (scheme, host, path): (&str, &str, &str)) -> String {
    if reference.contains("://") {
        return reference.to_owned();
    }
    if reference.starts_with("//") {
        return format!("{scheme}:{reference}");
    }
    if reference.starts_with('/') {
        return format!("{scheme}://{host}{reference}");
    }
    let path = path.split('?').next().unwrap_or_default();
    let folder = &path[..path.rfind('/').map_or(0, |slash| slash + 1)];
    format!("{scheme}://{host}{folder}{reference}")
}

fn content(expected: &Value, found: &Response, stage: &Stage, differences: &mut Vec<String>) {
    if let Some(pattern) = expected["body_match"].as_str() {
        let pattern = Pattern::new(&latin1(&stage.fill(pattern)));
        if !pattern.is_in(&latin1(&found.body)) {
            differences.push("the content does not match".to_owned());
        }
    } else if let Some(text) = expected["body"].as_str() {
        if found.body != stage.fill(text) {
            let start = latin1(&found.body[..found.body.len().min(80)]);
            differences.push(format!("content {start:?}, recorded {text:?}"));
        }
    } else if let Some(hash) = expected["body_sha256"].as_str()
        && sha256(&found.body) != hash
    {
        differences.push(format!(
            "{} bytes of other content, recorded {}",
            found.body.len(),
            expected["body_len"]
        ));
    }
}

/// SHA-256 in hexadecimal digits, from the TLS library, which has it anyway.
fn sha256(bytes: &[u8]) -> String {
    let SupportedCipherSuite::Tls13(suite) = cipher_suite::TLS13_AES_128_GCM_SHA256 else {
        panic!("a cipher suite of TLS 1.3");
    };
    let hash = suite.common.hash_provider.hash(bytes);
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
