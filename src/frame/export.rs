//! Tables for papers and pages: LaTeX and Markdown, and tables made from columns.

use super::write::ToFrame;
use crate::error::{Error, Result};
use polars::prelude::{AnyValue, Column, DataFrame};

/// Adds `.to_latex()` and `.to_markdown()` to whatever has a frame.
///
/// ```
/// use bullwhip::prelude::*;
///
/// let table = table!("sector" => ["cars", "steel"], "lost (%)" => [3.25, 1.5])?;
/// assert_eq!(
///     table.to_markdown()?,
///     "| sector | lost (%) |\n|---|---:|\n| cars | 3.25 |\n| steel | 1.5 |\n"
/// );
/// assert!(table.to_latex()?.contains(r"cars & 3.25 \\"));
/// # Ok::<(), bullwhip::Error>(())
/// ```
pub trait Tables: ToFrame {
    /// As a table of LaTeX's `booktabs`, with four significant digits. What LaTeX takes for commands is escaped.
    fn to_latex(&self) -> Result<String> {
        let frame = self.frame()?;
        let columns = frame.columns();
        let sides: String = columns
            .iter()
            .map(|c| if is_number(c) { 'r' } else { 'l' })
            .collect();
        let heads: Vec<String> = columns.iter().map(|c| latex(c.name())).collect();
        let mut out = format!(
            "\\begin{{tabular}}{{{sides}}}\n\\toprule\n{} \\\\\n\\midrule\n",
            heads.join(" & ")
        );
        for row in 0..frame.height() {
            let cells: Vec<String> = columns.iter().map(|c| latex(&cell(c, row))).collect();
            out += &format!("{} \\\\\n", cells.join(" & "));
        }
        Ok(out + "\\bottomrule\n\\end{tabular}\n")
    }

    /// As a table of Markdown, with four significant digits.
    fn to_markdown(&self) -> Result<String> {
        let frame = self.frame()?;
        let columns = frame.columns();
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let escape = |text: &str| text.replace('|', "\\|").replace('\n', " ");
        let mut out = line(columns.iter().map(|c| escape(c.name())).collect());
        let sides: Vec<&str> = columns
            .iter()
            .map(|c| if is_number(c) { "---:" } else { "---" })
            .collect();
        out += &format!("|{}|\n", sides.join("|"));
        for row in 0..frame.height() {
            out += &line(columns.iter().map(|c| escape(&cell(c, row))).collect());
        }
        Ok(out)
    }
}

impl<T: ToFrame + ?Sized> Tables for T {}

/// A frame is its own table.
impl ToFrame for DataFrame {
    fn frame(&self) -> Result<DataFrame> {
        Ok(self.clone())
    }
}

fn is_number(column: &Column) -> bool {
    column.dtype().is_primitive_numeric()
}

/// A cell as people write it; nothing where it is missing.
fn cell(column: &Column, row: usize) -> String {
    match column.get(row).unwrap_or(AnyValue::Null) {
        AnyValue::Null => String::new(),
        AnyValue::Float64(v) => short(v),
        AnyValue::Float32(v) => short(f64::from(v)),
        AnyValue::String(s) => s.to_string(),
        other => other.to_string(),
    }
}

/// Four significant digits, without zeros behind them.
fn short(v: f64) -> String {
    if v == 0.0 || !v.is_finite() {
        return format!("{v}");
    }
    let size = v.abs().log10().floor() as i32;
    if !(-5..9).contains(&size) {
        return format!("{v:.3e}");
    }
    let decimals = (3 - size).max(0) as usize;
    let text = format!("{v:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text,
    }
}

fn latex(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            '~' => out += "\\textasciitilde{}",
            '^' => out += "\\textasciicircum{}",
            '\\' => out += "\\textbackslash{}",
            '<' => out += "\\textless{}",
            '>' => out += "\\textgreater{}",
            '\n' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A column of a table that `table!` makes: numbers, truths, texts, or some of them missing.
pub trait Values {
    /// The column.
    fn column(self, name: &str) -> Column;
}

/// What a cell of a table can be.
pub trait Value {
    /// A column of such cells.
    fn column(name: &str, values: Vec<Self>) -> Column
    where
        Self: Sized;
}

macro_rules! values {
    ($($Kind:ty as $As:ty),+ $(,)?) => {$(
        impl Value for $Kind {
            fn column(name: &str, values: Vec<Self>) -> Column {
                let values: Vec<$As> = values.into_iter().map(|v| v as $As).collect();
                Column::new(name.into(), values)
            }
        }
        impl Value for &$Kind {
            fn column(name: &str, values: Vec<Self>) -> Column {
                <$Kind as Value>::column(name, values.into_iter().copied().collect())
            }
        }
        impl Value for Option<$Kind> {
            fn column(name: &str, values: Vec<Self>) -> Column {
                let values: Vec<Option<$As>> = values.into_iter().map(|v| v.map(|v| v as $As)).collect();
                Column::new(name.into(), values)
            }
        }
    )+};
}

values!(
    f64 as f64,
    f32 as f32,
    i32 as i32,
    i64 as i64,
    u32 as u32,
    u64 as u64,
    usize as u64,
    bool as bool,
);

macro_rules! texts {
    ($($Kind:ty),+) => {$(
        impl Value for $Kind {
            fn column(name: &str, values: Vec<Self>) -> Column {
                let values: Vec<String> = values.into_iter().map(|v| v.to_string()).collect();
                Column::new(name.into(), values)
            }
        }
    )+};
}

texts!(String, &String, &str, &&str);

impl<I> Values for I
where
    I: IntoIterator,
    I::Item: Value,
{
    fn column(self, name: &str) -> Column {
        I::Item::column(name, self.into_iter().collect())
    }
}

/// A table from its columns; called by `table!`.
///
/// # Errors
/// Columns of different lengths, or of one name.
pub fn table_of(columns: Vec<Column>) -> Result<DataFrame> {
    let first = columns.first().map_or(0, Column::len);
    if let Some(other) = columns.iter().find(|c| c.len() != first) {
        return Err(Error::new(
            format!("table, column {:?}", other.name().as_str()),
            format!(
                "it has {} values, and the first column {first}",
                other.len()
            ),
            "give all columns equally many values",
        ));
    }
    for (k, column) in columns.iter().enumerate() {
        if columns[..k].iter().any(|c| c.name() == column.name()) {
            return Err(Error::new(
                format!("table, column {:?}", column.name().as_str()),
                "there are two of this name",
                "give each a name of its own",
            ));
        }
    }
    Ok(DataFrame::new_infer_height(columns)?)
}

/// A table from its columns, each any list of numbers, truths or texts:
/// `table!("sector" => network.sectors(), "lost" => losses.iter().map(|l| 100.0 * l))?`.
#[macro_export]
macro_rules! table {
    ($($name:expr => $values:expr),+ $(,)?) => {
        $crate::frame::table_of(::std::vec![
            $($crate::frame::Values::column($values, ::std::convert::AsRef::<str>::as_ref(&$name))),+
        ])
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_escaped_and_round() {
        let made = table_of(vec![
            Column::new("a_b".into(), vec!["50 % & more", "x|y"]),
            Column::new("v".into(), vec![Some(1.0 / 3.0), None]),
        ]);
        let made = made.expect("a table");
        let latex = made.to_latex().expect("LaTeX");
        assert!(
            latex.contains("{lr}")
                && latex.contains("a\\_b & v")
                && latex.contains("50 \\% \\& more & 0.3333")
        );
        let markdown = made.to_markdown().expect("Markdown");
        assert!(markdown.contains("| x\\|y |  |"), "{markdown}");
        let numbers = [1234.56, 0.00012346, 1e-9, 12.0, f64::NAN].map(short);
        assert_eq!(numbers, ["1235", "0.0001235", "1.000e-9", "12", "NaN"]);
        let odd = table_of(vec![
            Column::new("a".into(), vec![1, 2]),
            Column::new("b".into(), vec![1]),
        ]);
        assert!(odd.expect_err("refused").to_string().contains("1 values"));
    }
}
