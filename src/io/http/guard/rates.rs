//! Owns how often anybody may ask: per principal, or per address where nobody is known.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::Limits;
use crate::io::http::Problem;

/// After so many questions those who have long been silent are forgotten.
const FORGET_EVERY: u32 = 4096;
/// What may come at once is this many times what may come in a second.
const BURST_SECONDS: u32 = 2;

/// Counts what comes from whom. Those who ask are known by a hash alone, so that each costs the same few bytes.
pub(super) struct Rates {
    requests: Option<Limiter>,
    changes: Option<Limiter>,
    failures: Option<Limiter>,
    hasher: RandomState,
    asked: AtomicU32,
}

type Limiter = DefaultKeyedRateLimiter<u64>;

impl std::fmt::Debug for Rates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rates")
    }
}

impl Rates {
    pub(super) fn new(limits: &Limits) -> Rates {
        let per_second = |rate: u32| {
            let rate = NonZeroU32::new(rate)?;
            Some(RateLimiter::keyed(Quota::per_second(rate).allow_burst(rate.saturating_mul(BURST))))
        };
        Rates {
            requests: per_second(limits.requests_per_second_max),
            changes: per_second(limits.changes_per_second_max),
            failures: NonZeroU32::new(limits.failures_per_minute_max)
                .map(|rate| RateLimiter::keyed(Quota::per_minute(rate))),
            hasher: RandomState::new(),
            asked: AtomicU32::new(0),
        }
    }

    /// A request of somebody who is known by name.
    pub(super) fn request(&self, name: &str) -> Result<(), Problem> {
        self.check(self.requests.as_ref(), self.hasher.hash_one(name))
    }

    /// A request from an address, where everybody has the same name.
    pub(super) fn request_from(&self, address: IpAddr) -> Result<(), Problem> {
        self.check(self.requests.as_ref(), self.hasher.hash_one(network(address)))
    }

    /// A request of somebody that is to change something.
    pub(super) fn change(&self, name: &str) -> Result<(), Problem> {
        self.check(self.changes.as_ref(), self.hasher.hash_one(name))
    }

    /// A credential that is not known, from an address.
    pub(super) fn failure(&self, address: IpAddr) -> Result<(), Problem> {
        self.check(self.failures.as_ref(), self.hasher.hash_one(network(address)))
    }

    fn check(&self, limiter: Option<&Limiter>, key: u64) -> Result<(), Problem> {
        let Some(limiter) = limiter else { return Ok(()) };
        if self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(FORGET_EVERY) {
            [&self.requests, &self.changes, &self.failures].into_iter().flatten().for_each(Limiter::retain_recent);
        }
        limiter.check_key(&key).map_err(|over| {
            let wait = over.wait_time_from(DefaultClock::default().now());
            too_many(wait)
        })
    }
}

const BURST: NonZeroU32 = NonZeroU32::new(BURST_SECONDS).expect("it is not zero");

fn too_many(wait: Duration) -> Problem {
    let seconds = wait.as_secs() + 1;
    let detail = format!("Too many requests: try again in {seconds} s, and go on slower.");
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail)
        .with(RETRY_AFTER, HeaderValue::from(seconds))
}

/// Whoever has one address of IPv6 has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        address @ IpAddr::V4(_) => address,
    }
}
