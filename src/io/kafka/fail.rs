//! Owns the breaking of the process at a named point, for tests of what survives it.
//!
//! `VIGIE_FAIL_POINT=after_send:3` ends the process by `abort` when it passes that point for the third time, over all its
//! threads; without a number, the first time.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::runtime::Point;

/// Names the point.
pub const VARIABLE: &str = "VIGIE_FAIL_POINT";

/// The longest time between the sending of a commit and the end of a process that is to break there.
const COMMIT_DELAY_MAX_US: u64 = 3_000;

static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
static PASSES: AtomicU32 = AtomicU32::new(0);

/// Where to break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Armed {
    point: Point,
    pass: u32,
}

/// Says that the process has come to a point; where it is to break there, this does not return.
pub fn pass(point: Point) {
    // The answer to a commit is waited for within a call: its point is passed by `commit_sent`.
    if point != Point::CommitSent && is_reached(point) {
        std::process::abort();
    }
}

/// Says that a commit is about to be sent; where the process is to break there, it does so within the next moments, before
/// the answer or after it.
#[expect(clippy::disallowed_methods, reason = "a test breaks the process at a moment of no one's choosing")]
pub(super) fn commit_sent() {
    if is_reached(Point::CommitSent) {
        let chance = crate::io::clock::wall_clock().nanos().unsigned_abs() / 1_000 % COMMIT_DELAY_MAX_US;
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_micros(chance));
            std::process::abort();
        });
    }
}

/// Reads what the environment says, so that a misspelt point is no silent pass of a test.
///
/// # Errors
/// When it names no point.
pub fn arm() -> Result<(), String> {
    let armed = match variable() {
        None => None,
        Some(text) => Some(parse(&text).ok_or_else(|| format!("{VARIABLE}={text} names no point"))?),
    };
    ARMED.get_or_init(|| armed);
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "no user sets it, and a test cannot reach the process otherwise")]
fn variable() -> Option<String> {
    std::env::var(VARIABLE).ok()
}

fn is_reached(point: Point) -> bool {
    let armed = ARMED.get().copied().flatten();
    armed.is_some_and(|armed| armed.point == point && PASSES.fetch_add(1, Ordering::Relaxed) + 1 == armed.pass)
}

fn parse(text: &str) -> Option<Armed> {
    let (name, pass) = text.split_once(':').unwrap_or((text, "1"));
    let point = Point::ALL.into_iter().find(|point| point.as_str() == name)?;
    Some(Armed { point, pass: pass.parse().ok().filter(|pass| *pass > 0)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_named_with_or_without_the_number_of_its_pass() {
        for point in Point::ALL {
            assert_eq!(parse(point.as_str()), Some(Armed { point, pass: 1 }));
            assert_eq!(parse(&format!("{}:7", point.as_str())), Some(Armed { point, pass: 7 }));
        }
        for text in ["", "nowhere", "after_send:", "after_send:0", "after_send:x"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_armed_is_passed() {
        Point::ALL.into_iter().for_each(pass);
    }
}
