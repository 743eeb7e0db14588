//! The files of one set of TLS keys: read once, before privileges are dropped, and looked at again by their stamps.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use schemas::plan::Tls;

use super::Fault;

/// The most that is read of a file: chains have a few kilobytes, and the trust store of a whole system half of this.
const MAX_BYTES: u64 = 1 << 20;

/// The bytes of a certificate, its key, and the trust store for client certificates where one is asked for.
pub(super) struct Files {
    cert: Vec<u8>,
    key: Vec<u8>,
    /// `host-ssl-ca` of a vhost with `client-cert-required`.
    pub(super) ca: Option<Arc<[u8]>>,
}

/// What tells a file from what it was before: device, inode, size, time of change. `None`: it is not there.
type Stamp = Option<(u64, u64, u64, i64, i64)>;

/// The stamps of certificate, key and trust store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamps([Stamp; 3]);

impl Stamps {
    /// The stamps that the files have now.
    pub(super) fn now(tls: &Tls<'_>) -> Self {
        Self([Some(tls.cert), Some(tls.key), ca_path(tls)].map(|path| {
            let metadata = std::fs::metadata(path?).ok()?;
            Some((metadata.dev(), metadata.ino(), metadata.size(), metadata.ctime(), metadata.ctime_nsec()))
        }))
    }

    /// Whether certificate and key are both there.
    pub(super) fn has_pair(&self) -> bool {
        self.0[0].is_some() && self.0[1].is_some()
    }
}

/// The trust store, if it is used at all.
pub(super) fn ca_path<'a>(tls: &Tls<'a>) -> Option<&'a str> {
    tls.ca.filter(|_| tls.client_cert_required)
}

impl Files {
    /// Reads the files.
    pub(super) fn read(tls: &Tls<'_>) -> Result<Self, Fault> {
        let ca = match ca_path(tls) {
            Some(path) => Some(read("host-ssl-ca", path)?.into()),
            None if tls.client_cert_required => return Err(Fault::NoTrust),
            None => None,
        };
        Ok(Self { cert: read("host-ssl-cert", tls.cert)?, key: read("host-ssl-key", tls.key)?, ca })
    }

    /// The certificates, the server's own first; at least one.
    pub(super) fn chain(&self, tls: &Tls<'_>) -> Result<Vec<CertificateDer<'static>>, Fault> {
        certificates("host-ssl-cert", tls.cert, &self.cert)
    }

    /// The server's own certificate, if there is one.
    pub(super) fn own_certificate(&self) -> Option<CertificateDer<'static>> {
        CertificateDer::from_pem_slice(&self.cert).ok()
    }

    /// The private key.
    pub(super) fn private_key(&self, tls: &Tls<'_>) -> Result<PrivateKeyDer<'static>, Fault> {
        PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|error| pem_fault("host-ssl-key", tls.key, "private key", error))
    }
}

/// The certificates of a PEM file, at least one.
pub(super) fn certificates(
    key: &'static str,
    path: &str,
    bytes: &[u8],
) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    let found = found.map_err(|error| pem_fault(key, path, "certificate", error))?;
    if found.is_empty() {
        return Err(Fault::Nothing { key, path: path.to_owned(), what: "certificate" });
    }
    Ok(found)
}

/// Whether everybody on the machine may read a key.
pub(super) fn is_open_to_all(key: &str) -> bool {
    std::fs::metadata(key).is_ok_and(|metadata| metadata.mode() & 0o004 != 0)
}

/// Whether this process may not read a file. Other troubles with it are told when it is read.
pub(super) fn is_forbidden(path: &str) -> bool {
    File::open(path).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

fn read(key: &'static str, path: &str) -> Result<Vec<u8>, Fault> {
    let fault = |source| Fault::Read { key, path: path.to_owned(), source };
    let file = File::open(path).map_err(fault)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(fault)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(fault(io::Error::other(format!("it has more than {MAX_BYTES} bytes"))));
    }
    Ok(bytes)
}

fn pem_fault(key: &'static str, path: &str, what: &'static str, error: pem::Error) -> Fault {
    let path = path.to_owned();
    match error {
        pem::Error::NoItemsFound => Fault::Nothing { key, path, what },
        source => Fault::Pem { key, path, source },
    }
}
