//! SARIF 2.1.0, the exchange format of checkers: one JSON document for a whole run.
//!
//! Only what we have to say is modelled here. Columns count characters (`unicodeCodePoints`). Paths are relative to
//! the config directory, which stands as `CONFIG` in `originalUriBaseIds`. The rules are the codes that were found,
//! each with its page as help.

use std::fmt::Write as _;
use std::path::Path;

use grammar::{FileId, Span};
use serde::Serialize;

use super::{Annotation, Code, Diagnostic, Files, Fix, Place, Severity};

/// Where the schema of the format lies.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// What paths are relative to.
const BASE: &str = "CONFIG";

/// The whole run as one document of several lines, with its last newline. `dir` is the config directory.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], files: &Files, dir: &Path) -> String {
    let mut codes: Vec<Code> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let run = Run {
        tool: Tool {
            driver: Driver {
                name: "lwsconf",
                version: env!("CARGO_PKG_VERSION"),
                rules: codes.iter().copied().map(rule).collect(),
            },
        },
        original_uri_base_ids: Bases { config: BaseUri { uri: base(dir) } },
        column_kind: "unicodeCodePoints",
        results: diagnostics.iter().map(|diagnostic| result(diagnostic, &codes, files)).collect(),
    };
    let log = Log { schema: SCHEMA, version: "2.1.0", runs: [run] };
    // Texts and numbers only, so this cannot fail.
    let mut text = serde_json::to_string_pretty(&log).unwrap_or_default();
    text.push('\n');
    text
}

fn rule(code: Code) -> Rule {
    let page = code.page();
    let title = page.lines().next().unwrap_or_default();
    let title = title.split_once(": ").map_or(title, |(_, title)| title);
    Rule {
        id: code.as_str(),
        name: format!("{code:?}"),
        short_description: Text { text: title.to_owned() },
        help: Help { text: page, markdown: page },
    }
}

fn result(diagnostic: &Diagnostic, codes: &[Code], files: &Files) -> RunResult {
    let label = (!diagnostic.label.is_empty()).then(|| message(&diagnostic.label));
    RunResult {
        rule_id: diagnostic.code.as_str(),
        rule_index: codes.binary_search(&diagnostic.code).unwrap_or_default(),
        level: match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        },
        message: message(&full_text(diagnostic)),
        locations: [location(diagnostic.place, label, files)],
        related_locations: diagnostic.related.iter().map(|annotation| related(annotation, files)).collect(),
        fixes: diagnostic.fix.iter().map(|edit| fix(edit, files)).collect(),
    }
}

/// The headline, and below it background and advice.
fn full_text(diagnostic: &Diagnostic) -> String {
    let mut text = diagnostic.headline.clone();
    for line in diagnostic.notes.iter().chain(&diagnostic.helps) {
        text.push('\n');
        text.push_str(line);
    }
    text
}

fn related(annotation: &Annotation, files: &Files) -> Location {
    location(Place::Span(annotation.span), Some(message(&annotation.label)), files)
}

fn location(place: Place, message: Option<Text>, files: &Files) -> Location {
    let (file, region) = match place {
        Place::Span(span) => (span.file, Some(region(span, files))),
        Place::File(file) => (file, None),
    };
    let physical_location = PhysicalLocation { artifact_location: artifact(file, files), region };
    Location { physical_location, message }
}

fn fix(fix: &Fix, files: &Files) -> SarifFix {
    let replacement = Replacement {
        deleted_region: region(fix.span, files),
        inserted_content: Text { text: fix.replacement.clone() },
    };
    SarifFix {
        description: message(&fix.title),
        artifact_changes: [ArtifactChange {
            artifact_location: artifact(fix.span.file, files),
            replacements: [replacement],
        }],
    }
}

fn region(span: Span, files: &Files) -> Region {
    let start = files.position(span.file, span.start);
    let end = files.position(span.file, span.end);
    Region { start_line: start.line, start_column: start.column, end_line: end.line, end_column: end.column }
}

/// A text that is shown to people: there braces hold the numbers of arguments, and are doubled if they do not.
fn message(text: &str) -> Text {
    Text { text: text.replace('{', "{{").replace('}', "}}") }
}

fn artifact(file: FileId, files: &Files) -> ArtifactLocation {
    ArtifactLocation { uri: uri_path(files.path(file).as_bytes()), uri_base_id: BASE }
}

/// The directory as a URI, which ends in a slash as SARIF wants it.
fn base(dir: &Path) -> String {
    let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let mut uri = format!("file://{}", uri_path(absolute.as_os_str().as_encoded_bytes()));
    if !uri.ends_with('/') {
        uri.push('/');
    }
    uri
}

/// A path as part of a URI (RFC 3986): what has a meaning there is written as `%XX`.
fn uri_path(path: &[u8]) -> String {
    let mut uri = String::new();
    for byte in path {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(*byte));
            }
            // Writing to a `String` does not fail.
            _ => drop(write!(uri, "%{byte:02X}")),
        }
    }
    uri
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool<'a>,
    original_uri_base_ids: Bases,
    column_kind: &'static str,
    results: Vec<RunResult>,
}

#[derive(Serialize)]
struct Tool<'a> {
    driver: Driver<'a>,
}

#[derive(Serialize)]
struct Driver<'a> {
    name: &'a str,
    version: &'a str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
struct Bases {
    #[serde(rename = "CONFIG")]
    config: BaseUri,
}

#[derive(Serialize)]
struct BaseUri {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    name: String,
    short_description: Text,
    help: Help,
}

#[derive(Serialize)]
struct Help {
    text: &'static str,
    markdown: &'static str,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunResult {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Text,
    locations: [Location; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<SarifFix>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Text>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactLocation {
    uri: String,
    uri_base_id: &'static str,
}

/// Lines and columns from 1, the end column behind the last character.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
    start_column: u32,
    end_line: u32,
    end_column: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifFix {
    description: Text,
    artifact_changes: [ArtifactChange; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactChange {
    artifact_location: ArtifactLocation,
    replacements: [Replacement; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement {
    deleted_region: Region,
    inserted_content: Text,
}
