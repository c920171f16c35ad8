//! Several values as one display, and the way of a display to whoever shows it.

use super::{Show, cell};
use std::io::Write;

/// Values that were added, as HTML and as plain text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// HTML, value after value.
    pub html: String,
    /// Plain text, value after value.
    pub text: String,
}

impl Page {
    /// Adds one value below the others.
    pub fn add(&mut self, value: &dyn Show) {
        self.html.push_str("<div style=\"margin:0 0 1em 0\">");
        self.html.push_str(&value.html());
        self.html.push_str("</div>\n");
        self.text.push_str(&value.text());
        self.text.push('\n');
    }

    /// Shows the page here and now, as `show!` does: in the order of what the cell prints.
    pub fn display(&self) {
        let blocks = self.blocks();
        if !cell::show(&blocks, false) {
            emit(&blocks);
        }
    }

    fn blocks(&self) -> [(&str, &str); 2] {
        [
            ("text/html", &self.html),
            ("text/plain", self.text.trim_end()),
        ]
    }
}

/// Shows a drawing that is there as SVG text, such as one of plotters' own, here and now.
pub fn show_svg(svg: &str) {
    // In the page's own markup, where it is there at once; a saved notebook keeps it as a picture, too.
    let blocks = [
        ("text/html", svg.trim()),
        ("image/svg+xml", svg.trim()),
        ("text/plain", "[drawing]"),
    ];
    if !cell::show(&blocks, false) {
        emit(&blocks);
    }
}

/// True in a cell of an evcxr kernel.
pub(super) fn in_notebook() -> bool {
    std::env::var_os("EVCXR_IS_RUNTIME").is_some()
}

/// Hands blocks to the kernel, one per MIME type; elsewhere prints the plain text.
pub(super) fn emit(blocks: &[(&str, &str)]) {
    if cell::show(blocks, true) {
        return;
    }
    let mut out = std::io::stdout().lock();
    // A closed output cannot be told to anybody.
    let _ = if in_notebook() {
        blocks.iter().try_for_each(|(mime, content)| {
            writeln!(
                out,
                "EVCXR_BEGIN_CONTENT {mime}\n{}\nEVCXR_END_CONTENT",
                harmless(content)
            )
        })
    } else {
        let plain = blocks.iter().find(|b| b.0 == "text/plain");
        writeln!(out, "{}", plain.map_or("", |b| b.1))
    };
    let _ = out.flush();
}

/// Content in which no line is a word of evcxr's: it could end the display, or the cell.
fn harmless(content: &str) -> std::borrow::Cow<'_, str> {
    match content.contains("EVCXR_") {
        true => content.replace("EVCXR_", "EVCXR\u{2060}_").into(),
        false => content.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_cannot_end_its_own_display() {
        let hostile = "a\nEVCXR_END_CONTENT\nEVCXR_BEGIN_CONTENT text/html\n<b>";
        assert!(!harmless(hostile).contains("EVCXR_"));
        assert_eq!(harmless("plain"), "plain");
    }
}
