//! Certificates and private keys: readable, a pair, for the vhost's name, in order, and not about to end.

use std::path::Path;

use grammar::Span;
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use super::der::{Moment, Outline, outline};
use super::path::Wanted;
use super::{By, Machine};
use crate::diagnostic::{Code, Diagnostic, quoted};
use crate::input::read_file;
use crate::schema::{Fields, Text};

/// The longest file that is read: a chain of certificates is a few KiB, a bundle of authorities some hundred.
const LONGEST: u64 = 4 << 20;
/// Certificates that end within this many days are warned of.
const SOON: i64 = 30;

impl Machine<'_, '_> {
    /// The certificates of a vhost: its own, those that its clients must have, and what it shows to others.
    pub(super) fn certificates(&mut self, vhost: &Fields<'_>) {
        let own = [vhost.text("host-ssl-cert"), vhost.text("host-ssl-key")];
        // With this key lwsws and the server take a file that is not there for one that is still to come.
        let may_be_missing = vhost.is_on("ignore-missing-cert");
        let missing = |text: &Text<'_>| may_be_missing && !Path::new(text.value).exists();
        if let [Some(certificate), key] = own
            && !missing(&certificate)
            && !key.as_ref().is_some_and(missing)
        {
            let chain = self.pair(&certificate, key.as_ref());
            if let (Some(first), Some(name)) = (chain.first(), vhost.text("name")) {
                self.name(first, &certificate, &name);
            }
        }
        if let [Some(certificate), key] = ["client-ssl-cert", "client-ssl-key"].map(|key| vhost.text(key)) {
            self.pair(&certificate, key.as_ref());
        }
        for authorities in ["host-ssl-ca", "client-ssl-ca"].iter().filter_map(|key| vhost.text(key)) {
            self.chain("the authorities", &authorities);
        }
    }

    /// A certificate with its chain and its private key. Gives the chain, as far as it could be read.
    fn pair(&mut self, certificate: &Text<'_>, key: Option<&Text<'_>>) -> Vec<CertificateDer<'static>> {
        let chain = self.chain("the certificate", certificate);
        let outlines: Vec<Outline<'_>> = chain.iter().map_while(|one| outline(one)).collect();
        self.dates(&outlines, certificate.span());
        self.order(&outlines, certificate.span());
        if let Some(key) = key
            && let Some(private) = self.private_key(key)
            && !chain.is_empty()
        {
            self.belongs(&chain, private, certificate.span(), key.span());
        }
        chain
    }

    /// The certificates of a file.
    fn chain(&mut self, what: &str, text: &Text<'_>) -> Vec<CertificateDer<'static>> {
        let Some(bytes) = self.contents(what, text) else {
            return Vec::new();
        };
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
        let chain = read.unwrap_or_default();
        // What the outline finds strange the library may take, and the other way round: it has to please both.
        let fine = chain.iter().all(|one| outline(one).is_some() && ParsedCertificate::try_from(one).is_ok());
        if chain.is_empty() || !fine {
            let headline = format!("{what} {} cannot be read", quoted(text.value));
            let label =
                if chain.is_empty() { "holds no certificate in PEM" } else { "holds a broken certificate" };
            let found = Diagnostic::error(Code::BadCertificate, headline, text.span())
                .label(label)
                .help("it must hold blocks that begin with `-----BEGIN CERTIFICATE-----`");
            self.report.push(found);
            return Vec::new();
        }
        chain
    }

    fn private_key(&mut self, text: &Text<'_>) -> Option<PrivateKeyDer<'static>> {
        let bytes = self.contents("the private key", text)?;
        self.exposed(text);
        let key = PrivateKeyDer::from_pem_slice(&bytes).ok();
        let key = key.filter(|key| provider().key_provider.load_private_key(key.clone_key()).is_ok());
        if key.is_none() {
            let encrypted = bytes.windows(9).any(|word| word == b"ENCRYPTED");
            let headline = format!("the private key {} cannot be read", quoted(text.value));
            let found = Diagnostic::error(Code::BadCertificate, headline, text.span());
            self.report.push(if encrypted {
                found.label("it is encrypted").help("decrypt it: nobody is there to type a password when the server starts")
            } else {
                found
                    .label("holds no private key in PEM that can be used")
                    .help("it must hold a block that begins with `-----BEGIN PRIVATE KEY-----`, RSA, ECDSA or Ed25519")
            });
        }
        key
    }

    /// What a file holds, if whoever starts the server can read it.
    fn contents(&mut self, what: &str, text: &Text<'_>) -> Option<Vec<u8>> {
        if !self.path(what, text, text.value, Wanted::ReadFile, By::Starter) {
            return None;
        }
        match read_file(Path::new(text.value), LONGEST) {
            Ok(bytes) => Some(bytes),
            Err(cause) => {
                let headline = format!("{what} {} cannot be looked at", quoted(text.value));
                let found = Diagnostic::warning(Code::PathForbidden, headline, text.span())
                    .label(cause.to_string())
                    .help("check as root, who can look everywhere");
                self.report.push(found);
                None
            }
        }
    }

    fn exposed(&mut self, key: &Text<'_>) {
        use std::os::unix::fs::MetadataExt;
        let Ok(metadata) = std::fs::metadata(key.value) else { return };
        let mode = metadata.mode() & 0o7777;
        if mode & 0o007 != 0 {
            let headline =
                format!("the private key {} is open to everybody on this machine", quoted(key.value));
            let found = Diagnostic::warning(Code::KeyExposed, headline, key.span())
                .label(format!("its mode is {mode:04o}"))
                .help("`chmod 600` it: it is read before the server changes its user");
            self.report.push(found);
        }
    }

    fn belongs(
        &mut self,
        chain: &[CertificateDer<'static>],
        key: PrivateKeyDer<'static>,
        certificate: Span,
        key_span: Span,
    ) {
        let Ok(key) = provider().key_provider.load_private_key(key) else { return };
        let fits = |one: &CertificateDer<'static>| {
            CertifiedKey::new(vec![one.clone()], key.clone()).keys_match().is_ok()
        };
        let found = match chain.iter().position(fits) {
            Some(0) => return,
            Some(place) => {
                let headline = "the certificate of the private key is not the first of its file";
                Diagnostic::error(Code::ChainOrder, headline, certificate)
                    .label(format!("it is certificate {} of {}", place + 1, chain.len()))
                    .also(key_span, "the private key")
                    .help("put it first, and behind it the certificates of those who signed, each before its signer's")
            }
            None => Diagnostic::error(Code::KeyMismatch, "certificate and private key are not a pair", certificate)
                .label("made for another key")
                .also(key_span, "the private key")
                .help("most likely one of the two files is of another site, or was left behind when the other was renewed"),
        };
        self.report.push(found);
    }

    fn dates(&mut self, chain: &[Outline<'_>], span: Span) {
        let now = Moment::now();
        for (number, one) in (1..).zip(chain) {
            let which = if number == 1 {
                "the certificate".to_owned()
            } else {
                format!("certificate {number} of the chain")
            };
            let days = one.not_after.days_since(now);
            let found = if one.not_after < now {
                let headline = format!("{which} is not valid any more");
                Diagnostic::error(Code::Expired, headline, span).label(format!("ended on {}", one.not_after))
            } else if one.not_before > now {
                let headline = format!("{which} is not valid yet");
                Diagnostic::error(Code::Expired, headline, span)
                    .label(format!("begins on {}", one.not_before))
            } else if days < SOON {
                let headline = format!("{which} ends in {days} days");
                Diagnostic::warning(Code::ExpiresSoon, headline, span)
                    .label(format!("ends on {}", one.not_after))
            } else {
                continue;
            };
            self.report.push(found.help("renew it; the server takes a new file without a restart"));
        }
    }

    fn order(&mut self, chain: &[Outline<'_>], span: Span) {
        for (number, pair) in (1..).zip(chain.windows(2)) {
            let [one, next] = pair else { continue };
            if one.issuer != next.subject {
                let headline = "the chain of certificates is broken";
                let found = Diagnostic::warning(Code::ChainOrder, headline, span)
                    .label(format!(
                        "certificate {} of the file did not sign certificate {number}",
                        number + 1
                    ))
                    .note("most browsers put up with it, other clients do not")
                    .help(
                        "put each certificate before its signer's, and leave out what does not belong there",
                    );
                self.report.push(found);
                return;
            }
        }
    }

    /// Whether the certificate is for the vhost's name.
    fn name(&mut self, first: &CertificateDer<'_>, certificate: &Text<'_>, name: &Text<'_>) {
        // A name that no certificate can have is the matter of another rule.
        let (Ok(parsed), Ok(wanted)) = (ParsedCertificate::try_from(first), ServerName::try_from(name.value))
        else {
            return;
        };
        let Err(error) = verify_server_name(&parsed, &wanted) else { return };
        let headline = format!("the certificate is not for {}", quoted(name.value));
        let mut found = Diagnostic::error(Code::NameNotCovered, headline, certificate.span())
            .label("browsers will refuse it for this vhost")
            .also(name.span(), "the vhost's name");
        if let rustls::Error::InvalidCertificate(rustls::CertificateError::NotValidForNameContext {
            presented,
            ..
        }) = error
        {
            let names: Vec<String> = presented.iter().map(|name| quoted(name)).collect();
            let names = if names.is_empty() { "no name at all".to_owned() } else { names.join(", ") };
            found = found.note(format!("it is for {names}"));
        }
        self.report.push(found.help("get one that lists the name, or correct `name`"));
    }
}

fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}
