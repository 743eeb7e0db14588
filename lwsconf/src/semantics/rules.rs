//! Rules beyond the schema: mistakes that show only when several keys, mounts or vhosts are looked at together.
//!
//! One file each, named after the mistake. A rule gets the lowered configuration and pushes what it finds; it changes
//! nothing, and does not know the others. What lwsws refuses or what leaves a hole in the plan is no rule but part of
//! the lowering. Errors of rules are tolerated ones: with `--compat` they are warnings, and a comment silences them.
//!
//! Rules see configurations with errors too. One that speaks of something missing therefore asks
//! [`View::whole`](super::view::View) first, so that one mistake is told once.

RULEMODS

use super::view::View;
use crate::diagnostic::Report;

/// A rule.
type Rule = fn(&View<'_, '_>, &mut Report);

/// All rules. The order does not matter: findings are sorted by place.
const RULES: &[Rule] = &[
RULELIST
];

/// Runs all rules.
pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for rule in RULES {
        rule(view, report);
    }
}
