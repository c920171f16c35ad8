//! What the evaluator tells, and what is sent to everybody.

use super::{APART, Kernel, PAUSE};
use crate::link::{Ask, Failure, Tell};
use crate::protocol::{answer, error_reply, message};
use anyhow::Result;
use jupyter_protocol::{JupyterMessage, JupyterMessageContent};
use serde_json::{Value, json};
use std::time::Instant;

impl Kernel {
    pub(super) async fn told(&mut self, tell: Tell) -> Result<()> {
        match tell {
            Tell::Ready => {
                self.ready = true;
                self.next_spare = Some(Instant::now() + PAUSE);
                self.clear_waiting().await?;
                self.give();
                Box::pin(self.work()).await?;
            }
            Tell::Text { error, text } => {
                let name = if error { "stderr" } else { "stdout" };
                self.print(name, &text).await?;
            }
            Tell::Display { id, data } => self.display(id, data).await?,
            Tell::Comm { id, kind, state } => self.comm(id, kind, state).await?,
            Tell::Input { prompt, password } => {
                let running = self.running.as_ref();
                let allowed = running.filter(|running| {
                    matches!(&running.request.content, JupyterMessageContent::ExecuteRequest(e) if e.allow_stdin)
                });
                if let Some(running) = allowed {
                    let content = json!({ "prompt": prompt, "password": password });
                    let request = message("input_request", content, Some(&running.request));
                    answer(&mut self.stdin, request).await;
                } else {
                    self.ask(&Ask::Input(None));
                }
            }
            Tell::Show(data) => {
                if let Some(running) = self.running.as_ref().filter(|r| !r.silent) {
                    let content =
                        json!({ "execution_count": running.count, "data": data, "metadata": {} });
                    let parent = running.request.clone();
                    self.publish("execute_result", content, Some(&parent))
                        .await?;
                }
            }
            Tell::Failed(failure) => {
                self.publish_error(&failure).await?;
                if let Some(running) = &mut self.running {
                    running.failed.get_or_insert(failure);
                }
            }
            Tell::Done { ok, restarted } => {
                if restarted {
                    self.forget_displays().await?;
                }
                let Some(running) = &mut self.running else {
                    return Ok(());
                };
                let (count, failed) = (running.count, running.failed.take());
                let content = if ok {
                    json!({ "status": "ok", "execution_count": count, "payload": [], "user_expressions": {} })
                } else {
                    error_reply(&failed.unwrap_or_default(), count)
                };
                self.end(content).await?;
            }
            Tell::Answer(content) => self.end(content).await?,
        }
        Ok(())
    }

    /// Shows what a cell shows; what has the `id` of an earlier display takes its place.
    pub(super) async fn display(&mut self, id: Option<String>, data: Value) -> Result<()> {
        if self.is_silent() {
            return Ok(());
        }
        let parent = self.last.clone();
        let Some(mut id) = id else {
            let content = json!({ "data": data, "metadata": {}, "transient": {} });
            return self.publish("display_data", content, parent.as_ref()).await;
        };
        if self.losses > 0 {
            id += &format!("-{}", self.losses);
        }
        self.comms.shown(&id, &data);
        let content = json!({ "data": data, "metadata": {}, "transient": { "display_id": id } });
        let kind = if self.displays.insert(id) {
            "display_data"
        } else {
            "update_display_data"
        };
        self.publish(kind, content, parent.as_ref()).await
    }

    /// True while a cell runs of which nobody shall hear.
    pub(super) fn is_silent(&self) -> bool {
        self.running
            .as_ref()
            .is_some_and(|r| r.silent && r.request.message_type() == "execute_request")
    }

    /// The process of the cells has gone, and with it what moved its displays.
    pub(super) async fn forget_displays(&mut self) -> Result<()> {
        self.end_comms().await?;
        self.displays.clear();
        self.losses += 1;
        Ok(())
    }

    pub(super) async fn print(&mut self, name: &str, text: &str) -> Result<()> {
        if self.is_silent() {
            return Ok(());
        }
        let parent = self.last.clone();
        self.publish(
            "stream",
            json!({ "name": name, "text": text }),
            parent.as_ref(),
        )
        .await
    }

    /// Takes back what told the user to wait.
    pub(super) async fn clear_waiting(&mut self) -> Result<()> {
        self.progress.clear();
        let Some(running) = self.running.as_mut().filter(|r| r.waiting) else {
            return Ok(());
        };
        running.waiting = false;
        let parent = running.request.clone();
        self.publish("clear_output", json!({ "wait": false }), Some(&parent))
            .await
    }

    pub(super) async fn publish_error(&mut self, failure: &Failure) -> Result<()> {
        if self
            .running
            .as_ref()
            .is_some_and(|r| r.request.message_type() == "execute_request")
        {
            let parent = self.last.clone();
            self.publish("error", serde_json::to_value(failure)?, parent.as_ref())
                .await?;
        }
        Ok(())
    }

    pub(super) async fn status(&mut self, state: &str, request: &JupyterMessage) -> Result<()> {
        self.publish("status", json!({ "execution_state": state }), Some(request))
            .await
    }

    pub(super) async fn publish(
        &mut self,
        kind: &str,
        content: Value,
        parent: Option<&JupyterMessage>,
    ) -> Result<()> {
        let metadata = match kind {
            // The version of the protocol of Jupyter's widgets.
            "comm_open" => json!({ "version": "2.1.0" }),
            _ => json!({}),
        };
        let message = message(kind, content, parent)
            .with_metadata(metadata)
            .with_zmq_identities(Vec::new());
        tokio::time::sleep_until((self.published + APART).into()).await;
        self.iopub.send(message).await?;
        self.published = Instant::now();
        Ok(())
    }
}
