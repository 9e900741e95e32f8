//! Owns a simulation: from a seed a world, members that live and die in it, and what must hold once all has calmed down.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::{Rc, Weak};

use super::fault::{Coverage, Fault};
use super::follower::{self, Follower};
use super::group::Group;
use super::log::{EmbeddedLog, TopicConfig};
use super::member::Member;
use super::plain;
use super::preset::{Preset, stream};
use super::script::{self, Item};
use super::shelf::{self, Shelf};
use super::world::{Beginning, Fate, Mistake, Shared, Trace, World};
use crate::base::Instant;
use crate::base::hash::quick_hash_of;
use crate::runtime::{ClockRule, LogError, Notice, Point, Records, Service, TopicId};

/// How a simulation is run.
#[derive(Debug, Clone, Copy)]
pub struct Simulation {
    /// From which everything follows.
    pub seed: u64,
    /// A deliberate mistake, to see that it is found.
    pub mistake: Option<Mistake>,
    /// Is told what happens, line by line.
    pub tell: Option<fn(&str)>,
}

/// What came of a simulation.
#[derive(Debug, Clone)]
pub struct Simulated {
    /// A hash of everything that happened, and of every committed byte: the same for the same seed.
    pub trace: u128,
    /// What happened, counted.
    pub coverage: Coverage,
    /// What does not hold, if anything does not.
    pub failure: Option<String>,
}

/// Steps in which all has to calm down.
const CALM_STEPS_MAX: u32 = 1_000;
/// What a round takes once all has calmed down: in all enough for each input to be asked twice for what does not come.
const CALM_STEP_MS: u64 = 100;
/// Steps for which a machine that died may be away.
const AWAY_STEPS_MAX: u32 = 400;
/// Rounds on end in which nothing is told before all counts as told.
const QUIET_ROUNDS: u32 = 6;
/// How far the wall clock is set on before that: more than it can have been set back.
const CALM_WALL_NS: i64 = 3_600 * 1_000_000_000;
/// Points at which a transaction is open: more die there than elsewhere, since most is left undone there.
const WITHIN_TRANSACTION: [Point; 4] = [Point::AfterSend, Point::AfterOffsets, Point::AfterJournal, Point::CommitSent];
const MS: u64 = 1_000_000;

impl Simulation {
    /// Runs it.
    #[must_use]
    pub fn run(self) -> Simulated {
        let stage = Stage::new(self);
        let ended = stage.live().and_then(|()| stage.calm_down()).and_then(|()| stage.check());
        stage.retire();
        let mut world = stage.world.borrow_mut();
        let topics = stage.preset.topics();
        for topic in 0..topics.names.len() {
            for partition in 0..topics.partitions {
                for seen in follower::records(&stage.log, TopicId(topic as u16), partition) {
                    world.trace.fold(seen.value.as_deref().unwrap_or_default());
                }
            }
        }
        world.seen.rebalances = world.group.rebalances;
        Simulated { trace: world.trace.hash(), coverage: world.seen.clone(), failure: ended.err() }
    }
}

/// A machine: its service, while it runs.
struct Machine {
    service: Option<Service<Member, Shelf>>,
    fate: Rc<Fate>,
    /// It stands still until this step.
    still_until: u32,
    /// It is in the middle of a turn.
    is_busy: bool,
}

/// A simulation under way. A member that stands still in the middle of a turn lets the others go on from there, so all of it
/// is shared.
pub(super) struct Stage {
    preset: Preset,
    log: EmbeddedLog,
    world: Shared,
    machines: RefCell<Vec<Machine>>,
    inputs: RefCell<Inputs>,
    step: Cell<u32>,
    params_version: Cell<u32>,
    processes: Cell<u64>,
    /// How many members stand still in the middle of a turn.
    still: Cell<u32>,
    /// What went wrong while one stood still.
    failure: RefCell<Option<String>>,
    /// Itself, for its members.
    own: Weak<Stage>,
}

/// What is still to be written.
struct Inputs {
    /// By input topic.
    unwritten: Vec<VecDeque<Item>>,
    /// How far the arbiter has read each partition of the proposals.
    decided: Vec<usize>,
}

impl Stage {
    fn new(simulation: Simulation) -> Rc<Stage> {
        let preset = Preset::of(simulation.seed);
        let topics = preset.topics();
        let config = TopicConfig { partitions: preset.partitions, retained_bytes_max: None };
        let log = EmbeddedLog::new(&vec![config; topics.names.len()]);
        let mut trace = Trace::new(simulation.tell);
        trace.note(format_args!("{preset:?}"));
        let world = World::new(Beginning {
            log: log.clone(),
            group: Group::new(preset.partitions, preset.session_ns),
            draws: preset.draws(stream::FATES),
            trace,
            mistake: simulation.mistake,
            is_static: preset.is_static,
            transaction_ns: preset.transaction_ns,
            wall: preset.wall(),
        });
        let machine = || Machine { service: None, fate: Rc::default(), still_until: 0, is_busy: false };
        let mut unwritten = vec![VecDeque::new(); topics.inputs.len()];
        for item in script::script(&preset) {
            unwritten[usize::from(item.topic.0)].push_back(item);
        }
        let inputs = Inputs { unwritten, decided: vec![0; preset.partitions as usize] };
        Rc::new_cyclic(|own| Stage {
            log,
            world: Rc::new(RefCell::new(world)),
            machines: RefCell::new((0..preset.members).map(|_| machine()).collect()),
            inputs: RefCell::new(inputs),
            step: Cell::new(0),
            params_version: Cell::new(1),
            processes: Cell::new(0),
            still: Cell::new(0),
            failure: RefCell::new(None),
            own: Weak::clone(own),
            preset,
        })
    }

    /// The others go on while a member stands still.
    pub(super) fn go_on(&self, steps: u32) {
        if self.still.get() + 1 >= self.preset.members.max(2) {
            return;
        }
        self.still.set(self.still.get() + 1);
        for _ in 0..steps {
            if let Err(failure) = self.take_step() {
                self.failure.borrow_mut().get_or_insert(failure);
            }
        }
        self.still.set(self.still.get() - 1);
    }

    /// Everything happens, until all inputs are written and some time after.
    fn live(&self) -> Result<(), String> {
        let all: usize = self.inputs.borrow().unwritten.iter().map(VecDeque::len).sum();
        self.write(all * self.preset.early_per_mille as usize / 1000);
        self.world.borrow_mut().trouble_per_mille = self.preset.trouble_per_mille;
        let mut after = 40;
        while after > 0 {
            let is_written = self.inputs.borrow().unwritten.iter().all(VecDeque::is_empty);
            after -= u32::from(is_written);
            self.take_step()?;
        }
        Ok(())
    }

    /// Something befalls the world, something is written, and some member takes a turn.
    fn take_step(&self) -> Result<(), String> {
        self.begin_step();
        self.befall();
        let (writes, place) = {
            let mut world = self.world.borrow_mut();
            (world.draws.below(6), world.draws.below(self.preset.members) as usize)
        };
        self.write(writes.saturating_sub(2) as usize);
        if !self.preset.is_comparable() {
            self.decide();
        }
        self.take_turn(place)
    }

    /// Nothing more goes wrong; the inputs are read to their end, and everything is told.
    fn calm_down(&self) -> Result<(), String> {
        {
            let mut world = self.world.borrow_mut();
            world.trouble_per_mille = 0;
            // What was set back is made up for: a shard waits for the wall clock to come to where it was.
            let wall = world.wall().plus_nanos(CALM_WALL_NS);
            world.set_wall(wall);
        }
        self.write(usize::MAX);
        self.until_quiet()?;
        if self.preset.ends_with_restart {
            self.world.borrow_mut().note(Fault::AllRestarted);
            (0..self.preset.members as usize).for_each(|place| self.kill(place));
            self.until_quiet()?;
        }
        // A new day judges everybody by the last rates and params.
        self.begin_next_day();
        self.until_quiet()
    }

    /// The last ticks, or with the live clock the next day.
    fn begin_next_day(&self) {
        let mut world = self.world.borrow_mut();
        let end = world.wall().max(Preset::first_day().plus(i32::from(self.preset.days)).start());
        match self.preset.clock {
            ClockRule::Live => world.set_wall(end.day().plus(1).start()),
            ClockRule::Event => {
                let at = Preset::first_day().plus(i32::from(self.preset.days) + 2).start();
                drop(world);
                self.inputs.borrow_mut().unwritten[0].extend(script::ticks(&self.preset, at));
                self.write(usize::MAX);
            }
        }
    }

    fn until_quiet(&self) -> Result<(), String> {
        let exposures = self.preset.topics().outputs.exposures;
        let (mut told, mut quiet) = (0, 0);
        for round in 0..CALM_STEPS_MAX {
            for place in 0..self.preset.members as usize {
                self.begin_step();
                {
                    let machine = &mut self.machines.borrow_mut()[place];
                    machine.still_until = 0;
                    machine.fate.planned.set(None);
                }
                self.take_turn(place)?;
            }
            let mut world = self.world.borrow_mut();
            world.pass_time(CALM_STEP_MS * MS);
            let wall = world.wall().plus_nanos(i64::from(1_000 + world.draws.below(500)) * 1_000_000);
            world.set_wall(wall);
            drop(world);
            let now: i64 = (0..self.preset.partitions).map(|partition| self.log.end(exposures, partition)).sum();
            let is_quiet = now == told && self.is_settled();
            (told, quiet) = (now, if is_quiet { quiet + 1 } else { 0 });
            if quiet > QUIET_ROUNDS + self.preset.partitions {
                self.world.borrow_mut().trace.note(format_args!("quiet after {round} rounds"));
                return Ok(());
            }
        }
        let machines = self.machines.borrow();
        let hashes = machines.iter().filter_map(|machine| machine.service.as_ref()).map(Service::state_hashes);
        let live: Vec<u32> = hashes.flat_map(|hashes| hashes.into_keys()).collect();
        Err(format!("it has not come to rest: live are partitions {live:?} of {}", self.preset.partitions))
    }

    /// Whether every partition is live somewhere, and has read its inputs.
    fn is_settled(&self) -> bool {
        let machines = self.machines.borrow();
        let services = || machines.iter().filter_map(|machine| machine.service.as_ref());
        let live: usize = services().map(|service| service.state_hashes().len()).sum();
        live == self.preset.partitions as usize
            && services().all(Service::is_live)
            && (0..self.preset.topics().inputs.len() as u16).all(|topic| {
                (0..self.preset.partitions).all(|partition| {
                    let at = self.log.committed(TopicId(topic), partition).unwrap_or(0);
                    let mut is_read = true;
                    let committed = super::Isolation::Committed;
                    let rest = self.log.read(TopicId(topic), partition, at, committed, |_| {
                        is_read = false;
                        false
                    });
                    rest.is_ok() && is_read
                })
            })
    }

    fn begin_step(&self) {
        self.step.set(self.step.get() + 1);
        let mut world = self.world.borrow_mut();
        let ms = if world.trouble_per_mille > 0 && world.draws.happens(5) { 400 } else { world.draws.below(12) };
        world.pass_time(u64::from(ms) * MS);
        let (step, elapsed_ms, wall) = (self.step.get(), world.elapsed_ns() / MS, world.wall());
        world.trace.note(format_args!("step {step} at {elapsed_ms} ms, {wall}"));
    }

    /// Writes the next records of the inputs, of whichever topic has its turn.
    fn write(&self, count: usize) {
        for _ in 0..count {
            let unwritten = &mut self.inputs.borrow_mut().unwritten;
            let open: Vec<usize> = (0..unwritten.len()).filter(|topic| !unwritten[*topic].is_empty()).collect();
            if open.is_empty() {
                return;
            }
            let mut world = self.world.borrow_mut();
            // Mostly the one that is furthest behind.
            let earliest = open.iter().copied().min_by_key(|topic| unwritten[*topic][0].at).unwrap_or(open[0]);
            let topic = if world.draws.happens(700) { earliest } else { *world.draws.pick(&open) };
            let Some(item) = unwritten[topic].pop_front() else { return };
            if self.preset.clock == ClockRule::Live && world.wall() < item.at {
                world.set_wall(item.at);
            }
            let mut records = Records::default();
            item.push_to(&mut records);
            world.seen.records += 1;
            let as_transaction = world.draws.below(20);
            drop(world);
            self.append(&item, records, as_transaction);
        }
    }

    /// Appends a record: some senders use transactions, and now and then abort one.
    fn append(&self, item: &Item, records: Records, as_transaction: u32) {
        const ON_ONE_THREAD: &str = "nobody else has this id";
        if as_transaction > 2 {
            self.log.append(item.topic, item.partition, records).expect("the log is not shut");
            return;
        }
        let mut sender = self.log.producer("sender");
        if as_transaction == 0 {
            sender.begin().expect(ON_ONE_THREAD);
            sender.send(&records.get(0)).expect(ON_ONE_THREAD);
            sender.flush().expect(ON_ONE_THREAD);
            sender.abort().expect(ON_ONE_THREAD);
            self.world.borrow_mut().note(Fault::InputAborted);
        }
        sender.begin().expect(ON_ONE_THREAD);
        sender.send(&records.get(0)).expect(ON_ONE_THREAD);
        sender.commit().expect(ON_ONE_THREAD);
    }

    /// An arbiter reads the proposals that came out, and decides some.
    fn decide(&self) {
        if !self.world.borrow_mut().draws.happens(30) {
            return;
        }
        let proposals = self.preset.topics().outputs.limit_proposals;
        for partition in 0..self.preset.partitions {
            let seen = follower::records(&self.log, proposals, partition);
            let from = std::mem::replace(&mut self.inputs.borrow_mut().decided[partition as usize], seen.len());
            for (buyer, proposal, version) in seen[from.min(seen.len())..].iter().filter_map(follower::proposal_of) {
                let mut world = self.world.borrow_mut();
                let at = match self.preset.clock {
                    ClockRule::Live => world.wall(),
                    ClockRule::Event => Instant::from_nanos(seen[seen.len() - 1].time_ms * 1_000_000),
                };
                let item = script::decision(&self.preset, (&buyer, &proposal, version), at, &mut world.draws);
                world.seen.decisions += 1;
                drop(world);
                let mut records = Records::default();
                item.push_to(&mut records);
                self.append(&item, records, 9);
            }
        }
    }

    /// Something befalls a machine, or the world.
    fn befall(&self) {
        let mut world = self.world.borrow_mut();
        let place = world.draws.below(self.preset.members) as usize;
        let per_mille = 4 * self.preset.trouble_per_mille;
        if !world.draws.happens(per_mille) {
            return;
        }
        let what = world.draws.below(9);
        let steps = 10 + world.draws.below(60);
        let wall_back_ns = i64::from(world.draws.below(5_000)) * 1_000_000;
        drop(world);
        let is_running = self.machines.borrow()[place].service.is_some();
        match what {
            0 if is_running => {
                self.world.borrow_mut().note(Fault::Killed);
                self.kill(place);
            }
            1 if is_running => self.stop(place),
            2 | 3 if is_running => {
                self.world.borrow_mut().note(Fault::StoodStill);
                self.machines.borrow_mut()[place].still_until = self.step.get() + steps;
            }
            4 => {
                let mut world = self.world.borrow_mut();
                world.note(Fault::Shaken);
                let now_ns = world.elapsed_ns();
                world.group.begin_joining(now_ns);
            }
            5 if is_running => {
                let mut world = self.world.borrow_mut();
                world.note(Fault::Fenced);
                drop(self.log.producer(&Member::transactional_id(place as u32)));
            }
            6 | 7 => shelf::damage(&mut self.world.borrow_mut()),
            8 => {
                let mut world = self.world.borrow_mut();
                world.note(Fault::WallBack);
                let wall = world.wall().plus_nanos(-wall_back_ns);
                world.set_wall(wall);
            }
            _ => {}
        }
    }

    /// A machine's process ends at once: nothing of it is left but what is in the log and on the shelf.
    fn kill(&self, place: usize) {
        let mut world = self.world.borrow_mut();
        // Some are back at once, and some so late that others have taken over long before.
        let steps = if world.draws.happens(400) { world.draws.below(AWAY_STEPS_MAX) } else { 0 };
        let machine = &mut self.machines.borrow_mut()[place];
        machine.service = None;
        machine.still_until = self.step.get() + steps;
    }

    /// A machine's process is asked to end.
    fn stop(&self, place: usize) {
        let Some(mut service) = self.machines.borrow_mut()[place].service.take() else { return };
        let mut world = self.world.borrow_mut();
        world.note(Fault::Left);
        drop(world);
        if service.finish(1_000 * MS).is_ok() {
            service.log().leave();
        }
    }

    fn start(&self, place: usize) {
        self.processes.set(self.processes.get() + 1);
        let mut world = self.world.borrow_mut();
        if self.preset.changes_params && world.trouble_per_mille > 0 && world.draws.happens(250) {
            world.note(Fault::ParamsChanged);
            self.params_version.set(self.params_version.get() + 1);
        }
        let fate = Rc::new(Fate::default());
        if world.trouble_per_mille > 0 && world.draws.happens(700) {
            let points: &[Point] = if world.draws.happens(400) { &WITHIN_TRANSACTION } else { &Point::ALL };
            let point = *world.draws.pick(points);
            let is_rare = !matches!(point, Point::BeforePoll | Point::AfterPoll | Point::AfterApply);
            let times = if is_rare { world.draws.below(6) } else { world.draws.below(40) };
            fate.planned.set(Some((point, times)));
        }
        let process = self.processes.get();
        world.trace.note(format_args!("    m{place} starts as process {process}, to die at {:?}", fate.planned.get()));
        let mistake = world.mistake;
        drop(world);
        let mut rules = self.preset.service_rules(place as u32, self.params_version.get());
        if mistake == Some(Mistake::OwnClock) {
            // As good as a clock of its own: what is of the future depends on who takes the turn.
            rules.decode.skew_ms = (quick_hash_of(&process.to_le_bytes()) % 1_200_000) as u32;
        }
        let member = Member::new(&self.world, &self.own, &fate, &rules.topics, place as u32, process);
        let shelf = Shelf::new(&self.world, &fate);
        let machine = &mut self.machines.borrow_mut()[place];
        machine.fate = fate;
        machine.service = Some(Service::new(member, shelf, rules));
    }

    /// A machine takes a turn; one that does not run may be started.
    fn take_turn(&self, place: usize) -> Result<(), String> {
        let (service, is_still, is_busy) = {
            let machine = &mut self.machines.borrow_mut()[place];
            let is_still = machine.still_until > self.step.get();
            let service = if is_still { None } else { machine.service.take() };
            let is_busy = machine.is_busy;
            machine.is_busy |= service.is_some();
            (service, is_still, is_busy)
        };
        match service {
            Some(mut service) => {
                let ended = self.take_turn_with(place, &mut service);
                self.machines.borrow_mut()[place].is_busy = false;
                match &ended {
                    Ok(true) => self.machines.borrow_mut()[place].service = Some(service),
                    _ => self.kill(place),
                }
                let failure = self.failure.borrow_mut().take();
                failure.map_or(ended.map(|_| ()), Err)
            }
            None if is_still || is_busy => Ok(()),
            None => {
                let mut world = self.world.borrow_mut();
                let starts = world.trouble_per_mille == 0 || world.draws.happens(250);
                drop(world);
                if starts {
                    self.start(place);
                }
                Ok(())
            }
        }
    }

    /// A service takes a turn; says whether it lives.
    fn take_turn_with(&self, place: usize, service: &mut Service<Member, Shelf>) -> Result<bool, String> {
        let taken = service.turn();
        let observed = service.take_observed();
        let notices = service.take_notices();
        let mut world = self.world.borrow_mut();
        world.seen.turns += observed.turns;
        world.seen.aborts += observed.renewals.values().sum::<u64>();
        world.trace.note(format_args!("  m{place} {taken:?}"));
        for notice in notices {
            world.trace.note(format_args!("    {notice:?}"));
            if let Notice::Failed(why) = notice {
                return Err(format!("m{place} has stopped a partition, and nobody gave it reason to: {why}"));
            }
        }
        match taken {
            Ok(_) => Ok(true),
            Err(LogError::Fatal(_)) if service.log().is_dead() => Ok(false),
            Err(error) => Err(format!("m{place} has ended, and nobody had killed it: {error:?}")),
        }
    }

    /// What must hold in the end.
    fn check(&self) -> Result<(), String> {
        let mut hashes = BTreeMap::new();
        for machine in self.machines.borrow().iter() {
            hashes.extend(machine.service.iter().flat_map(Service::state_hashes));
        }
        self.log.mark();
        let tenures = std::mem::take(&mut self.world.borrow_mut().tenures);
        for partition in 0..self.preset.partitions {
            let followed = Follower::new(&self.log, &self.preset, partition).follow(&tenures);
            let followed = followed.map_err(|what| format!("partition {partition}, {what}"))?;
            let mut world = self.world.borrow_mut();
            world.seen.outputs += followed.outputs;
            world.trace.note(format_args!("partition {partition} has {} turns", followed.turns));
            if hashes.get(&partition) != Some(&followed.shard.state_hash()) {
                return Err(format!("partition {partition}: its state is not what its journal makes of its inputs"));
            }
        }
        if self.preset.is_comparable() {
            plain::compare(&self.log, &self.preset)?;
        }
        Ok(())
    }

    /// Ends what still runs.
    fn retire(&self) {
        self.machines.borrow_mut().iter_mut().for_each(|machine| machine.service = None);
    }
}
