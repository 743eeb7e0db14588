//! Text for JSON that pages show.

use std::fmt::Write;

/// What may stand between the quotes of a JSON string, and in a page, at most `most` bytes of it. No character is
/// cut in two.
pub(super) fn escape(text: &str, most: usize) -> String {
    let mut escaped = String::new();
    for each in text.chars() {
        let before = escaped.len();
        if each.is_control() || matches!(each, '"' | '\\' | '<' | '>' | '&' | '{' | '}') {
            // All of these are below U+0100. Writing to a string cannot fail.
            let _ = write!(escaped, "\\u{:04x}", u32::from(each));
        } else {
            escaped.push(each);
        }
        if escaped.len() > most {
            escaped.truncate(before);
            break;
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_short_and_harmless(text in ".{0,400}") {
            let escaped = escape(&text, 255);
            prop_assert!(escaped.len() <= 255);
            let harmful = |each: char| each.is_control() || "\"<>&{}".contains(each);
            prop_assert!(!escaped.contains(harmful));
            // Nothing is left out before the end.
            let whole = escape(&text, usize::MAX);
            prop_assert!(whole.starts_with(&escaped));
            prop_assert!(escaped.len() == whole.len() || escaped.len() + 6 > 255);
        }
    }
}
