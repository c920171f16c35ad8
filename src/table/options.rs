//! How a table is read, and what a file was taken for.

use crate::network::Decimal;
use std::path::PathBuf;

/// The layout of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// A square of sectors, with columns of final demand and output beside it.
    #[default]
    Wide,
    /// One row a flow: supplier, buyer, value, and regions where there are any.
    Long,
    /// A square of regions x sectors.
    MultiRegional,
}

impl Layout {
    /// The name for messages.
    pub fn name(self) -> &'static str {
        match self {
            Layout::Wide => "wide",
            Layout::Long => "long",
            Layout::MultiRegional => "multi-regional",
        }
    }
}

/// Which way round a table is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Orientation {
    /// Not said: suppliers in rows, as statistical offices publish them. A table whose labels or sums say
    /// otherwise is refused.
    #[default]
    Unsaid,
    /// Suppliers in rows, buyers in columns, whatever labels and sums say.
    SuppliersInRows,
    /// Buyers in rows: the table is transposed when it is read.
    BuyersInRows,
}

/// What the square of sectors holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Holds {
    /// Not said: flows. A table that looks like one of the others is refused.
    #[default]
    Unsaid,
    /// Flows in money, whatever they look like.
    Flows,
    /// Technical coefficients, flow over the buyer's output. They are multiplied by output, which follows
    /// from final demand where it is not given.
    Coefficients,
    /// The same in percent.
    Percent,
    /// Allocation coefficients, flow over the supplier's output (Ghosh).
    Allocations,
    /// The Leontief inverse.
    LeontiefInverse,
}

/// What becomes of cells without a number (blank, `:`, `n/a`, `-`, `---`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Blank {
    /// An error that names the first of them.
    #[default]
    Refuse,
    /// They are zero; a note says how many.
    Zero,
}

/// What a reader cannot know. The default suits tables whose names say what lines are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// A second file with the final demand, as pymrio and EXIOBASE keep it (`Y.txt`).
    pub final_demand_file: Option<PathBuf>,
    /// Sheet of a workbook; `None` is the only one that reads as a table.
    pub sheet: Option<String>,
    /// Sheet of a second file that is a workbook, which may be the same file; `None` is its only one.
    pub final_demand_sheet: Option<String>,
    /// The cells that are the table, such as "B9:O35", where a file has more: several tables one below the
    /// other, remarks. Names of rows and columns are among them. A text has columns A, B, C and rows by line.
    pub cells: Option<String>,
    /// Bytes that a workbook may unpack to: 256 MiB.
    pub max_unpacked: Option<u64>,
    /// Which way round the file is.
    pub orientation: Orientation,
    /// What the square of sectors holds.
    pub holds: Holds,
    /// Buyers' columns are in the order of the suppliers' rows, and are called otherwise: by codes where rows
    /// have names, as in tables of the BEA. The rows' names hold.
    pub same_order: bool,
    /// What becomes of cells without a number.
    pub missing: Blank,
    /// Decimal sign of a text; `None` is a point.
    pub decimal: Option<Decimal>,
    /// Separator of thousands, such as ',' or ' '; `None` refuses numbers that have one.
    pub thousands: Option<char>,
    /// What separates the cells of a text; `None` is the tab, semicolon or comma that its lines have.
    pub separator: Option<char>,
    /// Encoding of a text, such as "windows-1252" or "shift_jis"; `None` is UTF-8, or UTF-16 with a
    /// byte-order mark.
    pub encoding: Option<String>,
    /// Columns that are final demand at home, where their names do not tell.
    pub domestic: Vec<String>,
    /// Columns that are exports.
    pub exports: Vec<String>,
    /// Columns that are competing imports.
    pub imports: Vec<String>,
    /// The row or column that is output.
    pub output: Option<String>,
    /// Rows that are no sectors, where their names do not tell: value added, labour.
    pub primary: Vec<String>,
    /// Rows and columns to leave out.
    pub ignore: Vec<String>,
    /// The rows to keep: (column, value), such as ("stk_flow", "DOM") of a long table. In a square one the
    /// rows of a sector that is there several times, such as ("Origin", "Domestic"); what is left out is a
    /// primary input.
    pub keep: Vec<(String, String)>,
    /// Columns of a long table over which the values of one supplier and buyer are added up, such as
    /// "product".
    pub add_up: Vec<String>,
}
