//! The service under faults: many seeds, each a world in which members are killed, fenced, moved and lied to.

use vigie::sim::{Simulated, Simulation};

fn run(seed: u64) -> Simulated {
    Simulation { seed, mistake: None, tell: None }.run()
}

#[test]
fn probe() {
    let from: u64 = std::env::var("FROM").ok().and_then(|v| v.parse().ok()).unwrap_or(1);
    let n: u64 = std::env::var("N").ok().and_then(|v| v.parse().ok()).unwrap_or(10);
    let mut c = vigie::sim::Coverage::default();
    for seed in from..from + n {
        let tell: Option<fn(&str)> = std::env::var("TELL").ok().map(|_| (|l: &str| eprintln!("{l}")) as fn(&str));
        let s = Simulation { seed, mistake: None, tell }.run();
        c.add(&s.coverage);
        if let Some(f) = s.failure {
            println!("SEED {seed}: {}", f);
        }
    }
    println!("{c:#?}");
}
