//! Runs a notebook through the real kernel, over the Jupyter protocol.

use crate::book::{self, TRANSIENT, is_tagged, overwritten, text_of};
use crate::connection::ConnectionFile;
use crate::html;
use crate::parameters;
use crate::report::without_colours;
use crate::runtime::Runtime;
use crate::spare;
use anyhow::{Context, Result, anyhow, bail};
use jupyter_protocol::{
    ConnectionInfo, ExecuteRequest, ExecutionState, JupyterMessage, JupyterMessageContent,
    KernelInfoRequest, ShutdownRequest, Transport,
};
use jupyter_zmq_client::{
    ClientIoPubConnection, ClientShellConnection, create_client_control_connection,
    create_client_iopub_connection, create_client_shell_connection_with_identity, peek_ports,
    peer_identity_for_session,
};
use serde_json::{Value, json};
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

/// Executes `notebook` from top to bottom, with these parameters, and writes it, with its outputs, to
/// `output`, and a page to `html`. A failing cell is an error; what ran before it is written all the same.
pub(crate) fn run(
    notebook: &Path,
    output: &Path,
    html: Option<&Path>,
    timeout: u64,
    given: &[(String, String)],
) -> Result<()> {
    let text = fs::read_to_string(notebook)
        .with_context(|| format!("{} cannot be read", notebook.display()))?;
    let mut book: Value = serde_json::from_str(&text)
        .with_context(|| format!("{} is not a notebook (JSON)", notebook.display()))?;
    if !book["cells"].is_array() || book["nbformat"].as_u64() != Some(4) {
        bail!(
            "{} is not a notebook of format 4; save it again with a current Jupyter",
            notebook.display()
        );
    }
    for note in parameters::inject(&mut book, given)? {
        eprintln!("warning: {note}");
    }
    for path in [Some(output), html].into_iter().flatten() {
        check_target(path)?;
    }
    let runtime = Runtime::locate()?;
    runtime.prepare(&|_| ())?;
    let begin = Instant::now();
    let asynchronous = tokio::runtime::Runtime::new()?;
    let result = asynchronous.block_on(async {
        let folder = std::path::absolute(notebook)?.parent().map(Path::to_path_buf);
        let mut kernel = Kernel::start(&runtime, &folder.unwrap_or_default()).await?;
        let mut ended = signal(SignalKind::terminate())?;
        let mut left = signal(SignalKind::hangup())?;
        eprintln!("kernel ready after {:.1} s", begin.elapsed().as_secs_f64());
        let result = tokio::select! {
            result = kernel.execute_all(&mut book, Duration::from_secs(timeout)) => result,
            _ = tokio::signal::ctrl_c() => Err(anyhow!("interrupted; the cells that had finished are saved")),
            _ = ended.recv() => Err(anyhow!("ended by a signal; the cells that had finished are saved")),
            _ = left.recv() => Err(anyhow!("the terminal has gone; the cells that had finished are saved")),
        };
        kernel.stop().await;
        result
    });
    write(output, &book::notebook_text(&book)?)?;
    if let Some(page) = html {
        write(page, &html::page(&book))?;
    }
    result?;
    eprintln!(
        "{} executed in {:.1} s",
        notebook.display(),
        begin.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Where a file is written before it takes the name of the target.
fn beside(path: &Path) -> PathBuf {
    path.with_extension("part")
}

/// Refuses a file that cannot be written before hours of work go into it.
fn check_target(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if !folder.is_dir() {
        bail!(
            "{}: there is no folder {}; make it, or name another",
            path.display(),
            folder.display()
        );
    }
    if path.is_dir() {
        bail!("{}: this is a folder; name a file", path.display());
    }
    let beside = beside(path);
    fs::write(&beside, "")
        .and_then(|()| fs::remove_file(&beside))
        .with_context(|| {
            format!(
                "{}: nothing can be written into {}; name another folder",
                path.display(),
                folder.display()
            )
        })
}

/// Writes beside the target, then renames: a file is whole or not there.
fn write(path: &Path, text: &str) -> Result<()> {
    let beside = beside(path);
    fs::write(&beside, text)
        .and_then(|()| fs::rename(&beside, path))
        .with_context(|| format!("{} cannot be written", path.display()))
}

/// A kernel process and the channels to it.
struct Kernel {
    child: Child,
    /// Removed with it.
    _file: ConnectionFile,
    connection: ConnectionInfo,
    session: String,
    shell: ClientShellConnection,
    iopub: ClientIoPubConnection,
}

impl Kernel {
    async fn start(runtime: &Runtime, folder: &Path) -> Result<Self> {
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let ports = peek_ports(ip, 5)
            .await
            .context("no free ports on this machine")?;
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
        let file = ConnectionFile::new(&runtime.home, &serde_json::to_string(&connection)?)?;
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--control_file")
            .arg(&file.path)
            .current_dir(folder)
            // It ends with this process, however that ends.
            .env("JPY_PARENT_PID", std::process::id().to_string())
            // The evaluator waits for the next run by itself: no second one need be warmed up.
            .env(spare::ALONE, "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("the kernel cannot be started")?;
        let session = uuid::Uuid::new_v4().to_string();
        let connect = async {
            // The kernel binds its ports a moment after it starts: until then nobody listens.
            loop {
                if tokio::net::TcpStream::connect((ip, connection.iopub_port))
                    .await
                    .is_ok()
                {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            let iopub = create_client_iopub_connection(&connection, "", &session).await?;
            let identity = peer_identity_for_session(&session)?;
            let shell =
                create_client_shell_connection_with_identity(&connection, &session, identity)
                    .await?;
            anyhow::Ok((iopub, shell))
        };
        let (iopub, shell) = tokio::select! {
            channels = connect => channels?,
            status = child.wait() => bail!("the kernel ended before it was ready ({})", status?),
        };
        let mut kernel = Self {
            child,
            _file: file,
            connection,
            session,
            shell,
            iopub,
        };
        kernel.greet().await?;
        Ok(kernel)
    }

    /// Asks for kernel_info until the answer is also seen on the output channel: then nothing that
    /// a cell prints can be missed.
    async fn greet(&mut self) -> Result<()> {
        loop {
            let request: JupyterMessage = KernelInfoRequest {}.into();
            self.shell.send(request).await?;
            let Self {
                child,
                shell,
                iopub,
                ..
            } = self;
            tokio::select! {
                reply = shell.read() => { reply?; }
                status = child.wait() => bail!("the kernel ended before it was ready ({})", status?),
            }
            if tokio::time::timeout(Duration::from_millis(500), iopub.read())
                .await
                .is_ok()
            {
                return Ok(());
            }
        }
    }

    async fn execute_all(&mut self, book: &mut Value, timeout: Duration) -> Result<()> {
        let cells = book["cells"]
            .as_array_mut()
            .context("a notebook has cells")?;
        let total = cells.iter().filter(|c| c["cell_type"] == "code").count();
        let runs = |cell: &Value| cell["cell_type"] == "code" && !is_tagged(cell, "skip-execution");
        for cell in cells.iter_mut().filter(|c| runs(c)) {
            cell["outputs"] = json!([]);
            cell["execution_count"] = Value::Null;
        }
        let code = cells.iter_mut().filter(|c| c["cell_type"] == "code");
        for (k, cell) in code.enumerate() {
            let source = text_of(&cell["source"]);
            if source.trim().is_empty() {
                continue;
            }
            if !runs(cell) {
                eprintln!("[{}/{total}] tagged skip-execution", k + 1);
                continue;
            }
            let first = source
                .lines()
                .find(|l| !l.trim().is_empty())
                .unwrap_or_default();
            eprintln!("[{}/{total}] {}", k + 1, without_colours(first));
            let begin = Instant::now();
            let mut outputs = Vec::new();
            let done = tokio::time::timeout(timeout, self.execute(&source, &mut outputs)).await;
            let error = outputs.iter().find_map(book::failure);
            for output in &mut outputs {
                if output["output_type"] == "stream" {
                    output["text"] = json!(overwritten(&text_of(&output["text"])));
                }
                // Of use while the notebook runs only.
                output
                    .as_object_mut()
                    .and_then(|output| output.remove(TRANSIENT));
                if output["output_type"] == "execute_result" {
                    output["execution_count"] = json!(k + 1);
                }
            }
            cell["outputs"] = Value::Array(outputs);
            cell["execution_count"] = json!(k + 1);
            match done {
                Err(_) => bail!(
                    "cell {} of {total} took more than {} s; raise --timeout",
                    k + 1,
                    timeout.as_secs()
                ),
                Ok(result) => {
                    result.with_context(|| format!("cell {} of {total}: {first}", k + 1))?
                }
            }
            if let Some(error) = error {
                if is_tagged(cell, "raises-exception") {
                    eprintln!("      failed, as its tag raises-exception allows");
                    continue;
                }
                bail!("cell {} of {total} failed:\n{error}", k + 1);
            }
            eprintln!("      {:.1} s", begin.elapsed().as_secs_f64());
        }
        Ok(())
    }

    /// Runs one cell; its outputs are collected as they come, in the notebook's form.
    async fn execute(&mut self, source: &str, outputs: &mut Vec<Value>) -> Result<()> {
        let request: JupyterMessage = ExecuteRequest::new(source.to_string()).into();
        let id = request.header.msg_id.clone();
        self.shell.send(request).await?;
        let Self {
            child,
            shell,
            iopub,
            ..
        } = self;
        loop {
            let message = tokio::select! {
                message = iopub.read() => message?,
                status = child.wait() => bail!("the kernel died ({})", status?),
            };
            if message
                .parent_header
                .as_ref()
                .is_none_or(|h| h.msg_id != id)
            {
                continue;
            }
            if let JupyterMessageContent::Status(status) = &message.content {
                if status.execution_state == ExecutionState::Idle {
                    break;
                }
                continue;
            }
            book::collect(message.content, outputs)?;
        }
        // Lines that a cell printed last can be a moment behind.
        while let Ok(Ok(message)) =
            tokio::time::timeout(Duration::from_millis(30), iopub.read()).await
        {
            book::collect(message.content, outputs)?;
        }
        shell.read().await?;
        Ok(())
    }

    async fn stop(mut self) {
        let ask = async {
            let mut control =
                create_client_control_connection(&self.connection, &self.session).await?;
            control
                .send(ShutdownRequest { restart: false }.into())
                .await?;
            self.child.wait().await?;
            anyhow::Ok(())
        };
        if !matches!(
            tokio::time::timeout(Duration::from_secs(5), ask).await,
            Ok(Ok(()))
        ) {
            // It does not answer: end it. A kernel that is gone already is as good.
            let _ = self.child.kill().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_checked_before_the_work() {
        let dir = std::env::temp_dir().join(format!("bullwhip-target-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("a folder");
        let told = |path: &Path| check_target(path).map_err(|e| e.to_string());
        assert_eq!(told(&dir.join("out.ipynb")), Ok(()));
        assert!(told(&dir.join("no/out.ipynb")).is_err_and(|e| e.contains("there is no folder")));
        assert!(told(&dir).is_err_and(|e| e.contains("name a file")));
        assert_eq!(fs::read_dir(&dir).expect("a folder").count(), 0);
        fs::remove_dir_all(dir).expect("cleaned up");
    }
}
