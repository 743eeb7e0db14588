//! Certificates while the server runs: those that change are taken up, and those that will be over are said.
//!
//! A thread looks at the stamps of all files now and then. What changed is left alone until two looks find it the
//! same, since certificate and key are written one after the other; then it is checked as at start, and besides for
//! what the pair before it was good for. A pair that does not pass is said, and the one before it stays.
//!
//! Looking costs a few microseconds a pair, so that looks are the further apart the more pairs there are.

use std::io;
use std::thread;
use std::time::{Duration, SystemTime};

use rustls_pki_types::CertificateDer;
use schemas::plan::Tls;

use super::certificate::covers;
use super::files::{Files, Stamps, is_forbidden};
use super::make::Made;
use super::slot::{Slot, State, said};
use super::{Fault, Keys, Shared};

/// The time between two looks, without what the number of pairs adds.
const PERIOD: Duration = Duration::from_secs(2);

/// What each pair adds to it: ten thousand pairs are looked at about once a minute.
const PERIOD_EACH: Duration = Duration::from_millis(6);

/// Days before its end at which a certificate is said to be over soon.
const WARNINGS: [u64; 3] = [7, 14, 30];

/// Looks after the keys for as long as the process lives, on a thread of its own.
///
/// # Errors
/// If there can be no thread.
pub(crate) fn start(keys: Keys) -> io::Result<()> {
    if keys.shared.slots.is_empty() {
        return Ok(());
    }
    let look_after = move || {
        let mut watch = Watch::new(&keys.shared);
        watch.say_unreadable();
        watch.try_out();
        let pairs = u32::try_from(keys.shared.slots.len()).unwrap_or(u32::MAX);
        let period = PERIOD + PERIOD_EACH.saturating_mul(pairs);
        loop {
            watch.look(SystemTime::now());
            thread::sleep(period);
        }
    };
    thread::Builder::new().name("certificates".to_owned()).spawn(look_after).map(drop)
}

/// What is known of each slot.
struct Watch<'a> {
    shared: &'a Shared,
    pairs: Vec<Pair>,
}

#[derive(Default)]
struct Pair {
    /// What the last look found, if it was something new.
    seen: Option<Stamps>,
    /// What was refused, and until when.
    refused: Option<(Stamps, Option<SystemTime>)>,
    /// The end of the certificate in use.
    not_after: Option<SystemTime>,
    /// The last warning, in days before the end.
    warned: Option<u64>,
    /// This process may not read them, which was said at the start.
    is_forbidden: bool,
}

impl<'a> Watch<'a> {
    fn new(shared: &'a Shared) -> Self {
        let pairs = shared.slots.iter().map(|slot| match slot.state() {
            State::Ready(made) => Pair { not_after: Some(made.not_after), ..Pair::default() },
            State::Missing | State::Read(_) | State::Broken => Pair::default(),
        });
        Self { shared, pairs: pairs.collect() }
    }

    /// Says which files will never be read again, since privileges are gone. One line for all.
    fn say_unreadable(&mut self) {
        let mut forbidden = Vec::new();
        for (slot, pair) in self.shared.slots.iter().zip(&mut self.pairs) {
            let Some((_, _, tls)) = self.shared.words(slot) else { continue };
            pair.is_forbidden = is_forbidden(tls.key) || is_forbidden(tls.cert);
            if pair.is_forbidden {
                forbidden.push(slot);
            }
        }
        let Some((at, name, tls)) = forbidden.first().and_then(|slot| self.shared.words(slot)) else {
            return;
        };
        let more = match forbidden.len() - 1 {
            0 => String::new(),
            more => format!(", nor those of {more} more"),
        };
        tracing::warn!(
            "{at}: vhost `{name}`: the user that serves may not read `{}` and `{}`{more}; when they change, start the \
             server again",
            tls.cert,
            tls.key
        );
    }

    /// Checks what the start left unchecked.
    fn try_out(&mut self) {
        for (slot, pair) in self.shared.slots.iter().zip(&mut self.pairs) {
            if let State::Read(files) = slot.state() {
                pair.not_after = slot.try_out(self.shared, &files, false).map(|made| made.not_after);
            }
        }
    }

    /// One look at everything.
    fn look(&mut self, now: SystemTime) {
        for (slot, pair) in self.shared.slots.iter().zip(&mut self.pairs) {
            let Some((at, name, tls)) = self.shared.words(slot) else { continue };
            if pair.has_changed(slot, &tls, now) {
                pair.take_up(self.shared, slot, &tls, now);
            }
            if let Some(words) = pair.warning(now) {
                tracing::warn!("{at}: vhost `{name}`: the certificate in `{}` {words}", tls.cert);
            }
        }
    }
}

impl Pair {
    /// Whether the files are others than those in use, and lie still.
    fn has_changed(&mut self, slot: &Slot, tls: &Tls<'_>, now: SystemTime) -> bool {
        let found = Stamps::now(tls);
        let is_refused = |(stamps, until): (Stamps, Option<SystemTime>)| {
            stamps == found && until.is_none_or(|until| now < until)
        };
        if slot.stamps() == Some(found) || self.refused.is_some_and(is_refused) {
            self.seen = None;
            return false;
        }
        let lies_still = self.seen == Some(found);
        self.seen = Some(found);
        // Those that were missing and still are: nothing to take up.
        lies_still && (found.has_pair() || !matches!(slot.state(), State::Missing))
    }

    fn take_up(&mut self, shared: &Shared, slot: &Slot, tls: &Tls<'_>, now: SystemTime) {
        let stamps = Stamps::now(tls);
        match checked(shared, slot, tls, now) {
            Ok((files, made)) => {
                let not_after = Some(made.not_after);
                *self = Self { not_after, is_forbidden: self.is_forbidden, ..Self::default() };
                let state = match slot.state() {
                    // It was never asked for; it need not take more room now.
                    State::Read(_) => State::Read(files.into()),
                    State::Missing | State::Ready(_) | State::Broken => State::Ready(made),
                };
                slot.set(state, stamps);
                let vhost = shared.plan.vhost(slot.vhosts[0]);
                let at = shared.plan.describe(vhost.place);
                let (name, cert) = (vhost.name, tls.cert);
                tracing::info!(
                    "{at}: vhost `{name}`: the certificate in `{cert}` has changed and is used now"
                );
                if let Some(warning) = shared.open_to_all(slot) {
                    tracing::warn!("{warning}");
                }
            }
            Err(fault) => {
                let until = if let Fault::Early { from, .. } = fault { Some(from) } else { None };
                self.refused = Some((stamps, until));
                if self.is_forbidden && fault.is_forbidden() {
                    return;
                }
                let in_use = matches!(slot.state(), State::Ready(_) | State::Read(_));
                let stays = if in_use { "the certificate before it stays in use" } else { "it is not used" };
                said(shared, slot, &fault, stays);
            }
        }
    }

    /// Words about the end of the certificate, once for each of [`WARNINGS`].
    fn warning(&mut self, now: SystemTime) -> Option<String> {
        let end = self.not_after?;
        let date = httpdate::fmt_http_date(end);
        let (step, words) = match end.duration_since(now) {
            Ok(left) => {
                let days = left.as_secs() / 86_400;
                let step = WARNINGS.into_iter().find(|&step| days < step)?;
                (step, format!("will be over in {days} days, at {date}"))
            }
            Err(_) => (0, format!("is over since {date}; clients refuse it")),
        };
        let is_new = self.warned.is_none_or(|warned| step < warned);
        self.warned = Some(step);
        is_new.then_some(words)
    }
}

/// Reads and checks files that have changed.
fn checked(shared: &Shared, slot: &Slot, tls: &Tls<'_>, now: SystemTime) -> Result<(Files, Made), Fault> {
    let files = Files::read(tls)?;
    let made = shared.make(tls, &files)?;
    let path = || tls.cert.to_owned();
    if made.not_after < now {
        let since = httpdate::fmt_http_date(made.not_after);
        return Err(Fault::Over { path: path(), since });
    }
    if made.not_before > now {
        return Err(Fault::Early { path: path(), from: made.not_before });
    }
    check_names(shared, slot, tls, &made.certificate)?;
    Ok((files, made))
}

/// Whether a new certificate is for the vhosts that name it: for each for which the one in use is, or, where none is in
/// use, for one of them or a name below it.
fn check_names(shared: &Shared, slot: &Slot, tls: &Tls<'_>, new: &CertificateDer<'_>) -> Result<(), Fault> {
    let path = tls.cert.to_owned();
    let names: Vec<_> = slot.vhosts.iter().map(|&id| shared.plan.vhost(id).name).collect();
    let Some(before) = in_use(slot) else {
        let is_for = |name: &&str| covers(new, name) || covers(new, &format!("www.{name}"));
        let names_one = names.iter().any(is_for);
        return if names_one { Ok(()) } else { Err(Fault::Foreign { path, names: names.join("`, `") }) };
    };
    match names.iter().find(|name| covers(&before, name) && !covers(new, name)) {
        Some(&name) => Err(Fault::NotNamed { path, name: name.to_owned() }),
        None => Ok(()),
    }
}

fn in_use(slot: &Slot) -> Option<CertificateDer<'static>> {
    match slot.state() {
        State::Ready(made) => Some(made.certificate),
        State::Read(files) => files.own_certificate(),
        State::Missing | State::Broken => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use rcgen::{CertificateParams, KeyPair};
    use schemas::plan::{Bind, Families, Listener, Plan, Vhost, VhostId};

    use super::*;
    use crate::boot::testing::{global, listener, tls, vhost, written};

    /// Writes a pair that is over in so many days from now; gives its paths.
    fn pair(folder: &Path, name: &str, days: i64) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let begin = rcgen::date_time_ymd(2020, 1, 1);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let today = i64::try_from(now.as_secs() / 86_400).unwrap();
        params.not_before = begin;
        // 1 January 2020 is day 18262; the half day keeps the number of days the same for the time of a test.
        let seconds = (today + days - 18_262) * 86_400 + i64::try_from(now.as_secs() % 86_400).unwrap();
        params.not_after = begin + Duration::from_secs(u64::try_from(seconds + 43_200).unwrap());
        let path = |suffix| folder.join(suffix).to_str().unwrap().to_owned();
        std::fs::write(path("crt"), params.self_signed(&key).unwrap().pem()).unwrap();
        std::fs::write(path("key"), key.serialize_pem()).unwrap();
        (path("crt"), path("key"))
    }

    fn keys(cert: &str, key: &str, ignore_missing_cert: bool) -> Keys {
        Keys::load(&plan(cert, key, ignore_missing_cert)).unwrap()
    }

    fn plan(cert: &str, key: &str, ignore_missing_cert: bool) -> Arc<Plan> {
        let listeners =
            vec![Listener { tls: true, ..listener(Bind::Any { port: 443, families: Families::Both }) }];
        let tls = Tls { ignore_missing_cert, ..tls(cert, key) };
        let bytes = written(&global(), listeners, &[Vhost { tls: Some(tls), ..vhost() }]);
        Arc::new(Plan::from_bytes(bytes).unwrap())
    }

    /// Whether two looks take another configuration up than there was.
    fn takes_up(keys: &Keys, watch: &mut Watch<'_>) -> bool {
        let in_use = || keys.config(VhostId(0));
        let before = in_use();
        watch.look(SystemTime::now());
        assert!(before.is_some() == in_use().is_some(), "one look is not enough");
        watch.look(SystemTime::now());
        match (before, in_use()) {
            (Some(before), Some(now)) => !Arc::ptr_eq(&before, &now),
            (before, now) => before.is_some() != now.is_some(),
        }
    }

    #[test]
    fn a_good_pair_is_taken_up_and_a_bad_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = pair(folder.path(), "a.test", 90);
        let keys = keys(&cert, &key, false);
        let mut watch = Watch::new(&keys.shared);
        assert!(!takes_up(&keys, &mut watch), "nothing has changed");
        pair(folder.path(), "a.test", 90);
        assert!(takes_up(&keys, &mut watch));
        let good = std::fs::read(&key).unwrap();
        std::fs::write(&key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
        assert!(!takes_up(&keys, &mut watch), "another key");
        std::fs::write(&key, good).unwrap();
        assert!(takes_up(&keys, &mut watch), "the right key again");
        pair(folder.path(), "b.test", 90);
        assert!(!takes_up(&keys, &mut watch), "another name");
        pair(folder.path(), "a.test", -1);
        assert!(!takes_up(&keys, &mut watch), "over");
        std::fs::remove_file(&cert).unwrap();
        assert!(!takes_up(&keys, &mut watch), "gone");
        pair(folder.path(), "a.test", 1);
        assert!(takes_up(&keys, &mut watch));
    }

    #[test]
    fn a_pair_that_was_missing_is_taken_up_when_it_comes() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = pair(folder.path(), "a.test", 90);
        std::fs::remove_file(&key).unwrap();
        let keys = keys(&cert, &key, true);
        let mut watch = Watch::new(&keys.shared);
        assert!(!takes_up(&keys, &mut watch));
        pair(folder.path(), "b.test", 90);
        assert!(!has_appeared(&keys, &mut watch), "it is for somebody else");
        pair(folder.path(), "*.a.test", 90);
        assert!(has_appeared(&keys, &mut watch), "it is for names below");
        pair(folder.path(), "a.test", 90);
        assert!(takes_up(&keys, &mut watch));
    }

    #[test]
    fn a_pair_that_was_broken_is_checked_like_one_that_was_missing() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = pair(folder.path(), "a.test", 90);
        std::fs::write(&key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
        let keys = Keys::load_checking(&plan(&cert, &key, false), 0).unwrap();
        let mut watch = Watch::new(&keys.shared);
        watch.try_out();
        pair(folder.path(), "b.test", 90);
        assert!(!has_appeared(&keys, &mut watch));
        pair(folder.path(), "a.test", 90);
        assert!(has_appeared(&keys, &mut watch));
    }

    /// Whether two looks find a pair where there was none.
    fn has_appeared(keys: &Keys, watch: &mut Watch<'_>) -> bool {
        assert!(keys.config(VhostId(0)).is_none());
        watch.look(SystemTime::now());
        watch.look(SystemTime::now());
        keys.config(VhostId(0)).is_some()
    }

    #[test]
    fn the_end_is_said_once_for_each_step() {
        let day = Duration::from_secs(86_400);
        let end = SystemTime::UNIX_EPOCH + 1000 * day;
        let mut pair = Pair { not_after: Some(end), ..Pair::default() };
        let mut said = |days: u32| pair.warning(end - days * day + day / 2);
        assert_eq!(said(31), None);
        assert!(said(30).unwrap().starts_with("will be over in 29 days"));
        assert_eq!(said(15), None);
        assert!(said(14).is_some() && said(13).is_none() && said(7).is_some() && said(1).is_none());
        assert!(said(0).unwrap().starts_with("is over"));
        assert_eq!(said(0), None);
    }
}
