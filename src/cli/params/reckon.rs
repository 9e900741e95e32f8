//! Owns the table `[reckon]`.

use serde::{Deserialize, Deserializer};

use super::proposals::wrong;
use crate::risk::params::{Reckoned, Reckoning};

/// Made of the params themselves: one that is missing here does not compile.
#[derive(Deserialize)]
#[serde(remote = "Reckoning", default = "Reckoning::default", deny_unknown_fields)]
pub struct Table {
    #[serde(deserialize_with = "score")]
    score: Reckoned,
    #[serde(deserialize_with = "cover")]
    cover: Reckoned,
}

fn score<'de, D: Deserializer<'de>>(from: D) -> Result<Reckoned, D::Error> {
    reckoned("score", from)
}

fn cover<'de, D: Deserializer<'de>>(from: D) -> Result<Reckoned, D::Error> {
    reckoned("cover", from)
}

fn reckoned<'de, D: Deserializer<'de>>(key: &str, from: D) -> Result<Reckoned, D::Error> {
    match String::deserialize(from)?.as_str() {
        "yes" => Ok(Reckoned::Yes),
        "no" => Ok(Reckoned::No),
        name => Err(wrong(key, "\"yes\" or \"no\"", name)),
    }
}
