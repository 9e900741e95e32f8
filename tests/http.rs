//! Tries the HTTP side over real connections: TLS and who shows which certificate, limits of a head, streams, tokens.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use futures_util::StreamExt;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use reqwest::{Certificate, Client, ClientBuilder, Identity};
use vigie::io::http::guard::{Access, AccessSettings, Caller, Limits, Scope, ScopeSet, guarded, new_token};
use vigie::io::http::{ClientCertificates, HttpServer, ServerSettings, Tls, TlsSettings};

/// A folder with a CA and what it signed.
struct Pki {
    folder: tempfile::TempDir,
    ca: CertifiedIssuer<'static, KeyPair>,
}

impl Pki {
    fn new() -> Pki {
        let mut params = CertificateParams::new(Vec::new()).expect("names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a CA");
        let pki = Pki { folder: tempfile::tempdir().expect("a folder"), ca };
        pki.write("ca.pem", &pki.ca.pem());
        pki
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).expect("written");
        self.path(name)
    }

    /// A certificate and its key, in PEM.
    fn signed(&self, common_name: Option<&str>, names: &[&str]) -> (String, String) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.distinguished_name = rcgen::DistinguishedName::new();
        if let Some(name) = common_name {
            params.distinguished_name.push(DnType::CommonName, name);
        }
        let key = KeyPair::generate().expect("a key");
        (params.signed_by(&key, &self.ca).expect("signed").pem(), key.serialize_pem())
    }

    fn tls(&self, clients: ClientCertificates) -> TlsSettings {
        let (certificate, key) = self.signed(None, &["localhost", "127.0.0.1"]);
        let (certificate, key) = (self.write("server.pem", &certificate), self.write("server.key", &key));
        TlsSettings { certificate, key, clients }
    }

    fn client(&self) -> ClientBuilder {
        let ca = Certificate::from_pem(self.ca.pem().as_bytes()).expect("a certificate");
        Client::builder().tls_certs_only([ca]).timeout(Duration::from_secs(20))
    }

    fn client_with(&self, (certificate, key): &(String, String)) -> Client {
        let identity = Identity::from_pem(format!("{certificate}{key}").as_bytes()).expect("an identity");
        self.client().identity(identity).build().expect("a client")
    }
}

fn router() -> Router {
    // One byte at once, the other later than any answer may begin.
    let late = || async {
        let bytes = futures_util::stream::iter(["a", "b"]).then(|byte| async move {
            tokio::time::sleep(Duration::from_millis(30)).await;
            Ok::<_, std::io::Error>(byte)
        });
        Body::from_stream(bytes)
    };
    Router::new()
        .route("/live", get(|| async { "live\n" }))
        .route("/me", get(|caller: Caller| async move { format!("{:?}", caller.principal) }))
        .route("/stream", get(late))
}

fn serve(settings: &AccessSettings, tls: Option<&TlsSettings>, limits: Limits) -> HttpServer {
    let tls = tls.map(|tls| Tls::open(tls).expect("TLS"));
    let access = Access::open(settings).expect("opened");
    let settings = ServerSettings { threads: 2, tls, ..ServerSettings::plain("127.0.0.1:0") };
    HttpServer::start_with(&settings, guarded(router(), access, limits)).expect("started")
}

/// Access by tokens of a file, and one of them.
fn by_token(folder: &Path) -> (AccessSettings, String) {
    let token = new_token("m.keller", ScopeSet::parse("read,decide").expect("scopes"), None).expect("made");
    let path = folder.join("tokens");
    std::fs::write(&path, token.line).expect("written");
    (AccessSettings::Guarded { tokens: Some(path), oidc: None, certificates: None }, token.token)
}

async fn body(client: &Client, url: &str) -> Result<(u16, String), reqwest::Error> {
    let answer = client.get(url).send().await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

#[tokio::test]
async fn tls_is_spoken_in_its_versions_1_2_and_1_3_and_plain_http_is_not() {
    let pki = Pki::new();
    let (access, token) = by_token(pki.folder.path());
    let server = serve(&access, Some(&pki.tls(ClientCertificates::None)), Limits::default());
    let url = format!("https://localhost:{}/me", server.address().port());
    for version in [reqwest::tls::Version::TLS_1_2, reqwest::tls::Version::TLS_1_3] {
        let client = pki.client().tls_version_min(version).tls_version_max(version).build().expect("a client");
        let answer = client.get(&url).bearer_auth(&token).send().await.expect("answered");
        assert_eq!(answer.text().await.expect("text"), r#"Principal { name: "m.keller", scopes: read,decide }"#);
    }
    let client = pki.client().build().expect("a client");
    assert_eq!(body(&client, &url).await.expect("answered").0, 401);
    assert!(body(&client, &url.replace("https", "http")).await.is_err());
    assert!(body(&Client::new(), &url).await.is_err(), "a CA that is not known");
    server.stop();
}

#[tokio::test]
async fn a_client_is_known_by_its_certificate_and_one_of_another_ca_is_not() {
    let (pki, other) = (Pki::new(), Pki::new());
    let (AccessSettings::Guarded { tokens, .. }, token) = by_token(pki.folder.path()) else { panic!("it is guarded") };
    let access = |tokens| AccessSettings::Guarded { tokens, oidc: None, certificates: Some(ScopeSet::of(Scope::Read)) };
    let required = pki.tls(ClientCertificates::Required(pki.path("ca.pem")));
    let server = serve(&access(None), Some(&required), Limits::default());
    let me = |server: &HttpServer| format!("https://localhost:{}/me", server.address().port());
    let named = |name: &str| format!(r#"Principal {{ name: "{name}", scopes: read }}"#);
    let common = pki.client_with(&pki.signed(Some("erp-7"), &["other.example"]));
    assert_eq!(body(&common, &me(&server)).await.expect("answered"), (200, named("erp-7")));
    let alternative = pki.client_with(&pki.signed(None, &["erp.example"]));
    assert_eq!(body(&alternative, &me(&server)).await.expect("answered"), (200, named("erp.example")));
    let nameless = pki.client_with(&pki.signed(None, &[]));
    assert!(body(&nameless, &me(&server)).await.is_err(), "no name");
    let stranger = pki.client_with(&other.signed(Some("erp-7"), &[]));
    assert!(body(&stranger, &me(&server)).await.is_err(), "another CA");
    let nobody = pki.client().build().expect("a client");
    assert!(body(&nobody, &me(&server)).await.is_err(), "no certificate");
    server.stop();

    let optional = pki.tls(ClientCertificates::Optional(pki.path("ca.pem")));
    let server = serve(&access(tokens), Some(&optional), Limits::default());
    assert_eq!(body(&common, &me(&server)).await.expect("answered").1, named("erp-7"));
    assert_eq!(body(&nobody, &me(&server)).await.expect("answered").0, 401);
    let answer = nobody.get(me(&server)).bearer_auth(token).send().await.expect("answered");
    assert_eq!(answer.status().as_u16(), 200);
    assert!(body(&stranger, &me(&server)).await.is_err(), "another CA");
    server.stop();
}

#[test]
fn files_of_tls_that_are_not_what_they_should_be_are_told_and_not_repeated() {
    let pki = Pki::new();
    let right = pki.tls(ClientCertificates::None);
    let error = |settings: TlsSettings| {
        let error = Tls::open(&settings).map(|_| ()).expect_err("wrong");
        assert!(!error.contains("canary"), "{error}");
        error.replace(&pki.folder.path().display().to_string(), "")
    };
    assert!(Tls::open(&right).is_ok());
    let file = pki.write("file", "canary-5c1e");
    let told = error(TlsSettings { certificate: file.clone(), ..right.clone() });
    assert_eq!(told, "/file: it should hold certificates in PEM");
    let told = error(TlsSettings { clients: ClientCertificates::Required(file.clone()), ..right.clone() });
    assert_eq!(told, "/file: it should hold certificates in PEM");
    let told = error(TlsSettings { key: file, ..right.clone() });
    assert_eq!(told, "/file: it should hold a private key in PEM");
    let strange = pki.write("strange.key", &KeyPair::generate().expect("a key").serialize_pem());
    let told = error(TlsSettings { key: strange, ..right.clone() });
    assert!(told.starts_with("the certificate /server.pem and the key /strange.key do not go together: "), "{told}");
    let missing = error(TlsSettings { key: pki.path("missing"), ..right });
    assert!(missing.starts_with("cannot read /missing: "), "{missing}");
}

/// What a connection answers to some bytes, until it closes.
fn raw(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.write_all(request.as_bytes()).expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

#[test]
fn a_head_that_no_guard_would_look_at_is_not_read_either() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = serve(&by_token(folder.path()).0, None, Limits::default());
    let with = |headers: &str| format!("GET /live HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{headers}\r\n");
    assert!(raw(server.address(), &with("")).starts_with("HTTP/1.1 200 "));
    let answer = raw(server.address(), &with(&"x: y\r\n".repeat(62)));
    assert!(answer.starts_with("HTTP/1.1 200 "), "64 headers in all: {answer}");
    let answer = raw(server.address(), &with(&"x: y\r\n".repeat(63)));
    assert!(answer.starts_with("HTTP/1.1 431 ") && answer.contains("application/problem+json"), "{answer}");
    for headers in ["x: y\r\n".repeat(200), format!("x: {}\r\n", "y".repeat(100_000))] {
        let mut stream = TcpStream::connect(server.address()).expect("connected");
        // The server may close before everything is sent.
        stream.write_all(with(&headers).as_bytes()).ok();
        let mut first = [0; 13];
        stream.read_exact(&mut first).expect("answered");
        assert_eq!(&first, b"HTTP/1.1 431 ");
    }
    server.stop();
}

#[tokio::test]
async fn a_stream_goes_on_after_the_time_in_which_an_answer_must_begin() {
    let folder = tempfile::tempdir().expect("a folder");
    let (access, token) = by_token(folder.path());
    let server = serve(&access, None, Limits { request_seconds_max: 0, ..Limits::default() });
    let client = Client::builder().build().expect("a client");
    let answer = client.get(format!("http://{}/stream", server.address())).bearer_auth(token).send().await;
    assert_eq!(answer.expect("answered").text().await.expect("all of it"), "ab");
    server.stop();
}

#[test]
fn the_command_makes_a_token_that_the_file_takes() {
    let vigie = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_vigie")).args(arguments).output().expect("run");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, out, _) = vigie(&["token", "new", "--name", "m.keller", "--scopes", "read,decide", "--days", "90"]);
    assert_eq!(code, Some(0));
    let (token, line) = out.trim_end().split_once('\n').expect("two lines");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tokens");
    std::fs::write(&path, line).expect("written");
    let access = AccessSettings::Guarded { tokens: Some(path), oidc: None, certificates: None };
    let server = serve(&access, None, Limits::default());
    let ask = format!("GET /me HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\r\n");
    let answer = raw(server.address(), &ask);
    assert!(answer.ends_with(r#"Principal { name: "m.keller", scopes: read,decide }"#), "{answer}");
    server.stop();
    let (code, out, error) = vigie(&["token", "new", "--name", "a", "--scopes", "write"]);
    assert_eq!((code, &*out), (Some(2), ""));
    assert_eq!(error, "vigie: --scopes should be of read, decide and admin, with commas, and has \"write\"\n");
}
