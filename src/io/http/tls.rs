//! Owns TLS: the certificate that the server is known by, read again when it changes, and the names of clients that show one.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig, version};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::guard;
use super::watched::{self, Watched};

/// By what certificate a server is known, and whose clients' it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// The file of the certificate and of those between it and its root, in PEM.
    pub certificate: PathBuf,
    /// The file of its key, in PEM.
    pub key: PathBuf,
    /// Whether clients show certificates.
    pub clients: ClientCertificates,
}

/// Whether clients show certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientCertificates {
    /// They are not asked.
    None,
    /// Whoever shows one must show one of this CA; others are known otherwise.
    Optional(PathBuf),
    /// Whoever shows none of this CA is not spoken with.
    Required(PathBuf),
}

/// What makes TLS of a connection.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

impl Tls {
    /// Reads the files that the settings name.
    ///
    /// # Errors
    /// When one cannot be read, holds something else, or a key is not that of its certificate.
    pub fn open(settings: &TlsSettings) -> Result<Tls, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map_err(|error| format!("TLS cannot be set up: {error}"))?;
        let optional =
            |ca: &Path| Ok::<_, String>(WebPkiClientVerifier::builder_with_provider(roots(ca)?, Arc::clone(&provider)));
        let verifier = match &settings.clients {
            ClientCertificates::None => None,
            ClientCertificates::Optional(ca) => Some((ca, optional(ca)?.allow_unauthenticated().build())),
            ClientCertificates::Required(ca) => Some((ca, optional(ca)?.build())),
        };
        let config = match verifier {
            None => config.with_no_client_auth(),
            Some((_, Ok(verifier))) => config.with_client_cert_verifier(verifier),
            Some((ca, Err(error))) => return Err(format!("{}: {error}", ca.display())),
        };
        let mut config = config.with_cert_resolver(Arc::new(Certificate::open(settings, &provider)?));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls(TlsAcceptor::from(Arc::new(config))))
    }

    /// Agrees on TLS, and tells the name of the client's certificate, if it showed one.
    pub(super) async fn accept(&self, stream: TcpStream) -> std::io::Result<(TlsStream<TcpStream>, Option<Arc<str>>)> {
        let stream = self.0.accept(stream).await?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let name = match certificate {
            None => None,
            Some(certificate) => {
                Some(name(certificate).ok_or_else(|| std::io::Error::other("a certificate without a name"))?)
            }
        };
        Ok((stream, name))
    }
}

/// The certificate of the server, as its files say now.
struct Certificate(Watched<CertifiedKey>);

impl Certificate {
    fn open(settings: &TlsSettings, provider: &Arc<CryptoProvider>) -> Result<Certificate, String> {
        let (certificate, key) = (settings.certificate.clone(), settings.key.clone());
        let provider = Arc::clone(provider);
        let paths = vec![certificate.clone(), key.clone()];
        Watched::new(paths, move || certified(&certificate, &key, &provider)).map(Certificate)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.get())
    }
}

fn certified(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, String> {
    let chain = certificates(certificate)?;
    // What is wrong with a key is not repeated from the library: the file may hold anything.
    let own = PrivateKeyDer::from_pem_slice(&watched::read(key)?)
        .map_err(|_| format!("{}: it should hold a private key in PEM", key.display()))?;
    CertifiedKey::from_der(chain, own, provider).map_err(|error| {
        format!("the certificate {} and the key {} do not go together: {error}", certificate.display(), key.display())
    })
}

fn roots(path: &Path) -> Result<Arc<RootCertStore>, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(Arc::new(roots))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrong = || format!("{}: it should hold certificates in PEM", path.display());
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&watched::read(path)?).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(wrong)
}

/// The name of whoever a certificate is of: its common name, or the first other name it has.
fn name(certificate: &CertificateDer<'_>) -> Option<Arc<str>> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let common = certificate.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
    let name = match common {
        Some(name) => Some(name),
        None => certificate.subject_alternative_name().ok()?.and_then(|names| {
            names.value.general_names.iter().find_map(|name| match name {
                GeneralName::RFC822Name(name) | GeneralName::DNSName(name) | GeneralName::URI(name) => Some(*name),
                _ => None,
            })
        }),
    };
    name.filter(|name| guard::is_name(name)).map(Arc::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_changes_is_taken_and_kept_as_it_was_where_it_is_wrong() {
        let folder = tempfile::tempdir().expect("a folder");
        let (certificate, key) = (folder.path().join("a.pem"), folder.path().join("a.key"));
        let write = || {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
            std::fs::write(&certificate, made.cert.pem()).expect("written");
            std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
            made.cert.der().clone()
        };
        let first = write();
        let clients = ClientCertificates::None;
        let settings = TlsSettings { certificate: certificate.clone(), key: key.clone(), clients };
        let server = Certificate::open(&settings, &Arc::new(aws_lc_rs::default_provider())).expect("right");
        assert_eq!(server.0.get().cert, [first]);
        let second = write();
        server.0.look_again();
        assert_eq!(server.0.get().cert, std::slice::from_ref(&second));
        std::fs::write(&key, "half of").expect("written");
        server.0.look_again();
        assert_eq!(server.0.get().cert, [second]);
    }
}
