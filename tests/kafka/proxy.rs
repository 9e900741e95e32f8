//! A proxy between clients and a broker that holds the end of a transaction (`EndTxn`) until the next one is under way: what
//! a network does that loses a connection and not what was on it.
//!
//! It speaks no Kafka beyond frames: four bytes of length, then what kind of request it is. In the answers that name brokers
//! it puts its own port in the place of the broker's, so that clients come back to it.

use std::collections::{HashMap, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const METADATA: i16 = 3;
const FIND_COORDINATOR: i16 = 10;
const ADD_PARTITIONS_TO_TXN: i16 = 24;
const END_TXN: i16 = 26;
/// The longest that an end of a transaction is held where no next one comes.
const HELD_MAX: Duration = Duration::from_secs(15);
/// How long a proxy waits for the broker's word on what it held.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// What the client notices of its request being held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Its connection is cut.
    Cut,
    /// Nothing, until it has waited long enough.
    Silence,
}

/// When a held request is let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    After(Duration),
    /// So long after the next transaction of the same id has its first partition.
    NextTransaction(Duration),
}

/// What became of a held request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// How long it was held.
    pub held: Duration,
    /// Whether another transaction of its id had begun by then.
    pub has_next_begun: bool,
    /// What the broker said to it: 0 is that it did as it was told.
    pub code: Option<i16>,
}

/// A proxy before one broker.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    broker: u16,
    proxy: u16,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    hold: Option<(Notice, Release, Sender<Held>)>,
    /// Transactions begun, by transactional id: by their first partitions.
    begun: HashMap<Vec<u8>, u64>,
    /// Whether the last thing that was sent for this id was the end of a transaction.
    ended: HashMap<Vec<u8>, bool>,
}

impl Proxy {
    /// Before the broker at this address (`127.0.0.1:port`).
    pub fn start(bootstrap: &str) -> Proxy {
        let broker = bootstrap.rsplit(':').next().unwrap().parse().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, crate::broker::free_port())).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared =
            Arc::new(Shared { broker, proxy: port, state: Mutex::new(State::default()), changed: Condvar::new() });
        let accepting = Arc::clone(&shared);
        // It ends with the process of the tests.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&accepting);
                thread::spawn(move || serve(&shared, &client));
            }
        });
        Proxy { port, shared }
    }

    /// Where clients reach it.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Holds the next end of a transaction; tells what became of it.
    pub fn hold_next(&self, notice: Notice, release: Release) -> Receiver<Held> {
        let (sender, receiver) = channel();
        let before = self.shared.state.lock().unwrap().hold.replace((notice, release, sender));
        assert!(before.is_none(), "the one before is not held yet");
        receiver
    }

    /// Holds nothing more that is not held yet.
    pub fn let_pass(&self) {
        self.shared.state.lock().unwrap().hold = None;
    }
}

/// Requests that wait for their answers, in order.
type Waiting = Arc<Mutex<VecDeque<Request>>>;

/// A request that was passed on: its number, its kind, and the transactional id where it has one.
struct Request {
    number: i32,
    kind: i16,
    id: Vec<u8>,
}

fn serve(shared: &Arc<Shared>, client: &TcpStream) {
    let Ok(broker) = TcpStream::connect((Ipv4Addr::LOCALHOST, shared.broker)) else {
        close(client);
        return;
    };
    client.set_nodelay(true).unwrap();
    broker.set_nodelay(true).unwrap();
    let waiting = Waiting::default();
    let (answers, answered) = channel();
    let back = {
        let (shared, waiting) = (Arc::clone(shared), Arc::clone(&waiting));
        let (broker, client) = (broker.try_clone().unwrap(), client.try_clone().unwrap());
        thread::spawn(move || answer(&shared, broker, &client, &waiting, &answers))
    };
    request(shared, client, &broker, &waiting, &answered);
    close(&broker);
    close(client);
    back.join().unwrap();
}

/// Passes requests on.
fn request(
    shared: &Shared,
    client: &TcpStream,
    broker: &TcpStream,
    waiting: &Waiting,
    answered: &Receiver<(i32, i16)>,
) {
    let (mut from, mut to) = (client, broker);
    while let Some(frame) = read_frame(&mut from) {
        let (kind, number) = (i16::from_be_bytes([frame[4], frame[5]]), correlation(&frame[8..]));
        let is_of_transaction = matches!(kind, END_TXN | ADD_PARTITIONS_TO_TXN);
        let id = if is_of_transaction { transactional_id(&frame) } else { Vec::new() };
        let held = (kind == END_TXN).then(|| shared.note_end(&id)).flatten();
        waiting.lock().unwrap().push_back(Request { number, kind, id: id.clone() });
        let Some((notice, release, told)) = held else {
            if to.write_all(&frame).is_err() {
                return;
            }
            continue;
        };
        if notice == Notice::Cut {
            close(client);
        }
        let since = Instant::now();
        let has_next_begun = shared.await_release(&id, release);
        let sent = to.write_all(&frame);
        let deadline = Instant::now() + ANSWER_MAX;
        let mut code = None;
        while sent.is_ok() && code.is_none() {
            match answered.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok((of, said)) if of == number => code = Some(said),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        // Nobody may be waiting for it any more.
        told.send(Held { held: since.elapsed(), has_next_begun, code }).ok();
    }
}

/// Passes answers back, also where nobody takes them any more.
fn answer(shared: &Shared, mut broker: TcpStream, client: &TcpStream, waiting: &Waiting, answers: &Sender<(i32, i16)>) {
    let mut to = client;
    while let Some(mut frame) = read_frame(&mut broker) {
        let number = correlation(&frame[4..]);
        let request = waiting.lock().unwrap().pop_front().expect("an answer follows a request");
        assert_eq!(request.number, number, "answers come in the order of requests");
        match request.kind {
            ADD_PARTITIONS_TO_TXN if is_added(&frame) => shared.note_begin(&request.id),
            METADATA | FIND_COORDINATOR => shared.take_the_place(&mut frame),
            // Length, number, time throttled, code: what versions 0 to 2 begin with.
            END_TXN if frame.len() >= 14 => {
                // Nobody waits for what was not held.
                answers.send((number, i16::from_be_bytes([frame[12], frame[13]]))).ok();
            }
            _ => {}
        }
        // A client that has gone hears no more.
        to.write_all(&frame).ok();
    }
    close(client);
}

impl Shared {
    fn note_begin(&self, id: &[u8]) {
        let mut state = self.state.lock().unwrap();
        if state.ended.insert(id.to_vec(), false) != Some(false) {
            *state.begun.entry(id.to_vec()).or_default() += 1;
            self.changed.notify_all();
        }
    }

    fn note_end(&self, id: &[u8]) -> Option<(Notice, Release, Sender<Held>)> {
        let mut state = self.state.lock().unwrap();
        state.ended.insert(id.to_vec(), true);
        state.hold.take()
    }

    /// Says whether another transaction of the same id has begun by then.
    fn await_release(&self, id: &[u8], release: Release) -> bool {
        let begun = |state: &State| state.begun.get(id).copied().unwrap_or_default();
        let state = self.state.lock().unwrap();
        let before = begun(&state);
        match release {
            Release::After(time) => {
                drop(state);
                thread::sleep(time);
                begun(&self.state.lock().unwrap()) > before
            }
            Release::NextTransaction(later) => {
                let waits = |state: &mut State| begun(state) == before;
                let (state, _) = self.changed.wait_timeout_while(state, HELD_MAX, waits).unwrap();
                let has_begun = begun(&state) > before;
                drop(state);
                thread::sleep(later);
                has_begun
            }
        }
    }

    /// Puts the proxy's port where the broker's stands after its address.
    fn take_the_place(&self, frame: &mut [u8]) {
        let is_port = |bytes: &[u8]| bytes == i32::from(self.broker).to_be_bytes();
        const HOST: &[u8] = b"127.0.0.1";
        let mut at = 0;
        while at + HOST.len() + 4 <= frame.len() {
            let port = at + HOST.len()..at + HOST.len() + 4;
            if frame[at..].starts_with(HOST) && is_port(&frame[port.clone()]) {
                frame[port].copy_from_slice(&i32::from(self.proxy).to_be_bytes());
            }
            at += 1;
        }
    }
}

/// A frame with its length; `None` where there are no more.
fn read_frame(from: &mut impl Read) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length).ok()?;
    let mut frame = vec![0; 4 + i32::from_be_bytes(length) as usize];
    frame[..4].copy_from_slice(&length);
    from.read_exact(&mut frame[4..]).ok()?;
    Some(frame)
}

/// Whether the first of the partitions was added: after length, number, time throttled, how many topics, the first one's name,
/// how many partitions, the first one's number.
fn is_added(frame: &[u8]) -> bool {
    let name_bytes = usize::from(u16::from_be_bytes([frame[16], frame[17]]));
    let code = 18 + name_bytes + 8;
    frame.get(code..code + 2) == Some(&[0, 0])
}

fn correlation(bytes: &[u8]) -> i32 {
    i32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// The first field of a request about a transaction: after length, kind, version, number and the client's id.
fn transactional_id(frame: &[u8]) -> Vec<u8> {
    let text = |at: usize| {
        let length = i16::from_be_bytes([frame[at], frame[at + 1]]).max(0) as usize;
        (at + 2, at + 2 + length)
    };
    let (_, after) = text(12);
    let (from, to) = text(after);
    frame[from..to].to_vec()
}

fn close(stream: &TcpStream) {
    match stream.shutdown(Shutdown::Both) {
        Err(error) if error.kind() != ErrorKind::NotConnected => eprintln!("a connection cannot be closed: {error}"),
        _ => {}
    }
}

mod tests {
    use rdkafka::producer::Producer;

    use super::*;
    use crate::broker::Broker;
    use crate::client::{OwnedRecord, Record, WAIT_MAX, fresh, producer, send_all};

    /// What the monitor is guarded against, done to a client that is not: were nothing to happen here, the faults would show
    /// nothing either.
    #[test]
    fn a_late_end_of_a_transaction_commits_the_next_one_of_a_client_that_takes_no_care() {
        let broker = Broker::shared();
        let topic = fresh("late-end");
        broker.create_topic(&topic, 1, &[]);
        let proxy = Proxy::start(&broker.bootstrap());
        let mut config = broker.client();
        config.set("bootstrap.servers", proxy.bootstrap()).set("transactional.id", fresh("careless"));
        let producer = producer(&mut config);
        producer.init_transactions(WAIT_MAX).unwrap();

        producer.begin_transaction().unwrap();
        send_all(&producer, &[Record::new(&topic, 0, "committed")]);
        let told = proxy.hold_next(Notice::Cut, Release::NextTransaction(Duration::from_secs(1)));
        producer.commit_transaction(WAIT_MAX).unwrap();
        producer.begin_transaction().unwrap();
        send_all(&producer, &[Record::new(&topic, 0, "to be aborted")]);
        producer.flush(WAIT_MAX).unwrap();
        let held = told.recv_timeout(WAIT_MAX).unwrap();
        assert_eq!((held.has_next_begun, held.code), (true, Some(0)), "{held:?}");

        let records = broker.read_committed(&topic);
        let texts: Vec<&str> = records.iter().map(OwnedRecord::text).collect();
        assert_eq!(texts, ["committed", "to be aborted"], "nobody has committed the second");
    }
}
