//! Why bytes are not a plan that can be used.

/// The first thing found wrong with a plan, in the order in which a plan is read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Fewer bytes than a preamble.
    #[error("not a plan: {found} bytes, a plan has at least {expected}")]
    TooShort {
        /// Bytes there.
        found: usize,
        /// Bytes of the preamble.
        expected: usize,
    },
    /// The first bytes are not [`MAGIC`](super::MAGIC).
    #[error("not a plan: begins with `{found}`, a plan begins with `{expected}`")]
    NotAPlan {
        /// The first bytes, escaped.
        found: String,
        /// The magic, escaped.
        expected: String,
    },
    /// Another version of the format.
    #[error(
        "plan of format version {found}, written by `{producer}`; this program reads version {expected}: compile \
         the config again with the `lwsconf` that belongs to it"
    )]
    Version {
        /// The version in the file.
        found: u32,
        /// [`FORMAT_VERSION`](super::FORMAT_VERSION).
        expected: u32,
        /// The program that wrote it, as it calls itself.
        producer: String,
    },
    /// Flags that this version does not know.
    #[error("plan has flags {found:#x}, this program knows none: compile the config again")]
    Flags {
        /// The flags in the file.
        found: u32,
    },
    /// The file is not as long as it says.
    #[error("plan is damaged: {found} bytes long, it says that it has {expected}")]
    Length {
        /// Bytes there.
        found: u64,
        /// Bytes that the preamble names.
        expected: u64,
    },
    /// The content does not have the hash that the preamble names.
    #[error("plan is damaged: its content has the hash {found}, its preamble says {expected}")]
    Hash {
        /// First bytes of the hash of the content, hexadecimal.
        found: String,
        /// First bytes of the hash in the preamble, hexadecimal.
        expected: String,
    },
    /// The directory is not the one legal directory of the file.
    #[error("plan is damaged: directory row {row}: {reason}")]
    Directory {
        /// The row, from 0.
        row: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A section cannot be read.
    #[error("plan is damaged: section `{section}`: {reason}")]
    Section {
        /// The section, with its number where there are several.
        section: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A section refers to something that is not there, or holds a value that no config can have.
    #[error("plan is inconsistent: {place}: {reason}")]
    Reference {
        /// Where in the plan.
        place: String,
        /// What is wrong.
        reason: String,
    },
}
