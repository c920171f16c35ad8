//! What stands where controls cannot be moved: a page of frames over a picture.

use super::super::table::escape;
use super::controls::Widget;
use std::fmt::Write;

/// Frames of one control.
pub(super) const FRAMES: usize = 11;

/// All frames together at most, in bytes.
const MOST: usize = 600_000;

/// A page that shows `picture`, and where scripts run the frame that a slider chooses. `frames` are the states of
/// one control, named `control`, as they read and as they look; `first` is the one at first.
///
/// A notebook that came from somebody else is shown without scripts and drawings: then the picture stands alone.
pub(super) fn page(
    id: &str,
    control: &Widget,
    frames: &[(String, String)],
    first: usize,
    picture: &str,
) -> String {
    let size: usize = frames.iter().map(|f| f.1.len()).sum();
    if frames.len() < 2 || size > MOST {
        return picture.to_string();
    }
    let mut html = format!("<div id=\"{id}\"><div>{picture}</div>");
    for (_, frame) in frames {
        let _ = write!(html, "<div style=\"display:none\">{frame}</div>");
    }
    let names: Vec<&str> = frames.iter().map(|f| f.0.as_str()).collect();
    // "</script>" in a name would end the script.
    let names = serde_json::json!(names).to_string().replace('<', "\\u003c");
    let name = serde_json::json!(escape(&control.name)).to_string();
    let _ = write!(
        html,
        "</div><script>(() => {{ const all = document.getElementById(\"{id}\"), names = {names}; \
         if (!all || all.dataset.ready) return; all.dataset.ready = 1; \
         const row = document.createElement(\"label\"); \
         row.innerHTML = {name} + ' <input type=\"range\" min=\"0\" max=\"{last}\" value=\"{first}\" style=\"width:20em;vertical-align:middle\"> <output></output>'; \
         const input = row.querySelector(\"input\"), read = row.querySelector(\"output\"), pictures = [...all.children]; \
         const show = k => {{ pictures.forEach((p, n) => p.style.display = n === k + 1 ? \"\" : \"none\"); read.textContent = names[k]; }}; \
         input.addEventListener(\"input\", () => show(+input.value)); all.prepend(row); show({first}); }})()</script>",
        name = name.replace("</", "<\\/"),
        last = frames.len() - 1,
    );
    html
}

#[cfg(test)]
mod tests {
    use super::super::controls::{Control, slider};
    use super::*;

    #[test]
    fn frames_are_hidden_until_a_script_shows_them() {
        let control = slider("a <b>", 0.0..=1.0, 0.5).widget();
        let frames: Vec<_> = ["0", "</script>"]
            .map(|n| (n.to_string(), format!("<svg id=\"{}\"/>", n.len())))
            .into();
        let page = page("x", &control, &frames, 1, "<img>");
        assert!(page.starts_with("<div id=\"x\"><div><img></div><div style=\"display:none\"><svg"));
        assert_eq!(page.matches("</script>").count(), 1, "{page}");
        assert!(page.contains("a &lt;b&gt;") && page.contains("show(1)"));
        let long = vec![("a".to_string(), "x".repeat(MOST)); 2];
        assert_eq!(super::page("x", &control, &long, 0, "<img>"), "<img>");
    }
}
