//! Workbooks (xlsx, ods) as texts with their places, within a bound on what they unpack to.

mod guard;

use crate::error::{Error, Result};
use calamine::{Data, DataRef, Ods, Range, Reader, SheetType, SheetVisible, Xlsx};
use std::borrow::Cow;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a workbook may unpack to unless an option says otherwise: bytes.
pub(crate) const UNPACKED: u64 = 256 << 20;

type Bytes = Cursor<Vec<u8>>;

enum Kind {
    Xlsx(Box<Xlsx<Bytes>>),
    Ods(Box<Ods<Bytes>>),
}

/// A workbook that was opened.
pub(crate) struct Workbook {
    kind: Kind,
    /// Names of all sheets of cells, in their order, and whether they are hidden.
    sheets: Vec<(String, bool)>,
    /// Bytes that a sheet may come to.
    cap: u64,
}

/// True where a file begins as workbooks do: zip archives, and Microsoft's compound files.
pub(crate) fn is_workbook(start: &[u8]) -> bool {
    start.starts_with(b"PK\x03\x04") || is_compound(start)
}

fn is_compound(start: &[u8]) -> bool {
    start.starts_with(b"\xd0\xcf\x11\xe0")
}

/// "C5", as spreadsheets call the cell in the fifth row and third column; both count from 0 here.
pub(crate) fn cell_name(row: u64, column: usize) -> String {
    format!("{}{}", column_name(column), row + 1)
}

/// "C" of column 2.
pub(crate) fn column_name(column: usize) -> String {
    let (mut name, mut left) = (Vec::new(), column + 1);
    while left > 0 {
        name.push(char::from(b'A' + ((left - 1) % 26) as u8));
        left = (left - 1) / 26;
    }
    name.iter().rev().collect()
}

/// The refusal of a bomb; `option` is what allows more.
pub(crate) fn too_large(option: &str) -> Error {
    Error::new(
        "",
        format!("it unpacks to more than is allowed (256 MiB of a workbook, or {option})"),
        format!("if the file is meant to be so large, raise {option} (bytes)"),
    )
}

fn damaged(why: &str) -> Error {
    Error::new(
        "",
        format!("it begins like a workbook, but cannot be read as one: {why}"),
        "download it again, or save it as CSV; another zip archive must be unpacked first",
    )
}

/// An old workbook, or one with a password: both are compound files.
fn old() -> Error {
    Error::new(
        "",
        "it is an old Excel workbook (.xls), or one with a password",
        "save it as .xlsx or CSV, without a password",
    )
}

/// A library's sentence says nothing to whoever has the file.
fn why<E>(_: E) -> Error {
    damaged("its parts do not fit together")
}

impl Workbook {
    /// Opens the contents of a file. `option` is the name of what sets `cap`.
    pub(crate) fn open(bytes: Vec<u8>, cap: u64, option: &str) -> Result<Self> {
        if bytes.len() as u64 > cap {
            return Err(too_large(option));
        }
        if is_compound(&bytes) {
            return Err(old());
        }
        let names = caught(|| Ok::<_, Error>(guard::unpacked(&bytes, cap, option)))??;
        let has = |name: &str| names.iter().any(|n| n == name);
        if has("xl/workbook.bin") {
            return Err(Error::new(
                "",
                "it is a binary workbook (.xlsb)",
                "save it as .xlsx or CSV",
            ));
        }
        let kind = if has("content.xml") {
            Kind::Ods(Box::new(caught(|| Ods::new(Cursor::new(bytes)))?))
        } else {
            Kind::Xlsx(Box::new(caught(|| Xlsx::new(Cursor::new(bytes)))?))
        };
        let sheets = match &kind {
            Kind::Xlsx(book) => book.sheets_metadata(),
            Kind::Ods(book) => book.sheets_metadata(),
        };
        let sheets: Vec<(String, bool)> = sheets
            .iter()
            .filter(|s| s.typ == SheetType::WorkSheet)
            .map(|s| (s.name.clone(), s.visible != SheetVisible::Visible))
            .collect();
        if sheets.is_empty() {
            return Err(Error::new("", "the workbook has no sheet", "save it again"));
        }
        Ok(Self { kind, sheets, cap })
    }

    /// Names of the sheets that can be seen; of all where none can.
    pub(crate) fn sheets(&self) -> Vec<String> {
        let all = self.sheets.iter().all(|(_, hidden)| *hidden);
        self.sheets
            .iter()
            .filter(|(_, hidden)| all || !hidden)
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// The sheet that is named, hidden or not.
    pub(crate) fn named(&self, wanted: &str, option: &str) -> Result<String> {
        match self.sheets.iter().find(|(name, _)| name == wanted) {
            Some((name, _)) => Ok(name.clone()),
            None => Err(Error::new(
                option,
                format!("there is no sheet {wanted:?}"),
                format!("the workbook has {}", quoted_list(&self.sheets())),
            )),
        }
    }

    /// Hands on the cells of a sheet that hold something, row by row: row and column from 0, and the
    /// text. Of merged cells only the first holds something. `option` is the name of what sets the bound.
    pub(crate) fn cells(
        &mut self,
        sheet: &str,
        option: &str,
        put: &mut dyn FnMut(u32, u32, &str),
    ) -> Result<()> {
        caught(|| Ok::<_, Error>(self.all_cells(sheet, option, put)))?
    }

    fn all_cells(
        &mut self,
        sheet: &str,
        option: &str,
        put: &mut dyn FnMut(u32, u32, &str),
    ) -> Result<()> {
        let mut order = Order {
            next: (0, 0),
            left: self.cap,
            option,
        };
        match &mut self.kind {
            Kind::Xlsx(book) => {
                let mut cells = book.worksheet_cells_reader(sheet).map_err(why)?;
                while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(why)? {
                    let value = match cell.value {
                        DataRef::Empty if cell.formula.is_some() => {
                            return Err(uncomputed(cell.pos));
                        }
                        DataRef::SharedString(s) => Cow::Borrowed(s),
                        value => match text(&Data::from(value), cell.pos)? {
                            Some(text) => Cow::Owned(text.into_owned()),
                            None => continue,
                        },
                    };
                    order.check(cell.pos, value.len())?;
                    put(cell.pos.0, cell.pos.1, &value);
                }
            }
            Kind::Ods(book) => {
                let range = book.worksheet_range(sheet).map_err(why)?;
                computed(&range, &book.worksheet_formula(sheet).map_err(why)?)?;
                let from = range.start().unwrap_or_default();
                for (r, c, value) in range.used_cells() {
                    let at = (from.0 + r as u32, from.1 + c as u32);
                    if let Some(text) = text(value, at)? {
                        order.check(at, text.len())?;
                        put(at.0, at.1, &text);
                    }
                }
            }
        }
        Ok(())
    }
}

/// "a", "b", "c": the first names of a list.
pub(crate) fn quoted_list(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(20).map(|n| format!("{n:?}")).collect();
    let more = if names.len() > 20 { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// What the library's readers run out of is a damaged file.
fn caught<T, E>(read: impl FnOnce() -> std::result::Result<T, E>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(read) => read.map_err(why),
        Err(panic) => Err(why(panic)),
    }
}

/// Cells in order, and how much room they may still take.
struct Order<'a> {
    next: (u32, u32),
    left: u64,
    option: &'a str,
}

impl Order<'_> {
    fn check(&mut self, at: (u32, u32), length: usize) -> Result<()> {
        if at < self.next {
            return Err(Error::new(
                place(at),
                "its cells are not in order",
                "save the workbook again",
            ));
        }
        // Blank cells between two others take room, too.
        let rows = u64::from(at.0 - self.next.0);
        let columns = match rows {
            0 => at.1 - self.next.1,
            _ => at.1,
        };
        let taken = rows + 8 * (u64::from(columns) + 1) + length as u64;
        self.left = self
            .left
            .checked_sub(taken)
            .ok_or_else(|| too_large(self.option))?;
        self.next = (at.0, at.1 + 1);
        Ok(())
    }
}

/// What stands in a cell; `None` where it is empty.
fn text(value: &Data, at: (u32, u32)) -> Result<Option<Cow<'_, str>>> {
    Ok(Some(match value {
        Data::Empty => return Ok(None),
        Data::Int(v) => v.to_string().into(),
        Data::Float(v) => v.to_string().into(),
        Data::Bool(v) => v.to_string().into(),
        Data::DateTime(date) => {
            let (year, month, day, ..) = date.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}").into()
        }
        Data::String(s) | Data::DateTimeIso(s) | Data::DurationIso(s) => s.as_str().into(),
        Data::Error(e) => {
            return Err(Error::new(
                place(at),
                format!("it holds the error {e}"),
                "correct the formula in the workbook",
            ));
        }
    }))
}

fn place(at: (u32, u32)) -> String {
    format!("cell {}", cell_name(u64::from(at.0), at.1 as usize))
}

/// Refuses formulas that were never computed: they hold nothing, and may stand beside all that does.
fn computed(range: &Range<Data>, formulas: &Range<String>) -> Result<()> {
    let from = formulas.start().unwrap_or_default();
    for (r, c, _) in formulas.used_cells() {
        let at = (from.0 + r as u32, from.1 + c as u32);
        if range.get_value(at).is_none_or(|v| *v == Data::Empty) {
            return Err(uncomputed(at));
        }
    }
    Ok(())
}

fn uncomputed(at: (u32, u32)) -> Error {
    Error::new(
        place(at),
        "it holds a formula without its value",
        "open the workbook in a spreadsheet program, let it compute, and save it",
    )
}
