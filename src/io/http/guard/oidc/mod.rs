//! Owns JSON Web Tokens of an OpenID Connect issuer: whose they are and what they allow, once they are proven.

mod keys;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use jsonwebtoken::{Algorithm, Validation};
use serde_json::{Map, Value};
use url::Url;

use self::keys::Keys;
use super::scope::{self, Principal, Scope, ScopeSet};

/// How far the issuer's clock may be from this one.
const LEEWAY_SECONDS: u64 = 30;
/// What the issuer may sign with. What a token says of itself chooses among these, and only the key of that kind proves it.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// Which issuer is believed, and how its words are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcSettings {
    /// The issuer, exactly as it writes itself.
    pub issuer: String,
    /// Whom its tokens must be for.
    pub audience: String,
    /// Where its keys are.
    pub keys: KeysFrom,
    /// The claim with the name; it should be one that nobody can change of themselves.
    pub name_claim: String,
    /// The claim with the scopes: text with spaces, or a list; `a.b` is b of a.
    pub scopes_claim: String,
    /// What a word of that claim allows.
    pub scopes: Vec<(String, Scope)>,
}

/// Where the keys of an issuer are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeysFrom {
    /// Where `/.well-known/openid-configuration` of the issuer says.
    Discovery,
    /// At an address.
    Url(Url),
    /// In a file.
    File(PathBuf),
}

/// Proves tokens of one issuer.
#[derive(Debug)]
pub(super) struct Verifier {
    settings: OidcSettings,
    keys: Keys,
}

impl Verifier {
    /// Reads the keys where they are in a file; others are fetched when the first token comes.
    pub(super) fn open(settings: &OidcSettings) -> Result<Verifier, String> {
        Ok(Verifier { keys: Keys::open(&settings.keys, &settings.issuer)?, settings: settings.clone() })
    }

    /// Whose token this is.
    ///
    /// # Errors
    /// With the reason for the log; nothing of the token is in it.
    pub(super) async fn verify(&self, token: &str) -> Result<Principal, &'static str> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| "the JWT has no header that can be read")?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err("the JWT is signed with an algorithm that is not taken");
        }
        if header.crit.is_some() {
            return Err("the JWT demands an extension");
        }
        let is_access =
            |typ: &str| ["jwt", "at+jwt", "application/at+jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known));
        if !header.typ.as_deref().is_none_or(is_access) {
            return Err("the JWT is of another type");
        }
        let key =
            self.keys.find(header.kid.as_deref(), header.alg).await.ok_or("the JWT is signed with an unknown key")?;
        let proven = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &self.validation(header.alg));
        let claims = proven.map_err(|error| reason(error.kind()))?.claims;
        self.principal(&claims)
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_audience(&[&self.settings.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation
    }

    fn principal(&self, claims: &Map<String, Value>) -> Result<Principal, &'static str> {
        let OidcSettings { issuer, name_claim, scopes_claim, scopes: allows, .. } = &self.settings;
        if claims.get("iss").and_then(Value::as_str) != Some(issuer) {
            return Err("the JWT is of another issuer");
        }
        let name = claim(claims, name_claim).and_then(Value::as_str).ok_or("the JWT has no claim with a name")?;
        if !scope::is_name(name) {
            return Err("the name of the JWT is none");
        }
        if name_claim == "email" && claims.get("email_verified").is_some_and(|verified| *verified != Value::Bool(true))
        {
            return Err("the email of the JWT is not verified");
        }
        let words: Vec<&str> = match claim(claims, scopes_claim) {
            Some(Value::String(text)) => text.split(' ').collect(),
            Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let allowed = allows.iter().filter(|(word, _)| words.contains(&&**word)).map(|(_, scope)| *scope);
        Ok(Principal { name: name.to_owned(), scopes: allowed.collect::<ScopeSet>() })
    }
}

/// The claim of a name, or of a way of names.
fn claim<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    let mut parts = name.split('.');
    let first = claims.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

fn reason(kind: &jsonwebtoken::errors::ErrorKind) -> &'static str {
    use jsonwebtoken::errors::ErrorKind;
    match kind {
        ErrorKind::ExpiredSignature => "the JWT has expired",
        ErrorKind::ImmatureSignature => "the JWT does not hold yet",
        ErrorKind::InvalidIssuer => "the JWT is of another issuer",
        ErrorKind::InvalidAudience => "the JWT is for another audience",
        ErrorKind::InvalidSignature => "the signature of the JWT is wrong",
        ErrorKind::MissingRequiredClaim(_) => "the JWT has no exp, iss or aud",
        _ => "the JWT cannot be read",
    }
}
