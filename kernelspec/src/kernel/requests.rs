//! What clients ask of the kernel, in their order.

use super::{Kernel, PAUSE, Running};
use crate::link::{Ask, Failure};
use crate::protocol::{answer, bytes_before, kernel_info, reply};
use anyhow::Result;
use jupyter_protocol::{JupyterMessage, JupyterMessageContent};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::Instant;

impl Kernel {
    pub(super) async fn shell_request(&mut self, request: JupyterMessage) -> Result<()> {
        let content = match &request.content {
            JupyterMessageContent::ExecuteRequest(_)
            | JupyterMessageContent::CompleteRequest(_)
            | JupyterMessageContent::InspectRequest(_) => {
                self.queue.push_back(request);
                return self.work().await;
            }
            JupyterMessageContent::KernelInfoRequest(_) => kernel_info(),
            JupyterMessageContent::IsCompleteRequest(_) => json!({ "status": "complete" }),
            JupyterMessageContent::CommInfoRequest(info) => {
                json!({ "status": "ok", "comms": self.comms.list(info.target_name.as_deref()) })
            }
            JupyterMessageContent::HistoryRequest(_) => json!({ "status": "ok", "history": [] }),
            JupyterMessageContent::CommOpen(_)
            | JupyterMessageContent::CommMsg(_)
            | JupyterMessageContent::CommClose(_) => return self.page_comm(request).await,
            _ => return Ok(()),
        };
        self.status("busy", &request).await?;
        let told = reply(&request, content);
        answer(&mut self.shell, told).await;
        self.status("idle", &request).await?;
        self.say_busy().await
    }

    /// A page takes the last status for the kernel's.
    pub(super) async fn say_busy(&mut self) -> Result<()> {
        if let Some(running) = &self.running {
            let request = running.request.clone();
            self.status("busy", &request).await?;
        }
        Ok(())
    }

    pub(super) async fn control_request(&mut self, request: &JupyterMessage) -> Result<bool> {
        self.status("busy", request).await?;
        let (content, goes_on) = match &request.content {
            JupyterMessageContent::InterruptRequest(_) => {
                self.interrupt().await?;
                (json!({ "status": "ok" }), true)
            }
            JupyterMessageContent::ShutdownRequest(shutdown) => (
                json!({ "status": "ok", "restart": shutdown.restart }),
                false,
            ),
            JupyterMessageContent::KernelInfoRequest(_) => (kernel_info(), true),
            _ => (
                json!({ "status": "error", "ename": "Unsupported", "evalue": "this kernel has no such request", "traceback": [] }),
                true,
            ),
        };
        answer(&mut self.control, reply(request, content.clone())).await;
        if !goes_on {
            self.publish("shutdown_reply", content, Some(request))
                .await?;
        }
        self.status("idle", request).await?;
        Ok(goes_on)
    }

    /// Gives the next request to the evaluator, when both are there.
    pub(super) async fn work(&mut self) -> Result<()> {
        if self.running.is_none() {
            let Some(request) = self.queue.pop_front() else {
                return Ok(());
            };
            self.begin(request).await?;
        }
        if !self.ready {
            self.seek_evaluator();
            if self.running.as_ref().is_some_and(|r| !r.waiting) {
                return self.say_why().await;
            }
        }
        Ok(())
    }

    pub(super) async fn begin(&mut self, request: JupyterMessage) -> Result<()> {
        self.status("busy", &request).await?;
        let mut silent = true;
        if let JupyterMessageContent::ExecuteRequest(execute) = &request.content {
            silent = execute.silent;
            if !silent {
                self.count += 1;
                let content = json!({ "code": execute.code, "execution_count": self.count });
                self.publish("execute_input", content, Some(&request))
                    .await?;
            }
            self.last = Some(request.clone());
        }
        self.running = Some(Running {
            request,
            count: self.count,
            silent,
            interrupts: 0,
            behind: Vec::new(),
            failed: None,
            waiting: false,
        });
        if self.ready {
            self.give();
        }
        Ok(())
    }

    /// Hands the running request to the evaluator.
    pub(super) fn give(&mut self) {
        let Some(running) = &self.running else { return };
        let ask = match &running.request.content {
            JupyterMessageContent::ExecuteRequest(execute) => Ask::Execute {
                code: execute.code.clone(),
                count: running.count,
            },
            JupyterMessageContent::CompleteRequest(complete) => Ask::Complete {
                at: bytes_before(&complete.code, complete.cursor_pos),
                code: complete.code.clone(),
            },
            JupyterMessageContent::InspectRequest(inspect) => Ask::Inspect {
                at: bytes_before(&inspect.code, inspect.cursor_pos),
                code: inspect.code.clone(),
            },
            _ => return,
        };
        self.ask(&ask);
    }

    /// Tells the user of a cell that has to wait why, as soon as that is known.
    pub(super) async fn say_why(&mut self) -> Result<()> {
        match &mut self.running {
            Some(running) if !self.progress.is_empty() && !running.silent => running.waiting = true,
            _ => return Ok(()),
        }
        let text = self.progress.clone();
        self.print("stdout", &text).await
    }

    /// Ends the running request with a reply, and goes on with the next.
    pub(super) async fn end(&mut self, content: Value) -> Result<()> {
        if let Some(running) = self.running.take() {
            let failed = content["status"] == "error";
            answer(&mut self.shell, reply(&running.request, content)).await;
            self.status("idle", &running.request).await?;
            if let JupyterMessageContent::ExecuteRequest(execute) = &running.request.content {
                self.next_spare = Some(Instant::now() + PAUSE);
                let mut behind = running.behind;
                if failed && execute.stop_on_error {
                    behind.extend(self.take_cells());
                }
                self.abort(behind).await?;
            }
        }
        Box::pin(self.work()).await
    }

    /// Takes the cells that were asked for behind the running one out of the queue.
    pub(super) fn take_cells(&mut self) -> Vec<JupyterMessage> {
        let is_cell =
            |r: &JupyterMessage| matches!(r.content, JupyterMessageContent::ExecuteRequest(_));
        let (cells, others) = self.queue.drain(..).partition(is_cell);
        self.queue = VecDeque::from(others);
        cells
    }

    /// Cells behind one that failed or was interrupted do not run.
    pub(super) async fn abort(&mut self, cells: Vec<JupyterMessage>) -> Result<()> {
        for request in cells {
            self.status("busy", &request).await?;
            let aborted = reply(&request, json!({ "status": "aborted" }));
            answer(&mut self.shell, aborted).await;
            self.status("idle", &request).await?;
        }
        Ok(())
    }

    pub(super) async fn interrupt(&mut self) -> Result<()> {
        let behind = self.take_cells();
        let Some(running) = &mut self.running else {
            // A fit in the background can be asked to stop too.
            self.ask(&Ask::Stop);
            return Ok(());
        };
        if !matches!(
            running.request.content,
            JupyterMessageContent::ExecuteRequest(_)
        ) {
            return Ok(());
        }
        running.interrupts += 1;
        running.behind.extend(behind);
        let again = running.interrupts > 1;
        if !self.ready {
            let failure = Failure::of(
                "Interrupted",
                "interrupted before it ran; nothing has changed",
            );
            return self.fail(failure).await;
        }
        if again {
            self.ask(&Ask::Kill);
            return Ok(());
        }
        self.ask(&Ask::Stop);
        let text =
            "asked the running call to stop; press again to end the cell and lose its variables\n";
        self.print("stderr", text).await
    }
}
