//! What of a plan will not be served as it says: found at start and by `--check`, and told in words.

use std::path::Path;

use nix::unistd::Uid;
use schemas::plan::{AccessLog, Origin, Plan, VhostId};

use super::honour::{self, Scope, Unhonoured};
use super::tls::policy::without_effect;
use crate::protocol::{self, Registry};
use crate::response::handler::file::fault_of_docroot;
use crate::response::log::fault_of_log;

/// Why the server does not start with a plan, each a line with the `file:line` of the config. Costs one look at
/// `global`.
pub(crate) fn refusals(plan: &Plan) -> Vec<String> {
    honour::in_global(plan).into_iter().filter(ends_the_start).map(line).collect()
}

/// What of the vhosts is refused, missing or left out while the server runs, each a line with the `file:line` of the
/// config. Looks at all of the plan, and at nothing else.
pub(crate) fn warnings(plan: &Plan, registry: &Registry) -> impl Iterator<Item = String> {
    let listeners = plan.listeners().listeners;
    let firsts: Vec<_> = listeners.iter().filter_map(|listener| listener.vhosts.first().copied()).collect();
    let in_global = honour::in_global(plan).into_iter().filter(|found| !ends_the_start(found)).map(line);
    in_global.chain(plan.vhost_ids().flat_map(move |id| of_vhost(plan, id, &firsts, registry)))
}

fn ends_the_start(found: &Unhonoured) -> bool {
    found.scope == Scope::Server
}

fn of_vhost(plan: &Plan, id: VhostId, firsts: &[VhostId], registry: &Registry) -> Vec<String> {
    let vhost = plan.vhost(id);
    let mut lines: Vec<_> = honour::in_vhost(plan, &vhost).into_iter().map(line).collect();
    lines.extend(protocol::unserved(&vhost, registry, |place| plan.describe(place)));
    let mut say = |words: &str| {
        let place = plan.describe(vhost.place);
        lines.push(format!("{place}: vhost `{}`: {words}", vhost.name));
    };
    let is_first = vhost.listener.is_some_and(|listener| firsts.get(listener.index()) == Some(&id));
    if vhost.fo_listen_queue.is_some() && !is_first {
        say(
            "`fo-listen-queue` has no effect, that of the first vhost of the same `interface` and `port` counts",
        );
    }
    if (vhost.apply_listen_accept || vhost.fallback_listen_accept) && !is_first {
        say(
            "`apply-listen-accept` and `fallback-listen-accept` have no effect, those of the first vhost of the same \
             `interface` and `port` count",
        );
    }
    if let Some(words) = vhost.tls.as_ref().and_then(without_effect) {
        say(&words);
    }
    lines
}

fn line(Unhonoured { place, what, .. }: Unhonoured) -> String {
    format!("{place}: {what}")
}

/// Why access logs could not be opened, each a line, as far as that can be seen without opening them.
pub(crate) fn faults_of_logs(plan: &Plan) -> Vec<String> {
    let logs = plan.global().access_logs;
    let fault = |log: &AccessLog<'_>| {
        let why = fault_of_log(Path::new(log.path))?;
        Some(format!("{}: access-log `{}` cannot be opened: {why}", plan.describe(log.place), log.path))
    };
    logs.iter().filter_map(fault).collect()
}

/// Words about each `cgi-chroot` of a server that serves as another user than root.
pub(crate) fn unchangeable_roots(plan: &Plan, user: Uid) -> impl Iterator<Item = String> {
    let vhosts = plan.vhost_ids().filter(move |_| !user.is_root());
    vhosts.flat_map(move |id| {
        let mounts = plan.vhost(id).mounts;
        mounts.into_iter().filter(|mount| mount.cgi_chroot.is_some()).map(move |mount| {
            let place = plan.describe(mount.place);
            format!(
                "{place}: mount `{}`: `cgi-chroot` needs root or CAP_SYS_CHROOT, and the server runs as user {user}; \
                 without that requests are answered 502",
                mount.mountpoint
            )
        })
    })
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
            let why = fault_of_docroot(docroot)?;
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
    use schemas::plan::{Bind, Families, Global, Listener, Mount, Vhost};

    use super::*;
    use crate::boot::testing::{global, listener, mount, vhost, written};

    fn plan(global: &Global<'_>, vhosts: &[Vhost<'_>]) -> Plan {
        let bind = Bind::Any { port: 80, families: Families::Both };
        let ids = (0..).map(VhostId).take(vhosts.len()).collect();
        let listeners = vec![Listener { vhosts: ids, ..listener(bind) }];
        Plan::from_bytes(written(global, listeners, vhosts)).unwrap()
    }

    fn warned(vhosts: &[Vhost<'_>]) -> Vec<String> {
        warnings(&plan(&global(), vhosts), &Registry::default()).collect()
    }

    #[test]
    fn what_is_not_honoured_is_told_with_its_line() {
        assert_eq!(warned(&[vhost()]), [""; 0]);
        assert_eq!(refusals(&plan(&global(), &[vhost()])), [""; 0]);
        let raw = Vhost { apply_listen_accept: true, listen_accept_role: Some("raw-skt"), ..vhost() };
        let found = warned(&[raw]);
        assert!(found[0].starts_with("conf.d/site:7: vhost `a.test`: `listen-accept-role`"), "{found:?}");
        let found = refusals(&plan(&Global { ip_limit_ah: Some(1), ..global() }, &[vhost()]));
        assert!(found[0].contains("`ip-limit-ah`"), "{found:?}");
    }

    #[test]
    fn new_roots_need_root() {
        let chroot = Mount { cgi_chroot: Some("/srv"), ..mount("/x") };
        let plan = plan(&global(), &[Vhost { mounts: vec![mount("/"), chroot], ..vhost() }]);
        let found: Vec<_> = unchangeable_roots(&plan, Uid::from_raw(1000)).collect();
        assert!(found.len() == 1 && found[0].contains("mount `/x`: `cgi-chroot`"), "{found:?}");
        assert_eq!(unchangeable_roots(&plan, Uid::from_raw(0)).count(), 0);
    }

    #[test]
    fn of_several_vhosts_the_first_ones_queue_counts() {
        let queue = || Vhost { fo_listen_queue: Some(5), ..vhost() };
        assert_eq!(warned(&[queue(), vhost()]), [""; 0]);
        let found = warned(&[vhost(), queue()]);
        assert!(found.len() == 1 && found[0].contains("`fo-listen-queue`"), "{found:?}");
    }
}
