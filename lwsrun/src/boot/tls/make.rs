//! TLS keys and files, made into rustls configurations. What configurations can share they share: suites and groups
//! by policy, the trust store and the ticket key by client-certificate policy.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ProducesTickets, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::CertificateDer;
use schemas::plan::Tls;

use super::Fault;
use super::certificate::Facts;
use super::files::{Files, certificates};
use super::policy::Policy;

/// A configuration, and what its certificate says.
#[derive(Clone)]
pub(super) struct Made {
    pub(super) config: Arc<ServerConfig>,
    /// The server's own certificate.
    pub(super) certificate: CertificateDer<'static>,
    pub(super) not_before: SystemTime,
    pub(super) not_after: SystemTime,
}

/// What is shared.
#[derive(Debug, Default)]
pub(super) struct Maker {
    shared: Mutex<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// By the suites and groups, as text.
    providers: HashMap<String, Arc<CryptoProvider>>,
    /// By the bytes of the trust store; `None` where no certificate is asked for.
    clients: HashMap<Option<Arc<[u8]>>, Arc<Clients>>,
}

/// What is asked of clients. Tickets belong to it: rustls takes a ticket for the certificate that was shown when it
/// was given out, so one that was given out under another policy, or another trust store, must not count.
#[derive(Debug)]
struct Clients {
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    /// Encrypted with a key that rotates.
    ticketer: Arc<dyn ProducesTickets>,
}

impl Clients {
    /// Whether a configuration was made with it, or is being made, that is still there.
    fn are_in_use(self: &Arc<Self>) -> bool {
        let verified = self.verifier.as_ref().is_some_and(|verifier| Arc::strong_count(verifier) > 1);
        verified || Arc::strong_count(&self.ticketer) > 1 || Arc::strong_count(self) > 1
    }
}

impl Maker {
    /// Makes the configuration of one set of TLS keys; `alpn` is its ALPN list.
    pub(super) fn make(&self, tls: &Tls<'_>, alpn: &str, files: &Files) -> Result<Made, Fault> {
        let policy = Policy::of(tls);
        let provider = self.provider(tls, policy.provider);
        let clients = self.clients(tls, files, &provider)?;
        let chain = files.chain(tls)?;
        let certificate = chain.first().cloned().unwrap_or_else(|| CertificateDer::from(Vec::new()));
        let facts = Facts::of(&certificate).ok_or_else(|| Fault::Garbled { path: tls.cert.to_owned() })?;
        let key = files.private_key(tls)?;
        let pair = CertifiedKey::from_der(chain, key, &provider).map_err(|error| pair_fault(tls, error))?;
        let builder = ServerConfig::builder_with_provider(provider);
        let builder = builder.with_protocol_versions(&policy.versions).map_err(Fault::Tls)?;
        let builder = match &clients.verifier {
            Some(verifier) => builder.with_client_cert_verifier(Arc::clone(verifier)),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
        config.alpn_protocols = alpn_protocols(alpn)?;
        config.ignore_client_order = policy.own_order;
        if policy.tickets {
            // The default keeps room for 256 sessions for each configuration, which tickets make needless.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            // Browsers use one ticket; each further one is an encryption and bytes in every handshake.
            config.send_tls13_tickets = 1;
            config.ticketer = Arc::clone(&clients.ticketer);
        } else {
            config.send_tls13_tickets = 0;
        }
        let Facts { not_before, not_after, .. } = facts;
        Ok(Made { config: Arc::new(config), certificate, not_before, not_after })
    }

    fn provider(&self, tls: &Tls<'_>, provider: CryptoProvider) -> Arc<CryptoProvider> {
        let policy = format!("{:?}", (&tls.suites, &tls.groups));
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(shared.providers.entry(policy).or_insert_with(|| Arc::new(provider)))
    }

    fn clients(
        &self,
        tls: &Tls<'_>,
        files: &Files,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<Clients>, Fault> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(clients) = shared.clients.get(&files.ca) {
            return Ok(Arc::clone(clients));
        }
        let verifier = match &files.ca {
            Some(ca) => Some(verifier(tls.ca.unwrap_or_default(), ca, provider)?),
            None => None,
        };
        // Trust stores change while the server runs.
        shared.clients.retain(|_, clients| clients.are_in_use());
        let clients = Arc::new(Clients { verifier, ticketer: Ticketer::new().map_err(Fault::Tls)? });
        shared.clients.insert(files.ca.clone(), Arc::clone(&clients));
        Ok(clients)
    }
}

/// Takes certificates that the trust store vouches for, and no others; a client without one is refused.
fn verifier(
    path: &str,
    ca: &[u8],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Fault> {
    let key = "host-ssl-ca";
    let mut roots = RootCertStore::empty();
    for certificate in certificates(key, path, ca)? {
        roots.add(certificate).map_err(|source| Fault::Trust { path: path.to_owned(), source })?;
    }
    // Of a provider it uses the signatures only, which are the same whatever suites a vhost has.
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    builder.build().map_err(|error| Fault::NoVerifier { path: path.to_owned(), why: error.to_string() })
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
    use rcgen::{CertificateParams, KeyPair};

    use super::*;
    use crate::boot::testing::tls;

    #[test]
    fn trust_stores_that_nobody_uses_any_more_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (cert, key, ca) = (path("crt"), path("key"), path("ca"));
        let write_pair = |cert: &str, key: &str| {
            let pair = KeyPair::generate().unwrap();
            let made = CertificateParams::new(vec!["a.test".to_owned()]).unwrap().self_signed(&pair).unwrap();
            std::fs::write(cert, made.pem()).unwrap();
            std::fs::write(key, pair.serialize_pem()).unwrap();
        };
        write_pair(&cert, &key);
        let maker = Maker::default();
        let tls = Tls { client_cert_required: true, ca: Some(&ca), ..tls(&cert, &key) };
        let make = || {
            write_pair(&ca, &path("unused"));
            maker.make(&tls, "", &Files::read(&tls).unwrap()).unwrap()
        };
        let known = || maker.shared.lock().unwrap().clients.len();
        let in_use = make();
        for _ in 0..5 {
            drop(make());
        }
        // The last one, and the one in use.
        assert_eq!(known(), 2);
        let same = maker.make(&tls, "", &Files::read(&tls).unwrap()).unwrap();
        assert_eq!(known(), 2, "the last one again");
        drop((in_use, same));
        let _last = make();
        assert_eq!(known(), 1);
    }
}
