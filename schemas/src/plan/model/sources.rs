//! The section that names what the plan was made of.

use crate::plan::codec::{BorrowDecode, Encode};

/// The files of the config and how strings in them were expanded.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Sources<'a> {
    /// All files that were read, in the order in which they were read.
    pub files: Vec<SourceFile<'a>>,
    /// What `_lws_ddir_` stood for: `--ddir`, else the environment's `LWS_DDIR`, else `/usr/share`.
    pub ddir: &'a str,
}

/// One file of the config.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
pub struct SourceFile<'a> {
    /// Its name relative to the config directory, such as `conf.d/site`, so that a plan's bytes do not depend on
    /// where the directory lies.
    pub name: &'a str,
    /// BLAKE3 of its bytes.
    pub hash: [u8; 32],
}
