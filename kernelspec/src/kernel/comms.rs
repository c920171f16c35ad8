//! The models of Jupyter's widgets: what cells make of them, what the page moves, and what a page that was loaded
//! again asks for.

use super::Kernel;
use crate::link::{Ask, Comm};
use anyhow::Result;
use jupyter_protocol::{JupyterMessage, JupyterMessageContent};
use serde_json::{Map, Value, json};

/// The target of the models.
const WIDGETS: &str = "jupyter.widget";
/// The target by which a page asks for all of them.
const CONTROL: &str = "jupyter.widget.control";
/// The part of a display that shows a widget.
const VIEW: &str = "application/vnd.jupyter.widget-view+json";

/// What the kernel knows of widgets.
#[derive(Default)]
pub(super) struct Comms {
    /// The models in their order, with their states.
    models: Vec<(String, Map<String, Value>)>,
    /// Displays of widgets by their ids, without the widget.
    still: Vec<(String, Value)>,
    /// What the page asked for last.
    parent: Option<JupyterMessage>,
}

impl Comms {
    /// The models, as they are listed.
    pub(super) fn list(&self, target: Option<&str>) -> Value {
        let wanted = target.is_none_or(|target| target == WIDGETS);
        let listed = self.models.iter().filter(|_| wanted);
        let listed = listed.map(|(id, _)| (id.clone(), json!({ "target_name": WIDGETS })));
        Value::Object(listed.collect())
    }

    /// Keeps what stands in a display once its widget has gone.
    pub(super) fn shown(&mut self, id: &str, data: &Value) {
        let Some(parts) = data.as_object().filter(|parts| parts.contains_key(VIEW)) else {
            return;
        };
        let mut parts = parts.clone();
        parts.remove(VIEW);
        self.still.push((id.to_string(), Value::Object(parts)));
    }

    /// Takes changes of a model; false where there is none.
    fn merge(&mut self, id: &str, changes: &Value) -> bool {
        let Some((_, state)) = self.models.iter_mut().find(|(known, _)| known == id) else {
            return false;
        };
        let changes = changes.as_object().cloned().unwrap_or_default();
        state.extend(changes);
        true
    }

    fn state(&self, id: &str) -> Option<Value> {
        let model = self.models.iter().find(|(known, _)| known == id)?;
        Some(Value::Object(model.1.clone()))
    }

    /// All models, as a page that was loaded again takes them.
    fn states(&self) -> Value {
        let each = self.models.iter().map(|(id, state)| {
            let model = json!({
                "model_name": state.get("_model_name"),
                "model_module": state.get("_model_module"),
                "model_module_version": state.get("_model_module_version"),
                "state": state,
            });
            (id.clone(), model)
        });
        json!({ "method": "update_states", "states": Value::Object(each.collect()), "buffer_paths": [] })
    }
}

/// The content that changes a model.
fn update(id: &str, state: &Value) -> Value {
    json!({ "comm_id": id, "data": { "method": "update", "state": state, "buffer_paths": [] } })
}

impl Kernel {
    /// What the process of the cells does to a model.
    pub(super) async fn comm(&mut self, id: String, kind: Comm, state: Value) -> Result<()> {
        let parent = self.comms.parent.clone().or_else(|| self.last.clone());
        match kind {
            Comm::Open => {
                let data = json!({ "state": state, "buffer_paths": [] });
                let content = json!({ "comm_id": id, "target_name": WIDGETS, "data": data });
                let state = state.as_object().cloned().unwrap_or_default();
                self.comms.models.push((id, state));
                let parent = self.last.clone();
                self.publish("comm_open", content, parent.as_ref()).await
            }
            Comm::Update if self.comms.merge(&id, &state) => {
                let content = update(&id, &state);
                self.publish("comm_msg", content, parent.as_ref()).await
            }
            Comm::Update => Ok(()),
            Comm::Close => {
                self.comms.models.retain(|(known, _)| *known != id);
                let content = json!({ "comm_id": id, "data": {} });
                self.publish("comm_close", content, parent.as_ref()).await
            }
        }
    }

    /// What the page says about models.
    pub(super) async fn page_comm(&mut self, request: JupyterMessage) -> Result<()> {
        self.status("busy", &request).await?;
        match &request.content {
            JupyterMessageContent::CommOpen(open) if open.target_name != CONTROL => {
                // No such thing lives here: the other side is told so.
                let content = json!({ "comm_id": open.comm_id.0, "data": {} });
                self.publish("comm_close", content, Some(&request)).await?;
            }
            JupyterMessageContent::CommMsg(message) => {
                let (id, data) = (message.comm_id.0.clone(), &message.data);
                match data.get("method").and_then(Value::as_str) {
                    Some("request_states") => {
                        let content = json!({ "comm_id": id, "data": self.comms.states() });
                        self.publish("comm_msg", content, Some(&request)).await?;
                    }
                    Some("request_state") => {
                        if let Some(state) = self.comms.state(&id) {
                            let content = update(&id, &state);
                            self.publish("comm_msg", content, Some(&request)).await?;
                        }
                    }
                    Some("update") => {
                        let state = data.get("state").cloned().unwrap_or_default();
                        if self.comms.merge(&id, &state) {
                            self.ask(&Ask::Moved { id, state });
                            self.comms.parent = Some(request.clone());
                        }
                    }
                    _ => {}
                }
            }
            JupyterMessageContent::CommClose(close) => {
                let id = &close.comm_id.0;
                self.comms.models.retain(|(known, _)| known != id);
            }
            _ => {}
        }
        self.status("idle", &request).await?;
        self.say_busy().await
    }

    /// Closes all models, and puts in the place of their displays what stands still.
    pub(super) async fn end_comms(&mut self) -> Result<()> {
        let comms = std::mem::take(&mut self.comms);
        let parent = self.last.clone();
        for (id, data) in comms.still {
            let content =
                json!({ "data": data, "metadata": {}, "transient": { "display_id": id } });
            self.publish("update_display_data", content, parent.as_ref())
                .await?;
        }
        for (id, _) in comms.models {
            let content = json!({ "comm_id": id, "data": {} });
            self.publish("comm_close", content, parent.as_ref()).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_was_loaded_again_gets_what_was_moved() {
        let mut comms = Comms::default();
        let state = json!({ "_model_name": "FloatSliderModel", "value": 0.5 });
        let state = state.as_object().expect("a state").clone();
        comms.models.push(("a".into(), state));
        assert!(comms.merge("a", &json!({ "value": 0.75 })));
        assert!(!comms.merge("b", &json!({ "value": 0.75 })));
        let states = comms.states();
        assert_eq!(states["states"]["a"]["state"]["value"], 0.75);
        assert_eq!(states["states"]["a"]["model_name"], "FloatSliderModel");
        assert_eq!(comms.list(None), json!({ "a": { "target_name": WIDGETS } }));
        assert_eq!(comms.list(Some("other")), json!({}));
        let view = json!({ "model_id": "a" });
        comms.shown("x", &json!({ "text/html": "<img>", VIEW: view }));
        comms.shown("y", &json!({ "text/html": "<img>" }));
        assert_eq!(
            comms.still,
            [("x".to_string(), json!({ "text/html": "<img>" }))]
        );
    }
}
