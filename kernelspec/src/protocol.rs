//! The words of Jupyter's protocol: messages, replies, and what the kernel says of itself.

use crate::link::Failure;
use jupyter_protocol::{JupyterMessage, UnknownMessage};
use jupyter_zmq_client::{RouterRecvConnection, RouterSendConnection, RuntimeError};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

/// Passes on what comes on a channel.
pub(crate) async fn listen<E>(
    mut connection: RouterRecvConnection,
    sender: UnboundedSender<E>,
    event: fn(JupyterMessage) -> E,
) {
    loop {
        match connection.read().await {
            Ok(message) => {
                if sender.send(event(message)).is_err() {
                    return;
                }
            }
            Err(RuntimeError::ZmqError(error)) => {
                eprintln!("a channel has closed: {error}");
                return;
            }
            // Not a message, not signed by our key, or of a form that is not known.
            Err(error) => eprintln!("a message was refused: {error}"),
        }
    }
}

/// Answers one client. One that has gone, as Jupyter's server does that only asks whether the kernel is
/// there, is no fault of the others'.
pub(crate) async fn answer(channel: &mut RouterSendConnection, message: JupyterMessage) {
    if let Err(error) = channel.send(message).await {
        eprintln!("an answer finds nobody: {error}");
    }
}

pub(crate) fn message(
    kind: &str,
    content: Value,
    parent: Option<&JupyterMessage>,
) -> JupyterMessage {
    let msg_type = kind.to_string();
    JupyterMessage::new(UnknownMessage { msg_type, content }, parent)
}

pub(crate) fn reply(request: &JupyterMessage, content: Value) -> JupyterMessage {
    message(
        &request.message_type().replace("_request", "_reply"),
        content,
        Some(request),
    )
}

pub(crate) fn error_reply(failure: &Failure, count: usize) -> Value {
    json!({
        "status": "error", "execution_count": count, "ename": failure.ename,
        "evalue": failure.evalue, "traceback": failure.traceback,
    })
}

/// Jupyter counts characters, Rust counts bytes.
pub(crate) fn bytes_before(code: &str, characters: usize) -> usize {
    code.char_indices()
        .nth(characters)
        .map_or(code.len(), |(at, _)| at)
}

pub(crate) fn kernel_info() -> Value {
    json!({
        "status": "ok",
        "protocol_version": "5.3",
        "implementation": env!("CARGO_PKG_NAME"),
        "implementation_version": env!("CARGO_PKG_VERSION"),
        "language_info": {
            "name": "rust",
            "version": env!("CARGO_PKG_RUST_VERSION"),
            "mimetype": "text/rust",
            "file_extension": ".rs",
            "pygments_lexer": "rust",
            "codemirror_mode": "rust",
        },
        "banner": concat!("bullwhip ", env!("CARGO_PKG_VERSION"), ": Rust notebooks with the toolkit compiled once"),
        "help_links": [{ "text": "Rust's standard library", "url": "https://doc.rust-lang.org/stable/std/" }],
    })
}
