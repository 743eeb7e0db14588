//! Single values: texts, whole numbers, switches, and how lwsws reads them.

use grammar::{Key as WrittenKey, Value, ValueKind, Word};

use super::fields::{Spanned, Text, TextSource};
use super::keys::Key;
use super::object::Checker;
use super::wording;

impl<'a> Checker<'a, '_> {
    /// A text; a bare number stands for its digits.
    pub(crate) fn text(&mut self, key: &Key, value: &'a Value) -> Option<Text<'a>> {
        let text = self.text_or_word(&key.name, value, || wording::wrong_shape(key, key.kind, value))?;
        if key.longest.is_some_and(|longest| text.value.len() > longest) {
            self.report.push(wording::too_long(key, &text));
            return None;
        }
        if !key.words.is_empty() && !key.words.iter().any(|word| word == text.value) {
            self.report.push(wording::unknown_word(key, &text));
            return None;
        }
        Some(text)
    }

    /// The text of a pair, such as a header's value.
    pub(crate) fn named_text(&mut self, key: &Key, name: &WrittenKey, value: &'a Value) -> Option<Text<'a>> {
        self.text_or_word(name.text.as_str(), value, || wording::text_expected(key, name, value))
    }

    fn text_or_word(
        &mut self,
        name: &str,
        value: &'a Value,
        wrong_shape: impl FnOnce() -> crate::diagnostic::Diagnostic,
    ) -> Option<Text<'a>> {
        if let ValueKind::Bad = value.kind {
            return None;
        }
        let Some(text) = self.bare_text(value) else {
            self.report.push_tolerated(wrong_shape());
            return None;
        };
        if let ValueKind::Word(_) = value.kind
            && !self.report.tolerates(wording::bare_word(name, value, text.value))
        {
            return None;
        }
        Some(text)
    }

    /// A whole number in the range of its key.
    pub(crate) fn integer(&mut self, key: &Key, value: &'a Value) -> Option<Spanned<i64>> {
        let Some(text) = self.bare_text(value) else {
            self.report.push_tolerated(wording::wrong_shape(key, key.kind, value));
            return None;
        };
        let number = if is_whole(text.value) && !matches!(value.kind, ValueKind::Word(_)) {
            // Digits that do not fit are beyond every range.
            let beyond = if text.value.starts_with('-') { i64::MIN } else { i64::MAX };
            text.value.parse().unwrap_or(beyond)
        } else {
            let read = atoi(text.value);
            if !self.report.tolerates(wording::not_whole(key, value, text.value, read)) {
                return None;
            }
            read
        };
        let (least, most) = key.range;
        if (least..=most).contains(&number) {
            return Some(Spanned { value: number, span: value.span });
        }
        let found = wording::out_of_range(key, value, text.value, number);
        if !key.clamp {
            self.report.push(found);
            return None;
        }
        self.report.push_tolerated(found);
        Some(Spanned { value: number.clamp(least, most), span: value.span })
    }

    /// A switch.
    pub(crate) fn boolean(&mut self, key: &Key, value: &'a Value) -> Option<Spanned<bool>> {
        let Some(text) = self.bare_text(value) else {
            self.report.push_tolerated(wording::wrong_shape(key, key.kind, value));
            return None;
        };
        if let Some(on) = switch(text.value) {
            return Some(Spanned { value: on, span: value.span });
        }
        let read = atoi(text.value) != 0;
        let tolerated = self.report.tolerates(wording::not_boolean(key, value, text.value, read));
        tolerated.then_some(Spanned { value: read, span: value.span })
    }

    /// A key that counts by being there. False if it does not even count as that.
    pub(crate) fn presence(&mut self, key: &Key, value: &'a Value) -> bool {
        let Some(text) = self.bare_text(value) else {
            self.report.push_tolerated(wording::wrong_shape(key, key.kind, value));
            return false;
        };
        if text.value.is_empty() || switch(text.value) == Some(false) {
            self.report.push(wording::presence_counts(key, value, text.value));
        }
        true
    }

    /// The text that lwsws would hand to a key: a string's, a number's digits, `1`, `0` and nothing for the three
    /// words. None for lists and objects.
    pub(crate) fn bare_text(&self, value: &'a Value) -> Option<Text<'a>> {
        let bare = match &value.kind {
            ValueKind::String(written) => {
                let resolution = self.resolved.text(value.span, written);
                // A NUL ends the text for lwsws; it has been reported.
                let text = resolution.text().split('\0').next().unwrap_or_default();
                return Some(Text { value: text, source: TextSource::String(resolution) });
            }
            ValueKind::Number(number) => number.as_str(),
            ValueKind::Word(Word::True) => "1",
            ValueKind::Word(Word::False) => "0",
            ValueKind::Word(Word::Null) => "",
            _ => return None,
        };
        Some(Text { value: bare, source: TextSource::Bare(value.span) })
    }
}

/// The eight ways to write a switch, in any case.
fn switch(text: &str) -> Option<bool> {
    let is_one_of = |words: [&str; 4]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_one_of(["1", "on", "yes", "true"]) {
        Some(true)
    } else if is_one_of(["0", "off", "no", "false"]) {
        Some(false)
    } else {
        None
    }
}

/// Whether a text is a whole number and nothing else.
fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The number that C's `atoi` sees: leading blanks are skipped, letters end it, nothing readable is 0.
fn atoi(text: &str) -> i64 {
    let text = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.bytes().take_while(u8::is_ascii_digit);
    let number =
        digits.fold(0_i64, |number, digit| number.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    number.saturating_mul(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn atoi_reads_like_c() {
        for (text, number) in [
            ("7681", 7681),
            ("  -5x", -5),
            ("+3", 3),
            ("", 0),
            ("abc", 0),
            ("1e3", 1),
            ("1.9", 1),
            ("- 1", 0),
        ] {
            assert_eq!(atoi(text), number, "{text:?}");
        }
        assert_eq!(atoi("99999999999999999999999"), i64::MAX);
    }

    #[test]
    fn switches_are_eight_words_in_any_case() {
        for text in ["1", "on", "YES", "True"] {
            assert_eq!(switch(text), Some(true));
        }
        for text in ["0", "Off", "no", "FALSE"] {
            assert_eq!(switch(text), Some(false));
        }
        for text in ["", "2", "y", " on", "enable"] {
            assert_eq!(switch(text), None);
        }
    }
}
