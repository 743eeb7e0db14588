//! `multipart/form-data` (RFC 7578): parts between lines that say the boundary, each with a head.

use super::form::{Wrong, parameter};
use super::sink::Sink;

/// Longest head of a part.
const LONGEST_HEAD: usize = 2048;

/// Most blanks after a boundary.
const MOST_PADDING: usize = 64;

/// A form that is being read.
pub(super) struct Multipart {
    /// What comes before, within and after the line that ends a part: `\r\n--` and the boundary.
    delimiter: Box<[u8]>,
    /// What has come and is not understood yet; shorter than a head or a delimiter, but for what came last.
    held: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first boundary.
    Preamble,
    /// After a boundary, on its line.
    Boundary,
    Head,
    Data,
    /// After the last boundary.
    Over,
}

impl Multipart {
    /// `None` if the boundary is none: 1 to 70 visible characters or blanks, no blank at the end.
    pub(super) fn new(boundary: &[u8]) -> Option<Self> {
        let right = (1..=70).contains(&boundary.len())
            && boundary.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
            && boundary.last() != Some(&b' ');
        let delimiter = [b"\r\n--", boundary].concat().into();
        // The first boundary needs no line before it.
        right.then(|| Self { delimiter, held: b"\r\n".to_vec(), state: State::Preamble })
    }

    pub(super) fn take(&mut self, bytes: &[u8], sink: &mut Sink) -> Result<(), Wrong> {
        let mut held = std::mem::take(&mut self.held);
        held.extend_from_slice(bytes);
        let mut rest = held.as_slice();
        loop {
            let (used, next) = self.step(rest, sink)?;
            rest = &rest[used..];
            match next {
                Some(state) => self.state = state,
                None => break,
            }
        }
        self.held = rest.to_vec();
        Ok(())
    }

    /// No more bytes come.
    pub(super) fn end(self) -> Result<(), Wrong> {
        if self.state == State::Over { Ok(()) } else { Err(Wrong::Cut) }
    }

    /// How many bytes are done with, and the next state; no state if more bytes must come first.
    fn step(&self, bytes: &[u8], sink: &mut Sink) -> Result<(usize, Option<State>), Wrong> {
        match self.state {
            State::Preamble => Ok(self.skip_to_delimiter(bytes)),
            State::Boundary => boundary_line(bytes),
            State::Head => head(bytes, sink),
            State::Data => {
                let (used, next) = self.skip_to_delimiter(bytes);
                let data = if next.is_some() { used - self.delimiter.len() } else { used };
                sink.data(&bytes[..data])?;
                Ok((used, next))
            }
            State::Over => Ok((bytes.len(), None)),
        }
    }

    /// Past the delimiter; or, where none is, up to what may be the beginning of one.
    fn skip_to_delimiter(&self, bytes: &[u8]) -> (usize, Option<State>) {
        match find(bytes, &self.delimiter) {
            Some(at) => (at + self.delimiter.len(), Some(State::Boundary)),
            None => (bytes.len().saturating_sub(self.delimiter.len() - 1), None),
        }
    }
}

/// The rest of a boundary's line: two dashes for the last, else blanks only.
fn boundary_line(bytes: &[u8]) -> Result<(usize, Option<State>), Wrong> {
    if bytes.starts_with(b"--") {
        return Ok((2, Some(State::Over)));
    }
    if bytes == b"-" {
        return Ok((0, None));
    }
    let blanks = bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    if blanks > MOST_PADDING {
        return Err(Wrong::Malformed);
    }
    match &bytes[blanks..] {
        [] | [b'\r'] => Ok((0, None)),
        // The line's end stays: a head that is empty is found by it.
        [b'\r', b'\n', ..] => Ok((blanks, Some(State::Head))),
        _ => Err(Wrong::Malformed),
    }
}

/// A head, from the end of the line before it to the empty line that ends it.
fn head(bytes: &[u8], sink: &mut Sink) -> Result<(usize, Option<State>), Wrong> {
    const END: &[u8] = b"\r\n\r\n";
    let within = &bytes[..bytes.len().min(LONGEST_HEAD)];
    let Some(end) = find(within, END) else {
        return if within.len() == LONGEST_HEAD { Err(Wrong::Malformed) } else { Ok((0, None)) };
    };
    begin_part(&within[..end], sink);
    Ok((end + END.len(), Some(State::Data)))
}

/// A part without a name is one that nobody asked for.
fn begin_part(head: &[u8], sink: &mut Sink) {
    let disposition = head.split(|byte| *byte == b'\n').find_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        line[..colon].trim_ascii().eq_ignore_ascii_case(b"content-disposition").then(|| &line[colon + 1..])
    });
    let parameters = disposition.unwrap_or_default().trim_ascii();
    let parameters = parameters.iter().position(|byte| *byte == b';').map(|at| &parameters[at..]);
    let parameters = parameters.unwrap_or_default();
    let name = parameter(parameters, "name").unwrap_or_default();
    match parameter(parameters, "filename") {
        None => sink.begin(&name),
        // What browsers send where no file was chosen.
        Some(file) if file.is_empty() => sink.begin_file(b""),
        Some(_) => sink.begin_file(&name),
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
