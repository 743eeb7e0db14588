//! Certificates made on the spot, and clients that trust them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, ServerConfig, SignatureScheme,
    SupportedProtocolVersion,
};

/// Writes a self-signed certificate for `name` to `NAME.crt` and its key to `NAME.key` in a folder; returns both.
///
/// # Panics
/// If they cannot be written.
#[must_use]
pub fn certificate(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a DNS name");
    params.distinguished_name.push(DnType::CommonName, name);
    let certificate = params.self_signed(&key).expect("a certificate");
    let paths = (folder.join(format!("{name}.crt")), folder.join(format!("{name}.key")));
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(&paths.0, certificate.pem()).expect("a file");
    std::fs::write(&paths.1, key.serialize_pem()).expect("a file");
    paths
}

/// A server that shows the certificate in this file, whose key is in the file of [`certificate`], and chooses among these
/// ALPN protocols.
///
/// # Panics
/// If they are not a pair.
#[must_use]
pub fn serving(certificate: &Path, alpn: &[&str]) -> Arc<ServerConfig> {
    let chain = vec![CertificateDer::from_pem_file(certificate).expect("a PEM certificate")];
    let key = PrivateKeyDer::from_pem_file(certificate.with_extension("key")).expect("a PEM key");
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider does TLS 1.2 and 1.3");
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key).expect("a pair");
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

/// A client that trusts these certificates, checks names, and offers these ALPN protocols.
///
/// # Panics
/// If a file is not a certificate.
#[must_use]
pub fn trusting(certificates: &[&Path], alpn: &[&str]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for path in certificates {
        let certificate = CertificateDer::from_pem_file(path).expect("a PEM certificate");
        roots.add(certificate).expect("a certificate that can be a root");
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider does TLS 1.2 and 1.3");
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

/// A client that takes any certificate, for tests that look at which one was shown; without SNI if `sni` is false.
#[must_use]
pub fn looking(alpn: &[&str], sni: bool) -> Arc<ClientConfig> {
    let mut config = ClientConfig::clone(&trusting(&[], alpn));
    config.enable_sni = sni;
    config.dangerous().set_certificate_verifier(Arc::new(AnyCertificate(provider_algorithms())));
    Arc::new(config)
}

/// As [`looking`], with these versions only.
///
/// # Panics
/// If there are none.
#[must_use]
pub fn looking_with(versions: &[&'static SupportedProtocolVersion], alpn: &[&str]) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .expect("versions that the provider does");
    let verifier = Arc::new(AnyCertificate(provider_algorithms()));
    let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

/// The last common name in a certificate: the subject's, which stands after the issuer's.
#[must_use]
pub fn common_name(der: &[u8]) -> Option<String> {
    // The object identifier 2.5.4.3, a type byte, a length, and the name.
    const OID: [u8; 5] = [6, 3, 0x55, 4, 3];
    let at = der.windows(OID.len()).rposition(|window| window == OID)? + OID.len();
    let length = usize::from(*der.get(at + 1)?);
    let name = der.get(at + 2..at + 2 + length)?;
    Some(String::from_utf8_lossy(name).into_owned())
}

fn provider_algorithms() -> WebPkiSupportedAlgorithms {
    let CryptoProvider { signature_verification_algorithms, .. } = aws_lc_rs::default_provider();
    signature_verification_algorithms
}

/// Takes any certificate, but makes sure that the server holds its key.
#[derive(Debug)]
struct AnyCertificate(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
