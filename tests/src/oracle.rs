//! Replays recorded exchanges with the real lwsws against lwsrun, and compares.
//!
//! The recordings are data, in `tests/oracle/`; its README says how they came to be. A group is a config and the cases
//! that were sent to it. [`stage`] makes a group ready in a temporary folder, [`http`] and [`ws`] send its cases,
//! [`compare`] tells whether an answer is as good as the recorded one, and [`compat`] reads what
//! `lwsrun/COMPAT.md` says about the cases that differ.

pub mod case;
pub mod compare;
pub mod compat;
pub mod http;
pub mod pattern;
pub mod stage;
pub mod ws;

pub use case::{Case, Kind, cases};
pub use stage::Stage;

use crate::program;

/// How a case came out.
#[derive(Debug)]
pub struct Outcome {
    /// The case.
    pub case: Case,
    /// What is different from the recording; empty if nothing is.
    pub differences: Vec<String>,
}

impl Outcome {
    /// Whether lwsrun does what lwsws did.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.differences.is_empty()
    }
}

/// Serves a group's config and sends it the group's cases, one after the other, each on connections of its own.
///
/// # Panics
/// If the config does not compile, or the server does not start.
#[must_use]
pub fn replay(group: &str) -> Vec<Outcome> {
    let stage = Stage::prepare(group);
    let server = stage.serve();
    let outcomes = cases(group).into_iter().map(|case| {
        let differences = match case.kind {
            Kind::Http => http::run(&case, &stage),
            Kind::Ws => ws::run(&case, &stage),
            Kind::Config => panic!("{}: a config case needs no server", case.id),
        };
        Outcome { case, differences }
    });
    let outcomes = outcomes.collect();
    let status = server.stop();
    assert_eq!(status.code(), Some(0), "the server of group `{group}` ended badly");
    outcomes
}

/// Has `lwsconf check --compat` judge the config of each case of a group.
///
/// # Panics
/// If a case is not about a config, or the compiler could not run.
#[must_use]
pub fn check(group: &str) -> Vec<Outcome> {
    let stage = Stage::prepare(group);
    let outcomes = cases(group).into_iter().map(|case| {
        assert_eq!(case.kind, Kind::Config, "{}", case.id);
        let folder = stage.config(group).join(case.text("dir"));
        let done = program::lwsconf(["check".as_ref(), "--compat".as_ref(), folder.as_os_str()]);
        let verdict = match done.code {
            Some(0) => "accept",
            // lwsws does not start without its conf either: a folder that cannot be read as a config is rejected.
            Some(1 | 2) => "reject",
            code => panic!("{}: exit status {code:?}; it said:\n{}", case.id, done.stderr),
        };
        let expected = case.text("expect");
        let differences =
            if verdict == expected { Vec::new() } else { vec![format!("{verdict}, recorded {expected}")] };
        Outcome { case, differences }
    });
    outcomes.collect()
}
