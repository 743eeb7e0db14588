//! Certificates and keys of a plan, made into rustls configurations before privileges are dropped.
//!
//! One configuration for each distinct set of TLS keys; vhosts that name the same files share it.

pub(crate) mod policy;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::{NoServerSessionStorage, ProducesTickets};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use schemas::plan::{Plan, Tls, VhostId};

use policy::{NothingLeft, Policy};

/// The ALPN list where the config has none.
const ALPN: &str = "h2,http/1.1";

/// Why a vhost's keys cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("vhost `{vhost}` ({at}): {fault}")]
pub(crate) struct KeyError {
    vhost: String,
    at: String,
    #[source]
    fault: Fault,
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{key} `{path}` cannot be read: {source}")]
    Read { key: &'static str, path: String, source: io::Error },
    #[error("{key} `{path}` holds no {what} in PEM form")]
    Nothing { key: &'static str, path: String, what: &'static str },
    #[error("{key} `{path}` is not PEM: {source}")]
    Pem { key: &'static str, path: String, source: pem::Error },
    #[error(
        "host-ssl-key `{key}` does not belong to the first certificate of host-ssl-cert `{cert}`; name the key \
         that the certificate was made for, and put the server's own certificate first"
    )]
    Mismatch { key: String, cert: String },
    #[error("host-ssl-cert `{cert}` and host-ssl-key `{key}` cannot be used: {source}")]
    Pair { cert: String, key: String, source: rustls::Error },
    #[error("`alpn` has the entry `{0}`, this server speaks `h2` and `http/1.1`")]
    Alpn(String),
    #[error(transparent)]
    Policy(#[from] NothingLeft),
    #[error("no TLS configuration can be made: {0}")]
    Tls(#[source] rustls::Error),
}

/// The TLS configurations of all vhosts that have keys. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    by_vhost: Arc<HashMap<VhostId, Arc<ServerConfig>>>,
}

impl Keys {
    /// Loads all keys of a plan.
    ///
    /// # Errors
    /// Every vhost whose files cannot be used, with the path, the line of the config, and why.
    pub(crate) fn load(plan: &Plan) -> Result<Self, Vec<KeyError>> {
        let mut loader = Loader::default();
        let mut by_vhost = HashMap::new();
        let mut errors = Vec::new();
        let default_alpn = plan.global().default_alpn.unwrap_or(ALPN);
        let listeners = plan.listeners().listeners;
        for &id in listeners.iter().filter(|listener| listener.tls).flat_map(|listener| &listener.vhosts) {
            let vhost = plan.vhost(id);
            let Some(tls) = &vhost.tls else { continue };
            match loader.config(tls, tls.alpn.unwrap_or(default_alpn)) {
                Ok(config) => {
                    by_vhost.insert(id, config);
                }
                Err(fault) => {
                    errors.push(KeyError {
                        vhost: vhost.name.to_owned(),
                        at: plan.describe(vhost.place),
                        fault,
                    });
                }
            }
        }
        if errors.is_empty() { Ok(Self { by_vhost: Arc::new(by_vhost) }) } else { Err(errors) }
    }

    /// The configuration of a vhost, if it has keys.
    pub(crate) fn config(&self, vhost: VhostId) -> Option<&Arc<ServerConfig>> {
        self.by_vhost.get(&vhost)
    }
}

/// All TLS keys and the ALPN list, as text: what makes two configurations the same.
type Settings = String;

/// What configurations share while they are made.
#[derive(Default)]
struct Loader {
    made: HashMap<Settings, Arc<ServerConfig>>,
    ticketer: Option<Arc<dyn ProducesTickets>>,
}

impl Loader {
    fn config(&mut self, tls: &Tls<'_>, alpn: &str) -> Result<Arc<ServerConfig>, Fault> {
        let settings = format!("{tls:?} {alpn}");
        if let Some(config) = self.made.get(&settings) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.make(tls, alpn)?);
        self.made.insert(settings, Arc::clone(&config));
        Ok(config)
    }

    fn make(&mut self, tls: &Tls<'_>, alpn: &str) -> Result<ServerConfig, Fault> {
        let Policy { provider, versions, own_order, tickets } = Policy::of(tls)?;
        let chain = chain(tls.cert)?;
        let key = private_key(tls.key)?;
        let builder = ServerConfig::builder_with_provider(Arc::new(provider));
        let builder = builder.with_protocol_versions(&versions).map_err(Fault::Tls)?.with_no_client_auth();
        let mut config = builder.with_single_cert(chain, key).map_err(|error| pair_fault(tls, error))?;
        config.alpn_protocols = alpn_protocols(alpn)?;
        config.ignore_client_order = own_order;
        if tickets {
            // The default keeps room for 256 sessions for each configuration, which tickets make needless.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            // Browsers use one ticket; each further one is an encryption and bytes in every handshake.
            config.send_tls13_tickets = 1;
            config.ticketer = self.ticketer()?;
        } else {
            config.send_tls13_tickets = 0;
        }
        Ok(config)
    }

    /// Tickets, encrypted with a key that rotates. Shared by all vhosts: a ticket names the server name that it is
    /// for, and no vhost asks for client certificates, so none can be used to get around another's policy.
    fn ticketer(&mut self) -> Result<Arc<dyn ProducesTickets>, Fault> {
        if let Some(ticketer) = &self.ticketer {
            return Ok(Arc::clone(ticketer));
        }
        let ticketer = Ticketer::new().map_err(Fault::Tls)?;
        self.ticketer = Some(Arc::clone(&ticketer));
        Ok(ticketer)
    }
}

fn chain(path: &str) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let key = "host-ssl-cert";
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|error| pem_fault(key, path, "certificate", error))?;
    let chain: Vec<_> =
        certificates.collect::<Result<_, _>>().map_err(|error| pem_fault(key, path, "certificate", error))?;
    if chain.is_empty() {
        return Err(Fault::Nothing { key, path: path.to_owned(), what: "certificate" });
    }
    Ok(chain)
}

fn private_key(path: &str) -> Result<PrivateKeyDer<'static>, Fault> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| pem_fault("host-ssl-key", path, "private key", error))
}

fn pem_fault(key: &'static str, path: &str, what: &'static str, error: pem::Error) -> Fault {
    let path = path.to_owned();
    match error {
        pem::Error::Io(source) => Fault::Read { key, path, source },
        pem::Error::NoItemsFound => Fault::Nothing { key, path, what },
        source => Fault::Pem { key, path, source },
    }
}

fn pair_fault(tls: &Tls<'_>, error: rustls::Error) -> Fault {
    let (cert, key) = (tls.cert.to_owned(), tls.key.to_owned());
    match error {
        rustls::Error::InconsistentKeys(_) => Fault::Mismatch { key, cert },
        source => Fault::Pair { cert, key, source },
    }
}

/// A comma-separated ALPN list as rustls wants it. Empty: no ALPN, and HTTP/1.1.
fn alpn_protocols(list: &str) -> Result<Vec<Vec<u8>>, Fault> {
    let entries = list.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries
        .map(|entry| match entry {
            "h2" | "http/1.1" => Ok(entry.as_bytes().to_vec()),
            other => Err(Fault::Alpn(other.to_owned())),
        })
        .collect()
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
        let bind = Bind::Any { port: 443, families: Families::Both };
        let listeners = vec![Listener { tls: true, ..listener(bind) }];
        let bytes = written(&global(), listeners, &[Vhost { tls: Some(tls), ..vhost() }]);
        Keys::load(&Plan::from_bytes(bytes).unwrap()).map_err(|errors| errors[0].to_string())
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
}
