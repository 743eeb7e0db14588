//! RFC 7541: compressed fields.

use super::*;

/// The rules.
pub(super) fn rules() -> Vec<Rule> {
    let broken = Due::Connection(COMPRESSION_ERROR);
    let literal = |value: &[u8]| get_with(&[&b"\x00\x01a"[..], value].concat());
    let indexing = get_with(b"\x40\x01a\x01b");
    vec![
        ("7541 2.3.3", "an index of nothing", get_with(b"\xc6"), broken),
        ("7541 2.3.3", "an index of what was put there", get_with(b"\x40\x01a\x01b\xbe"), Answer(1, 200)),
        ("7541 4.2", "a table's size at the end of a block", get_with(b"\x3f\xe1\x1f"), broken),
        (
            "7541 4.2",
            "a table's size, twice at the beginning",
            frame(HEADERS, GET, 1, &[b"\x20\x3f\xe1\x1f", INDEXED].concat()),
            Answer(1, 200),
        ),
        (
            "7541 4.3",
            "an index of what was thrown out",
            [indexing, frame(HEADERS, GET, 3, &[b"\x20", INDEXED, b"\xbe"].concat())].concat(),
            broken,
        ),
        ("7541 5.1", "an index without end", get_with(&[0xff; 12]), broken),
        ("7541 5.2", "a value in Huffman's code", literal(b"\x81\x1f"), Answer(1, 200)),
        ("7541 5.2", "a value padded by more than 7 bits", literal(b"\x82\x1f\xff"), broken),
        ("7541 5.2", "a value padded by zeros", literal(b"\x81\x18"), broken),
        ("7541 5.2", "a value with the code of the end", literal(b"\x84\xff\xff\xff\xff"), broken),
        ("7541 5.2", "a value longer than its block", literal(b"\x05b"), broken),
        ("7541 6.1", "index 0", get_with(b"\x80"), broken),
        (
            "7541 6.3",
            "a table larger than was offered",
            frame(HEADERS, GET, 1, &[b"\x3f\xe1\xff\x03", INDEXED].concat()),
            broken,
        ),
    ]
}
