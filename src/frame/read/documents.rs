//! Refuses documents that are no table: pages, errors, and data in XML or JSON, each by its name.

use super::guess::words;
use crate::error::{Error, Result};

/// Roots of SDMX-ML messages with data, without their namespace.
const SDMX: [&str; 8] = [
    "GenericData",
    "StructureSpecificData",
    "GenericTimeSeriesData",
    "StructureSpecificTimeSeriesData",
    "CompactData",
    "CrossSectionalData",
    "UtilityData",
    "MessageGroup",
];

const CSV: &str = "download the same data as SDMX-CSV (often format=csvdata, or Accept: application/vnd.sdmx.data+csv)";

/// True where a document begins instead of a table.
pub(super) fn begins(text: &str) -> bool {
    text.trim_start().starts_with(['<', '{', '['])
}

/// An error or a queue notice of the source, data in another language, and other documents that are no table.
pub(super) fn refuse(text: &str) -> Result<()> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let fail = |fact: &str, remedy: &str| Err(Error::new("line 1", fact, remedy));
    if text.starts_with('<') {
        if SDMX.iter().any(|root| has_root(text, root)) {
            return fail("it is SDMX-ML data (XML), not a table", CSV);
        }
        if has_root(text, "Structure") {
            return fail(
                "it is an SDMX-ML structure message: code lists without any data",
                CSV,
            );
        }
        if text.contains("urn:schemas-microsoft-com:office:spreadsheet") {
            return fail(
                "it is a workbook in Excel's old XML format",
                "save it as .xlsx or CSV",
            );
        }
        let mut says = words(text);
        if !says.is_empty() {
            says = format!(" It says: {says:?}");
        }
        return fail(
            &format!(
                "it is XML or HTML, as a source sends an error or a queue notice, not data.{says}"
            ),
            "download it again, with fewer series at a time if it was too large",
        );
    }
    if text.starts_with(['{', '[']) {
        let has = |key: &str| text.contains(&format!("\"{key}\""));
        if has("dataSets") || has("structure") && has("header") || text.contains("sdmx-json") {
            return fail("it is JSON in the form of SDMX-JSON, not a table", CSV);
        }
        if text.contains("json-stat")
            || has("dimension") && (has("id") || has("size") || has("value"))
        {
            return fail(
                "it is JSON in the form of JSON-stat, not a table",
                "download the same data as CSV or SDMX-CSV",
            );
        }
        return fail("it is JSON, not a table", "download the data as CSV or TSV");
    }
    Ok(())
}

/// True where an element of this name, with or without a namespace, is the first after declarations.
fn has_root(text: &str, name: &str) -> bool {
    let elements = text.split('<').skip(1);
    let first = elements
        .map(|e| {
            e.split(|c: char| c.is_whitespace() || c == '>' || c == '/')
                .next()
                .unwrap_or("")
        })
        .find(|e| !e.starts_with(['?', '!']) && !e.is_empty());
    first.is_some_and(|e| e.rsplit(':').next() == Some(name))
}
