//! What burn's remote backend says: frames and messages, as burn-remote 0.22 writes them.
//!
//! Its types are private, and its own server reads a first message of up to 1 GiB from anybody, and then does whatever
//! it is asked for. So the server here is our own, and these types mirror those of the client.

use burn::tensor::{DType, StreamId, TensorData};
use burn_ir::{OperationIr, TensorId, TensorIr};
use iroh::endpoint::{RecvStream, SendStream};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

/// Names the protocol in the greeting of a connection.
pub(super) const ALPN: &[u8] = b"burn/remote/1";
/// Version of the messages.
pub(super) const VERSION: u16 = 2;
/// Version of the streams.
pub(super) const STREAM_VERSION: u16 = 1;
/// No client sends a longer frame.
pub(super) const LONGEST: usize = 1 << 30;

/// The first frame of a stream.
#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) version: u16,
    pub(super) kind: Kind,
}

#[derive(Deserialize, PartialEq, Eq)]
pub(super) enum Kind {
    Session,
    TensorTransfer,
}

#[derive(Deserialize)]
#[allow(clippy::large_enum_variant)]
pub(super) enum Message {
    Task(Task),
    Init(Init),
    Close(IgnoredAny),
}

/// Who wants in.
#[derive(Deserialize)]
pub(super) struct Init {
    pub(super) version: u16,
    #[allow(dead_code)]
    session: IgnoredAny,
    pub(super) device: u32,
    #[serde(with = "serde_bytes")]
    pub(super) secret: Vec<u8>,
}

/// What is to be done; of what the library never sends only the name.
#[derive(Deserialize)]
#[allow(clippy::large_enum_variant)]
pub(super) enum Task {
    RegisterOperation(StreamId, OperationIr),
    RegisterTensor(StreamId, TensorId, TensorData),
    RegisterAlias {
        stream_id: StreamId,
        new_id: TensorId,
        src_id: TensorId,
    },
    ReadTensor(u64, StreamId, TensorIr),
    SyncBackend(u64, StreamId),
    DTypeUsage(u64, DType),
    Seed(IgnoredAny),
    RegisterAndExecuteGraph(IgnoredAny),
    ExecuteGraph(IgnoredAny),
    RegisterTensorRemote(IgnoredAny),
    ExposeTensorRemote(IgnoredAny),
    ExposeTensorLocal(IgnoredAny),
    RegisterTensorLocal(IgnoredAny),
    ProfileStart(IgnoredAny),
    ProfileEnd(IgnoredAny),
    ProfileAbandon(IgnoredAny),
}

/// An answer, by the number of its question.
#[derive(Serialize)]
pub(super) struct Answer<T> {
    pub(super) content: T,
    pub(super) id: u64,
}

/// The answer to a greeting; `S` are the settings of the device.
#[derive(Serialize)]
pub(super) enum Greeting<S> {
    Init(Info<S>),
    InitRefused(Refusal),
}

#[derive(Serialize)]
pub(super) struct Info<S> {
    pub(super) version: u16,
    pub(super) settings: S,
    pub(super) device_count: u32,
    /// Only servers that send tensors to each other need it.
    pub(super) peer_id: Option<()>,
}

#[derive(Serialize)]
pub(super) enum Refusal {
    Unauthorized,
    NoSuchDevice { device_count: u32 },
    IncompatibleProtocol { server_version: u16 },
}

#[derive(Serialize)]
pub(super) enum Read {
    ReadTensor(Result<TensorData, Failure>),
}

#[derive(Serialize)]
pub(super) enum Sync {
    SyncBackend(Result<(), Failure>),
}

#[derive(Serialize)]
pub(super) enum Usage<U> {
    DTypeUsage(U),
}

/// Why something was not done.
#[derive(Serialize)]
pub(super) enum Failure {
    WithContext { reason: String },
}

impl Failure {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Failure::WithContext {
            reason: reason.into(),
        }
    }
}

/// What came in place of a frame.
pub(super) enum Broken {
    /// The stream has ended.
    Ended,
    /// It announces so many bytes, which are not read.
    TooLong(usize),
}

/// The length of the next frame, of at most `most` bytes.
pub(super) async fn length(stream: &mut RecvStream, most: usize) -> Result<usize, Broken> {
    let mut bytes = [0; 8];
    let read = stream.read_exact(&mut bytes).await;
    read.map_err(|_| Broken::Ended)?;
    let length = usize::try_from(u64::from_le_bytes(bytes)).unwrap_or(usize::MAX);
    match length <= most {
        true => Ok(length),
        false => Err(Broken::TooLong(length)),
    }
}

/// The bytes of a frame. What is not there yet takes no memory.
pub(super) async fn body(stream: &mut RecvStream, length: usize) -> Result<Vec<u8>, Broken> {
    let mut bytes: Vec<u8> = Vec::new();
    while bytes.len() < length {
        if bytes.len() == bytes.capacity() {
            let more = bytes.len().max(1 << 16).min(length - bytes.len());
            bytes
                .try_reserve_exact(more)
                .map_err(|_| Broken::TooLong(length))?;
        }
        let room = (bytes.capacity() - bytes.len()).min(length - bytes.len());
        let chunk = stream.read_chunk(room).await;
        bytes.extend_from_slice(&chunk.ok().flatten().ok_or(Broken::Ended)?);
    }
    Ok(bytes)
}

/// A whole frame of at most `most` bytes, as what it says.
pub(super) async fn message<T: DeserializeOwned>(
    stream: &mut RecvStream,
    most: usize,
) -> Option<T> {
    let length = length(stream, most).await.ok()?;
    let bytes = body(stream, length).await.ok()?;
    rmp_serde::from_slice(&bytes).ok()
}

/// A message as bytes.
pub(super) fn bytes<T: Serialize>(message: &T) -> Vec<u8> {
    rmp_serde::to_vec(message).unwrap_or_default()
}

/// Sends a frame; false where nobody is there.
pub(super) async fn send(stream: &mut SendStream, bytes: &[u8]) -> bool {
    let length = (bytes.len() as u64).to_le_bytes();
    stream.write_all(&length).await.is_ok() && stream.write_all(bytes).await.is_ok()
}
