//! What `lwsrun/COMPAT.md` says about recorded cases.
//!
//! Its tables name cases in the first column, in backticks, and give a verdict in the second: `same`, `better` or
//! `differs`. The last column is the reason. Tables without such a verdict are for people only.

use std::collections::BTreeMap;

use crate::repository;

/// What is said about a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A quirk of lwsws that lwsrun has too.
    Same,
    /// A quirk or a decided case from which lwsrun departs on purpose.
    Better,
    /// lwsrun cannot do it yet, or does otherwise where lwsws was not wrong.
    Differs,
}

/// A row's verdict and reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The verdict.
    pub verdict: Verdict,
    /// The reason.
    pub reason: String,
}

/// All cases that the file names.
///
/// # Panics
/// If the file is missing, or a case stands there twice, or without a reason.
#[must_use]
pub fn entries() -> BTreeMap<String, Entry> {
    let path = repository::root().join("lwsrun/COMPAT.md");
    let text = std::fs::read_to_string(path).expect("lwsrun/COMPAT.md");
    let mut entries = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [cases, verdict, .., reason] = cells.as_slice() else { continue };
        let verdict = match *verdict {
            "same" => Verdict::Same,
            "better" => Verdict::Better,
            "differs" => Verdict::Differs,
            _ => continue,
        };
        assert!(reason.len() > 10, "COMPAT.md: no reason given for {cases}");
        for id in cases.split('`').skip(1).step_by(2) {
            let entry = Entry { verdict, reason: (*reason).to_owned() };
            assert!(entries.insert(id.to_owned(), entry).is_none(), "COMPAT.md names {id} twice");
        }
    }
    entries
}
