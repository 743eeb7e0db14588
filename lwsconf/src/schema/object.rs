//! Objects: which keys there are, twice, unknown or missing.

use grammar::{Member, Object, Span, Value};

use super::fields::{Checked, Entry, Fields};
use super::keys::{Key, Keys, Kind};
use super::nearest::nearest;
use super::wording;
use crate::diagnostic::Report;
use crate::resolve::Resolved;

/// What the check of a value needs at hand.
pub(crate) struct Checker<'a, 'r> {
    pub(crate) resolved: &'a Resolved<'a>,
    pub(crate) report: &'r mut Report,
}

impl<'a> Checker<'a, '_> {
    /// Checks one object and adds its members to `fields`, which may hold those of others already. `number` tells
    /// the objects apart that are put together.
    pub(crate) fn object(&mut self, object: &'a Object, span: Span, number: u32, fields: &mut Fields<'a>) {
        let brace = Span { end: span.start.saturating_add(1).min(span.end), ..span };
        fields.brace.get_or_insert(brace);
        fields.entries.reserve_exact(if fields.entries.is_empty() { object.members.len() } else { 0 });
        for member in &object.members {
            self.member(member, number, fields);
        }
        for key in fields.keys.keys.iter().filter(|key| key.required && fields.lacks(&key.name)) {
            // In a broken object the key may have been there.
            if !self.resolved.parsed.is_broken_within(span) {
                self.report.push(wording::missing(key, fields.keys, brace));
            }
        }
    }

    fn member(&mut self, member: &'a Member, number: u32, fields: &mut Fields<'a>) {
        let keys = fields.keys;
        let name = member.key.text.as_str();
        match keys.get(name) {
            Some(key) => self.known(key, member, number, fields),
            None if keys.open => {}
            None => self.unknown(name, member.key.span, fields),
        }
    }

    fn unknown(&mut self, name: &str, place: Span, fields: &mut Fields<'a>) {
        let errors = self.report.errors();
        self.report.push_tolerated(wording::unknown(name, place, fields.keys));
        // Only an error keeps the plan from being written without the key that was meant.
        if self.report.errors() > errors
            && let Some(meant) = nearest(name, fields.keys)
        {
            fields.misspelt.push(meant);
        }
    }

    fn known(&mut self, key: &'static Key, member: &'a Member, number: u32, fields: &mut Fields<'a>) {
        let canonical = fields.keys.canonical(key);
        let is_canonical = std::ptr::eq(key, canonical);
        if !is_canonical {
            self.report.push(wording::other_spelling(key, canonical, member.key.span));
        }
        if let Some(reason) = &key.outside {
            return self.report.push(wording::out_of_scope(key, reason, member.key.span));
        }
        let earlier = fields.entries.iter().rposition(|entry| std::ptr::eq(entry.key, canonical));
        if let Some(earlier) = earlier.map(|index| &fields.entries[index]) {
            // Lists of several fragments add up; anything else given again is most likely a mistake.
            if !key.repeat && (!key.kind.accumulates() || earlier.object == number) {
                let (first, second) = (earlier.key_span, member.key.span);
                let found = if is_canonical == earlier.canonical {
                    wording::duplicate(canonical, first, second)
                } else {
                    wording::duplicate_spelling(canonical, first, second, earlier.canonical)
                };
                self.report.push_tolerated(found);
            }
        }
        if let Kind::Object(level) = key.kind {
            return self.merge(canonical, Keys::of(level), member, number, fields);
        }
        let Some(value) = self.value(key, &member.value) else {
            return;
        };
        let key_span = member.key.span;
        let entry = Entry { key: canonical, key_span, object: number, canonical: is_canonical, value };
        match earlier {
            Some(index) if !key.repeat && !key.kind.accumulates() => {
                replace(&mut fields.entries[index], entry);
            }
            _ => fields.entries.push(entry),
        }
    }

    /// Adds an object to those of the same key that came before.
    fn merge(
        &mut self,
        key: &'static Key,
        keys: &'static Keys,
        member: &'a Member,
        number: u32,
        fields: &mut Fields<'a>,
    ) {
        let Some(object) = self.expect_object(key, &member.value) else {
            return;
        };
        let entry = match fields.entries.iter().position(|entry| std::ptr::eq(entry.key, key)) {
            Some(index) => {
                fields.entries[index].object = number;
                fields.entries[index].key_span = member.key.span;
                index
            }
            None => {
                let value = Checked::Objects(vec![Fields::new(keys)]);
                fields.entries.push(Entry {
                    key,
                    key_span: member.key.span,
                    object: number,
                    canonical: true,
                    value,
                });
                fields.entries.len() - 1
            }
        };
        if let Checked::Objects(objects) = &mut fields.entries[entry].value
            && let Some(inner) = objects.first_mut()
        {
            // Counted here and not by file: one file may hold several fragments.
            let fragment = inner.entries.last().map_or(0, |last| last.object + 1);
            self.object(object, member.value.span, fragment, inner);
        }
    }

    /// The object that a value is, or none and a word about it.
    pub(crate) fn expect_object(&mut self, key: &Key, value: &'a Value) -> Option<&'a Object> {
        match &value.kind {
            grammar::ValueKind::Object(object) => Some(object),
            grammar::ValueKind::Bad => None,
            _ => {
                self.report.push_tolerated(wording::wrong_shape(key, key.kind, value));
                None
            }
        }
    }
}

/// Of a key given twice the last counts, except where lwsws takes the first. A spelling that lwsws knows wins over
/// one that it does not.
fn replace<'a>(entry: &mut Entry<'a>, later: Entry<'a>) {
    if entry.key.first || (entry.canonical && !later.canonical) {
        return;
    }
    *entry = later;
}
