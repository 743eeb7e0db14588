//! The protocols of a vhost.

use std::collections::HashMap;

use grammar::Span;
use schemas::plan::{OptionValue, Protocol, ProtocolOption};

use super::Lowering;
use crate::diagnostic::{Code, Diagnostic, quoted};
use crate::schema::{self, Fields};

/// Options that the plan has fields for; all others are the protocol's own.
pub(super) const COMMON: [&str; 3] = ["default", "raw", "basic-auth"];

impl<'a> Lowering<'a, '_> {
    pub(super) fn protocols(&mut self, fields: &'a Fields<'a>) -> Vec<Protocol<'a>> {
        let mut protocols: Vec<Protocol<'a>> = Vec::new();
        let mut places: HashMap<&str, Span> = HashMap::new();
        let mut default: Option<(usize, Span)> = None;
        for written in fields.protocols("ws-protocols") {
            let span = written.name.span();
            if let Some(earlier) = places.insert(written.name.value, span) {
                self.report.push(duplicate(written.name.value, earlier, span));
            }
            let mut protocol = self.protocol(written);
            if let Some(place) = written.fields.key_span("default") {
                if let Some((earlier, first)) = default {
                    // The plan holds one default at most; lwsws ends up with one as well.
                    self.report.push_tolerated(two_defaults(first, place));
                    protocols[earlier].default = false;
                }
                default = Some((protocols.len(), place));
                protocol.default = true;
            }
            protocols.push(protocol);
        }
        protocols
    }

    fn protocol(&mut self, written: &'a schema::Protocol<'a>) -> Protocol<'a> {
        Protocol {
            name: written.name.value,
            default: false,
            raw: written.fields.has("raw"),
            basic_auth: written.fields.text("basic-auth").map(|text| text.value),
            options: written.options.iter().filter_map(option).collect(),
            place: self.places.of(written.name.span()),
        }
    }
}

fn option<'a>(written: &'a schema::ProtocolOption<'a>) -> Option<ProtocolOption<'a>> {
    if COMMON.contains(&written.name.value) {
        return None;
    }
    let value = match &written.value {
        schema::OptionValue::Text(text) => OptionValue::Text(text.value),
        schema::OptionValue::Json(json) => OptionValue::Json(json),
    };
    Some(ProtocolOption { name: written.name.value, value })
}

fn duplicate(name: &str, earlier: Span, later: Span) -> Diagnostic {
    let headline = format!("the protocol {} is listed twice in one vhost", quoted(name));
    Diagnostic::warning(Code::DuplicateProtocol, headline, later)
        .label("listed again here")
        .also(earlier, "first listed here")
        .help("put their options together")
}

fn two_defaults(first: Span, later: Span) -> Diagnostic {
    Diagnostic::error(Code::TwoDefaults, "two protocols of one vhost are its default", later)
        .label("a second default")
        .also(first, "the first")
        .note("the last one counts")
        .help("keep one of them")
}
