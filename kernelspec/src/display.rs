//! What a page can bear of what cells print and show: whole characters, and displays of a bounded size.

use serde_json::{Map, Value, json};

/// One display at most, in bytes.
const DISPLAY: usize = 24 << 20;

/// Takes the whole characters away; what is no UTF-8 is replaced.
pub(crate) fn whole_characters(bytes: &mut Vec<u8>) -> String {
    let whole = match std::str::from_utf8(bytes) {
        Ok(text) => text.len(),
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Err(_) => {
            // The last character may still be cut, and only that.
            let tail = bytes.len().saturating_sub(3);
            let begun = (tail..bytes.len()).find(|at| {
                bytes[*at] >= 0xC0
                    && std::str::from_utf8(&bytes[*at..]).is_err_and(|e| e.error_len().is_none())
            });
            begun.unwrap_or(bytes.len())
        }
    };
    let text = String::from_utf8_lossy(&bytes[..whole]).into_owned();
    bytes.drain(..whole);
    text
}

/// A display that a page can bear, with parts that are JSON as such.
pub(crate) fn bearable(data: Map<String, Value>, bytes: usize) -> Value {
    if bytes > DISPLAY {
        let text = format!(
            "[a display of {} is left out: a page bears {} at most; save it as a file]",
            size(bytes),
            size(DISPLAY)
        );
        return json!({ "text/plain": text });
    }
    let parts = data.into_iter().map(|(kind, part)| {
        let json = part.as_str().filter(|_| kind.contains("json"));
        let json = json.and_then(|text| serde_json::from_str(text).ok());
        (kind, json.unwrap_or(part))
    });
    Value::Object(parts.collect())
}

pub(crate) fn size(bytes: usize) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..1_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}
