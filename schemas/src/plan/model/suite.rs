//! What TLS can be made of here: cipher suites, groups for key exchange, versions.

use crate::plan::codec::{BorrowDecode, Encode};

/// A cipher suite. All nine have forward secrecy and authenticated encryption; those of TLS 1.2 exchange keys with
/// ECDHE. The order is the server's own, the most preferred first within each version: AES-128 before AES-256, since
/// SHA-256 has machine instructions nearly everywhere and SHA-384 has not, and a handshake hashes a lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, BorrowDecode)]
pub enum Suite {
    /// TLS 1.3, AES-128-GCM.
    Tls13Aes128Gcm,
    /// TLS 1.3, AES-256-GCM.
    Tls13Aes256Gcm,
    /// TLS 1.3, ChaCha20-Poly1305.
    Tls13Chacha20,
    /// TLS 1.2, ECDSA certificate, AES-128-GCM.
    EcdsaAes128Gcm,
    /// TLS 1.2, RSA certificate, AES-128-GCM.
    RsaAes128Gcm,
    /// TLS 1.2, ECDSA certificate, AES-256-GCM.
    EcdsaAes256Gcm,
    /// TLS 1.2, RSA certificate, AES-256-GCM.
    RsaAes256Gcm,
    /// TLS 1.2, ECDSA certificate, ChaCha20-Poly1305.
    EcdsaChacha20,
    /// TLS 1.2, RSA certificate, ChaCha20-Poly1305.
    RsaChacha20,
}

/// A group for key exchange, the most preferred first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, BorrowDecode)]
pub enum Group {
    /// X25519 with ML-KEM-768: safe against quantum computers too.
    X25519MlKem768,
    /// X25519.
    X25519,
    /// NIST P-256.
    Secp256r1,
    /// NIST P-384.
    Secp384r1,
    /// NIST P-256 with ML-KEM-768. Only where the config asks for it.
    Secp256r1MlKem768,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, BorrowDecode)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl Suite {
    /// All suites, in the server's order.
    pub const ALL: [Self; 9] = [
        Self::Tls13Aes128Gcm,
        Self::Tls13Aes256Gcm,
        Self::Tls13Chacha20,
        Self::EcdsaAes128Gcm,
        Self::RsaAes128Gcm,
        Self::EcdsaAes256Gcm,
        Self::RsaAes256Gcm,
        Self::EcdsaChacha20,
        Self::RsaChacha20,
    ];

    /// OpenSSL's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tls13Aes128Gcm => "TLS_AES_128_GCM_SHA256",
            Self::Tls13Aes256Gcm => "TLS_AES_256_GCM_SHA384",
            Self::Tls13Chacha20 => "TLS_CHACHA20_POLY1305_SHA256",
            Self::EcdsaAes128Gcm => "ECDHE-ECDSA-AES128-GCM-SHA256",
            Self::RsaAes128Gcm => "ECDHE-RSA-AES128-GCM-SHA256",
            Self::EcdsaAes256Gcm => "ECDHE-ECDSA-AES256-GCM-SHA384",
            Self::RsaAes256Gcm => "ECDHE-RSA-AES256-GCM-SHA384",
            Self::EcdsaChacha20 => "ECDHE-ECDSA-CHACHA20-POLY1305",
            Self::RsaChacha20 => "ECDHE-RSA-CHACHA20-POLY1305",
        }
    }

    /// The only version that it belongs to.
    #[must_use]
    pub fn version(self) -> TlsVersion {
        if self <= Self::Tls13Chacha20 { TlsVersion::Tls13 } else { TlsVersion::Tls12 }
    }
}

impl Group {
    /// The groups that are offered where the config names none, in the server's order.
    pub const USUAL: [Self; 4] = [Self::X25519MlKem768, Self::X25519, Self::Secp256r1, Self::Secp384r1];

    /// OpenSSL's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::X25519MlKem768 => "X25519MLKEM768",
            Self::X25519 => "X25519",
            Self::Secp256r1 => "prime256v1",
            Self::Secp384r1 => "secp384r1",
            Self::Secp256r1MlKem768 => "SecP256r1MLKEM768",
        }
    }
}

impl TlsVersion {
    /// Its number.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        }
    }
}
