//! Networks from frames and from files of firms and links.

use super::read::Decimal;
use super::{disk, schema};
use crate::error::{Error, Result};
use crate::network::Network;
use crate::network::files::{RawFirms, RawLinks, Rules, network, whole};
use crate::network::sheet::{Places, TextTable, Written};
use crate::network::text::{Style, quoted};
use polars::prelude::{DataFrame, DataType};
use std::path::{Path, PathBuf};

/// Names that columns of firm-level data have; the first is ours.
const FIRM: &[&str] = &[schema::FIRM, "name", "id", "firm_id"];
const BUYER: &[&str] = &[
    schema::BUYER,
    "client",
    "customer",
    "to",
    "target",
    "destination",
];
const SUPPLIER: &[&str] = &[
    schema::SUPPLIER,
    "seller",
    "vendor",
    "from",
    "source",
    "origin",
];
const COEFFICIENT: &[&str] = &[schema::COEFFICIENT, "a"];
const FLOW: &[&str] = &[schema::FLOW, "amount", "value", "weight", "sales"];
const PRODUCT: &[&str] = &[schema::PRODUCT];
const LAG: &[&str] = &[schema::LAG];
const CLASS: &[&str] = &[schema::CLASS];
const REGION: &[&str] = &[schema::REGION];
const SECTOR: &[&str] = &[schema::SECTOR];
const DEMAND: &[&str] = &[schema::FINAL_DEMAND, "d"];
const OUTPUT: &[&str] = &[schema::OUTPUT, "x0"];

/// The files of a firm-level network, each Parquet, Arrow or text (CSV, TSV, TXT).
///
/// ```
/// use bullwhip::prelude::*;
/// # let path = std::env::temp_dir().join(format!("bullwhip-doc-{}.csv", std::process::id()));
/// // Payments of several months, with a decimal comma: "Verkäufer;Käufer;Monat;Betrag".
/// std::fs::write(&path, "Verkäufer;Käufer;Monat;Betrag\n001;002;1;7,5\n001;002;2;7,5\n002;001;1;4,0\n").unwrap();
/// let network = read_network(&NetworkFiles {
///     links: path.clone(),
///     columns: NetworkColumns {
///         supplier: Some("Verkäufer".into()),
///         buyer: Some("Käufer".into()),
///         flow: Some("Betrag".into()),
///         ..NetworkColumns::default()
///     },
///     decimal: Some(Decimal::Comma),
///     add_up: true,
///     input_share: Some(0.5),
///     ..NetworkFiles::default()
/// })
/// .unwrap();
/// assert_eq!((network.firms(), network.links()), (2, 2));
/// # std::fs::remove_file(path).unwrap();
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NetworkFiles {
    /// One row a link: supplier, buyer, and flow or coefficient (also as seller, client, amount, …); where
    /// they are there also product, lag and class, as in `Links`.
    pub links: PathBuf,
    /// One row a firm: firm, region and sector where there are any, and final_demand or output. Without
    /// it the firms are those of the links, in one region and sector.
    pub firms: Option<PathBuf>,
    /// Where neither final demand nor output is known: the share of inputs in output that makes firms
    /// produce enough for what they buy, see `final_demand_of_links`. `None` refuses such files.
    pub input_share: Option<f64>,
    /// Names of columns, where they are not the usual ones.
    pub columns: NetworkColumns,
    /// Several rows of one supplier and buyer are added up; else they are refused. A negative payment, such
    /// as a returned delivery, is allowed where the sum is positive.
    pub add_up: bool,
    /// Blanks around names are cut; else " 001" is another firm than "001", and refused beside it.
    pub trim: bool,
    /// Decimal sign of texts; `None` is a point.
    pub decimal: Option<Decimal>,
    /// Separator of thousands in texts, such as ','; `None` refuses numbers that have one.
    pub thousands: Option<char>,
    /// What separates the cells of texts; `None` is the tab, semicolon or comma that lines have.
    pub separator: Option<char>,
    /// Encoding of texts, such as "windows-1252"; `None` is UTF-8, or UTF-16 with a byte-order mark.
    pub encoding: Option<String>,
}

/// Names of the columns of firms and links. `None` looks for the usual names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkColumns {
    /// Of links, who sells; usual: supplier, seller, vendor, from, source, origin.
    pub supplier: Option<String>,
    /// Of links, who buys; usual: buyer, client, customer, to, target, destination.
    pub buyer: Option<String>,
    /// Of links, what is paid per period; usual: flow, amount, value, weight, sales.
    pub flow: Option<String>,
    /// Of links, units per unit of the buyer's output; usual: coefficient, a.
    pub coefficient: Option<String>,
    /// Of links, the name of what is bought; usual: product. An empty text reads none.
    pub product: Option<String>,
    /// Of links, whole periods in transit; usual: lag. An empty text reads none.
    pub lag: Option<String>,
    /// Of links, the class when suppliers ration; usual: class. An empty text reads none.
    pub class: Option<String>,
    /// Of firms, their name; usual: firm, name, id, firm_id.
    pub firm: Option<String>,
    /// Of firms; usual: region.
    pub region: Option<String>,
    /// Of firms; usual: sector.
    pub sector: Option<String>,
    /// Of firms; usual: final_demand, d.
    pub final_demand: Option<String>,
    /// Of firms; usual: output, x0.
    pub output: Option<String>,
}

/// Reads a firm-level network from files. Messages name the line of the file, the header being line 1.
///
/// Names are taken as they are: "001" and "01" are two firms. An error where two rows have one supplier and
/// buyer (unless `add_up`), where names differ by blanks or by ".0" alone, where a number is none.
pub fn read_network(files: &NetworkFiles) -> Result<Network> {
    let firms = files.firms.as_deref().map(|p| Table::open(p, files));
    let firms = firms.transpose()?;
    let links = Table::open(&files.links, files)?;
    let rules = Rules {
        add_up: files.add_up,
        input_share: files.input_share,
        options: true,
    };
    build(firms, links, &files.columns, rules)
}

/// A network from two frames with the columns of `Network::frame` and `links_frame`; links may have
/// flows instead of coefficients, and need no product, lag or class. Final demand counts where it is given, and output is computed from
/// it; else output counts. Names may be text or whole numbers.
pub fn network_from_frames(firms: &DataFrame, links: &DataFrame) -> Result<Network> {
    let table = |name: &str, frame: &DataFrame| {
        let places = Places {
            name: name.into(),
            lines: Vec::new(),
        };
        Table::Frame(places, frame.clone())
    };
    build(
        Some(table("firms", firms)),
        table("links", links),
        &NetworkColumns::default(),
        Rules::default(),
    )
}

/// A table of firms or links.
enum Table {
    Text(TextTable),
    Frame(Places, DataFrame),
}

impl Table {
    fn open(path: &Path, files: &NetworkFiles) -> Result<Self> {
        let mut facts = path.as_os_str().to_owned();
        facts.push(".json");
        let ending = path.extension().and_then(|e| e.to_str());
        let ending = ending.unwrap_or_default().to_lowercase();
        let text = ["csv", "tsv", "txt", "tab"].contains(&ending.as_str());
        let places = |lines: Vec<u64>| Places {
            name: path.display().to_string(),
            lines,
        };
        if !text || Path::new(&facts).exists() {
            let frame = disk::read(path)?.0;
            let lines = if text { frame.height() as u64 } else { 0 };
            return Ok(Table::Frame(places((2..lines + 2).collect()), frame));
        }
        let written = Written {
            separator: files.separator,
            style: Style::new(files.decimal, files.thousands, "NetworkFiles")?,
            encoding: files.encoding.as_deref(),
            trim: files.trim,
            options: "NetworkFiles",
        };
        let c = &files.columns;
        let said = [
            &c.supplier,
            &c.buyer,
            &c.flow,
            &c.coefficient,
            &c.product,
            &c.lag,
            &c.class,
            &c.firm,
            &c.region,
            &c.sector,
            &c.final_demand,
            &c.output,
        ];
        let usual = [
            FIRM,
            BUYER,
            SUPPLIER,
            COEFFICIENT,
            FLOW,
            PRODUCT,
            LAG,
            CLASS,
            REGION,
            SECTOR,
            DEMAND,
            OUTPUT,
        ];
        let wanted = |name: &str| {
            said.iter().any(|s| s.as_deref() == Some(name))
                || usual
                    .iter()
                    .flat_map(|u| u.iter())
                    .any(|u| *u == name.to_lowercase())
        };
        TextTable::read(path, written, wanted).map(Table::Text)
    }

    fn header(&self) -> Vec<String> {
        match self {
            Table::Text(t) => t.header.clone(),
            Table::Frame(_, f) => f.get_column_names().iter().map(|n| n.to_string()).collect(),
        }
    }

    fn places(&self) -> &Places {
        match self {
            Table::Text(t) => &t.places,
            Table::Frame(places, _) => places,
        }
    }

    /// The column that is named, or has the first of the usual names, or the only other one.
    fn find(&self, said: &Option<String>, usual: &[&str], field: &str) -> Result<Option<usize>> {
        let header = self.header();
        let known = || {
            let names: Vec<String> = header.iter().take(20).map(|h| quoted(h)).collect();
            format!("it has the columns {}", names.join(", "))
        };
        if let Some(name) = said {
            let at = header.iter().position(|h| h == name);
            return at.map(Some).ok_or_else(|| {
                Error::new(
                    format!("NetworkColumns.{field}"),
                    format!("there is no column {name:?} in {}", self.places().name),
                    known(),
                )
            });
        }
        let lower: Vec<String> = header.iter().map(|h| h.to_lowercase()).collect();
        if let Some(k) = header.iter().position(|h| h == usual[0]) {
            return Ok(Some(k));
        }
        let found: Vec<usize> = (0..header.len())
            .filter(|k| usual.contains(&lower[*k].as_str()))
            .collect();
        match found.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(*only)),
            [a, b, ..] => Err(Error::new(
                self.places().name.clone(),
                format!(
                    "columns {} and {} may both be the {}",
                    quoted(&header[*a]),
                    quoted(&header[*b]),
                    field.replace('_', " ")
                ),
                format!(
                    "say which: NetworkFiles {{ columns: NetworkColumns {{ {field}: Some({:?}.into()), .. }}, .. }}",
                    header[*a]
                ),
            )),
        }
    }

    fn required(&self, said: &Option<String>, usual: &[&str], field: &str) -> Result<usize> {
        self.find(said, usual, field)?.ok_or_else(|| {
            let names: Vec<String> = self.header().iter().take(20).map(|h| quoted(h)).collect();
            Error::new(
                self.places().name.clone(),
                format!(
                    "there is no column of the {field}, such as {}; the columns are {}",
                    usual.join(", "),
                    names.join(", ")
                ),
                format!(
                    "name it {}, or say its name in NetworkFiles.columns",
                    usual[0]
                ),
            )
        })
    }

    fn texts(&mut self, k: usize) -> Result<Vec<String>> {
        match self {
            Table::Text(t) => Ok(t.texts(k)),
            Table::Frame(places, frame) => {
                let column = frame.columns()[k].cast(&DataType::String)?;
                let cells = column.str()?.iter().enumerate();
                let text = |(row, v): (usize, Option<&str>)| {
                    v.map(String::from).ok_or_else(|| {
                        Error::new(
                            places.of(row),
                            format!("`{}` is null", column.name()),
                            "fill or drop the row",
                        )
                    })
                };
                cells.map(text).collect()
            }
        }
    }

    fn numbers(&self, k: usize) -> Result<Vec<f64>> {
        match self {
            Table::Text(t) => t.numbers(k),
            Table::Frame(places, frame) => {
                let of = &frame.columns()[k];
                let column = of.cast(&DataType::Float64)?;
                let bad = |row: usize, fact: String| {
                    Error::new(
                        format!("{}, column `{}`", places.of(row), of.name()),
                        fact,
                        "give a number there",
                    )
                };
                let cells = column.f64()?.iter().enumerate();
                let number = |(row, v): (usize, Option<f64>)| {
                    v.ok_or_else(|| match of.get(row) {
                        Ok(cell) if !cell.is_null() => {
                            let text = cell.get_str().map_or(cell.to_string(), String::from);
                            bad(row, format!("{} is not a number", quoted(&text)))
                        }
                        _ => bad(row, "it is null".into()),
                    })
                };
                cells.map(number).collect()
            }
        }
    }
}

/// Reads what links carry beside their coefficient, as far as it is there.
fn carried(links: &mut Table, raw: &mut RawLinks, columns: &NetworkColumns) -> Result<()> {
    let find = |links: &Table, said: &Option<String>, usual: &[&str], field: &str| match said {
        Some(name) if name.is_empty() => Ok(None),
        _ => links.find(said, usual, field),
    };
    // A column may mean something else.
    let none = |field: &'static str| {
        move |mut e: Error| {
            e.remedy +=
                &format!(", or read none: NetworkColumns {{ {field}: Some(String::new()), .. }}");
            e
        }
    };
    if let Some(k) = find(links, &columns.lag, LAG, "lag")? {
        let values = links.numbers(k);
        let values = values.and_then(|v| whole(&v, 0, &raw.places, &links.header()[k]));
        raw.lag = values.map_err(none("lag"))?;
    }
    if let Some(k) = find(links, &columns.class, CLASS, "class")? {
        let values = links.numbers(k);
        let values = values.and_then(|v| whole(&v, i64::MIN, &raw.places, &links.header()[k]));
        raw.class = values.map_err(none("class"))?;
    }
    if let Some(k) = find(links, &columns.product, PRODUCT, "product")? {
        raw.product = links.texts(k).map_err(none("product"))?;
    }
    Ok(())
}

fn build(
    firms: Option<Table>,
    mut links: Table,
    columns: &NetworkColumns,
    rules: Rules,
) -> Result<Network> {
    let optional = |table: &Table, said: &Option<String>, usual: &[&str], field: &str| match table
        .find(
        said, usual, field,
    )? {
        Some(k) => table.numbers(k),
        None => Ok(Vec::new()),
    };
    let (supplier, buyer) = (
        links.required(&columns.supplier, SUPPLIER, "supplier")?,
        links.required(&columns.buyer, BUYER, "buyer")?,
    );
    let given = |said: &Option<String>, name: &str| {
        said.is_none() && links.header().iter().any(|h| h == name)
    };
    if given(&columns.flow, schema::FLOW) && given(&columns.coefficient, schema::COEFFICIENT) {
        return Err(Error::new(
            links.places().name.clone(),
            "both coefficients and flows are given",
            "say which counts: its name in NetworkFiles.columns, or leave one of the two away",
        ));
    }
    let mut raw = RawLinks {
        coefficient: match (&columns.flow, &columns.coefficient) {
            (Some(_), None) => Vec::new(),
            _ => optional(&links, &columns.coefficient, COEFFICIENT, "coefficient")?,
        },
        places: links.places().clone(),
        supplier: links.texts(supplier)?,
        buyer: links.texts(buyer)?,
        ..RawLinks::default()
    };
    if raw.coefficient.is_empty() {
        raw.flow = optional(&links, &columns.flow, FLOW, "flow")?;
    }
    carried(&mut links, &mut raw, columns)?;
    let Some(mut table) = firms else {
        return network(None, raw, rules);
    };
    let mut firms = RawFirms {
        places: table.places().clone(),
        final_demand: optional(&table, &columns.final_demand, DEMAND, "final_demand")?,
        ..RawFirms::default()
    };
    if firms.final_demand.is_empty() {
        firms.output = optional(&table, &columns.output, OUTPUT, "output")?;
    }
    let name = table.required(&columns.firm, FIRM, "firm")?;
    firms.name = table.texts(name)?;
    if let Some(k) = table.find(&columns.region, REGION, "region")? {
        firms.region = table.texts(k)?;
    }
    if let Some(k) = table.find(&columns.sector, SECTOR, "sector")? {
        firms.sector = table.texts(k)?;
    }
    network(Some(firms), raw, rules)
}
