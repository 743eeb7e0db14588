//! Names with values.

use crate::plan::codec::{BorrowDecode, Encode};

/// A response header from `headers`. The name is a token and the value has no control characters: both the
/// compiler and the reader check it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Header<'a> {
    /// The name as written.
    pub name: &'a str,
    /// The value as written.
    pub value: &'a str,
}

/// A name and a value of `cgi-env` or `pmo`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Pair<'a> {
    /// The name.
    pub name: &'a str,
    /// The value.
    pub value: &'a str,
}
