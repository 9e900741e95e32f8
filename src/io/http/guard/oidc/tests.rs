//! Tries the proof of JSON Web Tokens against keys made here and an issuer of its own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::encoding::AsDer;
use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::json;

use super::*;
use crate::io::clock;
use crate::io::http::HttpServer;

const ISSUER: &str = "https://id.example/realms/credit";

/// A key of the issuer.
struct Signer {
    id: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
}

impl Signer {
    fn new(id: &'static str, algorithm: Algorithm) -> Signer {
        let key = match algorithm {
            Algorithm::RS256 => {
                let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).expect("a key");
                let pem = STANDARD.encode(pair.as_der().expect("PKCS#8").as_ref());
                let pem = format!("-----BEGIN PRIVATE KEY-----\n{pem}\n-----END PRIVATE KEY-----\n");
                EncodingKey::from_rsa_pem(pem.as_bytes()).expect("a key")
            }
            Algorithm::ES256 => EncodingKey::from_ec_der(&rcgen::KeyPair::generate().expect("a key").serialize_der()),
            _ => {
                let mut der = *b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20\
                    ................................";
                getrandom::fill(&mut der[16..]).expect("random numbers");
                EncodingKey::from_ed_der(&der)
            }
        };
        Signer { id, algorithm, key }
    }

    fn jwk(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).expect("a public key");
        jwk.common.key_id = Some(self.id.to_owned());
        serde_json::to_value(jwk).expect("JSON")
    }

    fn sign(&self, claims: &Value) -> String {
        self.sign_as(&Header { kid: Some(self.id.to_owned()), ..Header::new(self.algorithm) }, claims)
    }

    fn sign_as(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).expect("signed")
    }
}

fn now() -> i64 {
    clock::wall_clock().nanos() / 1_000_000_000
}

fn claims(over: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": ["other", "vigie"], "exp": now() + 300, "sub": "7f3a", "preferred_username": "m.keller",
        "scope": "openid risk:read risk:decide",
    });
    for (name, value) in over.as_object().expect("claims") {
        claims[name] = value.clone();
    }
    claims
}

fn settings(issuer: &str, keys: KeysFrom) -> OidcSettings {
    OidcSettings {
        issuer: issuer.to_owned(),
        audience: "vigie".to_owned(),
        keys,
        name_claim: "preferred_username".to_owned(),
        scopes_claim: "scope".to_owned(),
        scopes: vec![("risk:read".to_owned(), Scope::Read), ("risk:decide".to_owned(), Scope::Decide)],
    }
}

/// A verifier with the keys of signers in a file.
fn verifier(signers: &[&Signer], change: impl FnOnce(&mut OidcSettings)) -> Verifier {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk()).collect();
    std::fs::write(file.path(), json!({ "keys": keys }).to_string()).expect("written");
    let mut settings = settings(ISSUER, KeysFrom::File(file.path().to_owned()));
    change(&mut settings);
    Verifier::open(&settings).expect("opened")
}

#[tokio::test]
async fn each_algorithm_that_is_taken_proves_who_somebody_is() {
    let signers =
        [("a", Algorithm::RS256), ("b", Algorithm::ES256), ("c", Algorithm::EdDSA)].map(|(id, a)| Signer::new(id, a));
    let verifier = verifier(&signers.each_ref(), |_| {});
    for signer in &signers {
        let found = verifier.verify(&signer.sign(&claims(json!({})))).await.expect("proven");
        assert_eq!((&*found.name, found.scopes.to_string()), ("m.keller", "read,decide".to_owned()));
    }
}

#[tokio::test]
async fn a_token_that_is_not_what_it_says_is_refused() {
    let (own, foreign) = (Signer::new("a", Algorithm::ES256), Signer::new("a", Algorithm::ES256));
    let verifier = verifier(&[&own], |_| {});
    let cases = [
        (json!({"exp": now() - 31}), "the JWT has expired"),
        (json!({"nbf": now() + 60}), "the JWT does not hold yet"),
        (json!({"iss": "https://id.example/realms/other"}), "the JWT is of another issuer"),
        (json!({"iss": [ISSUER, "https://evil.example"]}), "the JWT is of another issuer"),
        (json!({"aud": "other"}), "the JWT is for another audience"),
        (json!({"exp": null}), "the JWT has no exp, iss or aud"),
        (json!({"iss": null}), "the JWT has no exp, iss or aud"),
        (json!({"aud": null}), "the JWT has no exp, iss or aud"),
        (json!({"exp": "soon"}), "the JWT has no exp, iss or aud"),
        (json!({"nbf": "soon"}), "the JWT cannot be read"),
        (json!({"preferred_username": null}), "the JWT has no claim with a name"),
        (json!({"preferred_username": 7}), "the JWT has no claim with a name"),
        (json!({"preferred_username": "a\nb"}), "the name of the JWT is none"),
        (json!({"preferred_username": ""}), "the name of the JWT is none"),
    ];
    for (over, reason) in cases {
        assert_eq!(verifier.verify(&own.sign(&claims(over.clone()))).await, Err(reason), "{over}");
    }
    for within in [json!({"exp": now() - 20}), json!({"nbf": now() + 20}), json!({"aud": "vigie"})] {
        assert!(verifier.verify(&own.sign(&claims(within.clone()))).await.is_ok(), "{within}");
    }
    let good = claims(json!({}));
    assert_eq!(verifier.verify(&foreign.sign(&good)).await, Err("the signature of the JWT is wrong"));
    let signed = own.sign(&good);
    let other = own.sign(&claims(json!({"scope": "risk:admin"})));
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let mixed = format!("{}.{}.{}", parts(&signed)[0], parts(&other)[1], parts(&signed)[2]);
    assert_eq!(verifier.verify(&mixed).await, Err("the signature of the JWT is wrong"));
    for broken in ["", "..", "a.b.c", &format!("{}.{}.", parts(&signed)[0], parts(&signed)[1])] {
        assert!(verifier.verify(broken).await.is_err(), "{broken}");
    }
}

#[tokio::test]
async fn what_a_token_says_of_its_own_proof_is_not_believed() {
    let own = Signer::new("a", Algorithm::RS256);
    let verifier = verifier(&[&own], |_| {});
    let good = claims(json!({}));
    // The public key as the secret of a symmetric signature, and no signature at all.
    let public = own.jwk()["n"].as_str().expect("a modulus").to_owned();
    let symmetric = Signer { id: "a", algorithm: Algorithm::HS256, key: EncodingKey::from_secret(public.as_bytes()) };
    let wrong = Err("the JWT is signed with an algorithm that is not taken");
    assert_eq!(verifier.verify(&symmetric.sign(&good)).await, wrong);
    assert_eq!(verifier.verify(&own.sign_as(&header(&own, Algorithm::PS256), &good)).await, wrong);
    let none = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let payload = own.sign(&good).split('.').nth(1).expect("claims").to_owned();
    assert_eq!(verifier.verify(&format!("{none}.{payload}.")).await, Err("the JWT has no header that can be read"));
    // A key of its own, sent along.
    let foreign = Signer::new("a", Algorithm::RS256);
    let jwk = serde_json::from_value(foreign.jwk()).expect("a key");
    let sent = foreign.sign_as(&Header { jwk: Some(jwk), ..header(&foreign, Algorithm::RS256) }, &good);
    assert_eq!(verifier.verify(&sent).await, Err("the signature of the JWT is wrong"));
    let demanding = Header { crit: Some(vec!["exp".to_owned()]), ..header(&own, Algorithm::RS256) };
    assert_eq!(verifier.verify(&own.sign_as(&demanding, &good)).await, Err("the JWT demands an extension"));
    let logout = Header { typ: Some("logout+jwt".to_owned()), ..header(&own, Algorithm::RS256) };
    assert_eq!(verifier.verify(&own.sign_as(&logout, &good)).await, Err("the JWT is of another type"));
    let access = Header { typ: Some("at+JWT".to_owned()), ..header(&own, Algorithm::RS256) };
    assert!(verifier.verify(&own.sign_as(&access, &good)).await.is_ok());
}

fn header(signer: &Signer, algorithm: Algorithm) -> Header {
    Header { kid: Some(signer.id.to_owned()), ..Header::new(algorithm) }
}

#[tokio::test]
async fn a_token_that_names_no_key_is_proven_by_the_only_one_there_is() {
    let (one, two) = (Signer::new("a", Algorithm::ES256), Signer::new("b", Algorithm::ES256));
    let nameless = one.sign_as(&Header::new(Algorithm::ES256), &claims(json!({})));
    assert!(verifier(&[&one], |_| {}).verify(&nameless).await.is_ok());
    let unknown = Err("the JWT is signed with an unknown key");
    assert_eq!(verifier(&[&one, &two], |_| {}).verify(&nameless).await, unknown);
}

#[tokio::test]
async fn name_and_scopes_are_read_from_the_claims_that_are_set() {
    let own = Signer::new("a", Algorithm::EdDSA);
    let of = async |over: Value, change: fn(&mut OidcSettings)| {
        let found = verifier(&[&own], change).verify(&own.sign(&claims(over))).await;
        found.map(|found| format!("{} {}", found.name, found.scopes))
    };
    let keycloak = |settings: &mut OidcSettings| settings.scopes_claim = "realm_access.roles".to_owned();
    let roles = json!({"realm_access": {"roles": ["risk:decide", "other", 7]}});
    assert_eq!(of(roles, keycloak).await, Ok("m.keller decide".to_owned()));
    assert_eq!(of(json!({}), keycloak).await, Ok("m.keller ".to_owned()), "known, and may do nothing");
    let dotted = |settings: &mut OidcSettings| settings.scopes_claim = "https://x.example/roles".to_owned();
    assert_eq!(of(json!({"https://x.example/roles": ["risk:read"]}), dotted).await, Ok("m.keller read".to_owned()));
    assert_eq!(of(json!({"scope": "risk:readers"}), |_| {}).await, Ok("m.keller ".to_owned()));
    let email = |settings: &mut OidcSettings| settings.name_claim = "email".to_owned();
    let address = |verified: Value| json!({"email": "m@example.com", "email_verified": verified, "scope": ""});
    assert_eq!(of(address(json!(true)), email).await, Ok("m@example.com ".to_owned()));
    assert_eq!(of(address(json!(false)), email).await, Err("the email of the JWT is not verified"));
}

/// An issuer on this machine: what it answers, and how often its keys were asked for.
#[derive(Clone, Default)]
struct Issuer {
    keys: Arc<Mutex<String>>,
    named: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    /// Starts it; its own name is its address.
    fn start(&self) -> (HttpServer, String) {
        let (named, keys) = (self.clone(), self.clone());
        let configuration = get(async move || {
            let named = named.named.lock().expect("unlocked").clone();
            json!({"issuer": named, "jwks_uri": format!("{named}/keys")}).to_string()
        });
        let keys = get(async move || {
            keys.asked.fetch_add(1, Ordering::Relaxed);
            match keys.keys.lock().expect("unlocked").clone() {
                text if text.is_empty() => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
                text => text.into_response(),
            }
        });
        let router = Router::new().route("/.well-known/openid-configuration", configuration).route("/keys", keys);
        let server = HttpServer::start("127.0.0.1:0", router).expect("started");
        let name = format!("http://{}", server.address());
        self.named.lock().expect("unlocked").clone_from(&name);
        (server, name)
    }

    fn has(&self, signers: &[&Signer]) {
        let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk()).collect();
        *self.keys.lock().expect("unlocked") = json!({ "keys": keys }).to_string();
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn keys_are_found_where_the_issuer_says_and_fetched_again_for_a_new_one_once_a_minute() {
    let issuer = Issuer::default();
    let (server, name) = issuer.start();
    let (first, second) = (Signer::new("first", Algorithm::ES256), Signer::new("second", Algorithm::ES256));
    let verifier = Verifier::open(&settings(&name, KeysFrom::Discovery)).expect("opened");
    let token = |signer: &Signer| signer.sign(&claims(json!({ "iss": name })));
    let unknown = Err("the JWT is signed with an unknown key");
    // It answers an error at first: nobody is let in, and it is not asked again at once.
    for _ in 0..3 {
        assert_eq!(verifier.verify(&token(&first)).await, unknown);
    }
    assert_eq!(issuer.asked(), 1);
    issuer.has(&[&first]);
    verifier.keys.let_a_minute_pass().await;
    for _ in 0..3 {
        assert!(verifier.verify(&token(&first)).await.is_ok());
    }
    assert_eq!(issuer.asked(), 2);
    issuer.has(&[&second]);
    assert_eq!(verifier.verify(&token(&second)).await, unknown, "a minute has not passed");
    verifier.keys.let_a_minute_pass().await;
    assert!(verifier.verify(&token(&second)).await.is_ok());
    assert_eq!(verifier.verify(&token(&first)).await, unknown, "it was withdrawn");
    assert_eq!(issuer.asked(), 3);
    // What is known is kept where the issuer fails.
    issuer.keys.lock().expect("unlocked").clear();
    verifier.keys.let_a_minute_pass().await;
    assert_eq!(verifier.verify(&token(&first)).await, unknown);
    assert!(verifier.verify(&token(&second)).await.is_ok());
    server.stop();
}

#[tokio::test]
async fn whoever_hangs_up_while_keys_are_fetched_takes_nothing_from_the_others() {
    let issuer = Issuer::default();
    let (server, name) = issuer.start();
    let own = Signer::new("a", Algorithm::ES256);
    issuer.has(&[&own]);
    let verifier = Verifier::open(&settings(&name, KeysFrom::Discovery)).expect("opened");
    let token = own.sign(&claims(json!({ "iss": name })));
    let mut first = Box::pin(verifier.verify(&token));
    let pending = futures_util::poll!(first.as_mut()).is_pending();
    drop(first);
    assert!(pending, "it waits for the issuer");
    assert!(verifier.verify(&token).await.is_ok());
    assert_eq!(issuer.asked(), 1);
    server.stop();
}

#[tokio::test]
async fn an_issuer_that_names_itself_otherwise_or_answers_too_much_is_not_believed() {
    let issuer = Issuer::default();
    let (server, name) = issuer.start();
    let own = Signer::new("a", Algorithm::ES256);
    issuer.has(&[&own]);
    let verifies = async || {
        let verifier = Verifier::open(&settings(&name, KeysFrom::Discovery)).expect("opened");
        verifier.verify(&own.sign(&claims(json!({ "iss": name })))).await.is_ok()
    };
    assert!(verifies().await);
    let padded = format!("{}{}", issuer.keys.lock().expect("unlocked"), " ".repeat(256 << 10));
    *issuer.keys.lock().expect("unlocked") = padded;
    assert!(!verifies().await, "too much");
    issuer.has(&[&own]);
    *issuer.named.lock().expect("unlocked") = "http://127.0.0.1:1".to_owned();
    assert!(!verifies().await, "another name");
    let keys = KeysFrom::Url(format!("{name}/keys").parse().expect("an address"));
    let verifier = Verifier::open(&settings(ISSUER, keys)).expect("opened");
    assert!(verifier.verify(&own.sign(&claims(json!({})))).await.is_ok(), "where the keys are is set");
    server.stop();
}
