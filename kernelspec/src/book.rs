//! Notebooks as files: the texts and tags of their cells, and the outputs in them.

use crate::report::without_colours;
use anyhow::Result;
use jupyter_protocol::JupyterMessageContent;
use serde::Serialize;
use serde_json::{Value, json};
use std::io::IsTerminal;

/// Where an output keeps its display's id until the cell has ended.
pub(crate) const TRANSIENT: &str = "transient";

/// A notebook as Jupyter writes it, indented by one space.
pub(crate) fn notebook_text(book: &Value) -> Result<String> {
    let mut bytes = Vec::new();
    let format = serde_json::ser::PrettyFormatter::with_indent(b" ");
    book.serialize(&mut serde_json::Serializer::with_formatter(
        &mut bytes, format,
    ))?;
    Ok(String::from_utf8(bytes)? + "\n")
}

/// The text of a notebook field, which is a string or a list of lines.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    }
}

/// True for a cell with this tag.
pub(crate) fn is_tagged(cell: &Value, tag: &str) -> bool {
    let tags = cell["metadata"]["tags"].as_array();
    tags.is_some_and(|tags| tags.iter().any(|t| t == tag))
}

/// Adds a message to a cell's outputs; consecutive text of one stream is one output.
pub(crate) fn collect(content: JupyterMessageContent, outputs: &mut Vec<Value>) -> Result<()> {
    match content {
        JupyterMessageContent::StreamContent(stream) => {
            let name = serde_json::to_value(&stream.name)?;
            match std::io::stderr().is_terminal() {
                true => eprint!("      {}", stream.text),
                false => eprint!("      {}", without_colours(&stream.text)),
            }
            match outputs.last_mut() {
                Some(last) if last["output_type"] == "stream" && last["name"] == name => {
                    last["text"] = json!(text_of(&last["text"]) + &stream.text);
                }
                _ => outputs
                    .push(json!({ "output_type": "stream", "name": name, "text": stream.text })),
            }
        }
        JupyterMessageContent::ExecuteResult(result) => outputs.push(json!({
            "output_type": "execute_result",
            "execution_count": result.execution_count,
            "data": result.data,
            "metadata": result.metadata,
        })),
        JupyterMessageContent::DisplayData(display) => outputs.push(json!({
            "output_type": "display_data", "data": display.data, "metadata": display.metadata,
            TRANSIENT: display.transient,
        })),
        JupyterMessageContent::UpdateDisplayData(display) => {
            let id = serde_json::to_value(&display.transient)?;
            for output in outputs.iter_mut().filter(|output| output[TRANSIENT] == id) {
                output["data"] = json!(display.data);
                output["metadata"] = json!(display.metadata);
            }
        }
        JupyterMessageContent::ClearOutput(_) => outputs.clear(),
        JupyterMessageContent::ErrorOutput(error) => outputs.push(json!({
            "output_type": "error",
            "ename": error.ename,
            "evalue": error.evalue,
            "traceback": error.traceback,
        })),
        _ => {}
    }
    Ok(())
}

/// What an output says of a failure: of the compiler's, an error's, a panic's.
pub(crate) fn failure(output: &Value) -> Option<String> {
    if output["output_type"] != "error" {
        return None;
    }
    let lines = output["traceback"].as_array().into_iter().flatten();
    let trace: Vec<String> = lines.map(text_of).collect();
    let text = match trace.is_empty() {
        true => text_of(&output["evalue"]),
        false => trace.join("\n"),
    };
    Some(without_colours(&text))
}

/// Text as it stands at last on a page where `\r` goes back to the begin of the line.
pub(crate) fn overwritten(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let (line, end) = match line.strip_suffix('\r') {
            Some(line) => (line, "\r"),
            None => (line, ""),
        };
        let last = line.rsplit('\r').next().unwrap_or(line);
        lines.push(format!("{last}{end}"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_keep_their_last_state() {
        assert_eq!(overwritten("a\r10 %\r20 %\nb"), "20 %\nb");
        assert_eq!(overwritten("dos\r\nend\r"), "dos\r\nend\r");
        assert_eq!(overwritten("plain"), "plain");
    }
}
