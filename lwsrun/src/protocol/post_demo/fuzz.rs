//! Forms, any bytes of them: how they come makes no difference, limits are kept, and the page shows no markup of theirs.

use super::form::{Form, Wrong};
use super::sink::Sink;
use super::{FILE, page};
use crate::fuzz::pieces;

/// How many of the first bytes of an input, behind the one that chooses the kind of form, say where the others are cut.
const CUTS: usize = 4;

/// Limits that short inputs reach.
const VALUES: usize = 40;
const FORM: usize = 300;

/// The media types of forms, by the first byte of an input; beyond them it is the input's first line.
const KINDS: [Option<&[u8]>; 3] =
    [None, Some(b"multipart/form-data; boundary=b"), Some(b"multipart/form-data; boundary=\"-b - b\"")];

/// The first byte chooses the media type, the next four are the lengths of pieces; what follows is a form.
pub fn post_form(input: &[u8]) {
    let Some((&[kind], rest)) = input.split_first_chunk() else { return };
    let Some((lengths, mut form)) = rest.split_at_checked(CUTS) else { return };
    let media_type = KINDS.get(usize::from(kind)).copied().unwrap_or_else(|| {
        let end = form.iter().position(|&byte| byte == b'\n').unwrap_or(form.len());
        let (line, after) = form.split_at(end);
        form = after.get(1..).unwrap_or_default();
        Some(line)
    });
    let whole = received(media_type, &[form]);
    for pieces in [pieces(form, lengths), form.chunks(1).collect()] {
        assert_eq!(received(media_type, &pieces), whole);
    }
    let Ok(mut sink) = whole else { return };
    let values: usize = sink.values().filter_map(|(_, value)| value).map(<[u8]>::len).sum();
    assert!(form.len() <= FORM && values <= VALUES);
    let page = page::of(&sink, None);
    let empty = page::of(&Sink::new(0, 0), None);
    assert_eq!(page.matches(['<', '>', '"']).count(), empty.matches(['<', '>', '"']).count(), "{page}");
    assert!(sink.take_file().is_none_or(|file| file.len() <= form.len()));
}

/// What is understood of a form that comes in pieces.
fn received(media_type: Option<&[u8]>, pieces: &[&[u8]]) -> Result<Sink, Wrong> {
    let mut form = Form::new(media_type, FORM)?;
    let mut sink = Sink::new(VALUES, FILE);
    for piece in pieces {
        form.take(piece, &mut sink)?;
    }
    form.end(&mut sink)?;
    Ok(sink)
}
