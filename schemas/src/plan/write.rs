//! Sections to the bytes of a plan. Same sections, same bytes.

use super::check::digest_of;
use super::codec::encode;
use super::preamble::{PREAMBLE, Preamble};
use super::section::{self, Kind, ROW};
use super::{Global, Listeners, Plan, ReadError, Sources, Vhost};

/// Why sections cannot become a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// A section is too large.
    #[error("section `{section} {number}` is too large for a plan: {reason}")]
    Section {
        /// The kind of section.
        section: &'static str,
        /// Its number within its kind.
        number: usize,
        /// The size and the limit.
        reason: String,
    },
    /// More vhosts than a plan can number.
    #[error("{0} vhosts are too many for a plan")]
    Vhosts(usize),
    /// The sections contradict each other, or hold a value that no plan may hold.
    #[error(transparent)]
    Check(#[from] ReadError),
}

/// Makes the bytes of a plan, and reads them back as the server will before handing them out.
///
/// # Errors
/// If a section is too large, or the sections do not fit together.
pub fn write(
    sources: &Sources<'_>,
    global: &Global<'_>,
    listeners: &Listeners<'_>,
    vhosts: &[Vhost<'_>],
) -> Result<Vec<u8>, WriteError> {
    let mut sections = Vec::with_capacity(3 + vhosts.len());
    sections.push(encode(sources));
    sections.push(encode(global));
    sections.push(encode(listeners));
    sections.extend(vhosts.iter().map(encode));
    let sections: Result<Vec<Vec<u8>>, WriteError> = sections
        .into_iter()
        .enumerate()
        .map(|(row, section)| {
            let (kind, number) = Kind::of_row(row);
            section.map_err(|reason| WriteError::Section { section: kind.name(), number, reason })
        })
        .collect();
    let sections = sections?;
    let count = u32::try_from(sections.len()).map_err(|_| WriteError::Vhosts(vhosts.len()))?;
    let bytes = lay_out(&sections, count, digest_of(sources));
    Plan::from_bytes(bytes.clone())?;
    Ok(bytes)
}

/// Puts preamble, directory and sections one after the other.
fn lay_out(sections: &[Vec<u8>], count: u32, digest: [u8; 32]) -> Vec<u8> {
    let mut directory = Vec::with_capacity(sections.len() * ROW);
    let mut body = Vec::new();
    let base = PREAMBLE + sections.len() * ROW;
    for (row, section) in sections.iter().enumerate() {
        directory.extend(section::row(row, base + body.len(), section));
        body.extend_from_slice(section);
        body.resize(body.len().next_multiple_of(section::ALIGN), 0);
    }
    let length = (base + body.len()) as u64;
    let mut bytes = Vec::with_capacity(base + body.len());
    bytes.extend(Preamble::bytes(length, count, digest));
    bytes.extend(directory);
    bytes.extend(body);
    Preamble::seal(&mut bytes);
    bytes
}
