//! TLS of a vhost, as server and as client.

use super::{Group, Suite, TlsVersion};
use crate::plan::codec::{BorrowDecode, Encode};

/// TLS of the vhost's listener. Present where the config names a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Tls<'a> {
    /// `host-ssl-cert`: path of the PEM certificate chain.
    pub cert: &'a str,
    /// `host-ssl-key`: path of the PEM private key.
    pub key: &'a str,
    /// `host-ssl-ca`: path of the trust store for client certificates.
    pub ca: Option<&'a str>,
    /// `ciphers`: an OpenSSL list for TLS 1.2.
    pub ciphers: Option<&'a str>,
    /// `tls13-ciphers`: the list for TLS 1.3.
    pub tls13_ciphers: Option<&'a str>,
    /// `ecdh-curve`: the group list.
    pub ecdh_curve: Option<&'a str>,
    /// What `ciphers`, `tls13-ciphers` and the versions come to, the most preferred first, TLS 1.3 before 1.2. Never
    /// empty.
    pub suites: Vec<Suite>,
    /// What `ecdh-curve` comes to, the most preferred first. Never empty.
    pub groups: Vec<Group>,
    /// The lowest version that the option bits allow.
    pub min_version: TlsVersion,
    /// The highest version that the option bits allow.
    pub max_version: TlsVersion,
    /// `ssl-option-set`: `SSL_OP_*` bits, ORed over repeats.
    pub option_set: u64,
    /// `ssl-option-clear`: `SSL_OP_*` bits, ORed over repeats.
    pub option_clear: u64,
    /// `alpn`: the ALPN list, comma-separated. `None`: `default-alpn`, else HTTP/2 and HTTP/1.1.
    pub alpn: Option<&'a str>,
    /// `client-cert-required`.
    pub client_cert_required: bool,
    /// `ignore-missing-cert`: start without TLS if the certificate is not there yet.
    pub ignore_missing_cert: bool,
}

/// TLS of the vhost's outgoing connections (`client-ssl-*`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, BorrowDecode)]
pub struct ClientTls<'a> {
    /// `enable-client-ssl`.
    pub enable: bool,
    /// `client-ssl-key`.
    pub key: Option<&'a str>,
    /// `client-ssl-cert`.
    pub cert: Option<&'a str>,
    /// `client-ssl-ca`.
    pub ca: Option<&'a str>,
    /// `client-ssl-ciphers`.
    pub ciphers: Option<&'a str>,
    /// `client-tls13-ciphers`.
    pub tls13_ciphers: Option<&'a str>,
    /// `client-ecdh-curve`.
    pub ecdh_curve: Option<&'a str>,
    /// What the lists and the versions come to, as in [`Tls::suites`]. Empty where none of these keys is set: all that are
    /// spoken here.
    pub suites: Vec<Suite>,
    /// What `client-ecdh-curve` comes to, as in [`Tls::groups`]. Empty: the usual ones.
    pub groups: Vec<Group>,
    /// `ssl-client-option-set`, ORed over repeats.
    pub option_set: u64,
    /// `ssl-client-option-clear`, ORed over repeats.
    pub option_clear: u64,
}
