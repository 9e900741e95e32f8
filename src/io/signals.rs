//! Owns signals: the first that asks to end is noted, a second one ends the process at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The exit code of a process that a second signal ended: 1, as of whatever did not get its work done. The conventional
/// 130 and 143 are those of a process that did not handle the signal.
pub const CUT_OFF: i32 = 1;

/// Whether the process was asked to end.
#[derive(Debug, Clone, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Whether it was.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Asks the process to end, as a signal would.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Asks the process to end once it is dropped, also by a panic: where one thread ends the others are not to take a part of the work
/// for the whole.
#[derive(Debug)]
pub struct StopAtEnd(pub StopFlag);

impl Drop for StopAtEnd {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// From now on SIGTERM and SIGINT set the flag; once it is set, another one ends the process with [`CUT_OFF`].
///
/// # Errors
/// When the system does not let signals be handled.
pub fn listen() -> io::Result<StopFlag> {
    let stop = StopFlag::default();
    for signal in [SIGTERM, SIGINT] {
        // In this order: the first signal finds the flag unset, passes, and sets it.
        flag::register_conditional_shutdown(signal, CUT_OFF, Arc::clone(&stop.0))?;
        flag::register(signal, Arc::clone(&stop.0))?;
    }
    Ok(stop)
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::*;

    /// A child of this test raises signals in itself: they are the whole process' business.
    fn child(signals: &str) -> Option<i32> {
        let output = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "io::signals::tests::the_first_signal_is_noted_and_the_second_ends_the_process"])
            .env("VIGIE_TEST_SIGNALS", signals)
            .output()
            .expect("it runs");
        output.status.code()
    }

    #[test]
    fn a_thread_that_panics_asks_the_others_to_end() {
        let stop = StopFlag::default();
        let of_thread = stop.clone();
        let thread = std::thread::spawn(move || {
            let _ending = StopAtEnd(of_thread);
            panic!("as a bug would");
        });
        assert!(thread.join().is_err());
        assert!(stop.is_set());
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test tells its child what to raise")]
    fn the_first_signal_is_noted_and_the_second_ends_the_process() {
        let Some(signals) = std::env::var_os("VIGIE_TEST_SIGNALS") else {
            assert_eq!(child("T"), Some(0));
            assert_eq!(child("I"), Some(0));
            assert_eq!(child("TI"), Some(CUT_OFF));
            assert_eq!(child("II"), Some(CUT_OFF));
            return;
        };
        let stop = listen().expect("handled");
        assert!(!stop.is_set());
        for signal in signals.as_encoded_bytes() {
            signal_hook::low_level::raise(if *signal == b'T' { SIGTERM } else { SIGINT }).expect("raised");
            assert!(stop.is_set());
        }
        assert_eq!(signals.len(), 1, "two do not come here");
        // A failed assertion would end with 101: exit codes are what the parent compares.
        std::process::exit(0);
    }
}
