//! `ecdh-curve`: OpenSSL's list of groups made into those that are spoken here.

use schemas::plan::Group;

use super::list::{Unknown, nothing_left, words};
use crate::diagnostic::{Code, Report};
use crate::schema::Text;

/// Every group with the names that it goes by.
const NAMES: [(Group, &[&str]); 5] = [
    (Group::X25519MlKem768, &["X25519MLKEM768"]),
    (Group::X25519, &["X25519", "x25519"]),
    (Group::Secp256r1, &["prime256v1", "secp256r1", "P-256"]),
    (Group::Secp384r1, &["secp384r1", "P-384"]),
    (Group::Secp256r1MlKem768, &["SecP256r1MLKEM768"]),
];

/// The groups that a list names, in its order. `auto` stands for the usual ones, as in older releases of OpenSSL.
/// A list that leaves nothing is an error that cannot be tolerated: there would be no key exchange.
pub(super) fn groups(key: &str, list: Option<&Text<'_>>, report: &mut Report) -> Vec<Group> {
    let Some(list) = list else { return Group::USUAL.to_vec() };
    let mut unknown = Unknown::new();
    let mut chosen = Vec::new();
    for (place, written) in words(list.value) {
        // OpenSSL: `?` passes over a name that is not known, `*` asks for a key share.
        let word = written.trim_start_matches(['?', '*']);
        let named = NAMES.into_iter().find(|(_, names)| names.contains(&word)).map(|(group, _)| group);
        let named = if word == "auto" { Group::USUAL.to_vec() } else { named.into_iter().collect() };
        if named.is_empty() && !written.contains('?') {
            unknown.push(list, place, written, "no such group here");
        }
        for group in named {
            if !chosen.contains(&group) {
                chosen.push(group);
            }
        }
    }
    if chosen.is_empty() {
        report.push(nothing_left(key, list, NAMES.iter().map(|(group, _)| group.name())));
    } else if let Some(found) = unknown.finding(Code::GroupUnknown, key, "key exchange group") {
        report.push(found);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_known_and_order_is_kept() {
        let read = |list| {
            let mut report = Report::new(false);
            let groups = groups("ecdh-curve", Some(&Text::bare(list)), &mut report);
            (groups, report.into_sorted().len())
        };
        assert_eq!(read("P-384:X25519"), (vec![Group::Secp384r1, Group::X25519], 0));
        assert_eq!(read("secp521r1:prime256v1:secp256r1"), (vec![Group::Secp256r1], 1));
        assert_eq!(read("?x448:X25519"), (vec![Group::X25519], 0));
        assert_eq!(read("auto"), (Group::USUAL.to_vec(), 0));
        assert_eq!(read("brainpoolP256r1"), (vec![], 1));
    }
}
