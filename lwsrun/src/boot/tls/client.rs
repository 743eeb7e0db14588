//! TLS to the upstreams of proxies: what to trust, what to show, what to speak.
//!
//! The keys `client-ssl-*` of a vhost count for all its `https://` mounts, and `enable-client-ssl` is not needed for them:
//! that is what `https://` says. Without `client-ssl-ca` an upstream is trusted if the system's certificates vouch for
//! it. Files are read at the start, before privileges are dropped.

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use schemas::plan::{ClientTls, Group, Origin, Plan, Suite, TlsVersion, Vhost, VhostId};

use super::policy::{group_of, suite_of};

/// The most that is read of a file, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Where systems keep what they trust, in one file: Debian and most others, Fedora and its like, SUSE, Alpine.
const SYSTEM_TRUST: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The configurations for a vhost's upstreams.
#[derive(Debug)]
pub(crate) struct ClientConfigs {
    /// HTTP/2 and HTTP/1.1 are offered.
    pub(crate) all: Arc<ClientConfig>,
    /// HTTP/1.1 is offered, for what only that can.
    pub(crate) http1: Arc<ClientConfig>,
}

/// Configurations, or why there are none.
pub(crate) type Configs = Result<Arc<ClientConfigs>, String>;

/// The configurations of all vhosts with `https://` upstreams.
#[derive(Debug, Default)]
pub(crate) struct ClientKeys {
    by_vhost: HashMap<VhostId, Configs>,
}

impl ClientKeys {
    /// Reads all keys of a plan.
    pub(crate) fn load(plan: &Plan) -> Self {
        let needed = plan.vhost_ids().filter_map(|id| {
            let vhost = plan.vhost(id);
            vhost.mounts.iter().any(|mount| is_secure(&mount.origin)).then(|| (id, make(&vhost)))
        });
        Self { by_vhost: needed.collect() }
    }

    /// Words about each vhost whose keys cannot be used, with the `file:line` of the config.
    pub(crate) fn faults(&self, plan: &Plan) -> Vec<String> {
        let mut faults: Vec<_> =
            self.by_vhost.iter().filter_map(|(id, configs)| Some((*id, configs.as_ref().err()?))).collect();
        faults.sort_by_key(|(id, _)| id.index());
        let words = |(id, why): (VhostId, &String)| {
            let vhost = plan.vhost(id);
            format!(
                "{}: vhost `{}`: {why}; its https:// mounts answer 502",
                plan.describe(vhost.place),
                vhost.name
            )
        };
        faults.into_iter().map(words).collect()
    }

    /// The configurations of a vhost with an `https://` upstream.
    pub(crate) fn of(&self, vhost: VhostId) -> Configs {
        self.by_vhost.get(&vhost).cloned().unwrap_or_else(|| Err("no keys were read".to_owned()))
    }
}

fn is_secure(origin: &Origin<'_>) -> bool {
    matches!(origin, Origin::Proxy(upstream) if upstream.tls)
}

fn make(vhost: &Vhost<'_>) -> Configs {
    let ClientTls {
        enable: _, // `https://` says it
        key,
        cert,
        ca,
        ciphers: _,       // as `suites`
        tls13_ciphers: _, // as `suites`
        ecdh_curve: _,    // as `groups`
        suites,
        groups,
        option_set: _,   // as `suites`: a version without one is not spoken
        option_clear: _, // as `suites`
    } = &vhost.client_tls;
    let suites = if suites.is_empty() { &Suite::ALL[..] } else { suites };
    let groups = if groups.is_empty() { &Group::USUAL[..] } else { groups };
    let provider = CryptoProvider {
        cipher_suites: suites.iter().copied().map(suite_of).collect(),
        kx_groups: groups.iter().copied().map(group_of).collect(),
        ..aws_lc_rs::default_provider()
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&versions(suites))
        .map_err(|error| format!("no TLS to upstreams can be made: {error}"))?
        .with_root_certificates(match ca {
            Some(path) => Arc::new(trust(path)?),
            None => system_trust()?,
        });
    let mut config = match (cert, key) {
        (Some(cert), Some(key)) => {
            let (chain, private) = (certificates("client-ssl-cert", cert)?, private_key(key)?);
            builder.with_client_auth_cert(chain, private).map_err(|error| {
                format!(
                    "client-ssl-cert `{cert}` and client-ssl-key `{key}` cannot be used together: {error}"
                )
            })?
        }
        (None, None) => builder.with_no_client_auth(),
        (Some(_), None) => return Err("client-ssl-cert needs its private key, `client-ssl-key`".to_owned()),
        (None, Some(_)) => return Err("client-ssl-key needs its certificate, `client-ssl-cert`".to_owned()),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let http1 = Arc::new(config.clone());
    config.alpn_protocols.insert(0, b"h2".to_vec());
    Ok(Arc::new(ClientConfigs { all: Arc::new(config), http1 }))
}

/// The versions that have a suite.
fn versions(suites: &[Suite]) -> Vec<&'static SupportedProtocolVersion> {
    let spoken = |version| suites.iter().any(|suite| suite.version() == version);
    let all = [(TlsVersion::Tls13, &TLS13), (TlsVersion::Tls12, &TLS12)];
    all.into_iter().filter(|(version, _)| spoken(*version)).map(|(_, version)| version).collect()
}

/// What the system trusts, read once: the file that `SSL_CERT_FILE` names, as OpenSSL has it, else the system's own.
fn system_trust() -> Result<Arc<RootCertStore>, String> {
    static STORE: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let store = STORE.get_or_init(|| {
        let bytes = match std::env::var_os("SSL_CERT_FILE") {
            Some(path) => read(&path).ok(),
            None => SYSTEM_TRUST.iter().find_map(|path| read(path).ok()),
        };
        let mut store = RootCertStore::empty();
        let found = CertificateDer::pem_slice_iter(bytes.as_deref().unwrap_or_default());
        // Some of a system's certificates are of kinds that nobody uses any more.
        store.add_parsable_certificates(found.flatten());
        Arc::new(store)
    });
    if store.is_empty() {
        return Err(
            "this system has no trusted certificates (Debian: package `ca-certificates`), and there is no \
                    `client-ssl-ca`"
                .to_owned(),
        );
    }
    Ok(Arc::clone(store))
}

/// What `client-ssl-ca` trusts.
fn trust(path: &str) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    for certificate in certificates("client-ssl-ca", path)? {
        store.add(certificate).map_err(|error| {
            format!("client-ssl-ca `{path}` holds a certificate that cannot vouch for others: {error}")
        })?;
    }
    Ok(store)
}

fn certificates(key: &str, path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = read(path).map_err(|error| format!("{key} `{path}` cannot be read: {error}"))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(format!("{key} `{path}` holds no certificate in PEM form")),
        Err(error) => Err(format!("{key} `{path}` is not PEM: {error}")),
    }
}

fn private_key(path: &str) -> Result<PrivateKeyDer<'static>, String> {
    let bytes = read(path).map_err(|error| format!("client-ssl-key `{path}` cannot be read: {error}"))?;
    PrivateKeyDer::from_pem_slice(&bytes)
        .map_err(|error| format!("client-ssl-key `{path}` holds no private key in PEM form: {error}"))
}

fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(format!("it has more than {MAX_BYTES} bytes")));
    }
    Ok(bytes)
}
