//! The page that shows a form.

use std::fmt::Write;

use super::SHOWN;
use super::sink::Sink;
use super::upload::Upload;

/// The page: what came of each field, and of a file its name here and its length. The words are those that lwsws
/// answers with, which clients may look for.
pub(super) fn of(sink: &Sink, upload: Option<&Upload>) -> String {
    let mut page = "<!DOCTYPE html><html lang=\"en\"><head>\
         <meta charset=utf-8 http-equiv=\"Content-Language\" content=\"en\"/>\
         <title>LWS Server Status</title></head><body><h1>Form results (after urldecoding)</h1>\
         <table><tr><td>Name</td><td>Length</td><td>Value</td></tr>"
        .to_owned();
    for (name, value) in sink.values() {
        let length = value.map_or(0, <[u8]>::len);
        let value = value.map_or("NULL".to_owned(), shown);
        // Writing to a string cannot fail.
        let _ = write!(page, "<tr><td><b>{name}</b></td><td>{length}</td><td>{value}</td></tr>");
    }
    let path = upload.map(|upload| upload.path().to_string_lossy()).unwrap_or_default();
    let (path, length) = (escape(&path), upload.map_or(0, Upload::length));
    let _ = write!(page, "</table><br><b>filename:</b> {path}, <b>length</b> {length}</body></html>");
    page
}

/// A value, cut to what is shown of it.
fn shown(value: &[u8]) -> String {
    let value = String::from_utf8_lossy(value);
    let end = value.char_indices().nth(SHOWN).map_or(value.len(), |(end, _)| end);
    escape(&value[..end])
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
