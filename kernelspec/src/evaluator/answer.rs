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
    let mut found = context.completions(code, at)?;
    // What the user's own types and the library have comes before what all types have.
    found.completions.sort_by_key(|c| everywhere(&c.code));
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
    // Inside a call its function is what is asked for, with its example.
    let call = call_at(code, at).and_then(|at| context.hover_at(code, at).ok());
    let is_found = |plain: &str| plain != "No documentation found" && !plain.is_empty();
    if let Some((plain, html)) = call.filter(|(plain, _)| is_found(plain)) {
        return Ok(json!({
            "status": "ok", "found": true, "metadata": {},
            "data": { "text/plain": plain, "text/html": html },
        }));
    }
    let nothing = json!({ "status": "ok", "found": false, "data": {}, "metadata": {} });
    Ok(match context.hover_at(code, at) {
        Ok((plain, html)) if plain != "No documentation found" => json!({
            "status": "ok", "found": true, "metadata": {},
            "data": { "text/plain": plain, "text/html": html },
        }),
        _ => nothing,
    })
}

/// True for names that every value has, or that are for the kernel and for other traits of the library's.
fn everywhere(code: &str) -> bool {
    let name = code.split('(').next().unwrap_or(code);
    let names = [
        "borrow",
        "borrow_mut",
        "clone_from",
        "clone_into",
        "evcxr_display",
        "inner",
        "into",
        "pack",
        "parts",
        "quick",
        "save_more",
        "to_owned",
        "try_into",
        "type_id",
        "unpack",
    ];
    names.contains(&name)
}

/// The place of the function whose brackets are open at a position, in bytes; None where something else is meant there:
/// a name that is itself called, or a part of a path.
fn call_at(code: &str, at: usize) -> Option<usize> {
    let before = code.get(..at)?;
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let begin = before.rfind(|c| !is_name(c)).map_or(0, |k| {
        k + before[k..].chars().next().map_or(1, char::len_utf8)
    });
    let name: &str = code[begin..]
        .split(|c| !is_name(c))
        .next()
        .unwrap_or_default();
    let (front, after) = (
        before[..begin].trim_end(),
        code[begin + name.len()..].trim_start(),
    );
    let type_like = name.starts_with(char::is_uppercase);
    if type_like || front.ends_with(['.', ':']) || after.starts_with(['(', ':', '!']) {
        return None;
    }
    let mut open: Vec<usize> = Vec::new();
    let (mut in_text, mut escaped) = (false, false);
    for (k, c) in before[..begin].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            _ if in_text => {}
            '(' | '[' | '{' => open.push(k),
            ')' | ']' | '}' => {
                open.pop();
            }
            _ => {}
        }
    }
    let bracket = open.pop().filter(|k| code[*k..].starts_with('('))?;
    let function = code[..bracket].trim_end();
    let last = function.chars().next_back()?;
    is_name(last).then(|| function.len() - last.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_described_inside_its_brackets() {
        let described = |code: &str| {
            let at = code.find('|').expect("a cursor");
            let code = code.replacen('|', "", 1);
            call_at(&code, at).map(|k| {
                let end = k + code[k..].chars().next().map_or(0, char::len_utf8);
                let name = code[..end]
                    .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
                    .next();
                name.unwrap_or_default().to_string()
            })
        };
        for (code, name) in [
            ("simulate(&net|", Some("simulate")),
            ("simulate(&net|, &params)", Some("simulate")),
            ("let x = Shock::region(&net, \"a (b\", |", Some("region")),
            ("simu|late(&net)", None),
            ("simulate(other|(1))", None),
            ("simulate(&net.fir|ms())", None),
            ("simulate(&Simula|tion::default())", None),
            ("f(g(1), |", Some("f")),
            ("vec![a, |", None),
            ("Synthetic { firms: n| }", None),
            ("(1 + n|", None),
            ("é(ü|", Some("é")),
        ] {
            assert_eq!(described(code).as_deref(), name, "{code}");
        }
    }

    #[test]
    fn what_every_value_has_comes_last() {
        let mut names = ["evcxr_display()", "firms()", "into()", "links()"];
        names.sort_by_key(|n| everywhere(n));
        assert_eq!(names, ["firms()", "links()", "evcxr_display()", "into()"]);
    }
}
