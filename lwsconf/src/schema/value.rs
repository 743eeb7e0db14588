//! Values with members of their own: lists of pairs, of objects, and of protocols.

use std::collections::HashMap;

use grammar::{Key as WrittenKey, Member, Object, Span, Value, ValueKind, Word};
use schemas::source::Level;

use super::fields::{Checked, Fields, OptionValue, Pair, Protocol, ProtocolOption, Text, TextSource};
use super::keys::{Key, Keys, Kind};
use super::object::Checker;
use super::wording;

impl<'a> Checker<'a, '_> {
    /// Checks the value of a key and converts it. None where it is passed over, as lwsws does with `--compat`.
    pub(crate) fn value(&mut self, key: &Key, value: &'a Value) -> Option<Checked<'a>> {
        if matches!(value.kind, ValueKind::Bad) {
            return Some(Checked::Unusable);
        }
        let errors = self.report.errors();
        let checked = match key.kind {
            Kind::Text => self.text(key, value).map(Checked::Text),
            Kind::Texts => self.texts(key, value).map(Checked::Texts),
            Kind::Integer => self.integer(key, value).map(Checked::Integer),
            Kind::Boolean => self.boolean(key, value).map(Checked::Boolean),
            Kind::Presence => self.presence(key, value).then_some(Checked::Present),
            Kind::Pairs => self.pairs(key, value).map(Checked::Pairs),
            Kind::Map => self.map(key, value).map(Checked::Pairs),
            Kind::Objects(level) => self.objects(key, level, value).map(Checked::Objects),
            Kind::Protocols => self.protocols(key, value).map(Checked::Protocols),
            // Merged or refused before it comes here.
            Kind::Object(_) | Kind::Any => None,
        };
        // What lwsws passes over is as good as absent; what is an error counts as there, so that nothing more is
        // said about it.
        let wrong = checked.is_none() && self.report.errors() > errors;
        if wrong { Some(Checked::Unusable) } else { checked }
    }

    /// A text, or a list of texts.
    fn texts(&mut self, key: &Key, value: &'a Value) -> Option<Vec<Text<'a>>> {
        let ValueKind::Array(items) = &value.kind else { return Some(vec![self.text(key, value)?]) };
        Some(items.iter().filter_map(|item| self.text(key, item)).collect())
    }

    /// A list of objects with names and texts.
    fn pairs(&mut self, key: &Key, value: &'a Value) -> Option<Vec<Pair<'a>>> {
        let list = self.list_of_objects(key, value)?;
        // What is checked stays until the end of a run, so room for more than there is would be waste.
        let mut pairs = Vec::with_capacity(list.iter().map(|(object, _)| object.members.len()).sum());
        for (object, _) in list {
            for member in &object.members {
                pairs.extend(self.pair(key, member));
            }
        }
        Some(pairs)
    }

    /// One object with names and texts, no name twice.
    fn map(&mut self, key: &Key, value: &'a Value) -> Option<Vec<Pair<'a>>> {
        let object = self.expect_object(key, value)?;
        let mut places: HashMap<&str, Span> = HashMap::new();
        let mut pairs = Vec::with_capacity(object.members.len());
        for member in &object.members {
            if let Some(earlier) = places.insert(member.key.text.as_str(), member.key.span) {
                let found = wording::duplicate_name(key, &member.key, earlier);
                self.report.push_tolerated(found);
            }
            pairs.extend(self.pair(key, member));
        }
        Some(pairs)
    }

    fn pair(&mut self, key: &Key, member: &'a Member) -> Option<Pair<'a>> {
        let value = self.named_text(key, &member.key, &member.value)?;
        Some(Pair { name: name(&member.key), value })
    }

    /// A list of objects of a level.
    fn objects(&mut self, key: &Key, level: Level, value: &'a Value) -> Option<Vec<Fields<'a>>> {
        let list = self.list_of_objects(key, value)?;
        let mut objects = Vec::with_capacity(list.len());
        for (object, span) in list {
            let mut fields = Fields::new(Keys::of(level));
            self.object(object, span, 0, &mut fields);
            objects.push(fields);
        }
        Some(objects)
    }

    /// A list of objects with names of protocols and their options.
    fn protocols(&mut self, key: &Key, value: &'a Value) -> Option<Vec<Protocol<'a>>> {
        let list = self.list_of_objects(key, value)?;
        let mut protocols = Vec::with_capacity(list.iter().map(|(object, _)| object.members.len()).sum());
        for (object, _) in list {
            for member in &object.members {
                protocols.extend(self.protocol(key, member));
            }
        }
        Some(protocols)
    }

    fn protocol(&mut self, key: &Key, member: &'a Member) -> Option<Protocol<'a>> {
        let options = match &member.value.kind {
            ValueKind::Object(options) => options,
            ValueKind::Bad => return None,
            _ => {
                self.report.push_tolerated(wording::options_expected(key, &member.key, &member.value));
                return None;
            }
        };
        let mut fields = Fields::new(Keys::of(Level::WsProtocol));
        self.object(options, member.value.span, 0, &mut fields);
        let mut own = Vec::with_capacity(options.members.len());
        own.extend(options.members.iter().filter_map(|member| self.option(member, fields.keys)));
        Some(Protocol { name: name(&member.key), fields, options: own })
    }

    /// An option as the protocol will get it, whatever its key demands.
    fn option(&self, member: &'a Member, keys: &'static Keys) -> Option<ProtocolOption<'a>> {
        let mut written = name(&member.key);
        if let Some(key) = keys.get(written.value) {
            written.value = &keys.canonical(key).name;
        }
        let value = match self.bare_text(&member.value) {
            Some(text) => OptionValue::Text(text),
            None if matches!(member.value.kind, ValueKind::Bad) => return None,
            None => OptionValue::Json(self.json(&member.value).to_string()),
        };
        Some(ProtocolOption { name: written, value })
    }

    /// The objects of a list, with their places; items that are none are reported. None if it is no list.
    fn list_of_objects(&mut self, key: &Key, value: &'a Value) -> Option<Vec<(&'a Object, Span)>> {
        let items = match &value.kind {
            ValueKind::Array(items) => items,
            // What lwsws passes over is passed over; otherwise the brackets are added, to see what else is wrong.
            ValueKind::Object(object) => {
                let is_passed_over = self.report.tolerates(wording::wrong_shape(key, key.kind, value));
                return (!is_passed_over).then(|| vec![(object, value.span)]);
            }
            _ => {
                self.report.push_tolerated(wording::wrong_shape(key, key.kind, value));
                return None;
            }
        };
        let mut objects = Vec::new();
        for item in items {
            match &item.kind {
                ValueKind::Object(object) => objects.push((object, item.span)),
                ValueKind::Bad => {}
                _ => self.report.push_tolerated(wording::wrong_item(key, item)),
            }
        }
        Some(objects)
    }

    /// A value as JSON. The depth is bounded by the grammar.
    fn json(&self, value: &'a Value) -> serde_json::Value {
        match &value.kind {
            ValueKind::Array(items) => items.iter().map(|item| self.json(item)).collect(),
            ValueKind::Object(object) => {
                let members = object.members.iter();
                members
                    .map(|member| (member.key.text.as_str().to_owned(), self.json(&member.value)))
                    .collect()
            }
            ValueKind::Word(Word::True) => true.into(),
            ValueKind::Word(Word::False) => false.into(),
            ValueKind::Word(Word::Null) | ValueKind::Bad => serde_json::Value::Null,
            // lwsws takes numbers that JSON does not know, such as `007`: those stay texts.
            ValueKind::Number(number) => {
                serde_json::from_str(number).unwrap_or_else(|_| serde_json::Value::String(number.clone()))
            }
            ValueKind::String(text) => self.resolved.text(value.span, text).text().into(),
        }
    }
}

/// A key as a text.
fn name(key: &WrittenKey) -> Text<'_> {
    Text { value: key.text.as_str(), source: TextSource::Bare(key.span) }
}
