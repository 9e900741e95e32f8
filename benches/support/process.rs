//! What a process took of the machine, by what the system says of it.

use std::fs;
use std::process::{Child, Command};

use vigie::io::clock::pause;

use super::Outcome;

/// Clock ticks a second, as the system counts CPU time.
const TICKS: f64 = 100.0;

/// CPU seconds of all threads of a process, and of its children that ended; and whether it has ended itself.
pub fn cpu_seconds(id: u32) -> Outcome<(f64, bool)> {
    let text = fs::read_to_string(format!("/proc/{id}/stat"))?;
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = fields[11..15].iter().map(|field| field.parse::<f64>()).sum::<Result<f64, _>>()?;
    Ok((ticks / TICKS, fields[0] == "Z"))
}

/// The most memory that a process had at once, in bytes.
pub fn memory_peak(id: u32) -> Outcome<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("the system does not tell VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// CPU seconds of a process until it ends, or something holds.
pub fn cpu_until(child: &mut Child, mut is_done: impl FnMut(&Child) -> Outcome<bool>) -> Outcome<f64> {
    let mut cpu = 0.0;
    loop {
        // A process that ended and was not waited for still says what it took.
        let (seconds, has_ended) = cpu_seconds(child.id())?;
        cpu = f64::max(cpu, seconds);
        if has_ended {
            child.wait()?;
            return Ok(cpu);
        }
        if is_done(child)? {
            return Ok(cpu);
        }
        // Whoever is asked writes its whole page each time: 3 % of what it does, where it was asked every 20 ms.
        pause(100);
    }
}

/// Ends a process as an operator would, and waits for it.
pub fn terminate(child: &mut Child) -> Outcome<()> {
    Command::new("kill").arg(child.id().to_string()).status()?;
    child.wait()?;
    Ok(())
}
