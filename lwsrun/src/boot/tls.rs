//! Certificates and keys of a plan, made into rustls configurations.
//!
//! 1. At start, before privileges are dropped, all files are read. A file that cannot be read is an error, unless
//!    the vhost has `ignore-missing-cert`. The first [`CHECKED_AT_START`] pairs are also made into configurations,
//!    and one that cannot is an error.
//! 2. Further pairs are made when a handshake first asks for them, and checked in the background soon after the
//!    start; a broken one is said, and its vhost refuses handshakes until the files change.
//! 3. Files that change are taken up while the server runs, see [`watch`].
//!
//! Vhosts with the same TLS keys in the config share one configuration.

pub(crate) mod certificate;
pub(crate) mod client;
mod files;
mod make;
pub(crate) mod policy;
mod slot;
pub(crate) mod watch;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls_pki_types::pem;
use schemas::plan::{Plan, Tls, VhostId};

use files::{Files, Stamps};
use make::Maker;
use slot::{Slot, State};

/// The ALPN list where the config has none.
const ALPN: &str = "h2,http/1.1";

/// Pairs that are checked as a whole before the server serves. With this many a start takes some ten milliseconds;
/// with all of ten thousand it would take seconds.
const CHECKED_AT_START: usize = 256;

/// The ALPN list of a vhost; `default` is `default-alpn`.
pub(crate) fn alpn<'a>(tls: &Tls<'a>, default: Option<&'a str>) -> &'a str {
    tls.alpn.or(default).unwrap_or(ALPN)
}

/// Why a vhost's keys cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("vhost `{vhost}` ({at}): {fault}")]
pub(crate) struct KeyError {
    vhost: String,
    at: String,
    #[source]
    fault: Box<Fault>,
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{key} `{path}` cannot be read: {source}")]
    Read { key: &'static str, path: String, source: io::Error },
    #[error("{key} `{path}` holds no {what} in PEM form")]
    Nothing { key: &'static str, path: String, what: &'static str },
    #[error("{key} `{path}` is not PEM: {source}")]
    Pem { key: &'static str, path: String, source: pem::Error },
    #[error("host-ssl-cert `{path}`: its first certificate cannot be understood")]
    Garbled { path: String },
    #[error(
        "host-ssl-key `{key}` does not belong to the first certificate of host-ssl-cert `{cert}`; name the key \
         that the certificate was made for, and put the server's own certificate first"
    )]
    Mismatch { key: String, cert: String },
    #[error("host-ssl-cert `{cert}` and host-ssl-key `{key}` cannot be used: {source}")]
    Pair { cert: String, key: String, source: rustls::Error },
    #[error("`client-cert-required` needs `host-ssl-ca`, the certificates that vouch for those of clients")]
    NoTrust,
    #[error("host-ssl-ca `{path}` holds a certificate that cannot vouch for others: {source}")]
    Trust { path: String, source: rustls::Error },
    #[error("host-ssl-ca `{path}` cannot be used: {why}")]
    NoVerifier { path: String, why: String },
    #[error("`alpn` has the entry `{0}`, this server speaks `h2` and `http/1.1`")]
    Alpn(String),
    #[error("no TLS configuration can be made: {0}")]
    Tls(#[source] rustls::Error),
    #[error("the certificate in `{path}` is over since {since}")]
    Over { path: String, since: String },
    #[error(
        "the certificate in `{path}` begins to be valid at {from}; it will be used from then on",
        from = httpdate::fmt_http_date(*from)
    )]
    Early { path: String, from: SystemTime },
    #[error("the certificate in `{path}` is not for `{name}`, the one before it is")]
    NotNamed { path: String, name: String },
    #[error("the certificate in `{path}` is not for the vhost that it came for: `{names}`")]
    Foreign { path: String, names: String },
}

impl Fault {
    /// Whether a file is there that this process may not read.
    fn is_forbidden(&self) -> bool {
        matches!(self, Self::Read { source, .. } if source.kind() == io::ErrorKind::PermissionDenied)
    }
}

/// The TLS configurations of all vhosts that have keys. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Keys {
    shared: Arc<Shared>,
}

struct Shared {
    plan: Arc<Plan>,
    maker: Maker,
    slots: Vec<Slot>,
    /// For each vhost, the index of its slot.
    of_vhost: Vec<Option<u32>>,
}

impl Keys {
    /// Reads all keys of a plan and says what is unwise about them; see the module for what is checked.
    ///
    /// # Errors
    /// Every vhost whose files cannot be used, with the path, the line of the config, and why.
    pub(crate) fn load(plan: &Arc<Plan>) -> Result<Self, Vec<KeyError>> {
        Self::load_checking(plan, CHECKED_AT_START)
    }

    /// What is wrong with the keys of a plan, all of which are checked, and what is unwise about them.
    pub(crate) fn check(plan: &Arc<Plan>) -> (Vec<KeyError>, Vec<String>) {
        match Self::load_checking(plan, usize::MAX) {
            Ok(keys) => (Vec::new(), keys.open_to_all().collect()),
            Err(errors) => (errors, Vec::new()),
        }
    }

    fn load_checking(plan: &Arc<Plan>, checked: usize) -> Result<Self, Vec<KeyError>> {
        let (slots, of_vhost) = slots(plan);
        let shared = Shared { plan: Arc::clone(plan), maker: Maker::default(), slots, of_vhost };
        let errors = shared.read_all(checked);
        if errors.is_empty() { Ok(Self { shared: Arc::new(shared) }) } else { Err(errors) }
    }

    /// The configuration of a vhost, made now if it was not needed yet. `None` if it has no keys, or none that can
    /// be used.
    pub(crate) fn config(&self, vhost: VhostId) -> Option<Arc<ServerConfig>> {
        let slot = self.shared.of_vhost.get(vhost.index()).copied().flatten()?;
        self.shared.slots.get(slot as usize)?.config(&self.shared)
    }

    /// The trust store (`host-ssl-ca`) that clients of a vhost are checked against, if it asks for certificates.
    pub(crate) fn trust(&self, vhost: VhostId) -> Option<Arc<str>> {
        let slot = self.shared.of_vhost.get(vhost.index()).copied().flatten()?;
        self.shared.slots.get(slot as usize)?.trust.clone()
    }

    /// Words about each key that everybody on the machine may read.
    pub(crate) fn open_to_all(&self) -> impl Iterator<Item = String> {
        self.shared.slots.iter().filter_map(|slot| self.shared.open_to_all(slot))
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({} pairs)", self.shared.slots.len())
    }
}

/// A slot for each distinct set of TLS keys, and which one each vhost has.
fn slots(plan: &Plan) -> (Vec<Slot>, Vec<Option<u32>>) {
    let mut slots: Vec<Slot> = Vec::new();
    let mut of_vhost = vec![None; plan.vhost_ids().len()];
    // All TLS keys as text: what makes two configurations the same.
    let mut known: HashMap<String, u32> = HashMap::new();
    let listeners = plan.listeners().listeners;
    for &id in listeners.iter().filter(|listener| listener.tls).flat_map(|listener| &listener.vhosts) {
        let Some(tls) = plan.vhost(id).tls else { continue };
        let next = u32::try_from(slots.len()).unwrap_or(u32::MAX);
        let index = *known.entry(format!("{tls:?}")).or_insert(next);
        match slots.get_mut(index as usize) {
            Some(slot) => slot.vhosts.push(id),
            None => slots.push(Slot::new(id, files::ca_path(&tls))),
        }
        of_vhost[id.index()] = Some(index);
    }
    (slots, of_vhost)
}

impl Shared {
    /// Words about a key that everybody on the machine may read.
    fn open_to_all(&self, slot: &Slot) -> Option<String> {
        let (at, name, tls) = self.words(slot)?;
        files::is_open_to_all(tls.key).then(|| {
            format!(
                "{at}: vhost `{name}`: everybody on this machine may read host-ssl-key `{key}`; take that away with \
                 `chmod o-r`",
                key = tls.key
            )
        })
    }

    fn read_all(&self, checked: usize) -> Vec<KeyError> {
        let read = |(number, slot): (usize, &Slot)| self.read(slot, number < checked).err();
        self.slots.iter().enumerate().filter_map(read).collect()
    }

    /// Reads the files of a slot for the first time.
    fn read(&self, slot: &Slot, check: bool) -> Result<(), KeyError> {
        let vhost = self.plan.vhost(slot.vhosts[0]);
        let Some(tls) = &vhost.tls else { return Ok(()) };
        let stamps = Stamps::now(tls);
        if tls.ignore_missing_cert && !stamps.has_pair() {
            tracing::warn!(
                "{at}: vhost `{name}`: `{cert}` or `{key}` is not there; TLS handshakes for it are refused until both \
                 are",
                at = self.plan.describe(vhost.place),
                name = vhost.name,
                cert = tls.cert,
                key = tls.key
            );
            slot.set(State::Missing, stamps);
            return Ok(());
        }
        let error = |fault| KeyError {
            vhost: vhost.name.to_owned(),
            at: self.plan.describe(vhost.place),
            fault: Box::new(fault),
        };
        let files = Files::read(tls).map_err(error)?;
        let state = if check {
            State::Ready(self.make(tls, &files).map_err(error)?)
        } else {
            State::Read(Arc::new(files))
        };
        slot.set(state, stamps);
        Ok(())
    }

    fn make(&self, tls: &Tls<'_>, files: &Files) -> Result<make::Made, Fault> {
        self.maker.make(tls, alpn(tls, self.plan.global().default_alpn), files)
    }

    /// Where and what the first vhost of a slot is, and its TLS keys.
    fn words(&self, slot: &Slot) -> Option<(String, &str, Tls<'_>)> {
        let vhost = self.plan.vhost(slot.vhosts[0]);
        Some((self.plan.describe(vhost.place), vhost.name, vhost.tls?))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use schemas::plan::{Bind, Families, Listener, Vhost};

    use super::*;
    use crate::boot::testing::{global, listener, tls, vhost, written};

    /// Writes a certificate and its key, and gives their paths.
    fn pair(folder: &Path, name: &str) -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let path = |suffix| folder.join(format!("{name}.{suffix}")).to_str().unwrap().to_owned();
        std::fs::write(path("crt"), made.cert.pem()).unwrap();
        std::fs::write(path("key"), made.signing_key.serialize_pem()).unwrap();
        (path("crt"), path("key"))
    }

    fn load(tls: Tls<'_>) -> Result<Keys, String> {
        Keys::load(&plan(tls)).map_err(|errors| errors[0].to_string())
    }

    fn plan(tls: Tls<'_>) -> Arc<Plan> {
        let bind = Bind::Any { port: 443, families: Families::Both };
        let listeners = vec![Listener { tls: true, ..listener(bind) }];
        let bytes = written(&global(), listeners, &[Vhost { tls: Some(tls), ..vhost() }]);
        Arc::new(Plan::from_bytes(bytes).unwrap())
    }

    #[test]
    fn a_pair_becomes_a_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = pair(folder.path(), "a.test");
        let keys = load(tls(&cert, &key)).unwrap();
        let config = keys.config(VhostId(0)).unwrap();
        assert_eq!(config.alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
        let keys = load(Tls { alpn: Some("http/1.1"), ..tls(&cert, &key) }).unwrap();
        assert_eq!(keys.config(VhostId(0)).unwrap().alpn_protocols, [b"http/1.1".to_vec()]);
    }

    #[test]
    fn unusable_files_are_told_with_path_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = pair(folder.path(), "a.test");
        let (_, other) = pair(folder.path(), "b.test");
        let error = load(tls(&cert, &other)).unwrap_err();
        assert!(error.contains("(conf.d/site:7)") && error.contains("does not belong"), "{error}");
        let error = load(tls("/absent.crt", &key)).unwrap_err();
        assert!(error.contains("host-ssl-cert `/absent.crt` cannot be read"), "{error}");
        let error = load(tls(&key, &key)).unwrap_err();
        assert!(error.contains("holds no certificate"), "{error}");
        let error = load(tls(&cert, &cert)).unwrap_err();
        assert!(error.contains("holds no private key"), "{error}");
        let error = load(Tls { alpn: Some("h3"), ..tls(&cert, &key) }).unwrap_err();
        assert!(error.contains("`h3`"), "{error}");
    }

    #[test]
    fn a_pair_that_is_not_there_yet_is_waited_for_only_if_asked_to() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = pair(folder.path(), "a.test");
        std::fs::remove_file(&key).unwrap();
        let error = load(tls(&cert, &key)).unwrap_err();
        assert!(error.contains("host-ssl-key") && error.contains("cannot be read"), "{error}");
        let keys = load(Tls { ignore_missing_cert: true, ..tls(&cert, &key) }).unwrap();
        assert!(keys.config(VhostId(0)).is_none());
    }

    #[test]
    fn client_certificates_need_a_trust_store() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = pair(folder.path(), "a.test");
        let error = load(Tls { client_cert_required: true, ..tls(&cert, &key) }).unwrap_err();
        assert!(error.contains("`host-ssl-ca`"), "{error}");
        let error = load(Tls { client_cert_required: true, ca: Some(&key), ..tls(&cert, &key) }).unwrap_err();
        assert!(error.contains("host-ssl-ca") && error.contains("holds no certificate"), "{error}");
        let keys = load(Tls { client_cert_required: true, ca: Some(&cert), ..tls(&cert, &key) }).unwrap();
        assert_eq!(keys.trust(VhostId(0)).as_deref(), Some(&*cert));
        // A trust store that is not used is not read.
        let keys = load(Tls { ca: Some("/absent"), ..tls(&cert, &key) }).unwrap();
        assert_eq!(keys.trust(VhostId(0)), None);
    }

    #[test]
    fn unchecked_pairs_are_made_when_they_are_needed() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = pair(folder.path(), "a.test");
        let good = Keys::load_checking(&plan(tls(&cert, &key)), 0).unwrap();
        assert!(good.config(VhostId(0)).is_some());
        assert!(Arc::ptr_eq(&good.config(VhostId(0)).unwrap(), &good.config(VhostId(0)).unwrap()));
        let (_, other) = pair(folder.path(), "b.test");
        let broken = Keys::load_checking(&plan(tls(&cert, &other)), 0).unwrap();
        assert!(broken.config(VhostId(0)).is_none());
    }

    #[test]
    fn keys_that_everybody_may_read_are_told() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = pair(folder.path(), "a.test");
        let words = |mode| {
            std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
            let (errors, words) = Keys::check(&plan(tls(&cert, &key)));
            assert!(errors.is_empty());
            words
        };
        assert_eq!(words(0o640), [""; 0]);
        let told = words(0o644);
        assert!(told[0].starts_with("conf.d/site:7:") && told[0].contains(&key), "{told:?}");
    }
}
