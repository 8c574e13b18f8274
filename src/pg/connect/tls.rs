//! TLS as libpq's `ssl*` keywords ask for it, done by rustls.
//!
//! Who is checked, and how, is in `certificate`; which attempts are made with TLS and which without, in `dial`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::pg::Error;
use crate::pg::connect::certificate::{Check, Verifier};
use crate::pg::connect::settings::Settings;
use crate::pg::error::Kind;

/// `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SslMode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// Everything that the user asked about TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TlsSettings {
    pub(super) mode: SslMode,
    /// `sslnegotiation=direct`: the handshake begins at once, without asking the server (17+) first.
    pub(super) direct: bool,
    roots: Roots,
    /// Certificate and key of the client, if one is to be shown.
    client: Option<(PathBuf, PathBuf)>,
    revoked: Option<PathBuf>,
    server_name_indication: bool,
    /// Lowest and highest protocol version, as 12 and 13.
    versions: (u8, u8),
}

/// Which authorities are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Roots {
    /// `sslrootcert=system`.
    System,
    /// A file, which need not exist unless `sslmode` is `verify-…`.
    File(PathBuf),
    /// No home directory to look for a file in.
    Nowhere,
}

const VERSIONS: [(&str, u8); 4] = [
    ("TLSv1", 10),
    ("TLSv1.1", 11),
    ("TLSv1.2", 12),
    ("TLSv1.3", 13),
];

impl TlsSettings {
    /// Reads the `ssl*` keywords. Files are opened later, and only when TLS is about to be used.
    pub(super) fn resolve(
        settings: &Settings,
        home: Option<&Path>,
        warnings: &mut Vec<String>,
    ) -> Result<Self, Error> {
        let default = |name: &str| home.map(|home| home.join(".postgresql").join(name));
        let given = |name: &str| settings.given(name).map(PathBuf::from);
        let roots = match settings.given("sslrootcert") {
            Some("system") => Roots::System,
            Some(path) => Roots::File(PathBuf::from(path)),
            None => default("root.crt").map_or(Roots::Nowhere, Roots::File),
        };
        let mode = mode(settings, &roots)?;
        if let (Some(path), Roots::File(file)) = (settings.given("sslrootcert"), &roots)
            && mode > SslMode::Disable
            && mode < SslMode::VerifyCa
            && !file.exists()
        {
            warnings.push(format!(
                "sslrootcert {path} does not exist: the server's certificate is not checked"
            ));
        }
        let direct = settings.choice("sslnegotiation", &[("postgres", false), ("direct", true)])?;
        let direct = direct.unwrap_or(false);
        if direct && mode < SslMode::Require {
            let what = "direct needs sslmode=require or stronger";
            return Err(settings.error("sslnegotiation", what));
        }
        // Without sslcertmode=require, which would be a demand on the server that cannot be checked here.
        let shown = settings.choice("sslcertmode", &[("disable", false), ("allow", true)])?;
        let certificate = given("sslcert")
            .or_else(|| default("postgresql.crt").filter(|path| path.exists()))
            .filter(|_| shown != Some(false));
        let key = given("sslkey").or_else(|| default("postgresql.key"));
        let revoked = given("sslcrl").or_else(|| default("root.crl").filter(|path| path.exists()));
        let sni = settings.choice("sslsni", &[("0", false), ("1", true)])?;
        let lowest = settings.choice("ssl_min_protocol_version", &VERSIONS)?;
        let highest = settings.choice("ssl_max_protocol_version", &VERSIONS)?;
        let versions = (lowest.unwrap_or(12).max(12), highest.unwrap_or(13));
        if versions.0 > versions.1 {
            return Err(settings
                .error("ssl_max_protocol_version", "leaves no protocol version")
                .hint("pgperf speaks TLSv1.2 and TLSv1.3"));
        }
        Ok(Self {
            mode,
            direct,
            roots,
            client: certificate.zip(key),
            revoked,
            server_name_indication: sni.unwrap_or(true),
            versions,
        })
    }

    /// How the server's certificate is checked, in words for messages.
    pub(super) fn trusted(&self) -> String {
        match &self.roots {
            Roots::System => "the system's trusted certificates".to_owned(),
            Roots::File(path) => path.display().to_string(),
            Roots::Nowhere => "no root certificates".to_owned(),
        }
    }

    /// A connector for these settings. Reads the files.
    ///
    /// # Errors
    /// `Kind::Config`: a file that cannot be read or used.
    pub(super) fn connector(&self) -> Result<TlsConnector, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions: Vec<&'static SupportedProtocolVersion> =
            [(12, &rustls::version::TLS12), (13, &rustls::version::TLS13)]
                .into_iter()
                .filter(|(number, _)| (self.versions.0..=self.versions.1).contains(number))
                .map(|(_, version)| version)
                .collect();
        let verifier = Verifier {
            check: self.check(),
            chain: self.chain_verifier(&provider)?,
            roots: self.root_certificates()?.unwrap_or_default(),
            revocation: self.revoked.is_some(),
            algorithms: provider.signature_verification_algorithms,
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .map_err(|error| Error::new(Kind::Config, format!("cannot set up TLS: {error}")))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &self.client {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = certificates(certificate)?;
                let parsed = private_key(key)?;
                builder
                    .with_client_auth_cert(chain, parsed)
                    .map_err(|error| {
                        unusable(certificate, &format!("with key {}: {error}", key.display()))
                    })?
            }
        };
        config.enable_sni = self.server_name_indication;
        // Registered for PostgreSQL; servers insist on it when negotiation is direct.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(TlsConnector {
            connect: MakeRustlsConnect::new(config),
            used: Arc::default(),
        })
    }

    /// As libpq does it: a root certificate that is there is used, whatever the mode.
    fn check(&self) -> Check {
        match (self.mode, &self.roots) {
            (SslMode::VerifyFull, _) => Check::ChainAndName,
            (SslMode::VerifyCa, _) => Check::Chain,
            (_, Roots::File(path)) if path.exists() => Check::Chain,
            _ => Check::Nothing,
        }
    }

    fn chain_verifier(
        &self,
        provider: &Arc<rustls::crypto::CryptoProvider>,
    ) -> Result<Option<Arc<WebPkiServerVerifier>>, Error> {
        let Some(certificates) = self.root_certificates()? else {
            return Ok(None);
        };
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(certificates);
        let unusable = |why: &str| {
            let what = format!("{}: {why}", self.trusted());
            Error::new(
                Kind::Config,
                format!("cannot check the server's certificate with {what}"),
            )
        };
        if added == 0 {
            return Err(unusable("no usable certificate in it"));
        }
        let mut builder =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        if let Some(path) = &self.revoked {
            builder = builder.with_crls(revocation_lists(path)?);
        }
        let verifier = builder
            .build()
            .map_err(|error| unusable(&error.to_string()))?;
        Ok(Some(verifier))
    }

    /// The trusted certificates; `None` when the server's certificate is not to be checked.
    fn root_certificates(&self) -> Result<Option<Vec<CertificateDer<'static>>>, Error> {
        if self.check() == Check::Nothing {
            return Ok(None);
        }
        match &self.roots {
            Roots::System => Ok(Some(rustls_native_certs::load_native_certs().certs)),
            Roots::File(path) if path.exists() => certificates(path).map(Some),
            Roots::File(path) => Err(no_roots(&format!("{} does not exist", path.display()))),
            Roots::Nowhere => Err(no_roots("sslrootcert is not given")),
        }
    }
}

fn mode(settings: &Settings, roots: &Roots) -> Result<SslMode, Error> {
    let choices = [
        ("disable", SslMode::Disable),
        ("allow", SslMode::Allow),
        ("prefer", SslMode::Prefer),
        ("require", SslMode::Require),
        ("verify-ca", SslMode::VerifyCa),
        ("verify-full", SslMode::VerifyFull),
    ];
    match (settings.choice("sslmode", &choices)?, roots) {
        (None | Some(SslMode::VerifyFull), Roots::System) => Ok(SslMode::VerifyFull),
        (Some(_), Roots::System) => Err(settings.error(
            "sslmode",
            "sslrootcert=system may only be used with verify-full",
        )),
        (mode, _) => Ok(mode.unwrap_or(SslMode::Prefer)),
    }
}

fn no_roots(what: &str) -> Error {
    let message = format!("cannot check the server's certificate: {what}");
    Error::new(Kind::Config, message).hint(
        "give the authority's certificate with sslrootcert=FILE, use sslrootcert=system, or sslmode=require to go unchecked",
    )
}

fn unusable(path: &Path, why: &str) -> Error {
    Error::new(
        Kind::Config,
        format!("cannot use {}: {why}", path.display()),
    )
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(path, &pem_error(&error)));
    match certificates {
        Ok(certificates) if certificates.is_empty() => {
            Err(unusable(path, "no certificate in PEM format in it"))
        }
        other => other,
    }
}

fn revocation_lists(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, Error> {
    let lists: Result<Vec<_>, _> = CertificateRevocationListDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(path, &pem_error(&error)));
    match lists {
        Ok(lists) if lists.is_empty() => {
            Err(unusable(path, "no revocation list in PEM format in it"))
        }
        other => other,
    }
}

/// The client's key, if its file is as private as libpq wants it.
fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let text = std::fs::read(path).map_err(|error| unusable(path, &os_text(&error)))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = std::fs::metadata(path).map_err(|error| unusable(path, &os_text(&error)))?;
        // A key of root's may be readable for a group, so that the system can hand keys out.
        let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
        if metadata.mode() & forbidden != 0 {
            return Err(unusable(path, "group or others may access it")
                .hint(format!("chmod 0600 {}", path.display())));
        }
    }
    if String::from_utf8_lossy(&text).contains("ENCRYPTED") {
        return Err(
            unusable(path, "it is encrypted, and pgperf asks for no passphrase")
                .hint("decrypt a copy: openssl pkey -in KEY -out COPY"),
        );
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|_| {
        unusable(path, "no private key in PEM format in it")
            .hint("convert it: openssl pkey -inform DER -in KEY -out COPY")
    })
}

fn pem_error(error: &rustls::pki_types::pem::Error) -> String {
    match error {
        rustls::pki_types::pem::Error::Io(error) => os_text(error),
        other => other.to_string(),
    }
}

/// What the system says, without its number.
pub(super) fn os_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}

/// Makes TLS connections, and remembers whether the last attempt came so far as to begin one.
#[derive(Clone)]
pub(super) struct TlsConnector {
    connect: MakeRustlsConnect,
    used: Arc<AtomicBool>,
}

impl TlsConnector {
    /// The same connector with a memory of its own.
    pub(super) fn fresh(&self) -> Self {
        Self {
            connect: self.connect.clone(),
            used: Arc::default(),
        }
    }

    /// Whether a handshake was begun.
    pub(super) fn was_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }
}

/// rustls's connection with a note that it was begun.
pub(super) struct Noted<C> {
    inner: C,
    used: Arc<AtomicBool>,
}

impl<S> MakeTlsConnect<S> for TlsConnector
where
    MakeRustlsConnect: MakeTlsConnect<S>,
{
    type Stream = <MakeRustlsConnect as MakeTlsConnect<S>>::Stream;
    type TlsConnect = Noted<<MakeRustlsConnect as MakeTlsConnect<S>>::TlsConnect>;
    type Error = <MakeRustlsConnect as MakeTlsConnect<S>>::Error;

    fn make_tls_connect(&mut self, host: &str) -> Result<Self::TlsConnect, Self::Error> {
        Ok(Noted {
            inner: self.connect.make_tls_connect(host)?,
            used: Arc::clone(&self.used),
        })
    }
}

impl<S, C: TlsConnect<S>> TlsConnect<S> for Noted<C> {
    type Stream = C::Stream;
    type Error = C::Error;
    type Future = C::Future;

    fn connect(self, stream: S) -> Self::Future {
        self.used.store(true, Ordering::Relaxed);
        self.inner.connect(stream)
    }
}
