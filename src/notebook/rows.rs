//! Showing more rows of a frame than a notebook does by itself.

use super::page::Page;
use super::table;
use polars::prelude::DataFrame;

/// Rows that a page bears.
const MOST: usize = 5_000;

/// Adds `.show(n)` and `.show_all()` to frames.
pub trait ShowRows {
    /// The first and last rows, `rows` in all; of 5,000 at most.
    ///
    /// ```
    /// use bullwhip::prelude::*;
    ///
    /// let table = table!("k" => 0..40, "square" => (0..40).map(|k| k * k))?;
    /// assert!(table.show_all().html.contains("1521"));
    /// assert!(!table.show(4).html.contains(">16<"));
    /// # Ok::<(), bullwhip::Error>(())
    /// ```
    fn show(&self, rows: usize) -> Page;

    /// All rows; of more than 5,000 the first and last of them.
    fn show_all(&self) -> Page;
}

impl ShowRows for DataFrame {
    fn show(&self, rows: usize) -> Page {
        let rows = rows.clamp(1, MOST).min(self.height().max(1));
        let mut text = self.to_string();
        if rows > 12 {
            text = format!("[{} rows × {} columns]", self.height(), self.width());
        }
        Page {
            html: table::frame_of(self, rows),
            text,
        }
    }

    fn show_all(&self) -> Page {
        self.show(self.height())
    }
}
