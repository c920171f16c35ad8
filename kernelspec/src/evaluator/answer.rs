//! Answers what a notebook asks while it is written: what could come next, and what something is.

use super::Evaluator;
use crate::link::Tell;
use anyhow::Result;
use evcxr::CommandContext;
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};

impl Evaluator {
    pub(super) fn answer(&mut self, work: impl FnOnce(&mut CommandContext) -> Result<Value>) {
        let result = catch_unwind(AssertUnwindSafe(|| work(&mut self.context)));
        let content = match result {
            Ok(Ok(content)) => content,
            Ok(Err(e)) => {
                json!({ "status": "error", "ename": "Error", "evalue": e.to_string(), "traceback": [] })
            }
            Err(_) => {
                json!({ "status": "error", "ename": "Error", "evalue": "rust-analyzer failed", "traceback": [] })
            }
        };
        self.shared.tell(&Tell::Answer(content));
    }
}

pub(super) fn complete(context: &mut CommandContext, code: &str, at: usize) -> Result<Value> {
    let found = context.completions(code, at)?;
    let characters = |bytes: usize| code.get(..bytes).map_or(0, |before| before.chars().count());
    let (start, end) = (characters(found.start_offset), characters(found.end_offset));
    let matches: Vec<&str> = found.completions.iter().map(|c| c.code.as_str()).collect();
    let types: Vec<Value> = found
        .completions
        .iter()
        .map(|c| json!({ "text": c.label, "type": c.kind, "start": start, "end": end }))
        .collect();
    Ok(json!({
        "status": "ok", "matches": matches, "cursor_start": start, "cursor_end": end,
        "metadata": { "_jupyter_types_experimental": types },
    }))
}

pub(super) fn inspect(context: &mut CommandContext, code: &str, at: usize) -> Result<Value> {
    let nothing = json!({ "status": "ok", "found": false, "data": {}, "metadata": {} });
    Ok(match context.hover_at(code, at) {
        Ok((plain, html)) if plain != "No documentation found" => json!({
            "status": "ok", "found": true, "metadata": {},
            "data": { "text/plain": plain, "text/html": html },
        }),
        _ => nothing,
    })
}
