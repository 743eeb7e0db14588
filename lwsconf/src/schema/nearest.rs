//! Which key was meant: the one that differs by the fewest letters.

use super::keys::Keys;

/// The supported key that is most like `name`, if one is close enough to be meant.
pub(crate) fn nearest(name: &str, keys: &'static Keys) -> Option<&'static str> {
    let candidates = keys.keys.iter().filter(|key| key.outside.is_none()).map(|key| key.name.as_str());
    closest(name, candidates)
}

/// The word that is most like `name`, if one is close enough to be meant.
pub(crate) fn closest<'a>(name: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    /// Names beyond this are no slip of the pen, and would take long to compare.
    const LONGEST: usize = 64;
    if name.len() > LONGEST {
        return None;
    }
    let folded = fold(name);
    let allowed = (name.chars().count() / 3).clamp(1, 3);
    let close = words.filter_map(|word| {
        let distance = distance(&folded, &fold(word));
        (distance <= allowed).then_some((distance, word))
    });
    close.min().map(|(_, word)| word)
}

/// The letters to compare: case and the kind of dash do not matter.
fn fold(name: &str) -> Vec<char> {
    name.chars().map(|letter| if letter == '_' { '-' } else { letter.to_ascii_lowercase() }).collect()
}

/// How many letters must be added, taken away, changed or swapped with their neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (row, letter) in a.iter().enumerate() {
        let mut line = vec![row + 1; b.len() + 1];
        for (column, other) in b.iter().enumerate() {
            let change = last[column] + usize::from(letter != other);
            line[column + 1] = change.min(last[column + 1] + 1).min(line[column] + 1);
            if row > 0 && column > 0 && *letter == b[column - 1] && a[row - 1] == *other {
                line[column + 1] = line[column + 1].min(before_last[column - 1] + 1);
            }
        }
        before_last = last;
        last = line;
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use schemas::source::Level;

    use super::*;

    #[test]
    fn finds_slips_and_nothing_else() {
        let vhost = Keys::of(Level::Vhost);
        assert_eq!(nearest("prot", vhost), Some("port"));
        assert_eq!(nearest("mount", vhost), Some("mounts"));
        assert_eq!(nearest("host_ssl_cert", vhost), Some("host-ssl-cert"));
        assert_eq!(nearest("Access-Log", vhost), Some("access-log"));
        assert_eq!(nearest("zork", vhost), None);
        assert_eq!(nearest(&"x".repeat(1000), vhost), None);
    }
}
