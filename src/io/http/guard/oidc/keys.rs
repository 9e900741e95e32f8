//! Owns the keys of an issuer: fetched, kept, and fetched again when a token names one that is not known.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;
use tokio::sync::Mutex;
use tracing::{info, warn};
use url::Url;

use super::KeysFrom;
use crate::io::clock::Stopwatch;
use crate::io::http::watched;

/// Tokens that name unknown keys fetch them so often at most.
const FETCH_SECONDS_MIN: f64 = 60.0;
/// Keys are fetched again after so long, so that one that was withdrawn is not believed for ever.
const AGE_SECONDS_MAX: f64 = 3600.0;
/// How long the issuer may take to answer.
const FETCH_SECONDS_MAX: u64 = 5;
/// The largest answer of an issuer.
const ANSWER_BYTES_MAX: usize = 256 << 10;
/// Keys of an issuer, at most.
const KEYS_MAX: usize = 100;

/// The keys of an issuer.
pub(super) struct Keys(Arc<Shared>);

/// What those who ask share with whoever fetches.
struct Shared {
    from: From,
    known: RwLock<Arc<Known>>,
    /// When they were fetched last, well or not. Held while they are: nobody else fetches then.
    tried: Mutex<Option<Stopwatch>>,
}

struct Known {
    keys: Vec<Key>,
    since: Stopwatch,
}

struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: Arc<DecodingKey>,
}

enum From {
    File(PathBuf),
    Net { client: reqwest::Client, place: Place },
}

enum Place {
    Keys(Url),
    /// The document that says where they are, and the issuer that it must name.
    Configuration(Url, String),
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    pub(super) fn open(from: &KeysFrom, issuer: &str) -> Result<Keys, String> {
        let place = match from {
            KeysFrom::File(path) => {
                let known = Known { keys: read_file(path)?, since: Stopwatch::start() };
                return Ok(Keys::new(From::File(path.clone()), known));
            }
            KeysFrom::Url(url) => Place::Keys(safe(url.clone())?),
            KeysFrom::Discovery => Place::Configuration(configuration(issuer)?, issuer.to_owned()),
        };
        // An issuer that sends elsewhere is not followed.
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(FETCH_SECONDS_MAX))
            .redirect(reqwest::redirect::Policy::none())
            .build();
        let client = client.map_err(|error| format!("TLS towards the issuer cannot be set up: {error}"))?;
        let none = Known { keys: Vec::new(), since: Stopwatch::start() };
        Ok(Keys::new(From::Net { client, place }, none))
    }

    fn new(from: From, known: Known) -> Keys {
        Keys(Arc::new(Shared { from, known: RwLock::new(Arc::new(known)), tried: Mutex::new(None) }))
    }

    /// The key of an identity for an algorithm; without one, the only key there is.
    pub(super) async fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<Arc<DecodingKey>> {
        let known = self.0.known();
        let key = known.find(id, algorithm);
        let is_fresh = known.since.seconds() < AGE_SECONDS_MAX;
        if key.is_some() && (is_fresh || self.0.tried.try_lock().is_err()) {
            return key;
        }
        // In a task of its own: whoever hangs up while keys are fetched takes nothing from the others.
        let shared = Arc::clone(&self.0);
        let fetched = tokio::spawn(async move { shared.fetch_again().await });
        if key.is_some() {
            return key;
        }
        fetched.await.ok()?;
        self.0.known().find(id, algorithm)
    }

    /// Forgets when keys were fetched last.
    #[cfg(test)]
    pub(super) async fn let_a_minute_pass(&self) {
        *self.0.tried.lock().await = None;
    }
}

impl Shared {
    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Fetches the keys, unless that was tried a moment ago. Where it fails, those that are known are kept.
    async fn fetch_again(&self) {
        let mut tried = self.tried.lock().await;
        if tried.is_some_and(|tried| tried.seconds() < FETCH_SECONDS_MIN) {
            return;
        }
        *tried = Some(Stopwatch::start());
        let fetched = match &self.from {
            From::File(path) => read_file(path),
            From::Net { client, place } => fetch(client, place).await,
        };
        match fetched {
            Ok(keys) => {
                info!(keys = keys.len(), "the keys of the issuer were fetched");
                let known = Known { keys, since: Stopwatch::start() };
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
            }
            Err(error) => warn!("the keys of the issuer cannot be had, those that are known are kept: {error}"),
        }
    }
}

impl Known {
    fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<Arc<DecodingKey>> {
        let found = match id {
            Some(id) => self.keys.iter().find(|key| key.id.as_deref() == Some(id) && key.algorithm == algorithm),
            None => self.keys.first().filter(|key| self.keys.len() == 1 && key.algorithm == algorithm),
        };
        found.map(|key| Arc::clone(&key.key))
    }
}

fn read_file(path: &std::path::Path) -> Result<Vec<Key>, String> {
    parse(&watched::read(path)?).map_err(|error| format!("{}: {error}", path.display()))
}

async fn fetch(client: &reqwest::Client, place: &Place) -> Result<Vec<Key>, String> {
    let url = match place {
        Place::Keys(url) => url.clone(),
        Place::Configuration(url, issuer) => {
            let configuration = get(client, url).await?;
            let configuration: Value =
                serde_json::from_slice(&configuration).map_err(|error| format!("{url}: it is no JSON: {error}"))?;
            if configuration["issuer"].as_str() != Some(issuer) {
                return Err(format!("{url}: its issuer is another than {issuer}"));
            }
            let place = configuration["jwks_uri"].as_str().ok_or_else(|| format!("{url}: it has no jwks_uri"))?;
            safe(Url::parse(place).map_err(|_| format!("{url}: its jwks_uri is no address"))?)?
        }
    };
    parse(&get(client, &url).await?).map_err(|error| format!("{url}: {error}"))
}

async fn get(client: &reqwest::Client, url: &Url) -> Result<Vec<u8>, String> {
    let failed = |error: reqwest::Error| {
        // The causes say what the error does not: that a name is unknown, or a certificate.
        let error = error.without_url();
        let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        format!("{url}: {}", causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
    };
    let mut answer = client.get(url.clone()).send().await.map_err(failed)?;
    if !answer.status().is_success() {
        return Err(format!("{url} answered {}", answer.status()));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(format!("{url} answered more than {ANSWER_BYTES_MAX} bytes"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn parse(bytes: &[u8]) -> Result<Vec<Key>, String> {
    let set: JwkSet = serde_json::from_slice(bytes).map_err(|error| format!("it is no set of keys: {error}"))?;
    if set.keys.len() > KEYS_MAX {
        return Err(format!("it should have at most {KEYS_MAX} keys"));
    }
    let keys: Vec<Key> = set.keys.iter().filter_map(key).collect();
    if keys.is_empty() { Err("it has no key for RS256, ES256 or EdDSA".to_owned()) } else { Ok(keys) }
}

/// A key that proves signatures by one of the algorithms that are taken; others are passed over.
fn key(jwk: &Jwk) -> Option<Key> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        _ => return None,
    };
    let is_for_it = jwk.common.key_algorithm.is_none_or(|own| own == KeyAlgorithm::from(algorithm));
    let signs = jwk.common.public_key_use.as_ref().is_none_or(|own| *own == PublicKeyUse::Signature);
    if !is_for_it || !signs {
        return None;
    }
    let key = Arc::new(DecodingKey::from_jwk(jwk).ok()?);
    Some(Key { id: jwk.common.key_id.clone(), algorithm, key })
}

fn configuration(issuer: &str) -> Result<Url, String> {
    let text = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    safe(Url::parse(&text).map_err(|error| format!("the issuer {issuer:?} is no address: {error}"))?)
}

/// Whoever is between could put in keys of their own: only TLS, or this machine.
fn safe(url: Url) -> Result<Url, String> {
    let is_this_machine = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_this_machine => Ok(url),
        _ => Err(format!("{url}: the keys of an issuer are fetched over https alone")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_fetched_over_tls_or_from_this_machine_alone() {
        let configuration = |issuer: &str| configuration(issuer).map(|url| url.to_string());
        assert_eq!(
            configuration("https://id.example/realms/a/"),
            Ok("https://id.example/realms/a/.well-known/openid-configuration".to_owned())
        );
        assert!(configuration("http://localhost:8080").is_ok());
        assert_eq!(
            configuration("http://id.example"),
            Err("http://id.example/.well-known/openid-configuration: the keys of an issuer are fetched over https alone"
                .to_owned())
        );
        assert!(configuration("file:///etc").is_err() && configuration("id.example").is_err());
    }

    #[test]
    fn a_set_has_keys_for_the_algorithms_that_are_taken_and_not_too_many() {
        let error = |text: &str| parse(text.as_bytes()).map(|_| ()).expect_err("wrong");
        assert!(error("{}").starts_with("it is no set of keys: "));
        let symmetric = r#"{"kty":"oct","k":"AAAA","alg":"HS256","kid":"a"}"#;
        let encrypting = r#"{"kty":"RSA","n":"AQAB","e":"AQAB","use":"enc","kid":"b"}"#;
        let signing = r#"{"kty":"RSA","n":"AQAB","e":"AQAB","use":"sig","alg":"RS512","kid":"c"}"#;
        let none = "it has no key for RS256, ES256 or EdDSA";
        assert_eq!(error(&format!(r#"{{"keys":[{symmetric},{encrypting},{signing}]}}"#)), none);
        let taken = r#"{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"d"}"#;
        let many = |count: usize| format!(r#"{{"keys":[{}]}}"#, vec![taken; count].join(","));
        assert_eq!(parse(many(KEYS_MAX).as_bytes()).expect("right").len(), KEYS_MAX);
        assert_eq!(error(&many(KEYS_MAX + 1)), "it should have at most 100 keys");
    }
}
