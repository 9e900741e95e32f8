//! Owns what the process uses, as the system tells it: nothing where there is no /proc.

use std::fs;

/// Ticks of a second in /proc: the kernel gives them to programs in 1/100, whatever its own are.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor time in seconds, of all threads.
pub(super) fn cpu_seconds() -> Option<f64> {
    parse_cpu_seconds(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// Resident memory in bytes.
pub(super) fn resident_bytes() -> Option<f64> {
    parse_resident_bytes(&fs::read_to_string("/proc/self/status").ok()?)
}

fn parse_cpu_seconds(stat: &str) -> Option<f64> {
    // The second field is the program's name in brackets, which may hold blanks and brackets.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) as f64 / TICKS_PER_SECOND)
}

fn parse_resident_bytes(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some((kibibytes * 1024) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_s_words_are_read() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 9 9 20 0 4 0 100 1 2";
        assert_eq!(parse_cpu_seconds(stat), Some(2.0));
        assert_eq!(parse_cpu_seconds("7 (a) S 1"), None);
        assert_eq!(parse_resident_bytes("Name:\ta\nVmRSS:\t    2048 kB\nThreads:\t1\n"), Some(2_097_152.0));
        assert_eq!(parse_resident_bytes("Name:\ta\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_uses_something() {
        assert!(cpu_seconds().is_some());
        assert!(resident_bytes().expect("told") > 1_000_000.0);
    }
}
