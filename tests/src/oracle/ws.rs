//! Opens the websockets of a case, exchanges its frames, and compares.
//!
//! Frames are written and read by hand: some of the recorded ones break the rules on purpose.

use std::time::Duration;

use serde_json::Value;

use super::pattern::Pattern;
use super::stage::Stage;
use super::{Case, compare};
use crate::client::Client;

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;

const NAMES: [(&str, u8); 6] =
    [("cont", 0), ("text", TEXT), ("binary", BINARY), ("close", CLOSE), ("ping", 9), ("pong", 10)];

/// What came: a message, joined from its fragments, or a control frame.
#[derive(Debug)]
struct Received {
    /// The name of the opcode; `timeout` if nothing came, `eof` if the connection ended.
    op: String,
    rsv: u8,
    code: Option<u16>,
    data: String,
}

/// Runs a case; what is different from the recording.
#[must_use]
pub fn run(case: &Case, stage: &Stage) -> Vec<String> {
    let mut differences = Vec::new();
    let mut clients = Vec::new();
    for (request, expected) in case.list("conns").iter().zip(case.list("handshakes")) {
        let mut client = match stage.connect(request) {
            Ok(client) => client,
            Err(error) => return vec![format!("no connection: {error}")],
        };
        client.send(stage.bytes(request));
        let response = client.response("GET");
        compare::response(case, request, expected, response.as_ref(), stage, &mut differences);
        clients.push(client);
    }
    if !differences.is_empty() {
        return differences;
    }
    let mut transcript = case.list("transcript").iter().enumerate();
    for step in case.list("steps") {
        let client =
            &mut clients[usize::try_from(step["conn"].as_u64().unwrap_or(0)).expect("a small number")];
        if step["send"].is_object() {
            client.send(frame(&step["send"]));
            continue;
        }
        assert!(!step["recv"].is_null(), "{}: unknown step {step}", case.id);
        let (number, expected) = transcript.next().expect("each receive was recorded");
        if let Some(seconds) = step["timeout"].as_f64().filter(|_| expected["op"] == "timeout") {
            client.set_patience(Duration::from_secs_f64(seconds));
        }
        let received = receive_step(client, step);
        if let Some(difference) = difference(expected, &received) {
            differences.push(format!("receive {number}: {difference}"));
            break;
        }
    }
    differences
}

fn receive_step(client: &mut Client, step: &Value) -> Received {
    let skip = step["skip"].as_str().map(Pattern::new);
    loop {
        let received = receive(client);
        let skipped = matches!(received.op.as_str(), "text" | "binary")
            && skip.as_ref().is_some_and(|skip| skip.is_all_of(&received.data));
        if !skipped {
            return received;
        }
    }
}

fn difference(expected: &Value, received: &Received) -> Option<String> {
    let ops = match &expected["op"] {
        Value::Array(several) => several.as_slice(),
        one => std::slice::from_ref(one),
    };
    if !ops.iter().any(|op| *op == received.op.as_str()) {
        return Some(format!("`{}`, recorded {}", received.op, expected["op"]));
    }
    if let Some(pattern) = expected["match"].as_str() {
        let matches = Pattern::new(pattern).is_all_of(&received.data);
        return (!matches).then(|| format!("{:?} does not match", received.data));
    }
    let data = expected["data"].as_str().is_some_and(|data| data != received.data);
    let code = expected["code"].as_u64().is_some_and(|code| received.code.map(u64::from) != Some(code));
    let rsv = expected["rsv"].as_u64().is_some_and(|rsv| u64::from(received.rsv) != rsv);
    (data || code || rsv).then(|| format!("{received:?}, recorded {expected}"))
}

/// The bytes of a frame to send. It is masked with a fixed key unless the recording says otherwise.
fn frame(send: &Value) -> Vec<u8> {
    const KEY: [u8; 4] = [0x11, 0x22, 0x33, 0x44];
    let mut payload = Vec::new();
    if let Some(code) = send["code"].as_u64() {
        payload.extend(u16::try_from(code).expect("a close code").to_be_bytes());
    }
    match send["b64"].as_str() {
        Some(text) => payload.extend(base64(text)),
        None => payload.extend(send["data"].as_str().unwrap_or_default().as_bytes()),
    }
    let named = |name: &str| NAMES.iter().find(|(known, _)| *known == name).map(|&(_, op)| op);
    let op = send["op"].as_str().and_then(named).or_else(|| send["op"].as_u64()?.try_into().ok());
    let rsv = send["rsv"].as_u64().and_then(|rsv| u8::try_from(rsv).ok()).unwrap_or(0);
    let fin = if send["fin"] == false { 0 } else { 0x80 };
    let masked = send["mask"] != false;
    let length = u8::try_from(payload.len()).ok().filter(|&length| length < 126).expect("a short payload");
    let mut bytes = vec![fin | rsv << 4 | op.expect("an opcode"), length | if masked { 0x80 } else { 0 }];
    if masked {
        bytes.extend(KEY);
        payload.iter_mut().zip(KEY.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
    }
    bytes.extend(payload);
    bytes
}

/// The next message or control frame.
fn receive(client: &mut Client) -> Received {
    let Some((mut fin, op, rsv, mut payload)) = receive_frame(client) else {
        let op = if client.has_ended() { "eof" } else { "timeout" };
        return Received { op: op.to_owned(), rsv: 0, code: None, data: String::new() };
    };
    while matches!(op, TEXT | BINARY) && !fin {
        match receive_frame(client) {
            Some((last, 0, _, more)) => {
                fin = last;
                payload.extend(more);
            }
            other => {
                return Received { op: format!("torn by {other:?}"), rsv, code: None, data: String::new() };
            }
        }
    }
    let code = payload.first_chunk().filter(|_| op == CLOSE).map(|&code| u16::from_be_bytes(code));
    let data = String::from_utf8_lossy(&payload[if code.is_some() { 2 } else { 0 }..]).into_owned();
    let name = NAMES.iter().find(|&&(_, known)| known == op).map_or("unknown", |(name, _)| name);
    Received { op: name.to_owned(), rsv, code, data }
}

fn receive_frame(client: &mut Client) -> Option<(bool, u8, u8, Vec<u8>)> {
    if !client.need(2) {
        return None;
    }
    let head = [client.buffered()[0], client.buffered()[1]];
    let extended = match head[1] & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    if !client.need(2 + extended) {
        return None;
    }
    client.take(2);
    let length = match extended {
        0 => usize::from(head[1] & 0x7f),
        _ => client.take(extended).iter().fold(0, |length, &byte| length << 8 | usize::from(byte)),
    };
    client.need(length).then(|| (head[0] & 0x80 != 0, head[0] & 15, head[0] >> 4 & 7, client.take(length)))
}

/// Decodes Base64 (RFC 4648, section 4).
fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bits: u32 = 0;
    let mut count = 0;
    let mut bytes = Vec::new();
    for digit in text.bytes().take_while(|&digit| digit != b'=') {
        let value = DIGITS.iter().position(|&known| known == digit).expect("a Base64 digit");
        bits = bits << 6 | u32::try_from(value).expect("six bits");
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    bytes
}
