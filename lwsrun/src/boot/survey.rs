//! What of a plan will not be served as it says: found at start and by `--check`, and told in words.

use schemas::plan::{Origin, Plan};

use super::honour::{self, Scope, Unhonoured};
use super::tls::policy::without_effect;
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
    /// Looks at a plan, not at the machine.
    pub(crate) fn of(plan: &Plan, registry: &Registry) -> Self {
        let mut survey = Self::default();
        survey.add(honour::in_global(plan));
        for id in plan.vhost_ids() {
            let vhost = plan.vhost(id);
            survey.add(honour::in_vhost(plan, &vhost));
            survey.warnings.extend(protocol::unserved(&vhost, registry, |place| plan.describe(place)));
            if let Some(words) = vhost.tls.as_ref().and_then(without_effect) {
                let place = plan.describe(vhost.place);
                survey.warnings.push(format!("{place}: vhost `{}`: {words}", vhost.name));
            }
        }
        survey
    }

    fn add(&mut self, unhonoured: Vec<Unhonoured>) {
        for Unhonoured { place, scope, what } in unhonoured {
            let lines = match scope {
                Scope::Server => &mut self.refusals,
                Scope::Vhost | Scope::Mount | Scope::Header => &mut self.warnings,
            };
            lines.push(format!("{place}: {what}"));
        }
    }
}

/// Words about each docroot that is not there now. It may come later, so that is no reason not to start.
///
/// Asks the file system once for each mount, which takes long for many mounts, and for ever on a dead network disk:
/// nothing that serves should wait for it.
pub(crate) fn missing_docroots(plan: &Plan) -> impl Iterator<Item = String> {
    plan.vhost_ids().flat_map(|id| {
        let mounts = plan.vhost(id).mounts;
        mounts.into_iter().filter_map(|mount| {
            let Origin::File { docroot } = mount.origin else { return None };
            let why = match std::fs::metadata(docroot) {
                Ok(metadata) if metadata.is_dir() => return None,
                Ok(_) => "is not a folder".to_owned(),
                Err(error) => format!("cannot be reached: {error}"),
            };
            let place = plan.describe(mount.place);
            Some(format!(
                "{place}: mount `{}`: `{docroot}` {why}; requests are answered 404",
                mount.mountpoint
            ))
        })
    })
}

#[cfg(test)]
mod tests {
    use schemas::plan::{Bind, Families, Global, Vhost};

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
