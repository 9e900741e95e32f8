//! Owns the settings of the HTTP side: its flags, what they must be, and its start.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use axum::Router;
use tracing::warn;
use url::Url;

use super::arguments::KafkaArguments;
use super::kafka;
use super::settings::{self, Flags, Setting, Settings, Value};
use crate::base::Cents;
use crate::cli::CliError;
use crate::event::Grade;
use crate::io::http::guard::{Access, AccessSettings, KeysFrom, Limits, OidcSettings, Scope, ScopeSet, guarded};
use crate::io::http::{ClientCertificates, HttpServer, ServerSettings, Tls, TlsSettings};
use crate::view::CheckRules;

/// How the API and the console are reached, and who may do what.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "HTTP (also settings of vigie.toml, in [serve], and VIGIE_SERVE_... in the environment)")]
pub struct ServeArguments {
    /// Where API and console are answered. Default: 127.0.0.1:9470.
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// The file of tokens, as `vigie token new` makes their lines.
    #[arg(long, value_name = "FILE")]
    tokens: Option<String>,
    /// The OpenID Connect issuer whose JSON Web Tokens are taken.
    #[arg(long, value_name = "URL")]
    oidc_issuer: Option<String>,
    /// Whom its tokens must be for.
    #[arg(long, value_name = "AUDIENCE")]
    oidc_audience: Option<String>,
    /// Its keys. Default: where the issuer says.
    #[arg(long, value_name = "FILE|URL")]
    oidc_jwks: Option<String>,
    /// The certificate to speak TLS with, in PEM.
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// Its key, in PEM.
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// The CA of clients' certificates, in PEM.
    #[arg(long, value_name = "FILE")]
    client_ca: Option<String>,
    /// Lets everybody who reaches it do everything: for trials alone.
    #[arg(long)]
    insecure: bool,
}

impl ServeArguments {
    /// The same, listening on a port of this machine.
    #[must_use]
    pub fn on_port(self, port: u16) -> ServeArguments {
        ServeArguments { listen: Some(format!("127.0.0.1:{port}")), ..self }
    }

    pub(super) fn flags(&self) -> Flags {
        let ServeArguments {
            listen,
            tokens,
            oidc_issuer,
            oidc_audience,
            oidc_jwks,
            tls_cert,
            tls_key,
            client_ca,
            insecure,
        } = self;
        let text = |flag: &Option<String>| flag.clone().map(Value::Text);
        vec![
            ("serve.listen", text(listen)),
            ("serve.tokens", text(tokens)),
            ("serve.oidc_issuer", text(oidc_issuer)),
            ("serve.oidc_audience", text(oidc_audience)),
            ("serve.oidc_jwks", text(oidc_jwks)),
            ("serve.tls_cert", text(tls_cert)),
            ("serve.tls_key", text(tls_key)),
            ("serve.client_ca", text(client_ca)),
            ("serve.insecure", insecure.then_some(Value::Switch(true))),
        ]
    }
}

/// How the API and the console are reached, and who may do what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServeConfig {
    /// Where it listens.
    pub address: SocketAddr,
    /// Threads that answer.
    pub threads: usize,
    /// Connections open at a time.
    pub connections_max: usize,
    /// By what certificate it is known.
    pub tls: Option<TlsSettings>,
    /// How those who ask are known.
    pub access: AccessSettings,
    /// How much may be asked.
    pub limits: Limits,
    /// What order checks go by.
    pub checks: CheckRules,
}

impl ServeConfig {
    /// Reads file, environment and flags, and checks what they say: for a command that uses no Kafka.
    ///
    /// # Errors
    /// When a file cannot be read, or a setting is unknown or wrong: which, where it was said, and what is expected.
    pub fn read(arguments: &ServeArguments, file: Option<PathBuf>) -> Result<ServeConfig, CliError> {
        let mut named = KafkaArguments::default();
        named.config = file;
        ServeConfig::check(&kafka::read(&named, arguments.flags(), &settings::environment)?)
    }

    /// Reads file, environment and flags, and checks what they say of Kafka and of the HTTP side.
    ///
    /// # Errors
    /// As [`ServeConfig::read`].
    pub fn with_kafka(
        kafka: &KafkaArguments,
        serve: &ServeArguments,
    ) -> Result<(super::KafkaConfig, ServeConfig), CliError> {
        let mut flags = kafka.flags();
        flags.extend(serve.flags());
        let settings = kafka::read(kafka, flags, &settings::environment)?;
        Ok((super::KafkaConfig::check(&settings)?, ServeConfig::check(&settings)?))
    }

    pub(super) fn check(settings: &Settings) -> Result<ServeConfig, CliError> {
        let rate = |key| settings.get(key).whole::<u32>(0..=1_000_000);
        let address = address(settings)?;
        let threads = match settings.get("serve.threads").whole::<usize>(0..=256)? {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            threads => threads,
        };
        let (access, client_ca) = (access(settings, address)?, path(settings, "serve.client_ca"));
        Ok(ServeConfig {
            address,
            threads,
            connections_max: settings.get("serve.connections_max").whole(1..=65_536)?,
            tls: tls(settings, clients(&access, client_ca))?,
            access,
            limits: Limits {
                requests_per_second_max: rate("serve.requests_per_second_max")?,
                changes_per_second_max: rate("serve.changes_per_second_max")?,
                failures_per_minute_max: rate("serve.failures_per_minute_max")?,
                ..Limits::default()
            },
            checks: checks(settings)?,
        })
    }

    /// Begins to answer by a router, with the guard before it.
    ///
    /// # Errors
    /// When a file that is named is wrong, or the address cannot be listened on.
    pub fn start(&self, router: Router) -> Result<HttpServer, CliError> {
        let access = Access::open(&self.access).map_err(|error| CliError::Wrong(error.to_string()))?;
        let tls = self.tls.as_ref().map(Tls::open).transpose().map_err(CliError::Wrong)?;
        let settings = ServerSettings {
            address: self.address.to_string(),
            threads: self.threads,
            connections_max: self.connections_max,
            tls,
        };
        let server = HttpServer::start_with(&settings, guarded(router, access, self.limits.clone()));
        let server = server.map_err(|error| CliError::Failed(error.to_string()))?;
        if let Some(warning) = self.warning() {
            warn!("{warning}");
        }
        Ok(server)
    }

    /// What its address begins with.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// What somebody should know of how it is reached.
    #[must_use]
    fn warning(&self) -> Option<String> {
        let address = self.address;
        match &self.access {
            AccessSettings::Insecure => {
                Some(format!("everybody who reaches {address} may do everything: --insecure is for trials alone"))
            }
            AccessSettings::Guarded { .. } if self.tls.is_none() && !address.ip().is_loopback() => Some(format!(
                "tokens come to {address} in the clear: let a proxy before it do TLS, or set serve.tls_cert"
            )),
            AccessSettings::Guarded { .. } | AccessSettings::Local => None,
        }
    }
}

/// Where it listens. It is looked up once, so that what was checked is what is listened on.
fn address(settings: &Settings) -> Result<SocketAddr, CliError> {
    let setting = settings.get("serve.listen");
    let found = setting.text().to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    found.ok_or_else(|| setting.wrong(&"host:port"))
}

fn access(settings: &Settings, address: SocketAddr) -> Result<AccessSettings, CliError> {
    let (tokens, oidc) = (path(settings, "serve.tokens"), oidc(settings)?);
    let certificates = match path(settings, "serve.client_ca") {
        Some(_) => Some(client_scopes(&settings.get("serve.client_scopes"))?),
        None => None,
    };
    let is_guarded = tokens.is_some() || oidc.is_some() || certificates.is_some();
    let insecure = settings.get("serve.insecure");
    match (is_guarded, insecure.is_on()) {
        (true, false) => Ok(AccessSettings::Guarded { tokens, oidc, certificates }),
        (true, true) => Err(insecure.wrong(&"off where tokens, an issuer or a client CA say who may do what")),
        (false, true) => Ok(AccessSettings::Insecure),
        (false, false) if address.ip().is_loopback() => Ok(AccessSettings::Local),
        (false, false) => Err(CliError::Wrong(format!(
            "{} is {address}, which others reach, and nobody would be asked who they are: set --tokens, --oidc-issuer \
             or --client-ca, or listen on 127.0.0.1; for a trial alone, --insecure lets everybody do everything",
            settings.get("serve.listen").place(),
        ))),
    }
}

/// Certificates are demanded where nothing else can tell who asks.
fn clients(access: &AccessSettings, ca: Option<PathBuf>) -> ClientCertificates {
    match (access, ca) {
        (AccessSettings::Guarded { tokens: None, oidc: None, .. }, Some(ca)) => ClientCertificates::Required(ca),
        (_, Some(ca)) => ClientCertificates::Optional(ca),
        (_, None) => ClientCertificates::None,
    }
}

fn tls(settings: &Settings, clients: ClientCertificates) -> Result<Option<TlsSettings>, CliError> {
    let wrong = |key: &str, expected: &str| Err(settings.get(key).wrong(&expected));
    match (path(settings, "serve.tls_cert"), path(settings, "serve.tls_key")) {
        (Some(certificate), Some(key)) => Ok(Some(TlsSettings { certificate, key, clients })),
        (Some(_), None) => wrong("serve.tls_key", "the key of serve.tls_cert"),
        (None, Some(_)) => wrong("serve.tls_cert", "the certificate of serve.tls_key"),
        (None, None) if clients == ClientCertificates::None => Ok(None),
        (None, None) => wrong("serve.tls_cert", "a certificate where serve.client_ca asks clients for theirs"),
    }
}

fn oidc(settings: &Settings) -> Result<Option<OidcSettings>, CliError> {
    let (issuer, audience, jwks) =
        (settings.get("serve.oidc_issuer"), settings.get("serve.oidc_audience"), settings.get("serve.oidc_jwks"));
    if issuer.text().is_empty() {
        return match [audience, jwks].into_iter().find(|setting| !setting.text().is_empty()) {
            Some(_) => Err(issuer.wrong(&"the issuer that serve.oidc_audience and serve.oidc_jwks are of")),
            None => Ok(None),
        };
    }
    let is_url = |text: &str| Url::parse(text).is_ok_and(|url| url.has_host());
    let keys = match jwks.text() {
        "" => KeysFrom::Discovery,
        text if text.contains("://") => {
            KeysFrom::Url(Url::parse(text).map_err(|_| jwks.wrong(&"a file or an address"))?)
        }
        text => KeysFrom::File(text.into()),
    };
    let is_some = |text: &str| !text.is_empty();
    let scopes = settings.get("serve.oidc_scopes");
    let words = scopes.text().split(',').map(|pair| {
        let (word, scope) = pair.split_once('=')?;
        let word = word.trim();
        Some((word.to_owned(), Scope::parse(scope.trim())?)).filter(|_| is_some(word))
    });
    Ok(Some(OidcSettings {
        issuer: issuer.text_if("an address, as the issuer writes itself", is_url)?,
        audience: audience.text_if("whom the issuer's tokens are for", is_some)?,
        keys,
        name_claim: settings.get("serve.oidc_name_claim").text_if("the name of a claim", is_some)?,
        scopes_claim: settings.get("serve.oidc_scopes_claim").text_if("the name of a claim", is_some)?,
        scopes: words
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| scopes.wrong(&"WORD=SCOPE, several with commas, the scopes of read, decide and admin"))?,
    }))
}

fn client_scopes(setting: &Setting<'_>) -> Result<ScopeSet, CliError> {
    ScopeSet::parse(setting.text()).map_err(|_| setting.wrong(&"of read, decide and admin, with commas"))
}

fn path(settings: &Settings, key: &str) -> Option<PathBuf> {
    Some(settings.get(key).text()).filter(|text| !text.is_empty()).map(PathBuf::from)
}

fn checks(settings: &Settings) -> Result<CheckRules, CliError> {
    let grade = |key| {
        let grades: Vec<(&str, Grade)> = Grade::ALL.iter().map(|grade| (grade.as_str(), *grade)).collect();
        settings.get(key).one_of(&grades)
    };
    Ok(CheckRules {
        single_risk_over: Cents(settings.get("serve.single_risk_over").whole::<i128>(0..=1_000_000_000_000)? * 100),
        single_risk_months_max: settings.get("serve.single_risk_months_max").whole(1..=120)?,
        refer_from: grade("serve.refer_from_grade")?,
        reject_from: grade("serve.reject_from_grade")?,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::{Args, FromArgMatches};

    use super::*;

    fn command() -> clap::Command {
        ServeArguments::augment_args(clap::Command::new("serve"))
    }

    fn arguments(flags: &[&str]) -> ServeArguments {
        let all = ["serve"].iter().chain(flags);
        ServeArguments::from_arg_matches(&command().get_matches_from(all)).expect("arguments")
    }

    fn check(flags: &[&str]) -> Result<ServeConfig, String> {
        let settings = Settings::read(None, &|_| None, arguments(flags).flags());
        settings.and_then(|settings| ServeConfig::check(&settings)).map_err(|error| {
            assert!(matches!(error, CliError::Wrong(_)), "{error}");
            error.to_string()
        })
    }

    #[track_caller]
    fn refuses(flags: &[&str], expected: &str) {
        assert_eq!(check(flags).expect_err("refused"), expected);
    }

    #[test]
    fn every_flag_is_a_setting_of_the_same_name() {
        let flags: BTreeSet<String> = command()
            .get_arguments()
            .filter_map(|argument| argument.get_long())
            .map(|name| format!("serve.{}", name.replace('-', "_")))
            .collect();
        let said: BTreeSet<String> = arguments(&[]).flags().iter().map(|(key, _)| (*key).to_owned()).collect();
        assert_eq!(flags, said);
        let environment = |name: &str| (name == "VIGIE_SERVE_LISTEN").then(|| "127.0.0.1:1".to_owned());
        let settings = Settings::read(None, &environment, Flags::new()).expect("read");
        assert_eq!(ServeConfig::check(&settings).expect("right").address.port(), 1);
    }

    #[test]
    fn by_default_it_listens_on_the_loopback_address_with_the_limits_of_the_guard() {
        let config = check(&[]).expect("right");
        assert_eq!((config.address.to_string(), config.scheme()), ("127.0.0.1:9470".to_owned(), "http"));
        assert_eq!((&config.access, &config.tls, config.warning()), (&AccessSettings::Local, &None, None));
        assert_eq!((config.limits, config.connections_max), (Limits::default(), 512));
        assert!(config.threads >= 1);
    }

    #[test]
    fn nobody_beyond_the_loopback_address_is_served_without_being_asked_who_they_are() {
        for listen in ["0.0.0.0:80", "[::]:80", "192.0.2.1:80"] {
            refuses(
                &["--listen", listen],
                &format!(
                    "--listen is {listen}, which others reach, and nobody would be asked who they are: set --tokens, \
                     --oidc-issuer or --client-ca, or listen on 127.0.0.1; for a trial alone, --insecure lets everybody \
                     do everything"
                ),
            );
        }
        for listen in ["127.0.0.1:80", "[::1]:80", "localhost:80"] {
            assert_eq!(check(&["--listen", listen]).expect("right").access, AccessSettings::Local, "{listen}");
        }
        refuses(&["--listen", "9470"], r#"--listen should be host:port, and is "9470""#);
        let config = check(&["--listen", "0.0.0.0:80", "--insecure"]).expect("right");
        assert_eq!(config.access, AccessSettings::Insecure);
        let warning = config.warning().expect("a warning");
        assert_eq!(warning, "everybody who reaches 0.0.0.0:80 may do everything: --insecure is for trials alone");
        let config = check(&["--listen", "0.0.0.0:80", "--tokens", "t"]).expect("right");
        let warning = config.warning().expect("a warning");
        assert!(
            warning.starts_with("tokens come to 0.0.0.0:80 in the clear: let a proxy before it do TLS"),
            "{warning}"
        );
        refuses(
            &["--insecure", "--tokens", "t"],
            "--insecure should be off where tokens, an issuer or a client CA say who may do what, and is true",
        );
    }

    #[test]
    fn a_certificate_comes_with_its_key_and_clients_must_show_theirs_where_nothing_else_tells_who_they_are() {
        refuses(&["--tls-cert", "c"], r#"by default: serve.tls_key should be the key of serve.tls_cert, and is """#);
        refuses(
            &["--tls-key", "k"],
            r#"by default: serve.tls_cert should be the certificate of serve.tls_key, and is """#,
        );
        refuses(
            &["--client-ca", "a"],
            r#"by default: serve.tls_cert should be a certificate where serve.client_ca asks clients for theirs, and is """#,
        );
        let clients = |flags: &[&str]| {
            let all = [&["--tls-cert", "c", "--tls-key", "k"], flags].concat();
            let config = check(&all).expect("right");
            assert_eq!((config.scheme(), config.warning()), ("https", None));
            config.tls.expect("TLS").clients
        };
        assert_eq!(clients(&[]), ClientCertificates::None);
        assert_eq!(clients(&["--client-ca", "a"]), ClientCertificates::Required("a".into()));
        assert_eq!(clients(&["--client-ca", "a", "--tokens", "t"]), ClientCertificates::Optional("a".into()));
    }

    #[test]
    fn an_issuer_comes_with_its_audience() {
        refuses(
            &["--oidc-issuer", "https://id.example"],
            r#"by default: serve.oidc_audience should be whom the issuer's tokens are for, and is """#,
        );
        refuses(
            &["--oidc-audience", "vigie"],
            r#"by default: serve.oidc_issuer should be the issuer that serve.oidc_audience and serve.oidc_jwks are of, and is """#,
        );
        refuses(
            &["--oidc-issuer", "id", "--oidc-audience", "vigie"],
            r#"--oidc-issuer should be an address, as the issuer writes itself, and is "id""#,
        );
        let keys = |jwks: &str| {
            let flags = ["--oidc-issuer", "https://id.example", "--oidc-audience", "vigie", "--oidc-jwks", jwks];
            let AccessSettings::Guarded { oidc: Some(oidc), .. } = check(&flags).expect("right").access else {
                panic!("it is guarded")
            };
            let scopes = [("read", Scope::Read), ("decide", Scope::Decide), ("admin", Scope::Admin)];
            assert_eq!(oidc.scopes, scopes.map(|(word, scope)| (word.to_owned(), scope)));
            oidc.keys
        };
        assert_eq!(keys(""), KeysFrom::Discovery);
        assert_eq!(keys("keys.json"), KeysFrom::File("keys.json".into()));
        assert_eq!(keys("https://id.example/k"), KeysFrom::Url("https://id.example/k".parse().expect("an address")));
    }
}
