//! How much is done of each fault: a third in `make test`, all of it in `make faults`, for hours in `make soak`.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// How much is done, by the environment variable `FAULTS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// A third of each count: what every change of the code has to pass.
    Ci,
    /// The counts that the README names.
    Full,
    /// As many as a release has to pass, within `HOURS`.
    Soak,
}

static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Level {
    /// What the environment asks for.
    pub fn asked() -> Level {
        LazyLock::force(&STARTED);
        match std::env::var("FAULTS").as_deref() {
            Err(_) | Ok("ci") => Level::Ci,
            Ok("full") => Level::Full,
            Ok("soak") => Level::Soak,
            Ok(other) => panic!("FAULTS={other}: give ci, full or soak"),
        }
    }

    /// How often a fault is tried, of the count of `make faults` and that of a release.
    pub fn count(self, full: u32, release: u32) -> u32 {
        match self {
            Level::Ci => full.div_ceil(3),
            Level::Full => full,
            Level::Soak => release,
        }
    }

    /// Whether the hours of a soak are over.
    pub fn is_over(self) -> bool {
        let hours = std::env::var("HOURS").ok().map_or(4.0, |text| text.parse().expect("HOURS is a number"));
        self == Level::Soak && STARTED.elapsed() > Duration::from_secs_f64(hours * 3600.0)
    }
}

/// Parts a count into rounds of at most `most`, each of which gets topics of its own; stops where a soak is over. Says how
/// many were done.
pub fn rounds(level: Level, count: u32, most: u32, mut round: impl FnMut(u32)) -> u32 {
    let mut done = 0;
    while done < count && !level.is_over() {
        let size = most.min(count - done);
        round(size);
        done += size;
    }
    done
}
