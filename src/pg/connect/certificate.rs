//! Checks of the server's certificate as OpenSSL does them for libpq, on top of rustls's strict ones.
//!
//! rustls always checks chain and host name. `verify-ca` wants the chain only, `require` nothing, and libpq accepts three kinds
//! of certificates that rustls does not: one that is its own trusted authority, and the two of `x509`.

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use crate::pg::connect::x509;

/// How much is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// That the server owns the key of the certificate that it shows, whatever that is.
    Nothing,
    /// Also that a trusted authority signed it.
    Chain,
    /// Also that it names the host.
    ChainAndName,
}

/// The verifier given to rustls.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) check: Check,
    /// rustls's own, for `Chain` and `ChainAndName`.
    pub(super) chain: Option<std::sync::Arc<WebPkiServerVerifier>>,
    /// The trusted certificates.
    pub(super) roots: Vec<CertificateDer<'static>>,
    /// Whether revocation lists are to be looked at, which is done for ordinary certificates only.
    pub(super) revocation: bool,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        let strict =
            chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let misnamed = match strict {
            Ok(verified) => return Ok(verified),
            // rustls looks at the name last, so the chain is good.
            Err(error) if is_about_name(&error) => Some(error),
            // It looks at the dates before it sees that a certificate authority shows its own certificate, which libpq
            // takes, and PostgreSQL's manual makes, when that very certificate is trusted.
            Err(error)
                if is_other(&error, "CaUsedAsEndEntity")
                    && self.roots.iter().any(|root| root == end_entity) =>
            {
                let parsed = ParsedCertificate::try_from(end_entity)?;
                rustls::client::verify_server_name(&parsed, server_name).err()
            }
            Err(error)
                if is_other(&error, "UnsupportedCertVersion")
                    && !self.revocation
                    && x509::is_v1_signed_by(end_entity, &self.roots, &self.algorithms, now) =>
            {
                Some(CertificateError::NotValidForName.into())
            }
            Err(error) => return Err(error),
        };
        match misnamed {
            Some(error)
                if self.check == Check::ChainAndName && !x509::names(end_entity, server_name) =>
            {
                Err(error)
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match x509::public_key_of_v1(certificate) {
            Some(key) => {
                let key = SubjectPublicKeyInfoDer::from(key);
                verify_tls13_signature_with_raw_key(message, &key, signature, &self.algorithms)
            }
            None => verify_tls13_signature(message, certificate, signature, &self.algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn is_about_name(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
        )
    )
}

/// Whether it is that error of webpki's, one of those that rustls passes on without a variant of its own.
fn is_other(error: &Error, name: &str) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::Other(other)) if other.to_string() == name)
}
