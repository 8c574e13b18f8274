//! Two things that libpq accepts in a certificate and rustls does not: a host named in the subject's common name only, and
//! X.509 version 1, which `openssl x509 -req` makes when it is told of no extensions, as in PostgreSQL's manual.

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use x509_cert::certificate::{Certificate, Version};
use x509_cert::der::asn1::{PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::oid::db::rfc4519::COMMON_NAME;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::spki::AlgorithmIdentifierOwned;

/// The public key of a certificate of version 1, as `SubjectPublicKeyInfo`; `None` for any other version.
pub(super) fn public_key_of_v1(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let parsed = parse_v1(certificate)?;
    parsed.tbs_certificate.subject_public_key_info.to_der().ok()
}

/// Whether it is a certificate of version 1 that is in force and directly signed by one of `roots`.
pub(super) fn is_v1_signed_by(
    certificate: &CertificateDer<'_>,
    roots: &[CertificateDer<'_>],
    algorithms: &WebPkiSupportedAlgorithms,
    now: UnixTime,
) -> bool {
    let Some(parsed) = parse_v1(certificate) else {
        return false;
    };
    roots
        .iter()
        .filter_map(|root| Certificate::from_der(root).ok())
        .filter(|root| root.tbs_certificate.subject == parsed.tbs_certificate.issuer)
        .any(|root| {
            is_in_force(&parsed, now)
                && is_in_force(&root, now)
                && is_signed_by(&parsed, &root, algorithms).unwrap_or(false)
        })
}

fn parse_v1(certificate: &CertificateDer<'_>) -> Option<Certificate> {
    let parsed = Certificate::from_der(certificate).ok()?;
    (parsed.tbs_certificate.version == Version::V1).then_some(parsed)
}

fn is_in_force(certificate: &Certificate, now: UnixTime) -> bool {
    let validity = &certificate.tbs_certificate.validity;
    let first = validity.not_before.to_unix_duration().as_secs();
    let last = validity.not_after.to_unix_duration().as_secs();
    (first..=last).contains(&now.as_secs())
}

fn is_signed_by(
    certificate: &Certificate,
    root: &Certificate,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Option<bool> {
    let key = &root.tbs_certificate.subject_public_key_info;
    let key_algorithm = content(&key.algorithm)?;
    let signature_algorithm = content(&certificate.signature_algorithm)?;
    let message = certificate.tbs_certificate.to_der().ok()?;
    let signature = certificate.signature.as_bytes()?;
    let key = key.subject_public_key.as_bytes()?;
    let mut usable = algorithms.all.iter().filter(|algorithm| {
        algorithm.public_key_alg_id().as_ref() == key_algorithm
            && algorithm.signature_alg_id().as_ref() == signature_algorithm
    });
    Some(usable.any(|algorithm| algorithm.verify_signature(key, &message, signature).is_ok()))
}

/// What is inside of the algorithm's SEQUENCE, which is how rustls writes algorithms. They are all shorter than 128 bytes.
fn content(algorithm: &AlgorithmIdentifierOwned) -> Option<Vec<u8>> {
    algorithm.to_der().ok()?.get(2..).map(<[u8]>::to_vec)
}

/// Whether libpq finds the host in the certificate where rustls does not: an IP address written as a DNS name, or the common
/// name where no alternative name of the host's own type says otherwise
/// (<https://www.postgresql.org/docs/current/libpq-ssl.html>, "Client Verification of Server Certificates").
pub(super) fn names(certificate: &CertificateDer<'_>, host: &ServerName<'_>) -> bool {
    let Ok(parsed) = Certificate::from_der(certificate) else {
        return false;
    };
    let is_address = matches!(host, ServerName::IpAddress(_));
    let host = host.to_str();
    let alternatives = match parsed.tbs_certificate.get::<SubjectAltName>() {
        Ok(found) => found.map(|(_, names)| names.0).unwrap_or_default(),
        Err(_) => return false,
    };
    let mut rules_out_common_name = false;
    for name in &alternatives {
        match name {
            GeneralName::DnsName(name) if matches(name.as_str(), &host) => return true,
            GeneralName::DnsName(_) => rules_out_common_name |= !is_address,
            GeneralName::IpAddress(_) => rules_out_common_name |= is_address,
            _ => {}
        }
    }
    !rules_out_common_name && common_name(&parsed).is_some_and(|name| matches(&name, &host))
}

/// The first common name of the subject.
fn common_name(certificate: &Certificate) -> Option<String> {
    let parts = &certificate.tbs_certificate.subject.0;
    let mut attributes = parts.iter().flat_map(|part| part.0.iter());
    let value = &attributes
        .find(|attribute| attribute.oid == COMMON_NAME)?
        .value;
    let text = value
        .decode_as::<Utf8StringRef<'_>>()
        .map(|text| text.as_str().to_owned())
        .or_else(|_| {
            value
                .decode_as::<PrintableStringRef<'_>>()
                .map(|t| t.as_str().to_owned())
        })
        .or_else(|_| {
            value
                .decode_as::<TeletexStringRef<'_>>()
                .map(|t| t.as_str().to_owned())
        });
    // A NUL is how a name pretends to be another.
    text.ok().filter(|text| !text.contains('\0'))
}

/// libpq's comparison: case does not count, and a leading `*.` stands for exactly one label.
fn matches(name: &str, host: &str) -> bool {
    if name.eq_ignore_ascii_case(host) {
        return true;
    }
    match (name.strip_prefix("*."), host.split_once('.')) {
        (Some(parent), Some((label, rest))) => {
            !label.is_empty() && parent.contains('.') && parent.eq_ignore_ascii_case(rest)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_in_libpq() {
        for (name, host, expected) in [
            ("db.example.com", "DB.example.com", true),
            ("db.example.com", "db2.example.com", false),
            ("*.example.com", "db.example.com", true),
            ("*.example.com", "a.db.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.com", "example.com", false),
            ("*", "example", false),
            ("10.0.0.1", "10.0.0.1", true),
        ] {
            assert_eq!(matches(name, host), expected, "{name} {host}");
        }
    }
}
