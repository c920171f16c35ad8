//! A Jupyter client: starts a kernel, and tells what it says, in order.
#![allow(dead_code)]

use jupyter_protocol::{
    CompleteRequest, ConnectionInfo, ExecuteRequest, InputReply, InspectRequest, InterruptRequest,
    JupyterMessage, KernelInfoRequest, ReplyStatus, ShutdownRequest, Transport,
};
use jupyter_zmq_client::{
    ClientControlConnection, ClientIoPubConnection, ClientShellConnection, ClientStdinConnection,
    create_client_control_connection, create_client_iopub_connection,
    create_client_shell_connection_with_identity, create_client_stdin_connection_with_identity,
    peek_ports, peer_identity_for_session,
};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// No single step of a kernel takes longer, not even one that compiles the toolkit on a busy machine.
const LIMIT: Duration = Duration::from_secs(1200);

pub(crate) struct Kernel {
    pub(crate) child: Child,
    file: PathBuf,
    connection: ConnectionInfo,
    pub(crate) shell: ClientShellConnection,
    pub(crate) control: ClientControlConnection,
    pub(crate) iopub: ClientIoPubConnection,
    pub(crate) stdin: ClientStdinConnection,
}

/// What a cell has caused: the messages of the output channel, and the reply.
pub(crate) struct Cell {
    pub(crate) messages: Vec<JupyterMessage>,
    pub(crate) reply: JupyterMessage,
    pub(crate) seconds: f64,
}

pub(crate) fn content(message: &JupyterMessage) -> Value {
    serde_json::to_value(&message.content).expect("JSON")
}

impl Cell {
    pub(crate) fn kinds(&self) -> Vec<&str> {
        self.messages.iter().map(|m| m.message_type()).collect()
    }

    pub(crate) fn of(&self, kind: &str) -> Vec<Value> {
        let some = self.messages.iter().filter(|m| m.message_type() == kind);
        some.map(content).collect()
    }

    /// What is printed on a stream.
    pub(crate) fn text(&self, name: &str) -> String {
        let some = self.of("stream").into_iter().filter(|s| s["name"] == name);
        some.filter_map(|s| s["text"].as_str().map(str::to_string))
            .collect()
    }

    /// What the user was told while the cell waited for an engine; it was taken back.
    pub(crate) fn waited(&self) -> String {
        let end = self.kinds().iter().position(|kind| *kind == "clear_output");
        let texts = self.messages[..end.unwrap_or(0)].iter().map(content);
        texts
            .filter_map(|c| c["text"].as_str().map(str::to_string))
            .collect()
    }

    /// The plain text of the result.
    pub(crate) fn result(&self) -> String {
        let results = self.of("execute_result");
        let data = results.first().map(|r| r["data"]["text/plain"].clone());
        data.and_then(|d| d.as_str().map(str::to_string))
            .unwrap_or_default()
    }

    pub(crate) fn ok(&self) -> bool {
        content(&self.reply)["status"] == "ok"
    }
}

/// Waits with a limit, so that a kernel that hangs fails the test instead.
pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, work)
        .await
        .expect("the kernel answers in time")
}

impl Kernel {
    /// Starts a kernel in a folder, and returns at once when its sockets are there.
    pub(crate) async fn start(folder: &Path, environment: &[(&str, &str)]) -> Self {
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let ports = peek_ports(ip, 5).await.expect("free ports");
        let connection = ConnectionInfo {
            ip: ip.to_string(),
            transport: Transport::TCP,
            shell_port: ports[0],
            iopub_port: ports[1],
            stdin_port: ports[2],
            control_port: ports[3],
            hb_port: ports[4],
            key: uuid::Uuid::new_v4().to_string(),
            signature_scheme: "hmac-sha256".to_string(),
            kernel_name: Some("bullwhip".to_string()),
        };
        let file =
            std::env::temp_dir().join(format!("bullwhip-test-{}.json", uuid::Uuid::new_v4()));
        let text = serde_json::to_string(&connection).expect("JSON");
        // Who reads the key can run anything here.
        let mut written = std::fs::File::options();
        let written = written.write(true).create_new(true).mode(0o600).open(&file);
        std::io::Write::write_all(&mut written.expect("a connection file"), text.as_bytes())
            .expect("written");
        Self::open(connection, file, folder, environment).await
    }

    /// Starts a kernel on given ports.
    async fn open(
        connection: ConnectionInfo,
        file: PathBuf,
        folder: &Path,
        environment: &[(&str, &str)],
    ) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_bullwhip-kernel"))
            .arg("--control_file")
            .arg(&file)
            .current_dir(folder)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the kernel starts");
        let session = uuid::Uuid::new_v4().to_string();
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let ports = [
            connection.shell_port,
            connection.iopub_port,
            connection.stdin_port,
            connection.control_port,
            connection.hb_port,
        ];
        // Nobody listens before the kernel has bound its ports, the output's before the shell's.
        let listening = async |port: u16| {
            while tokio::net::TcpStream::connect((ip, port)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        soon(async {
            for port in &ports {
                listening(*port).await;
            }
        })
        .await;
        let identity = || peer_identity_for_session(&session).expect("an identity");
        let iopub = create_client_iopub_connection(&connection, "", &session).await;
        let shell =
            create_client_shell_connection_with_identity(&connection, &session, identity()).await;
        let stdin =
            create_client_stdin_connection_with_identity(&connection, &session, identity()).await;
        let control = create_client_control_connection(&connection, &session).await;
        let mut kernel = Self {
            child,
            file,
            connection,
            shell: shell.expect("a channel"),
            control: control.expect("a channel"),
            iopub: iopub.expect("a channel"),
            stdin: stdin.expect("a channel"),
        };
        kernel.meet().await;
        kernel
    }

    /// Asks for kernel_info until the output channel is heard too: then nothing is missed.
    async fn meet(&mut self) {
        soon(async {
            loop {
                let id = self.ask(KernelInfoRequest {}).await;
                self.shell.read().await.expect("a reply");
                let heard = async {
                    loop {
                        let message = self.iopub.read().await.expect("a message");
                        let ours = message
                            .parent_header
                            .as_ref()
                            .is_some_and(|h| h.msg_id == id);
                        if ours && content(&message)["execution_state"] == "idle" {
                            return;
                        }
                    }
                };
                if tokio::time::timeout(Duration::from_millis(500), heard)
                    .await
                    .is_ok()
                {
                    return;
                }
            }
        })
        .await
    }

    /// Sends a request on the shell channel; its id.
    pub(crate) async fn ask(&mut self, request: impl Into<JupyterMessage>) -> String {
        let message = request.into();
        let id = message.header.msg_id.clone();
        self.shell.send(message).await.expect("sent");
        id
    }

    /// Asks on a connection of its own, and closes that.
    pub(crate) async fn ask_and_go(&mut self) {
        let session = uuid::Uuid::new_v4().to_string();
        let identity = peer_identity_for_session(&session).expect("an identity");
        let shell =
            create_client_shell_connection_with_identity(&self.connection, &session, identity);
        let mut shell = soon(shell).await.expect("a channel");
        let request: JupyterMessage = KernelInfoRequest {}.into();
        shell.send(request).await.expect("sent");
    }

    pub(crate) async fn begin(&mut self, code: &str) -> String {
        self.ask(ExecuteRequest {
            allow_stdin: true,
            ..ExecuteRequest::new(code.to_string())
        })
        .await
    }

    /// The next message of the output channel.
    pub(crate) async fn next(&mut self) -> JupyterMessage {
        soon(self.iopub.read()).await.expect("a message")
    }

    /// The next message of a kind.
    pub(crate) async fn reach(&mut self, kind: &str) -> JupyterMessage {
        loop {
            let message = self.next().await;
            if message.message_type() == kind {
                return message;
            }
        }
    }

    /// Collects what a cell causes until it is idle.
    pub(crate) async fn finish(&mut self, id: &str) -> Cell {
        let begin = Instant::now();
        let mut messages = Vec::new();
        loop {
            let message = self.next().await;
            if message
                .parent_header
                .as_ref()
                .is_none_or(|h| h.msg_id != id)
            {
                continue;
            }
            let idle = content(&message)["execution_state"] == "idle";
            messages.push(message);
            if idle {
                break;
            }
        }
        let reply = loop {
            let reply = soon(self.shell.read()).await.expect("a reply");
            if reply.parent_header.as_ref().is_some_and(|h| h.msg_id == id) {
                break reply;
            }
        };
        Cell {
            messages,
            reply,
            seconds: begin.elapsed().as_secs_f64(),
        }
    }

    pub(crate) async fn run(&mut self, code: &str) -> Cell {
        let id = self.begin(code).await;
        self.finish(&id).await
    }

    /// Waits until a cell prints this.
    pub(crate) async fn until(&mut self, text: &str) {
        while !content(&self.next().await)["text"]
            .as_str()
            .is_some_and(|t| t.contains(text))
        {}
    }

    pub(crate) async fn interrupt(&mut self) -> Value {
        self.control
            .send(InterruptRequest {}.into())
            .await
            .expect("sent");
        content(&soon(self.control.read()).await.expect("a reply"))
    }

    pub(crate) async fn complete(&mut self, code: &str) -> Value {
        let request = CompleteRequest {
            code: code.to_string(),
            cursor_pos: code.chars().count(),
        };
        self.ask(request).await;
        content(&soon(self.shell.read()).await.expect("a reply"))
    }

    pub(crate) async fn inspect(&mut self, code: &str) -> Value {
        let request = InspectRequest {
            code: code.to_string(),
            cursor_pos: code.chars().count(),
            detail_level: Some(0),
        };
        self.ask(request).await;
        content(&soon(self.shell.read()).await.expect("a reply"))
    }

    /// Answers a cell that waits for a line; what it asked.
    pub(crate) async fn answer(&mut self, line: &str) -> Value {
        let asked = soon(self.stdin.read()).await.expect("a request");
        let reply = InputReply {
            value: line.to_string(),
            status: ReplyStatus::Ok,
            error: None,
        };
        self.stdin
            .send(JupyterMessage::new(reply, Some(&asked)))
            .await
            .expect("sent");
        content(&asked)
    }

    /// Asks the kernel to end, and sees it end; the reply.
    pub(crate) async fn shutdown(mut self) -> Value {
        let reply = self.end(false).await;
        std::fs::remove_file(&self.file).expect("removed");
        reply
    }

    /// As Jupyter restarts a kernel: the next has the ports of the one before. The reply, and the next.
    pub(crate) async fn restart(
        mut self,
        folder: &Path,
        environment: &[(&str, &str)],
    ) -> (Value, Self) {
        let reply = self.end(true).await;
        (reply, self.again(folder, environment).await)
    }

    /// Kills the kernel, and starts it again as Jupyter does.
    pub(crate) async fn die(mut self, folder: &Path, environment: &[(&str, &str)]) -> Self {
        soon(self.child.kill()).await.expect("it ends");
        self.again(folder, environment).await
    }

    async fn end(&mut self, restart: bool) -> Value {
        self.control
            .send(ShutdownRequest { restart }.into())
            .await
            .expect("sent");
        let reply = content(&soon(self.control.read()).await.expect("a reply"));
        soon(self.child.wait()).await.expect("it ends");
        reply
    }

    async fn again(self, folder: &Path, environment: &[(&str, &str)]) -> Self {
        let (connection, file) = (self.connection.clone(), self.file.clone());
        // Else its channels would connect to the next kernel.
        drop(self);
        Self::open(connection, file, folder, environment).await
    }
}
