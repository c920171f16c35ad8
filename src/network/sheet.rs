//! Text files with a header as columns of text, and where their rows stand.

use super::text::{Style, decode, doubtful, quoted, records, separator, thousands_by_points};
use crate::error::{Error, Result};
use std::path::Path;

/// Where rows stand: in lines of a file, or in rows of a frame.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    /// A path, or "firms" and "links".
    pub(crate) name: String,
    /// Line of each row; empty where rows count.
    pub(crate) lines: Vec<u64>,
}

impl Places {
    pub(crate) fn of(&self, row: usize) -> String {
        match self.lines.get(row) {
            Some(line) => format!("{}, line {line}", self.name),
            None => format!("{}, row {row}", self.name),
        }
    }

    /// The row without the file.
    pub(crate) fn short(&self, row: usize) -> String {
        match self.lines.get(row) {
            Some(line) => format!("line {line}"),
            None => format!("row {row}"),
        }
    }
}

/// How a text is written.
#[derive(Clone, Copy)]
pub(crate) struct Written<'a> {
    pub(crate) separator: Option<char>,
    pub(crate) style: Style,
    pub(crate) encoding: Option<&'a str>,
    /// Blanks around names are cut.
    pub(crate) trim: bool,
    /// Name of the struct of options.
    pub(crate) options: &'static str,
}

/// A column of text, its cells one behind the other.
#[derive(Clone, Default)]
struct Column {
    text: String,
    ends: Vec<usize>,
}

impl Column {
    fn cells(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let cell = &self.text[start..*end];
            start = *end;
            cell
        })
    }
}

/// A text with a header as columns of text.
pub(crate) struct TextTable {
    pub(crate) places: Places,
    pub(crate) header: Vec<String>,
    columns: Vec<Column>,
    separator: u8,
    style: Style,
    options: &'static str,
}

impl TextTable {
    /// Reads the columns of a file that `wanted` names.
    pub(crate) fn read(
        path: &Path,
        written: Written<'_>,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Self> {
        let name = path.display().to_string();
        let bytes = crate::files::contents(path).map_err(|e| {
            Error::new(
                name.clone(),
                format!("it cannot be read: {e}"),
                "check the path",
            )
        })?;
        Self::parse(name.clone(), &bytes, written, wanted).map_err(|e| e.within(name))
    }

    fn parse(
        name: String,
        bytes: &[u8],
        written: Written<'_>,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Self> {
        let text = decode(bytes, written.encoding, written.options)?;
        let separator = separator(&text, written.separator, written.options)?;
        let mut rows = records(&text, separator);
        let Some(head) = rows.next().transpose()? else {
            return Err(Error::new(
                "",
                "it is empty",
                "give a file with a header line",
            ));
        };
        let header: Vec<String> = head.1.iter().map(|h| h.trim().to_string()).collect();
        for (k, h) in header.iter().enumerate() {
            let first = header[..k].iter().position(|o| o == h && !h.is_empty());
            if let Some(first) = first {
                return Err(Error::new(
                    format!("line {}", head.0),
                    format!(
                        "columns {} and {} are both called {}",
                        first + 1,
                        k + 1,
                        quoted(h)
                    ),
                    "give every column a name of its own",
                ));
            }
        }
        let keep: Vec<usize> = (0..header.len()).filter(|k| wanted(&header[*k])).collect();
        let mut columns = vec![Column::default(); header.len()];
        let mut lines = Vec::new();
        let mut cells = csv::StringRecord::new();
        while let Some(line) = rows.read(&mut cells)? {
            if cells.iter().all(|c| c.trim().is_empty()) {
                continue;
            }
            if cells.len() != header.len() {
                return Err(Error::new(
                    format!("line {line}"),
                    format!("{} cells, but the header has {}", cells.len(), header.len()),
                    format!(
                        "give every line as many cells as the header; quote cells that hold a separator, or say {}.separator",
                        written.options
                    ),
                ));
            }
            for k in &keep {
                let cell = &cells[*k];
                let column = &mut columns[*k];
                column.text += if written.trim { cell.trim() } else { cell };
                column.ends.push(column.text.len());
            }
            lines.push(line);
        }
        Ok(Self {
            places: Places { name, lines },
            header,
            columns,
            separator,
            style: written.style,
            options: written.options,
        })
    }

    /// A column of text.
    pub(crate) fn texts(&mut self, k: usize) -> Vec<String> {
        let column = std::mem::take(&mut self.columns[k]);
        column.cells().map(String::from).collect()
    }

    /// A column of numbers.
    pub(crate) fn numbers(&self, k: usize) -> Result<Vec<f64>> {
        let cells = self.columns[k].cells();
        if !self.style.told
            && self.style.thousands.is_none()
            && let Some(cell) = thousands_by_points(cells, self.separator)
        {
            let place = format!("{}, column `{}`", self.places.name, self.header[k]);
            return Err(doubtful(place, cell, self.options));
        }
        let number = |(row, cell): (usize, &str)| {
            self.style.number(cell).ok_or_else(|| {
                let blank = cell.trim().is_empty();
                let fact = match blank {
                    true => "it is blank".to_string(),
                    false => format!("{} is not a number", quoted(cell)),
                };
                let remedy = match blank {
                    true => "fill the cell or drop the line".to_string(),
                    false => self.style.remedy(cell, self.options),
                };
                Error::new(
                    format!("{}, column `{}`", self.places.of(row), self.header[k]),
                    fact,
                    remedy,
                )
            })
        };
        self.columns[k].cells().enumerate().map(number).collect()
    }
}
