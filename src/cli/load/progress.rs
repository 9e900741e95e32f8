//! Owns the telling of how far a load is: a line that is renewed on a terminal, one now and then in a log.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::base::time::SECOND_NS;
use crate::cli::replay::text::thousands;

/// From one line to the next.
const TERMINAL_NS: u64 = 250_000_000;
const LOG_NS: u64 = 5 * SECOND_NS as u64;

/// Tells how far a load is.
#[derive(Debug)]
pub struct Progress {
    /// On a terminal.
    bar: Option<ProgressBar>,
    every_ns: u64,
    /// When it was told last, and how many events were sent then.
    last: (u64, u64),
}

impl Progress {
    /// On standard error, whatever that is.
    pub fn new() -> Progress {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(ProgressStyle::with_template("{spinner} {msg}").expect("the template is right"));
            bar
        });
        let every_ns = if bar.is_some() { TERMINAL_NS } else { LOG_NS };
        Progress { bar, every_ns, last: (0, 0) }
    }

    /// Whether something is to be told.
    #[inline]
    pub fn is_due(&self, now_ns: u64) -> bool {
        now_ns >= self.last.0 + self.every_ns
    }

    /// Tells it.
    pub fn tell(
        &mut self,
        now_ns: u64,
        events: u64,
        behind_ns: u64,
        under_way: usize,
        errors: u64,
        outputs: Option<u64>,
    ) {
        let (before_ns, before) = std::mem::replace(&mut self.last, (now_ns, events));
        let seconds = (now_ns - before_ns).max(1) as f64 / SECOND_NS as f64;
        let rate = ((events - before) as f64 / seconds) as u64;
        let outputs = outputs.map_or_else(String::new, |outputs| format!(", {} outputs matched", thousands(outputs)));
        self.say(format!(
            "{} events sent, {} a second, {:.1} s behind the plan, {} records under way, {} errors{outputs}",
            thousands(events),
            thousands(rate),
            behind_ns as f64 / SECOND_NS as f64,
            thousands(under_way as u64),
            thousands(errors),
        ));
    }

    /// Tells something else.
    pub fn say(&self, text: String) {
        match &self.bar {
            Some(bar) => {
                bar.set_message(text);
                bar.tick();
            }
            None => tracing::info!("{text}"),
        }
    }

    /// Takes the line off the terminal.
    pub fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
