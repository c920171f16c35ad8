//! An executed notebook as one self-contained page.

use crate::book::text_of;
use crate::report::without_colours;
use serde_json::Value;
use std::fmt::Write;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:860px;margin:2rem auto;padding:0 1rem;color:#1a1a1a}\
pre{background:#f6f6f4;padding:.7rem 1rem;overflow-x:auto;font-size:13.5px;line-height:1.45;border-radius:4px}\
pre.out{background:none;padding:.2rem 1rem}pre.error{background:#fdf0ed;color:#8c1d04}\
img,svg{max-width:100%;height:auto}table{border-collapse:collapse;font-size:14px}\
td,th{padding:.2rem .7rem;border-bottom:1px solid #ddd;text-align:right}.out{margin-left:1rem}";

/// The page of a notebook.
pub(crate) fn page(book: &Value) -> String {
    let mut body = String::new();
    for cell in book["cells"].as_array().into_iter().flatten() {
        let source = text_of(&cell["source"]);
        match cell["cell_type"].as_str() {
            Some("markdown") => {
                let options = pulldown_cmark::Options::ENABLE_TABLES;
                pulldown_cmark::html::push_html(
                    &mut body,
                    pulldown_cmark::Parser::new_ext(&source, options),
                );
            }
            Some("code") => {
                push(&mut body, "", &source);
                for output in cell["outputs"].as_array().into_iter().flatten() {
                    show(&mut body, output);
                }
            }
            _ => {}
        }
    }
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Notebook</title><style>{STYLE}</style><body>\n{body}</body></html>\n"
    )
}

fn show(body: &mut String, output: &Value) {
    match output["output_type"].as_str() {
        Some("stream") => push(body, "out", &text_of(&output["text"])),
        Some("error") => {
            let trace = output["traceback"].as_array().into_iter().flatten();
            let trace: Vec<String> = trace.map(text_of).collect();
            let text = match trace.is_empty() {
                true => text_of(&output["evalue"]),
                false => trace.join("\n"),
            };
            push(body, "error", &text);
        }
        _ => {
            let data = &output["data"];
            let part = |mime: &str| data.get(mime).map(text_of);
            if let Some(html) = part("text/html") {
                let _ = write!(body, "<div class=\"out\">{html}</div>");
            } else if let Some(png) = part("image/png") {
                let _ = write!(
                    body,
                    "<div class=\"out\"><img alt=\"\" src=\"data:image/png;base64,{}\"></div>",
                    png.trim()
                );
            } else if let Some(svg) = part("image/svg+xml") {
                let _ = write!(body, "<div class=\"out\">{svg}</div>");
            } else if let Some(text) = part("text/plain") {
                push(body, "out", &text);
            }
        }
    }
}

fn push(body: &mut String, class: &str, text: &str) {
    let _ = writeln!(
        body,
        "<pre class=\"{class}\">{}</pre>",
        escape(without_colours(text).trim_end())
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_escape_code_and_prefer_rich_outputs() {
        let book = serde_json::json!({ "cells": [
            { "cell_type": "markdown", "source": ["# Title\n", "text"] },
            { "cell_type": "code", "source": "Vec::<u8>::new()", "outputs": [
                { "output_type": "execute_result", "data": { "text/plain": "[]", "image/png": "QUJD" } },
                { "output_type": "stream", "name": "stdout", "text": "a < b\n" },
                { "output_type": "error", "evalue": "\u{1b}[31mbad\u{1b}[0m" } ] } ] });
        let page = page(&book);
        assert!(page.contains("<h1>Title</h1>"));
        assert!(page.contains("Vec::&lt;u8&gt;::new()"));
        assert!(page.contains("data:image/png;base64,QUJD") && !page.contains("[]</pre>"));
        assert!(page.contains("a &lt; b") && page.contains(">bad</pre>"));
    }
}
