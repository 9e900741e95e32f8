//! Certificates for the broker's listener with TLS, made anew for each broker.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};

/// The files of an authority and of the broker that it vouches for.
#[derive(Debug)]
pub struct Certificates {
    /// The authority's certificate: what a client must trust.
    pub authority: PathBuf,
    /// The broker's private key, its certificate, and the authority's.
    pub broker: PathBuf,
}

impl Certificates {
    /// For a broker on loopback, its files in a folder.
    pub fn new(folder: &Path) -> Certificates {
        let authority = authority();
        let key = KeyPair::generate().unwrap();
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        let files = Certificates { authority: folder.join("authority.pem"), broker: folder.join("broker.pem") };
        fs::write(&files.authority, authority.pem()).unwrap();
        fs::write(&files.broker, key.serialize_pem() + &certificate.pem() + &authority.pem()).unwrap();
        files
    }

    /// The certificate of another authority, of the same name: the wrong one for any broker.
    pub fn of_a_stranger(folder: &Path) -> PathBuf {
        let file = folder.join("stranger.pem");
        fs::write(&file, authority().pem()).unwrap();
        file
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "vigie's tests");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}
