//! Owns what was answered to requests with an idempotency key: the same key with the same request is done once.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;

use super::super::problem::Problem;
use super::asked::wrong;
use super::decisions::Accepted;

/// Answers remembered, the latest. An older key is done again.
const ANSWERS_MAX: usize = 10_000;
/// The longest key, in bytes.
const KEY_BYTES_MAX: usize = 128;

/// Whose key it is, and the key.
type Key = (String, String);

/// What is remembered.
#[derive(Debug, Default)]
pub(super) struct Remembered(Mutex<Answers>);

#[derive(Debug, Default)]
struct Answers {
    by_key: HashMap<Key, Answer>,
    oldest: VecDeque<Key>,
}

#[derive(Debug)]
struct Answer {
    request: String,
    /// `None` while the request is under way.
    accepted: Option<Accepted>,
}

/// A request that is under way. Where it is dropped without an answer, its key may be used again.
#[derive(Debug)]
pub(super) struct UnderWay<'a> {
    remembered: &'a Remembered,
    key: Key,
}

/// What is to be done about a request.
#[derive(Debug)]
pub(super) enum Known<'a> {
    /// It was done: what was answered.
    Done(Accepted),
    /// It is to be done.
    New(UnderWay<'a>),
}

impl Remembered {
    fn lock(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody has used a key.
    pub(super) fn has(&self, name: &str, key: &str) -> bool {
        self.lock().by_key.contains_key(&(name.to_owned(), key.to_owned()))
    }

    /// Begins a request of somebody under a key.
    ///
    /// # Errors
    /// With the answer, where the key is none, is used for something else, or its request is under way.
    pub(super) fn begin(&self, name: &str, key: &str, request: &str) -> Result<Known<'_>, Problem> {
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            return Err(wrong(format!("Idempotency-Key should have 1 to {KEY_BYTES_MAX} bytes")));
        }
        let key = (name.to_owned(), key.to_owned());
        let mut answers = self.lock();
        match answers.by_key.get(&key) {
            Some(known) if known.request != request => {
                let detail = "This Idempotency-Key was used for another request: take a new one.";
                Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "key_reused", detail))
            }
            Some(Answer { accepted: Some(accepted), .. }) => Ok(Known::Done(accepted.clone())),
            Some(_) => {
                let detail = "The first request with this Idempotency-Key is still under way: ask again.";
                Err(Problem::new(StatusCode::CONFLICT, "under_way", detail))
            }
            None => {
                answers.by_key.insert(key.clone(), Answer { request: request.to_owned(), accepted: None });
                answers.oldest.push_back(key.clone());
                if answers.oldest.len() > ANSWERS_MAX
                    && let Some(oldest) = answers.oldest.pop_front()
                {
                    answers.by_key.remove(&oldest);
                }
                Ok(Known::New(UnderWay { remembered: self, key }))
            }
        }
    }
}

impl UnderWay<'_> {
    /// Remembers what was answered.
    pub(super) fn done(self, accepted: &Accepted) {
        if let Some(answer) = self.remembered.lock().by_key.get_mut(&self.key) {
            answer.accepted = Some(accepted.clone());
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut answers = self.remembered.lock();
        if answers.by_key.get(&self.key).is_some_and(|answer| answer.accepted.is_none()) {
            answers.by_key.remove(&self.key);
            answers.oldest.retain(|key| *key != self.key);
        }
    }
}
