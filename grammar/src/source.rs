//! Lines and columns of a source, for those who read it.

/// Where the lines of a text begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineIndex {
    /// Byte offsets, ascending. The first is 0.
    starts: Vec<usize>,
}

/// A place as people count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, counted from 1. A line ends with its newline (LF).
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
}

impl LineIndex {
    /// Finds the lines of `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let behind_newlines =
            text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { starts: std::iter::once(0).chain(behind_newlines).collect() }
    }

    /// The place of a byte of `text`, the text that this was made from.
    ///
    /// An offset beyond the end stands for the end, one inside a character for that character.
    #[must_use]
    pub fn position(&self, text: &str, offset: u32) -> Position {
        let line = self.line(offset);
        let offset = text.floor_char_boundary(offset as usize);
        let start = self.starts.get((line as usize).saturating_sub(1)).copied().unwrap_or(0);
        let before = text.get(start..offset).map_or(0, |before| before.chars().count());
        Position { line, column: count(before).saturating_add(1) }
    }

    /// The line of a byte alone, counted from 1. Takes the same time however long the lines are.
    #[must_use]
    pub fn line(&self, offset: u32) -> u32 {
        count(self.starts.partition_point(|&start| start <= offset as usize)).max(1)
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let text = "a\u{e9}b\n\nc";
        let lines = LineIndex::new(text);
        let at = |offset| lines.position(text, offset);
        assert_eq!(at(0), Position { line: 1, column: 1 });
        assert_eq!(at(1), Position { line: 1, column: 2 });
        assert_eq!(at(2), at(1), "inside a character");
        assert_eq!(at(3), Position { line: 1, column: 3 });
        assert_eq!(at(4), Position { line: 1, column: 4 });
        assert_eq!(at(5), Position { line: 2, column: 1 });
        assert_eq!(at(6), Position { line: 3, column: 1 });
        assert_eq!(at(7), Position { line: 3, column: 2 });
        assert_eq!(at(99), at(7), "beyond the end");
    }

    #[test]
    fn an_empty_text_has_one_place() {
        assert_eq!(LineIndex::new("").position("", 0), Position { line: 1, column: 1 });
    }
}
