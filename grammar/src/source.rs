//! Lines and columns of a source, for those who read it.

/// Where the lines of a text begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineIndex {
    /// Byte offsets, ascending. The first is 0. Sources are short enough for 32 bits.
    starts: Vec<u32>,
    /// How many characters begin before each multiple of [`STEP`], so that columns of enormous lines are found
    /// without counting from the line's start.
    characters: Vec<usize>,
}

/// Bytes between two counts of characters.
const STEP: usize = 4096;

/// A place as people count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, counted from 1. A line ends with its newline (LF).
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
}

impl LineIndex {
    /// Finds the lines of `text`, which is no longer than [`MAX_SOURCE`](crate::MAX_SOURCE).
    #[must_use]
    pub fn new(text: &str) -> Self {
        let behind_newlines = (1..).zip(text.bytes()).filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at);
        let starts: Vec<u32> = std::iter::once(0).chain(behind_newlines).collect();
        let mut characters = vec![0];
        for stretch in text.as_bytes().chunks(STEP) {
            let before = characters.last().copied().unwrap_or(0);
            characters.push(before + begun(stretch));
        }
        Self { starts, characters }
    }

    /// The place of a byte of `text`, the text that this was made from.
    ///
    /// An offset beyond the end stands for the end, one inside a character for that character.
    #[must_use]
    pub fn position(&self, text: &str, offset: u32) -> Position {
        let line = self.line(offset);
        let offset = text.floor_char_boundary(offset as usize);
        let start = self.start_of(line).unwrap_or(0);
        let before = self.characters_before(text, offset).saturating_sub(self.characters_before(text, start));
        Position { line, column: count(before).saturating_add(1) }
    }

    /// The line of a byte alone, counted from 1. Takes the same time however long the lines are.
    #[must_use]
    pub fn line(&self, offset: u32) -> u32 {
        count(self.starts.partition_point(|&start| start <= offset)).max(1)
    }

    /// The first byte of a line, which is counted from 1; none behind the last line.
    #[must_use]
    pub fn start_of(&self, line: u32) -> Option<usize> {
        self.starts.get((line as usize).checked_sub(1)?).map(|&start| start as usize)
    }

    fn characters_before(&self, text: &str, offset: usize) -> usize {
        let step = offset / STEP;
        let stretch = text.as_bytes().get(step * STEP..offset).unwrap_or_default();
        self.characters.get(step).copied().unwrap_or(0) + begun(stretch)
    }
}

/// How many characters begin in a stretch of UTF-8, which may begin and end inside of one.
fn begun(stretch: &[u8]) -> usize {
    stretch.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
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
    fn columns_are_right_far_into_a_line() {
        let text = format!("x\n{}", "a\u{e9}\u{1f600}".repeat(3 * STEP));
        let lines = LineIndex::new(&text);
        for (column, (offset, _)) in (1..).zip(text[2..].char_indices()) {
            let offset = u32::try_from(offset + 2).unwrap();
            assert_eq!(lines.position(&text, offset), Position { line: 2, column });
        }
        assert_eq!((lines.start_of(0), lines.start_of(2), lines.start_of(3)), (None, Some(2), None));
    }

    #[test]
    fn an_empty_text_has_one_place() {
        assert_eq!(LineIndex::new("").position("", 0), Position { line: 1, column: 1 });
    }
}
