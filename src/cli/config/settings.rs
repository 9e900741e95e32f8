//! Owns the settings as text: the documented ones, the file, the environment and flags, one laid over the other.
//!
//! Each value knows where it was said, so that whatever is wrong with it can be told there. The documented file is the
//! list of settings, of their kinds and of their defaults: there is no other.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::cli::CliError;
use crate::io::files;

/// Every setting with its default.
pub const DOCUMENTED: &str = include_str!("vigie.toml");
/// The settings of Kafka's client begin with this; their names are its own.
const PROPERTIES: &str = "kafka.properties.";
/// Bytes of a file of settings, or of one with a secret, at most.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A value as it was said.
#[derive(Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    /// Text that was read from a file or the environment, and is shown to nobody.
    Secret(String),
    Whole(i64),
    Switch(bool),
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) => write!(f, "{text:?}"),
            Value::Secret(_) => f.write_str("***"),
            Value::Whole(number) => write!(f, "{number}"),
            Value::Switch(is_on) => write!(f, "{is_on}"),
        }
    }
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Value::Text(_) | Value::Secret(_) => "text",
            Value::Whole(_) => "a whole number",
            Value::Switch(_) => "true or false",
        }
    }

    /// Text as the kind of value that `like` is; nothing where it is none.
    fn read_as(text: String, like: &Value) -> Option<Value> {
        match like {
            Value::Text(_) | Value::Secret(_) => Some(Value::Text(text)),
            Value::Whole(_) => text.trim().parse().ok().map(Value::Whole),
            Value::Switch(_) => text.trim().parse().ok().map(Value::Switch),
        }
    }
}

/// Where a value was said.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Documented,
    File { path: PathBuf, line: usize },
    Environment(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Documented => f.write_str("by default"),
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Environment(name) | Origin::Flag(name) => f.write_str(name),
        }
    }
}

#[derive(Debug, Clone)]
struct Given {
    value: Value,
    origin: Origin,
}

/// What the environment has under a name.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What flags say: names of settings and values.
pub(super) type Flags = Vec<(&'static str, Option<Value>)>;

/// All settings, and where each was said.
#[derive(Debug)]
pub(super) struct Settings {
    given: BTreeMap<String, Given>,
    /// The file that was read, if one was.
    pub(super) file: Option<PathBuf>,
}

impl Settings {
    /// Lays over the documented settings those of the file, of the environment and of flags.
    pub(super) fn read(file: Option<&Path>, environment: Environment, flags: Flags) -> Result<Settings, CliError> {
        let mut settings = Settings { given: BTreeMap::new(), file: file.map(Path::to_owned) };
        for leaf in leaves(DOCUMENTED, Path::new("vigie.toml"))? {
            let said = leaf.value.map_err(|error| CliError::Wrong(format!("the documented settings: {error}")))?;
            let Said::Value(value) = said else { continue };
            settings.given.insert(leaf.key, Given { value, origin: Origin::Documented });
        }
        if let Some(path) = file {
            let text = read_text(path).map_err(CliError::Wrong)?;
            for leaf in leaves(&text, path)? {
                settings.take(leaf, environment)?;
            }
        }
        settings.take_environment(environment)?;
        for (key, value) in flags {
            if let Some(value) = value {
                let name = key.rsplit('.').next().unwrap_or(key);
                let origin = Origin::Flag(format!("--{}", name.replace('_', "-")));
                settings.given.insert(key.to_owned(), Given { value, origin });
            }
        }
        Ok(settings)
    }

    /// The setting of a name.
    ///
    /// # Panics
    /// When there is none: every name is in the documented file, and a test reads them all.
    pub(super) fn get<'a>(&'a self, key: &'a str) -> Setting<'a> {
        Setting { key, given: self.given.get(key).expect("every setting is documented") }
    }

    /// The settings of Kafka's client, by its names.
    pub(super) fn properties(&self) -> BTreeMap<String, String> {
        let of = |(key, given): (&String, &Given)| {
            let text = match &given.value {
                Value::Text(text) | Value::Secret(text) => text.clone(),
                Value::Whole(number) => number.to_string(),
                Value::Switch(is_on) => is_on.to_string(),
            };
            Some((key.strip_prefix(PROPERTIES)?.to_owned(), text))
        };
        self.given.iter().filter_map(of).collect()
    }

    fn take(&mut self, leaf: Leaf, environment: Environment) -> Result<(), CliError> {
        let Leaf { key, origin, value } = leaf;
        let like = match (self.given.get(&key), key.strip_prefix(PROPERTIES)) {
            (Some(known), _) => known.value.clone(),
            (None, Some(_)) => Value::Text(String::new()),
            (None, None) => return Err(self.unknown(&key, &origin)),
        };
        let wrong = |what: String| CliError::Wrong(format!("{origin}: {key} {what}"));
        let value = match value.map_err(wrong)? {
            Said::Value(value) if value.kind() == like.kind() || key.starts_with(PROPERTIES) => value,
            Said::Value(value) => return Err(wrong(format!("should be {}, and is {}", like.kind(), value.kind()))),
            Said::InFile(path) => read_as(read_text(Path::new(&path)).map_err(wrong_from(&key, &origin))?, &like)
                .ok_or_else(|| wrong(format!("should be {}, and what {path} holds is none", like.kind())))?,
            Said::InEnvironment(name) => {
                let text = environment(&name)
                    .ok_or_else(|| wrong(format!("should be in the environment as {name}, which is not set")))?;
                read_as(text, &like)
                    .ok_or_else(|| wrong(format!("should be {}, and what {name} holds is none", like.kind())))?
            }
        };
        self.given.insert(key, Given { value, origin });
        Ok(())
    }

    /// Only known names are asked for: others that begin with `VIGIE_` may come from elsewhere, as Kubernetes sets some
    /// for a service of this name.
    fn take_environment(&mut self, environment: Environment) -> Result<(), CliError> {
        for (key, given) in &mut self.given {
            if key.starts_with(PROPERTIES) {
                continue;
            }
            let name = format!("VIGIE_{}", key.to_uppercase().replace('.', "_"));
            let Some(text) = environment(&name).filter(|text| !text.is_empty()) else { continue };
            let Some(value) = Value::read_as(text.clone(), &given.value) else {
                return Err(CliError::Wrong(format!("{name} should be {}, and is {text:?}", given.value.kind())));
            };
            *given = Given { value, origin: Origin::Environment(name) };
        }
        Ok(())
    }

    fn unknown(&self, key: &str, origin: &Origin) -> CliError {
        let table = key.rsplit_once('.').map_or("", |(table, _)| table);
        let of_table = |known: &&String| known.rsplit_once('.').map_or("", |(table, _)| table) == table;
        let known: Vec<&str> = self.given.keys().filter(of_table).map(String::as_str).collect();
        CliError::Wrong(if known.is_empty() {
            format!(
                "{origin}: {key} is no setting, nor is there a table {table}: there are topics, limits, serve, kafka and kafka.properties"
            )
        } else {
            format!("{origin}: {key} is no setting; there are {}", known.join(", "))
        })
    }
}

/// Text from a file or the environment, as the kind of value that `like` is.
fn read_as(text: String, like: &Value) -> Option<Value> {
    match Value::read_as(text.trim_end_matches(['\r', '\n']).to_owned(), like)? {
        Value::Text(text) => Some(Value::Secret(text)),
        other => Some(other),
    }
}

fn wrong_from(key: &str, origin: &Origin) -> impl Fn(String) -> CliError {
    move |error| CliError::Wrong(format!("{origin}: {key}: {error}"))
}

fn read_text(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let file = files::open(path).map_err(|error| error.to_string())?;
    let read = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text);
    match read {
        Err(error) => Err(format!("cannot read {}: {error}", path.display())),
        Ok(bytes) if bytes as u64 > FILE_BYTES_MAX => {
            Err(format!("{} should be at most {FILE_BYTES_MAX} bytes, and is longer", path.display()))
        }
        Ok(_) => Ok(text),
    }
}

/// A value somewhere in a file of settings.
struct Leaf {
    /// The names of its tables and its own, with dots.
    key: String,
    origin: Origin,
    value: Result<Said, String>,
}

enum Said {
    Value(Value),
    InFile(String),
    InEnvironment(String),
}

/// Every value of a file, in order of name.
fn leaves(text: &str, path: &Path) -> Result<Vec<Leaf>, CliError> {
    let line = |offset: usize| text[..offset].matches('\n').count() + 1;
    let table = DeTable::parse(text).map_err(|error| {
        // The library's own text repeats the line, in which a secret may stand.
        let line = error.span().map_or(1, |span| line(span.start));
        CliError::Wrong(format!("{}:{line}: {}", path.display(), error.message().trim_end()))
    })?;
    let mut found = Vec::new();
    gather(table.get_ref(), "", &mut |key, place, value| {
        let origin = Origin::File { path: path.to_owned(), line: line(place) };
        found.push(Leaf { key, origin, value });
    });
    Ok(found)
}

fn gather(table: &DeTable<'_>, tables: &str, found: &mut dyn FnMut(String, usize, Result<Said, String>)) {
    for (name, value) in table {
        let key = format!("{tables}{}", name.get_ref());
        let place = name.span().start;
        match value.get_ref() {
            DeValue::Table(inner) => match reference(inner) {
                Some(said) => found(key, place, Ok(said)),
                None => gather(inner, &format!("{key}."), found),
            },
            other => found(key, place, plain(other)),
        }
    }
}

/// `{ file = "PATH" }` or `{ env = "NAME" }`.
fn reference(table: &DeTable<'_>) -> Option<Said> {
    let mut entries = table.iter();
    let (Some((name, value)), None) = (entries.next(), entries.next()) else { return None };
    let text = Spanned::get_ref(value).as_str()?.to_owned();
    match name.get_ref().as_ref() {
        "file" => Some(Said::InFile(text)),
        "env" => Some(Said::InEnvironment(text)),
        _ => None,
    }
}

fn plain(value: &DeValue<'_>) -> Result<Said, String> {
    match value {
        DeValue::String(text) => Ok(Said::Value(Value::Text(text.clone().into_owned()))),
        DeValue::Boolean(is_on) => Ok(Said::Value(Value::Switch(*is_on))),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map(|number| Said::Value(Value::Whole(number)))
            .map_err(|_| "should be a smaller number".to_owned()),
        _ => Err("should be text, a whole number, or true or false".to_owned()),
    }
}

/// One setting, to be checked.
pub(super) struct Setting<'a> {
    key: &'a str,
    given: &'a Given,
}

impl Setting<'_> {
    /// What is wrong with it, told where it was said.
    pub(super) fn wrong(&self, expected: &dyn fmt::Display) -> CliError {
        let is = match &self.given.value {
            Value::Secret(_) => "and what it was read from holds none".to_owned(),
            value => format!("and is {value:?}"),
        };
        CliError::Wrong(format!("{} should be {expected}, {is}", self.place()))
    }

    /// Where it was said, and its name.
    pub(super) fn place(&self) -> String {
        match &self.given.origin {
            origin @ (Origin::File { .. } | Origin::Documented) => format!("{origin}: {}", self.key),
            origin @ (Origin::Environment(_) | Origin::Flag(_)) => origin.to_string(),
        }
    }

    /// Its text.
    pub(super) fn text(&self) -> &str {
        match &self.given.value {
            Value::Text(text) | Value::Secret(text) => text,
            Value::Whole(_) | Value::Switch(_) => panic!("{} is documented as text", self.key),
        }
    }

    /// Its number, if it is in the range.
    pub(super) fn whole<T: TryFrom<i64>>(&self, range: RangeInclusive<i64>) -> Result<T, CliError> {
        let Value::Whole(number) = self.given.value else { panic!("{} is documented as a number", self.key) };
        let expected = format!("{} to {}", range.start(), range.end());
        let fitting = range.contains(&number).then(|| T::try_from(number).ok()).flatten();
        fitting.ok_or_else(|| self.wrong(&expected))
    }

    /// Whether it is on.
    pub(super) fn is_on(&self) -> bool {
        let Value::Switch(is_on) = self.given.value else { panic!("{} is documented as a switch", self.key) };
        is_on
    }

    /// The one of `names` that it is.
    pub(super) fn one_of<T: Copy>(&self, names: &[(&str, T)]) -> Result<T, CliError> {
        let found = names.iter().find(|(name, _)| *name == self.text());
        let expected = || names.iter().map(|(name, _)| format!("{name:?}")).collect::<Vec<_>>().join(" or ");
        found.map(|(_, value)| *value).ok_or_else(|| self.wrong(&expected()))
    }

    /// Its text, if it holds `condition`.
    pub(super) fn text_if(&self, expected: &str, condition: impl Fn(&str) -> bool) -> Result<String, CliError> {
        let text = self.text();
        if condition(text) { Ok(text.to_owned()) } else { Err(self.wrong(&expected)) }
    }
}

/// The environment of this process. What is no UTF-8 is not there.
#[expect(clippy::disallowed_methods, reason = "this is where settings are read from the environment, once")]
pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
