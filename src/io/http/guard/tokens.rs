//! Owns the file of tokens: one line a token, of which it holds a hash alone.
//!
//! `NAME SCOPES SHA256 [EXPIRES]`, for example `m.keller read,decide 9f86d0…0f00a08 2027-03-31`. Names have no spaces; scopes
//! are of read, decide and admin, with commas; the hash is that of the whole token, in 64 hex digits; the token holds until
//! the end of its last day, in UTC. Empty lines and what follows a `#` say nothing.
//!
//! A token is 256 random bits, so that a plain hash cannot be searched back, unlike that of a password.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::scope::{self, Principal, ScopeSet};
use crate::base::Day;
use crate::io::clock;
use crate::io::http::watched::{self, Watched};

/// Tokens of a file at most: each is compared with whatever is shown.
const TOKENS_MAX: usize = 1000;
/// What every token begins with, so that one who finds one knows what it opens.
const PREFIX: &str = "vigie_";

/// A token's hash.
type Hash = [u8; 32];

/// The file of tokens, read again when it changes.
#[derive(Debug)]
pub(super) struct TokenFile(Watched<Tokens>);

struct Tokens(Vec<Token>);

struct Token {
    principal: Principal,
    hash: Hash,
    last_day: Option<Day>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|token| &token.principal)).finish()
    }
}

impl TokenFile {
    pub(super) fn open(path: &Path) -> Result<TokenFile, String> {
        let own = path.to_owned();
        Watched::new(vec![own.clone()], move || Tokens::read(&own)).map(TokenFile)
    }

    /// Whose token this is.
    pub(super) fn find(&self, token: &str) -> Result<Principal, &'static str> {
        self.0.get().find(token, clock::wall_clock().day())
    }
}

impl Tokens {
    fn read(path: &Path) -> Result<Tokens, String> {
        check_rights(path)?;
        let text =
            String::from_utf8(watched::read(path)?).map_err(|_| format!("{}: it is no UTF-8", path.display()))?;
        Tokens::parse(&text).map_err(|(line, error)| format!("{}:{line}: {error}", path.display()))
    }

    fn parse(text: &str) -> Result<Tokens, (usize, String)> {
        let mut tokens = Vec::new();
        let mut lines: HashMap<String, usize> = HashMap::new();
        for (line, text) in (1..).zip(text.lines()) {
            let content = text.split('#').next().unwrap_or_default().trim();
            if content.is_empty() {
                continue;
            }
            let token = Token::parse(content).map_err(|error| (line, error))?;
            if tokens.len() == TOKENS_MAX {
                return Err((line, format!("there should be at most {TOKENS_MAX} tokens")));
            }
            if let Some(first) = lines.insert(token.principal.name.clone(), line) {
                return Err((line, format!("{} has a token already, at line {first}", token.principal.name)));
            }
            tokens.push(token);
        }
        Ok(Tokens(tokens))
    }

    /// Every token is compared, and each to its end, so that the time it takes tells nothing.
    fn find(&self, token: &str, today: Day) -> Result<Principal, &'static str> {
        let hash: Hash = Sha256::digest(token.as_bytes()).into();
        let mut found = None;
        for token in &self.0 {
            if bool::from(token.hash.ct_eq(&hash)) {
                found = Some(token);
            }
        }
        match found {
            None => Err("the token is not in the file"),
            Some(token) if token.last_day.is_some_and(|last| last < today) => Err("the token has expired"),
            Some(token) => Ok(token.principal.clone()),
        }
    }
}

impl Token {
    // What is wrong is not repeated where it may be a token: somebody may have put one in place of its hash.
    fn parse(content: &str) -> Result<Token, String> {
        const EXPECTED: &str = "a line should be NAME SCOPES SHA256 [EXPIRES]";
        let mut words = content.split_whitespace();
        let (Some(name), Some(scopes), Some(hash)) = (words.next(), words.next(), words.next()) else {
            return Err(format!("{EXPECTED}, and has less"));
        };
        let last_day = words.next();
        if words.next().is_some() {
            return Err(format!("{EXPECTED}, and has more"));
        }
        if !scope::is_name(name) {
            return Err(format!("a name should be at most {} bytes of printable text", scope::NAME_BYTES_MAX));
        }
        let scopes = ScopeSet::parse(scopes).map_err(|_| "scopes should be of read, decide and admin, with commas")?;
        let hash = parse_hash(hash).ok_or("the hash should be 64 hex digits, as `vigie token new` prints it")?;
        let day = |text| Day::parse(text).ok_or("the last day should be YYYY-MM-DD");
        let last_day = last_day.map(day).transpose()?;
        Ok(Token { principal: Principal { name: name.to_owned(), scopes }, hash, last_day })
    }
}

fn parse_hash(text: &str) -> Option<Hash> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(hash)
}

/// Whoever may write to the file may let anybody in. To read it is of little use: it holds hashes; still, it is said.
#[cfg(unix)]
fn check_rights(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::metadata(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let mode = metadata.permissions().mode();
    if mode & 0o002 != 0 {
        return Err(format!(
            "{0} may be written by everybody on this machine, who could let themselves in: chmod 600 {0}",
            path.display()
        ));
    }
    if mode & 0o004 != 0 {
        tracing::warn!("{0} may be read by everybody on this machine: chmod 640 {0}", path.display());
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_rights(_path: &Path) -> Result<(), String> {
    Ok(())
}

/// A token that was just made.
pub struct NewToken {
    /// The token: for its holder alone, and not to be had again.
    pub token: String,
    /// The line for the file of tokens.
    pub line: String,
}

impl fmt::Debug for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewToken").finish_non_exhaustive()
    }
}

/// Makes a token for a name.
///
/// # Errors
/// When the name cannot stand in the file, or the machine gives no random numbers.
pub fn new_token(name: &str, scopes: ScopeSet, last_day: Option<Day>) -> Result<NewToken, String> {
    if !scope::is_name(name) || name.contains(|c: char| c.is_whitespace() || c == '#') {
        let most = scope::NAME_BYTES_MAX;
        return Err(format!(
            "a name should be at most {most} bytes of printable text without spaces or #, and is {name:?}"
        ));
    }
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| format!("no random numbers are to be had: {error}"))?;
    let token = format!("{PREFIX}{}", hex(&random));
    let hash = hex(&Sha256::digest(token.as_bytes()));
    let last_day = last_day.map(|day| format!(" {day}")).unwrap_or_default();
    Ok(NewToken { line: format!("{name} {scopes} {hash}{last_day}"), token })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn day(text: &str) -> Day {
        Day::parse(text).expect("a day")
    }

    #[test]
    fn a_token_is_known_until_the_end_of_its_last_day() {
        let text = format!("# who\n\nm.keller read,decide {HASH} 2026-11-30  # the arbiter\n");
        let tokens = Tokens::parse(&text).expect("right");
        let found = tokens.find("test", day("2026-11-30")).expect("known");
        assert_eq!((&*found.name, found.scopes.to_string()), ("m.keller", "read,decide".to_owned()));
        assert_eq!(tokens.find("test", day("2026-12-01")), Err("the token has expired"));
        assert_eq!(tokens.find("tesu", day("2026-11-30")), Err("the token is not in the file"));
        assert_eq!(tokens.find("", day("2026-11-30")), Err("the token is not in the file"));
        assert!(!format!("{tokens:?}").contains("9f86"));
    }

    #[test]
    fn a_line_that_is_wrong_is_told_by_its_number_and_never_repeated() {
        let wrong = |text: &str| {
            let (line, error) = Tokens::parse(text).expect_err("wrong");
            assert!(!error.contains("canary"), "{error}");
            format!("{line}: {error}")
        };
        assert_eq!(wrong("a read"), "1: a line should be NAME SCOPES SHA256 [EXPIRES], and has less");
        assert_eq!(
            wrong(&format!("a read {HASH} 2026-11-30 more")),
            "1: a line should be NAME SCOPES SHA256 [EXPIRES], and has more"
        );
        let scopes = "scopes should be of read, decide and admin, with commas";
        assert_eq!(wrong(&format!("\na canary {HASH}")), format!("2: {scopes}"));
        assert_eq!(wrong(&format!("a read, {HASH}")), format!("1: {scopes}"));
        let hash = "the hash should be 64 hex digits, as `vigie token new` prints it";
        for bad in ["vigie_canary", &HASH[1..], &format!("{HASH}0"), &format!("+f{}", &HASH[2..])] {
            assert_eq!(wrong(&format!("a read {bad}")), format!("1: {hash}"));
        }
        assert_eq!(wrong(&format!("a read {HASH} 2026-11-31")), "1: the last day should be YYYY-MM-DD");
        assert_eq!(
            wrong(&format!("b read {HASH}\n#\na read {HASH}\nb decide {HASH}")),
            "4: b has a token already, at line 1"
        );
        let long = "x".repeat(scope::NAME_BYTES_MAX + 1);
        assert_eq!(wrong(&format!("{long} read {HASH}")), "1: a name should be at most 200 bytes of printable text");
        assert!(Tokens::parse(&format!("{} read {HASH}", &long[1..])).is_ok());
    }

    #[test]
    fn so_many_tokens_are_taken_and_no_more() {
        let lines = |count: usize| (0..count).map(|n| format!("n{n} read {HASH}\n")).collect::<String>();
        assert_eq!(Tokens::parse(&lines(TOKENS_MAX)).expect("right").0.len(), TOKENS_MAX);
        let (line, error) = Tokens::parse(&lines(TOKENS_MAX + 1)).expect_err("too many");
        assert_eq!((line, &*error), (1001, "there should be at most 1000 tokens"));
    }

    #[test]
    fn a_new_token_opens_by_its_line_alone_and_is_another_each_time() {
        let scopes = ScopeSet::parse("decide,read").expect("scopes");
        let new = new_token("m.keller", scopes, Some(day("2027-03-31"))).expect("made");
        assert!(new.token.starts_with(PREFIX) && new.token.len() == PREFIX.len() + 64);
        assert!(new.line.starts_with("m.keller read,decide ") && new.line.ends_with(" 2027-03-31"));
        assert!(!new.line.contains(&new.token[PREFIX.len()..]) && !format!("{new:?}").contains(&*new.token));
        let tokens = Tokens::parse(&new.line).expect("a line");
        assert!(tokens.find(&new.token, day("2027-03-31")).is_ok());
        assert_ne!(new_token("a", scopes, None).expect("made").token, new.token);
        for name in ["", "a b", "a#b", "a\nb", " a"] {
            assert!(new_token(name, scopes, None).is_err(), "{name:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_everybody_may_write_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().expect("a file");
        let rights = |mode| {
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).expect("set");
            TokenFile::open(file.path()).map(|_| ())
        };
        assert_eq!((rights(0o600), rights(0o640), rights(0o644)), (Ok(()), Ok(()), Ok(())));
        let error = rights(0o666).expect_err("refused");
        assert!(error.contains(" may be written by everybody on this machine"), "{error}");
    }

    #[test]
    fn a_file_that_changes_is_read_again_and_kept_as_it_was_where_it_is_wrong() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let write = |text: &str| std::fs::write(file.path(), text).expect("written");
        write(&format!("a read {HASH}\n"));
        let tokens = TokenFile::open(file.path()).expect("right");
        assert_eq!(tokens.find("test").expect("known").name, "a");
        write(&format!("bb read {HASH}\n"));
        tokens.0.look_again();
        assert_eq!(tokens.find("test").expect("known").name, "bb");
        write("nonsense");
        tokens.0.look_again();
        assert_eq!(tokens.find("test").expect("as before").name, "bb");
        write("");
        tokens.0.look_again();
        assert_eq!(tokens.find("test"), Err("the token is not in the file"));
    }
}
