//! The door of a server: who is let in, and how much those may take who are not in yet.
//!
//! Without the token nobody has more than a small window, a few seconds and a greeting of a few bytes.

use super::budget::{Budget, Held};
use super::operations::Shelf;
use super::protocol::{
    Answer, Broken, Greeting, Header, Info, Init, Kind, LONGEST, Message, Refusal, STREAM_VERSION,
    VERSION, body, bytes, length, message, send,
};
use super::session::{End, Session};
use super::wire::FULL;
use crate::engine::adjoint::Passes;
use burn_ir::BackendIr;
use burn_router::TensorInterpreter;
use iroh::Endpoint;
use iroh::endpoint::{
    Connection, Incoming, IncomingAddr, QuicTransportConfig, RecvStream, SendStream, VarInt,
};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

/// Time to show the token, and for a client that has ended its sessions to begin one anew.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections that have not shown the token: of one address and in all.
const WAITING: (usize, usize) = (16, 256);
/// From so many waiting connections on, an address must prove that it is the sender's.
const CROWD: usize = 32;
/// Bytes of the first two frames of a stream.
const GREETING: (usize, usize) = (64, 1024);
/// Wrong tokens of one connection.
const TRIES: usize = 4;
/// Bytes under way and streams of a connection, before the token is shown and after.
const WINDOW: (u32, u32) = (64 << 10, 16 << 20);
const STREAMS: (u32, u32) = (4, 32);

/// What a connection is closed with.
const LATE: (u32, &str) = (1, "no token came in time");
const WRONG: (u32, &str) = (2, "too many wrong tokens");

pub(super) struct Door<B: Passes + BackendIr> {
    pub(super) device: B::Device,
    pub(super) shelf: Arc<Shelf<B>>,
    /// Of the secret.
    pub(super) digest: [u8; 32],
    /// Clients at a time.
    pub(super) clients: usize,
    /// Bytes a client may hold.
    pub(super) memory: f64,
    /// Whether tensors lie in this machine's memory.
    pub(super) host: bool,
    pub(super) waiting: Mutex<HashMap<IpAddr, usize>>,
    pub(super) inside: AtomicUsize,
}

/// The limits of connections until they have shown the token.
pub(super) fn limits() -> QuicTransportConfig {
    QuicTransportConfig::builder()
        .enable_segmentation_offload(burn::runtime_config().remote().iroh_segmentation_offload)
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS.0))
        .receive_window(VarInt::from_u32(WINDOW.0))
        .datagram_receive_buffer_size(None)
        .build()
}

/// The digest by which a secret is known.
pub(super) fn digest(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// One connection.
struct Client {
    connection: Connection,
    budget: Arc<Budget>,
    sessions: watch::Sender<usize>,
    wrong: AtomicUsize,
    /// Its place among those that wait; given up with the first session.
    place: Mutex<Option<Place>>,
}

/// A place among the connections that wait, for as long as it is kept.
struct Place(Box<dyn FnOnce() + Send>);

impl Drop for Place {
    fn drop(&mut self) {
        std::mem::replace(&mut self.0, Box::new(|| ()))();
    }
}

impl<B: Passes + BackendIr> Door<B> {
    /// Lets clients in until the endpoint is closed.
    pub(super) async fn open(self: Arc<Self>, endpoint: Endpoint) {
        while let Some(incoming) = endpoint.accept().await {
            let Some((place, waiting)) = self.place(&incoming) else {
                incoming.refuse();
                continue;
            };
            if waiting > CROWD && !incoming.remote_addr_validated() {
                let _ = incoming.retry();
                continue;
            }
            tokio::spawn(self.clone().connection(incoming, place));
        }
    }

    /// A place among those who wait, and how many wait.
    fn place(self: &Arc<Self>, incoming: &Incoming) -> Option<(Place, usize)> {
        let IncomingAddr::Ip(address) = incoming.remote_addr() else {
            return None;
        };
        let ip = address.ip();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = waiting.values().sum();
        let own = waiting.get(&ip).copied().unwrap_or(0);
        if own >= WAITING.0 || all >= WAITING.1 {
            return None;
        }
        waiting.insert(ip, own + 1);
        let door = self.clone();
        let leave = move || {
            let mut waiting = door.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            match waiting.get(&ip).copied() {
                Some(n) if n > 1 => waiting.insert(ip, n - 1),
                _ => waiting.remove(&ip),
            };
        };
        Some((Place(Box::new(leave)), all + 1))
    }

    async fn connection(self: Arc<Self>, incoming: Incoming, place: Place) {
        let Ok(Ok(connection)) = timeout(PATIENCE, incoming).await else {
            return;
        };
        let client = Arc::new(Client {
            connection: connection.clone(),
            budget: Budget::new(self.memory, self.host),
            sessions: watch::Sender::new(0),
            wrong: AtomicUsize::new(0),
            place: Mutex::new(Some(place)),
        });
        let streams = async {
            while let Ok((answers, asked)) = connection.accept_bi().await {
                tokio::spawn(self.clone().stream(client.clone(), answers, asked));
            }
        };
        tokio::select! {
            () = streams => (),
            () = idle(client.sessions.subscribe()) => client.close(LATE),
        }
    }

    /// One stream: a greeting, and if it is one with the token, a session.
    async fn stream(
        self: Arc<Self>,
        client: Arc<Client>,
        mut answers: SendStream,
        mut asked: RecvStream,
    ) {
        let Ok(greeted) = timeout(PATIENCE, greeting(&mut asked)).await else {
            return;
        };
        let entered = greeted.and_then(|init| {
            self.admits(&init, &client)?;
            let device_count = FULL;
            self.enter(&client)
                .ok_or(Refusal::NoSuchDevice { device_count })
        });
        let session = match entered {
            Ok(session) => session,
            Err(refusal) => return client.refuse(refusal, answers).await,
        };
        let info = Info {
            version: VERSION,
            settings: TensorInterpreter::<B>::new(self.device.clone()).device_settings(),
            device_count: 1,
            peer_id: None,
        };
        let content = Greeting::Init(info);
        if send(&mut answers, &bytes(&Answer { content, id: 0 })).await {
            self.converse(&client, answers, asked, session).await;
        }
    }

    /// Whether a greeting has the token; the refusal else.
    fn admits(&self, init: &Init, client: &Client) -> Result<(), Refusal> {
        if init.version != VERSION {
            let server_version = VERSION;
            return Err(Refusal::IncompatibleProtocol { server_version });
        }
        if digest(&init.secret) != self.digest {
            client.wrong.fetch_add(1, Ordering::Relaxed);
            return Err(Refusal::Unauthorized);
        }
        match init.device {
            0 => Ok(()),
            _ => Err(Refusal::NoSuchDevice { device_count: 1 }),
        }
    }

    /// A session's place among those inside; `None` where all are taken.
    fn enter(self: &Arc<Self>, client: &Arc<Client>) -> Option<Place> {
        if self.inside.fetch_add(1, Ordering::Relaxed) >= self.clients {
            self.inside.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        client.sessions.send_modify(|n| *n += 1);
        let mut place = client.place.lock().unwrap_or_else(PoisonError::into_inner);
        let left = place.take();
        drop((place, left));
        let connection = &client.connection;
        connection.set_receive_window(VarInt::from_u32(WINDOW.1));
        connection.set_max_concurrent_bi_streams(VarInt::from_u32(STREAMS.1));
        let (door, client) = (self.clone(), client.clone());
        Some(Place(Box::new(move || {
            door.inside.fetch_sub(1, Ordering::Relaxed);
            client.sessions.send_modify(|n| *n -= 1);
        })))
    }

    /// Does what comes, in a thread of its own, until the client or the server has enough.
    async fn converse(
        self: &Arc<Self>,
        client: &Client,
        mut out: SendStream,
        mut asked: RecvStream,
        place: Place,
    ) {
        let (tasks, mut todo) = mpsc::channel::<Batch>(1);
        let (answers, mut done) = mpsc::channel::<Vec<u8>>(2);
        let mut session = Session::new(
            self.device.clone(),
            self.shelf.clone(),
            client.budget.clone(),
        );
        let work = move || {
            let _place = place;
            while let Some(batch) = todo.blocking_recv() {
                if !work(&mut session, batch, &answers) {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("bullwhip-session".into());
        if thread.spawn(work).is_err() {
            return;
        }
        tokio::spawn(async move {
            while let Some(answer) = done.recv().await {
                if !send(&mut out, &answer).await {
                    return;
                }
            }
            let _ = out.finish();
        });
        while let Some(batch) = batch(&mut asked, &client.budget).await {
            if tasks.send(batch).await.is_err() {
                return;
            }
        }
    }
}

impl Client {
    async fn refuse(&self, refusal: Refusal, mut answers: SendStream) {
        let content: Greeting<()> = Greeting::InitRefused(refusal);
        send(&mut answers, &bytes(&Answer { content, id: 0 })).await;
        let _ = answers.finish();
        if self.wrong.load(Ordering::Relaxed) >= TRIES {
            self.close(WRONG);
        }
    }

    fn close(&self, (code, reason): (u32, &str)) {
        self.connection
            .close(VarInt::from_u32(code), reason.as_bytes());
    }
}

/// Ends when there has been no session for as long as one may wait.
async fn idle(mut sessions: watch::Receiver<usize>) {
    loop {
        if sessions.wait_for(|n| *n == 0).await.is_err() {
            return;
        }
        match timeout(PATIENCE, sessions.wait_for(|n| *n > 0)).await {
            Ok(Ok(_)) => (),
            _ => return,
        }
    }
}

/// The greeting of a stream.
async fn greeting(asked: &mut RecvStream) -> Result<Init, Refusal> {
    let unknown = || Refusal::IncompatibleProtocol {
        server_version: VERSION,
    };
    let header: Option<Header> = message(asked, GREETING.0).await;
    let header = header.filter(|h| h.version == STREAM_VERSION && h.kind == Kind::Session);
    header.ok_or_else(unknown)?;
    let messages: Option<Vec<Message>> = message(asked, GREETING.1).await;
    match messages.and_then(|all| all.into_iter().next()) {
        Some(Message::Init(init)) => Ok(init),
        _ => Err(unknown()),
    }
}

/// What came together.
enum Batch {
    Tasks(Vec<Message>, #[allow(dead_code)] Held),
    /// It does not fit, and why.
    Lost(String),
}

/// The next batch; `None` at the end, and where it is no batch.
async fn batch(asked: &mut RecvStream, budget: &Arc<Budget>) -> Option<Batch> {
    let length = length(asked, LONGEST).await.ok()?;
    // As bytes and as tensors.
    let held = match budget.take_here("a message", 2.0 * length as f64) {
        Ok(held) => held,
        Err(why) => return pass(asked, length).await.then_some(Batch::Lost(why)),
    };
    match body(asked, length).await {
        Ok(bytes) => Some(Batch::Tasks(rmp_serde::from_slice(&bytes).ok()?, held)),
        Err(Broken::TooLong(n)) => Some(Batch::Lost(format!("a message of {n} bytes is too long"))),
        Err(Broken::Ended) => None,
    }
}

/// Reads so many bytes and keeps none; false at the end.
async fn pass(asked: &mut RecvStream, length: usize) -> bool {
    let mut left = length;
    while left > 0 {
        match asked.read_chunk(left.min(1 << 16)).await {
            Ok(Some(chunk)) => left -= chunk.len(),
            _ => return false,
        }
    }
    true
}

/// Does a batch; false where the session ends.
fn work<B: Passes + BackendIr>(
    session: &mut Session<B>,
    batch: Batch,
    answers: &mpsc::Sender<Vec<u8>>,
) -> bool {
    let (messages, _held) = match batch {
        Batch::Lost(why) => {
            session.lose(&why);
            return true;
        }
        Batch::Tasks(messages, held) => (messages, held),
    };
    for one in messages {
        let Message::Task(task) = one else {
            return false;
        };
        match session.run(task) {
            Ok(None) => (),
            Ok(Some(answer)) => {
                if answers.blocking_send(answer).is_err() {
                    return false;
                }
            }
            Err(End) => return false,
        }
    }
    true
}
