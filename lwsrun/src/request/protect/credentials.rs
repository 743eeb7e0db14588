//! The lines of a credentials file.
//!
//! - `user:password`, in clear: all of what a client gives must equal all of the line.
//! - `user:{SHA256}SALT$HASH`: SALT and HASH in base64, HASH being SHA-256 of the salt's bytes and then the password's.
//!   It hides passwords from whoever reads the file; being quick to compute, it does not save weak ones.
//!
//! Lines end in LF or CRLF, the last one need not. There are no comments. Lines of more than [`LONGEST`] bytes never
//! match, as in lwsws, nor do those without a colon.
//!
//! A line with a hash is made so:
//!
//! ```sh
//! salt=$(openssl rand -base64 12)
//! hash=$( (echo "$salt" | base64 -d; printf %s "$password") | openssl dgst -sha256 -binary | base64)
//! echo "$user:{SHA256}$salt\$$hash"
//! ```

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA256, SHA256_OUTPUT_LEN};

use super::base64;
use super::header::Given;

/// The most bytes of a line.
pub(super) const LONGEST: usize = 255;

/// What stands before a salt.
const HASHED: &[u8] = b"{SHA256}";

type Hash = [u8; SHA256_OUTPUT_LEN];

/// The credentials of a file.
#[derive(Default)]
pub(super) struct Credentials {
    lines: Vec<Line>,
}

/// A line; what it holds is kept as hashes, which are equally long whatever they are of.
enum Line {
    /// The hash of all of it.
    Clear(Hash),
    /// The hash of the user, the salt, and the hash of salt and password.
    Salted(Hash, Box<[u8]>, Hash),
}

impl Credentials {
    /// Reads a file. Also the numbers of lines that begin like a hash and are none.
    pub(super) fn read(bytes: &[u8]) -> (Self, Vec<usize>) {
        let (mut lines, mut wrong) = (Vec::new(), Vec::new());
        for (at, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            match Line::read(line) {
                Some(Ok(line)) => lines.push(line),
                Some(Err(())) => wrong.push(at + 1),
                None => {}
            }
        }
        (Self { lines }, wrong)
    }

    /// Whether what was given equals one of the lines.
    ///
    /// All lines are compared to their ends, and all salts are hashed whoever the user is: so nobody can tell by the
    /// time whether a user exists, or how far a guess is right.
    pub(super) fn admit(&self, given: &Given) -> bool {
        let (pair, user) = (hash(&[given.pair()]), hash(&[given.user()]));
        let mut admitted = false;
        for line in &self.lines {
            admitted |= match line {
                Line::Clear(line) => equal(line, &pair),
                Line::Salted(name, salt, line) => {
                    equal(name, &user) & equal(line, &hash(&[salt, given.password()]))
                }
            };
        }
        admitted
    }
}

impl Line {
    /// `None`: it never matches.
    fn read(line: &[u8]) -> Option<Result<Self, ()>> {
        let colon = line.iter().position(|&byte| byte == b':').filter(|_| line.len() <= LONGEST)?;
        let Some(salted) = line[colon + 1..].strip_prefix(HASHED) else {
            return Some(Ok(Self::Clear(hash(&[line]))));
        };
        let salted = read_salted(salted)
            .map(|(salt, expected)| Self::Salted(hash(&[&line[..colon]]), salt.into(), expected));
        Some(salted.ok_or(()))
    }
}

/// Salt and hash.
fn read_salted(text: &[u8]) -> Option<(Vec<u8>, Hash)> {
    let dollar = text.iter().position(|&byte| byte == b'$')?;
    let (salt, hash) = (base64::decode(&text[..dollar])?, base64::decode(&text[dollar + 1..])?);
    Some((salt, hash.try_into().ok()?))
}

fn hash(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    let mut hash = [0; SHA256_OUTPUT_LEN];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

fn equal(left: &Hash, right: &Hash) -> bool {
    verify_slices_are_equal(left, right).is_ok()
}

/// Says only how many there are.
impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Credentials({})", self.lines.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn admits(file: &str, pair: &str) -> bool {
        let given = Given::new(pair.into()).expect("a colon");
        Credentials::read(file.as_bytes()).0.admit(&given)
    }

    #[test]
    fn all_of_a_line_in_clear() {
        let file = "mate:rope\r\nskipper:s3cret:with:colons\n\n# not a: comment\n:\nlast:line";
        for pair in ["mate:rope", "skipper:s3cret:with:colons", "# not a: comment", ":", "last:line"] {
            assert!(admits(file, pair), "{pair}");
        }
        for pair in [
            "mate:rop",
            "mate:rope ",
            "mate:rope\r",
            "Mate:rope",
            "mate:",
            ":rope",
            "mate:rope\nskipper:",
            "x:y",
        ] {
            assert!(!admits(file, pair), "{pair}");
        }
        assert!(!admits("", ":"));
    }

    #[test]
    fn long_lines_never_match() {
        let line = |length: usize| format!("a:{}", "x".repeat(length - 2));
        assert!(admits(&line(255), &line(255)));
        assert!(!admits(&line(256), &line(256)));
    }

    #[test]
    fn salted_lines_hold_no_password() {
        // Made with the commands at the top of this file.
        let file = "mate:{SHA256}c2FsdHNhbHRzYWx0$HlZnZT0/PlDEUF3GYdRHuoFxOWNmo2W5KkosOjnNuls=\nclear:text";
        assert!(admits(file, "mate:rope"));
        assert!(admits(file, "clear:text"));
        for pair in [
            "mate:Rope",
            "mate:",
            "skipper:rope",
            "mate:{SHA256}c2FsdHNhbHRzYWx0$HlZnZT0/PlDEUF3GYdRHuoFxOWNmo2W5KkosOjnNuls=",
        ] {
            assert!(!admits(file, pair), "{pair}");
        }
    }

    #[test]
    fn malformed_hashes_are_told_by_line() {
        let file = "a:b\nc:{SHA256}\nd:{SHA256}!$!\ne:{SHA256}c2FsdA==$c2hvcnQ=\nf:{sha256}x\n";
        let (credentials, wrong) = Credentials::read(file.as_bytes());
        assert_eq!((credentials.lines.len(), &*wrong), (2, &[2, 3, 4][..]));
        assert!(!admits(file, "c:{SHA256}"), "it is not a password in clear either");
    }

    proptest! {
        #[test]
        fn any_file_is_read(file in prop::collection::vec(any::<u8>(), 0..200), pair in ".{0,5}:.{0,5}") {
            let given = Given::new(pair.clone().into_bytes()).unwrap();
            let admitted = Credentials::read(&file).0.admit(&given);
            let mut lines = file.split(|&byte| byte == b'\n');
            prop_assert_eq!(
                admitted,
                lines.any(|line| line.strip_suffix(b"\r").unwrap_or(line) == pair.as_bytes())
            );
        }
    }
}
