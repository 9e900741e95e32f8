//! Owns what stands in the header Authorization: a token as it is, or as the password of a browser's own question.

use std::fmt;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Whatever somebody shows to be known by. It is shown to nobody.
pub(super) struct Credential(String);

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Credential {
    /// The credential of a request, if it has one.
    ///
    /// # Errors
    /// When what stands there cannot be one: why, without what stands there.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Credential>, &'static str> {
        let mut all = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = all.next() else { return Ok(None) };
        if all.next().is_some() {
            return Err("there is more than one Authorization");
        }
        let text = value.to_str().map_err(|_| "Authorization is no text")?;
        let (scheme, rest) = text.split_once(' ').ok_or("Authorization has no scheme")?;
        let rest = rest.trim_matches(' ');
        if scheme.eq_ignore_ascii_case("bearer") {
            return Ok(Some(Credential(rest.to_owned())));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err("the scheme of Authorization is neither Bearer nor Basic");
        }
        let pair = STANDARD.decode(rest).map_err(|_| "Basic is no base64")?;
        let pair = String::from_utf8(pair).map_err(|_| "Basic is no UTF-8")?;
        let (_, password) = pair.split_once(':').ok_or("Basic has no password")?;
        Ok(Some(Credential(password.to_owned())))
    }

    pub(super) fn secret(&self) -> &str {
        &self.0
    }

    /// Whether it looks like a JSON Web Token: three parts with dots; tokens of this service have none.
    pub(super) fn is_jwt(&self) -> bool {
        self.0.bytes().filter(|byte| *byte == b'.').count() == 2
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[track_caller]
    fn of(values: &[&'static str]) -> Result<Option<String>, &'static str> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_static(value));
        }
        Ok(Credential::of(&headers)?.map(|credential| credential.secret().to_owned()))
    }

    #[test]
    fn a_token_is_read_from_bearer_and_from_the_password_of_basic() {
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&["Bearer abc"]), Ok(Some("abc".to_owned())));
        assert_eq!(of(&["bearer   abc "]), Ok(Some("abc".to_owned())));
        assert_eq!(of(&["Basic bWU6YTpi"]), Ok(Some("a:b".to_owned())), "of me:a:b");
        assert_eq!(of(&["Basic OmFiYw=="]), Ok(Some("abc".to_owned())), "of :abc");
    }

    #[test]
    fn what_cannot_be_a_credential_is_refused_without_being_repeated() {
        assert_eq!(of(&["abc"]), Err("Authorization has no scheme"));
        assert_eq!(of(&["Digest abc"]), Err("the scheme of Authorization is neither Bearer nor Basic"));
        assert_eq!(of(&["Basic ???"]), Err("Basic is no base64"));
        assert_eq!(of(&["Basic bWU="]), Err("Basic has no password"));
        assert_eq!(of(&["Basic /w=="]), Err("Basic is no UTF-8"));
        assert_eq!(of(&["Bearer a", "Bearer b"]), Err("there is more than one Authorization"));
        assert_eq!(format!("{:?}", Credential("canary".to_owned())), "***");
    }
}
