//! DataFrames and small tables as HTML.

use polars::prelude::{AnyValue, DataFrame};
use std::fmt::Write;

const ROWS: usize = 12;

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A two-column table of facts.
pub(super) fn facts(title: &str, rows: &[(&str, String)]) -> String {
    let mut html = format!(
        "<table><caption style=\"text-align:left;font-weight:bold\">{}</caption>",
        escape(title)
    );
    for (name, value) in rows {
        let _ = write!(
            html,
            "<tr><td style=\"text-align:left\">{}</td><td style=\"text-align:right\">{}</td></tr>",
            escape(name),
            escape(value)
        );
    }
    html + "</table>"
}

/// The shape, column names and types, and the first and last rows.
pub(super) fn frame(frame: &DataFrame) -> String {
    frame_of(frame, ROWS)
}

/// The same, with so many rows at most.
pub(super) fn frame_of(frame: &DataFrame, rows: usize) -> String {
    let (height, width) = frame.shape();
    let mut html = format!(
        "<div style=\"overflow-x:auto\"><small>{height} rows × {width} columns</small><table><tr>"
    );
    for column in frame.columns() {
        let _ = write!(
            html,
            "<th style=\"text-align:right\">{}<br><small style=\"opacity:.6;font-weight:normal\">{}</small></th>",
            escape(column.name()),
            column.dtype()
        );
    }
    html += "</tr>";
    let shown: Vec<usize> = if height <= rows {
        (0..height).collect()
    } else {
        let last = (rows / 3).min(4);
        (0..rows - last).chain(height - last..height).collect()
    };
    for (k, row) in shown.iter().enumerate() {
        if k > 0 && *row != shown[k - 1] + 1 {
            let _ = write!(
                html,
                "<tr>{}</tr>",
                "<td style=\"text-align:right\">…</td>".repeat(width)
            );
        }
        html += "<tr>";
        for column in frame.columns() {
            html += &cell(column.get(*row).unwrap_or(AnyValue::Null));
        }
        html += "</tr>";
    }
    html + "</table></div>"
}

fn cell(value: AnyValue<'_>) -> String {
    match value {
        AnyValue::Null => "<td style=\"text-align:right;opacity:.45\">null</td>".into(),
        AnyValue::Float64(v) => format!("<td style=\"text-align:right\">{}</td>", number(v)),
        AnyValue::String(s) => format!("<td style=\"text-align:left\">{}</td>", escape(s)),
        AnyValue::StringOwned(s) => format!("<td style=\"text-align:left\">{}</td>", escape(&s)),
        other => format!(
            "<td style=\"text-align:right\">{}</td>",
            escape(&other.to_string())
        ),
    }
}

/// A number with six significant digits at most.
pub(super) fn number(v: f64) -> String {
    if v == 0.0 || !v.is_finite() {
        return format!("{v}");
    }
    let size = v.abs().log10().floor() as i32;
    if (-4..9).contains(&size) {
        let decimals = (5 - size).clamp(0, 8) as usize;
        let text = format!("{v:.decimals$}");
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_string()
        } else {
            text
        }
    } else {
        format!("{v:.4e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use polars::prelude::{Column, DataFrame};

    #[test]
    fn frames_escape_grey_nulls_and_leave_out_the_middle() {
        let text = Column::new(
            "a<b".into(),
            (0..40).map(|k| format!("<i>{k}</i>")).collect::<Vec<_>>(),
        );
        let value = Column::new(
            "v".into(),
            (0..40)
                .map(|k| (k != 1).then_some(f64::from(k) / 3.0))
                .collect::<Vec<_>>(),
        );
        let html = frame(&DataFrame::new_infer_height(vec![text, value]).expect("a frame"));
        assert!(html.contains("40 rows × 2 columns") && html.contains("a&lt;b"));
        assert!(
            html.contains("&lt;i&gt;39&lt;/i&gt;")
                && !html.contains("&lt;i&gt;20&lt;/i&gt;")
                && !html.contains("<i>")
        );
        assert!(html.contains("opacity:.45\">null") && html.contains("0.666667"));
        assert_eq!(html.matches("<tr>").count(), 1 + 8 + 1 + 4);
    }

    #[test]
    fn numbers_are_short() {
        for (v, text) in [
            (0.0, "0"),
            (100.0, "100"),
            (1234567.0, "1234567"),
            (0.1 + 0.2, "0.3"),
            (1e-7, "1.0000e-7"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(number(v), text);
        }
    }
}
