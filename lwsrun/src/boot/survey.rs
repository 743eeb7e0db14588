//! What of a plan will not be served as it says: found at start and by `--check`, and told in words.

use schemas::plan::{Origin, Plan, Vhost};

use super::honour::{self, Scope, Unhonoured};
use crate::protocol::{self, Registry};

/// The findings about a plan, each a line with the `file:line` of the config.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// Why the server does not start.
    pub(crate) refusals: Vec<String>,
    /// What is refused, missing or left out while it runs.
    pub(crate) warnings: Vec<String>,
}

impl Survey {
    /// Looks at a plan, and at its docroots.
    pub(crate) fn of(plan: &Plan, registry: &Registry) -> Self {
        let mut survey = Self::default();
        for Unhonoured { place, scope, what } in honour::unhonoured(plan) {
            let lines = match scope {
                Scope::Server => &mut survey.refusals,
                Scope::Vhost | Scope::Mount | Scope::Header => &mut survey.warnings,
            };
            lines.push(format!("{place}: {what}"));
        }
        for id in plan.vhost_ids() {
            let vhost = plan.vhost(id);
            survey.warnings.extend(protocol::unserved(&vhost, registry, |place| plan.describe(place)));
            survey.warnings.extend(missing_docroots(plan, &vhost));
        }
        survey
    }
}

/// Docroots that are not there now. They may come later, so that is no reason not to start.
fn missing_docroots<'v>(plan: &'v Plan, vhost: &'v Vhost<'_>) -> impl Iterator<Item = String> + 'v {
    vhost.mounts.iter().filter_map(|mount| {
        let Origin::File { docroot } = mount.origin else { return None };
        let why = match std::fs::metadata(docroot) {
            Ok(metadata) if metadata.is_dir() => return None,
            Ok(_) => "is not a folder".to_owned(),
            Err(error) => format!("cannot be reached: {error}"),
        };
        let place = plan.describe(mount.place);
        Some(format!("{place}: mount `{}`: `{docroot}` {why}; requests are answered 404", mount.mountpoint))
    })
}

#[cfg(test)]
mod tests {
    use schemas::plan::{Bind, Families, Global};

    use super::*;
    use crate::boot::testing::{global, listener, vhost, written};

    fn survey(global: &Global<'_>, vhost: Vhost<'_>) -> Survey {
        let bind = Bind::Any { port: 80, families: Families::Both };
        let plan = Plan::from_bytes(written(global, vec![listener(bind)], &[vhost])).unwrap();
        Survey::of(&plan, &Registry::default())
    }

    #[test]
    fn what_is_not_honoured_is_told_with_its_line() {
        let found = survey(&global(), vhost());
        assert!(found.refusals.is_empty() && found.warnings.is_empty(), "{found:?}");
        let found = survey(&global(), Vhost { fo_listen_queue: Some(5), ..vhost() });
        assert!(
            found.warnings[0].starts_with("conf.d/site:7: vhost `a.test`: `fo-listen-queue`"),
            "{found:?}"
        );
        let found = survey(&Global { ip_limit_wsi: Some(1), ..global() }, vhost());
        assert!(found.refusals[0].contains("`ip-limit-wsi`"), "{found:?}");
    }
}
