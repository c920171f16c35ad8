//! Input-output tables: every layout, refusals, treatments, multipliers, and firms that add up to them.

mod common {
    pub(crate) mod shared;
}

use bullwhip::Result;
use bullwhip::prelude::*;
use bullwhip::table::{Layout, parse_table};
use common::shared::shared;
use proptest::prelude::*;

fn parse(text: &str) -> Result<InputOutput> {
    parse_table(text.as_bytes(), None, &TableOptions::default())
}

fn refused(text: &str) -> String {
    parse(text).map_or_else(|e| e.to_string(), |t| panic!("accepted as {t:?}"))
}

fn open(file: &str) -> Option<InputOutput> {
    let options = TableOptions {
        final_demand_file: file
            .starts_with("trade")
            .then(|| shared("io/finald_demand_Y.txt"))
            .flatten(),
        ..TableOptions::default()
    };
    Some(read_table(shared(&format!("io/{file}"))?, &options).expect("a table"))
}

/// Two sectors whose Leontief inverse is known: A = [[0.1, 0.4], [0.2, 0.2]].
const SMALL: &str = "sector,farms,mills,consumption,exports,output\nfarms,10,80,8,2,100\nmills,20,40,100,40,200\nwages,70,80,,,\n";

#[test]
fn every_real_table_reads_to_its_shape_and_sums() {
    // Sums of the files' cells, added up by another program.
    let wanted = [
        (
            "germany_1995_6.csv",
            6,
            Layout::Wide,
            1_225_617.0,
            3_110_430.0,
        ),
        (
            "hungary_2020_65.csv",
            65,
            Layout::Wide,
            24_758_994.0,
            93_587_792.0,
        ),
        (
            "japan_2011_13_competitive.csv",
            13,
            Layout::Wide,
            462_769_600.0,
            939_674_856.0,
        ),
        (
            "japan_2011_13_domestic.csv",
            13,
            Layout::Wide,
            399_882_613.904,
            939_674_856.0,
        ),
        (
            "wiod2013_japan_2010_35.csv",
            35,
            Layout::Wide,
            4_537_926.0,
            10_411_580.0,
        ),
        (
            "japan_prefectures_2015_long.csv",
            168,
            Layout::Long,
            727_207_809.03,
            1_601_013_877.58,
        ),
        (
            "trade_flows_Z.txt",
            48,
            Layout::MultiRegional,
            38_872_616.883_925,
            38_872_616.883_925 + 3_285_132_732.421_106,
        ),
    ];
    for (file, n, layout, flows, output) in wanted {
        let Some(t) = open(file) else { return };
        assert_eq!((t.len(), t.layout), (n, layout), "{file}");
        let sum: f64 = t.flows.iter().sum();
        assert!((sum - flows).abs() < 1e-9 * flows, "{file}: flows {sum}");
        let sum: f64 = t.output.iter().sum();
        assert!((sum - output).abs() < 1e-9 * output, "{file}: output {sum}");
    }
    let long = open("japan_prefectures_2015_long.csv").expect("it is there");
    assert_eq!(
        (long.region_names().len(), &long.regions[0]),
        (14, &"Japan".to_string())
    );
    let one = long.region("Hiroshima").expect("a region");
    assert_eq!(
        (one.len(), one.label(1)),
        (12, "Hiroshima · Mining".to_string())
    );
    let mrio = open("trade_flows_Z.txt").expect("it is there");
    assert_eq!(
        (mrio.label(9), mrio.demand.len()),
        ("reg2 · mining".to_string(), 42)
    );
    assert_eq!(mrio.flow(0, 1), 57.495387);
}

#[test]
fn published_spectral_radii_column_sums_and_negative_demand_are_found() {
    let drop = Corrections {
        zero_output: ZeroOutput::Drop,
        imbalance: Imbalance::KeepDemand,
        tolerance: 1.0,
        ..Corrections::default()
    };
    for (file, n, zeros, radius, largest, negative) in [
        ("japan_2011_13_domestic.csv", 13, 0.13, 0.4712, 0.577, 0),
        ("hungary_2020_65.csv", 64, 0.12, 0.3125, 0.584, 0),
        ("germany_1995_6.csv", 6, 0.0, 0.4029, 0.483, 0),
        ("wiod2013_japan_2010_35.csv", 34, 0.001, 0.4924, 0.734, 1),
    ] {
        let Some(t) = open(file) else { return };
        let t = match t.correct(&drop) {
            Ok(c) => c.table,
            // The one with negative final demand: only its empty sector is dropped here.
            Err(e) => {
                assert!(
                    e.to_string().contains("final demand is negative: Mining"),
                    "{e}"
                );
                let mut t = t.clone();
                t.flows = (0..34 * 34).map(|k| t.flow(k / 34, k % 34)).collect();
                t.regions.pop();
                t.sectors.pop();
                t.output.pop();
                t.demand.iter_mut().for_each(|c| drop_last(&mut c.values));
                t
            }
        };
        assert_eq!(t.len(), n, "{file}");
        let share = t.flows.iter().filter(|z| **z == 0.0).count() as f64 / (n * n) as f64;
        assert!((share - zeros).abs() < 0.005, "{file}: {share}");
        assert!(
            (t.spectral_radius().expect("a radius") - radius).abs() < 5e-5,
            "{file}"
        );
        let sum = t
            .input_shares()
            .expect("shares")
            .into_iter()
            .fold(0.0, f64::max);
        assert!((sum - largest).abs() < 5e-4, "{file}: {sum}");
        assert_eq!(
            t.final_demand().iter().filter(|d| **d < -1e-9).count(),
            negative,
            "{file}"
        );
    }
}

fn drop_last(values: &mut Vec<f64>) {
    values.pop();
}

#[test]
fn published_multipliers_are_found_and_catch_a_transpose() {
    // Eurostat, Manual of Supply, Use and Input-Output Tables (2008), chapter 15, Germany 1995.
    let Some(t) = open("germany_1995_6.csv") else {
        return;
    };
    let near = |found: &[f64], published: &[f64], by: f64| {
        found.iter().zip(published).all(|(a, b)| (a - b).abs() < by)
    };
    let output = [1.7048, 1.8413, 1.8136, 1.6035, 1.5951, 1.3782];
    assert!(near(&t.multipliers().expect("multipliers"), &output, 1e-4));
    let value_added = t
        .multipliers_of(&t.per_output("gva").expect("a row"))
        .expect("multipliers");
    assert!(near(
        &value_added,
        &[0.8450, 0.7647, 0.8615, 0.9019, 0.9393, 0.9199],
        1e-4
    ));
    let employment = t.multipliers_of(&t.per_output("employment_domestic_total").expect("a row"));
    assert!(near(
        &employment.expect("multipliers"),
        &[0.0326, 0.0162, 0.0207, 0.0237, 0.0112, 0.0242],
        1e-4
    ));
    let l = t.leontief().expect("an inverse");
    assert!(near(&[l[0], l[7], l[14]], &[1.0339, 1.4292, 1.0289], 1e-4));
    let mut turned = t.clone();
    turned.flows = (0..36).map(|k| t.flow(k % 6, k / 6)).collect();
    assert!(!near(
        &turned.multipliers().expect("multipliers"),
        &output,
        0.05
    ));
    let said = turned
        .correct(&Corrections::all().tap_refuse())
        .expect_err("it does not balance")
        .to_string();
    assert!(
        said.contains("with rows and columns swapped they balance"),
        "{said}"
    );
    assert!(
        t.per_output("profits")
            .expect_err("no row")
            .to_string()
            .contains("compensation_employees")
    );
}

/// All treatments but that of imbalance.
trait Refuse {
    fn tap_refuse(self) -> Self;
}

impl Refuse for Corrections {
    fn tap_refuse(mut self) -> Self {
        self.imbalance = Imbalance::Refuse;
        self
    }
}

#[test]
fn proportional_imports_give_the_derived_domestic_table() {
    let (Some(a), Some(b)) = (
        open("japan_2011_13_competitive.csv"),
        open("japan_2011_13_domestic.csv"),
    ) else {
        return;
    };
    assert!(
        a.correct(&Corrections::default())
            .expect_err("imports")
            .to_string()
            .contains("imports are counted")
    );
    let fixed = a
        .correct(&Corrections {
            imports: Imports::Proportional,
            ..Corrections::default()
        })
        .expect("a table");
    let t = &fixed.table;
    for (k, (x, y)) in t.flows.iter().zip(&b.flows).enumerate() {
        assert!(
            (x - y).abs() < 1e-3,
            "{} to {}: {x}, {y}",
            t.label(k / 13),
            t.label(k % 13)
        );
    }
    for (i, (x, y)) in t.final_demand().iter().zip(b.final_demand()).enumerate() {
        assert!((x - y).abs() < 2e-3, "{}: {x}, {y}", t.label(i));
    }
    assert!(
        t.imports.is_empty()
            && fixed
                .changes
                .iter()
                .all(|c| c.reason.starts_with("imports"))
    );
}

#[test]
fn a_small_table_has_the_inverse_of_its_textbook() {
    let t = parse(SMALL).expect("a table");
    assert_eq!(
        (t.layout, t.len(), t.primary[0].name.as_str()),
        (Layout::Wide, 2, "wages")
    );
    assert_eq!(t.final_demand(), [10.0, 140.0]);
    // 1 / det [[0.8, 0.4], [0.2, 0.9]], det = 0.64.
    let l = t.leontief().expect("an inverse");
    for (found, wanted) in l.iter().zip([1.25, 0.625, 0.3125, 1.40625]) {
        assert!((found - wanted).abs() < 1e-14);
    }
    let m = t.multipliers().expect("multipliers");
    assert!((m[0] - 1.5625).abs() < 1e-14 && (m[1] - 2.03125).abs() < 1e-14);
    let n = t.network().expect("an economy");
    assert!((n.output()[0] - 100.0).abs() < 1e-12 && (n.output()[1] - 200.0).abs() < 1e-12);
    // The model's coefficient is the transpose: mills buy 0.4 of farms' good per unit.
    let e = (0..n.links())
        .find(|e| (n.buyer()[*e], n.supplier()[*e]) == (1, 0))
        .expect("a link");
    assert!((n.coefficient()[e] - 0.4).abs() < 1e-15);
}

#[test]
fn one_table_in_every_layout_is_one_table() {
    let flows = [
        [1.0, 2.0, 3.0, 4.0],
        [5.0, 6.0, 7.0, 8.0],
        [2.0, 1.0, 0.5, 1.5],
        [3.0, 2.0, 1.0, 0.0],
    ];
    let demand = [[20.0, 1.0], [30.0, 2.0], [5.0, 15.0], [6.0, 14.0]];
    let regions = ["01", "02"];
    let sectors = ["C10-C12", "C31-C32"];
    let key = |i: usize| (regions[i / 2], sectors[i % 2]);
    let output = |i: usize| flows[i].iter().sum::<f64>() + demand[i].iter().sum::<f64>();
    // pymrio and EXIOBASE: two header lines, index columns, final demand beside.
    let line = |cells: Vec<String>| cells.join("\t") + "\n";
    let head = |f: &dyn Fn(usize) -> String, blank: usize, n: usize| {
        line(
            (0..blank)
                .map(|_| String::new())
                .chain((0..n).map(f))
                .collect(),
        )
    };
    let rows = |f: &dyn Fn(usize) -> Vec<f64>, unit: bool| -> String {
        (0..4)
            .map(|i| {
                let unit = if unit {
                    vec!["M.EUR".to_string()]
                } else {
                    Vec::new()
                };
                let names = vec![
                    key(i).0.to_string(),
                    "CPA_".to_string() + &key(i).1.replace("-C", "-"),
                ];
                line(
                    names
                        .into_iter()
                        .chain(unit)
                        .chain(f(i).iter().map(f64::to_string))
                        .collect(),
                )
            })
            .collect()
    };
    let z = head(&|j| key(j).0.into(), 3, 4)
        + &head(&|j| key(j).1.into(), 3, 4)
        + &rows(&|i| flows[i].to_vec(), true);
    let y = head(&|j| regions[j].into(), 3, 2)
        + &head(&|_| "households".into(), 3, 2)
        + &rows(&|i| demand[i].to_vec(), true);
    let pymrio =
        parse_table(z.as_bytes(), Some(y.as_bytes()), &TableOptions::default()).expect("pymrio");

    // EXIOBASE: names of the index columns on a line of their own, and no units.
    let names = "region\tsector\t\t\t\t\n";
    let top = |f: &dyn Fn(usize) -> String, name: &str, n: usize| {
        line(
            [name.to_string(), String::new()]
                .into_iter()
                .chain((0..n).map(f))
                .collect(),
        )
    };
    let z = top(&|j| key(j).0.into(), "region", 4)
        + &top(&|j| key(j).1.into(), "sector", 4)
        + names
        + &rows(&|i| flows[i].to_vec(), false);
    let y = top(&|j| regions[j].into(), "region", 2)
        + &top(&|_| "Final consumption".into(), "category", 2)
        + names
        + &rows(&|i| demand[i].to_vec(), false);
    let exiobase = parse_table(z.as_bytes(), Some(y.as_bytes()), &TableOptions::default());
    let exiobase = exiobase.expect("EXIOBASE");
    // WIOD: four header lines and four index columns.
    let head = |f: &dyn Fn(usize) -> String| {
        let four = (0..4).map(|_| String::new());
        line(four.chain((0..7).map(f)).collect())
    };
    let last = |j: usize| j == 6;
    let mut wiod = head(&|j| {
        if j < 4 {
            key(j).1.into()
        } else {
            ["CONS_h", "GFCF", "GO"][j - 4].into()
        }
    });
    wiod += &head(&|j| {
        if j < 4 {
            format!("About {}", key(j).1)
        } else {
            ["Households", "Investment", "Total output"][j - 4].into()
        }
    });
    wiod += &head(&|j| {
        if last(j) {
            "TOT".into()
        } else {
            regions[[0, 0, 1, 1, 0, 1][j]].into()
        }
    });
    wiod += &head(&|j| format!("c{}", j + 1));
    for i in 0..4 {
        let cells = flows[i]
            .iter()
            .chain(&demand[i])
            .chain([output(i)].iter())
            .map(f64::to_string)
            .collect::<Vec<_>>();
        wiod += &format!(
            "{}\tAbout {}\t{}\tr{}\t{}\n",
            key(i).1,
            key(i).1,
            key(i).0,
            i + 1,
            cells.join("\t")
        );
    }
    wiod += "VA\tValue added\tTOT\tr69\t1\t1\t1\t1\t\t\t\n";
    let wiod = parse(&wiod).expect("WIOD");
    // OECD: region and code in one name.
    let code = |i: usize| ["AUS", "BRA"][i / 2].to_string() + "_" + ["C10T12", "D31T32"][i % 2];
    let mut icio = "V1,".to_string()
        + &(0..4).map(code).collect::<Vec<_>>().join(",")
        + ",AUS_HFCE,BRA_GFCF,OUT\n";
    for i in 0..4 {
        let cells: Vec<String> = flows[i]
            .iter()
            .chain(&demand[i])
            .chain(&[output(i)])
            .map(f64::to_string)
            .collect();
        icio += &format!("{},{}\n", code(i), cells.join(","));
    }
    icio += "TLS,0.5,0.5,0.5,0.5,,,\nVA,1,1,1,1,,,\n";
    let icio = parse(&icio).expect("ICIO");
    // Long, with two regions.
    let mut long = "supplier_region,supplier,buyer_region,buyer,value,unit\n".to_string();
    for i in 0..4 {
        for (j, z) in flows[i].iter().enumerate().filter(|(_, z)| **z != 0.0) {
            let (from, to) = (key(i), key(j));
            long += &format!("{},{},{},{},{z},EUR\n", from.0, from.1, to.0, to.1);
        }
        for (k, v) in demand[i].iter().enumerate() {
            long += &format!("{},{},{},P3_S14,{v},EUR\n", key(i).0, key(i).1, regions[k]);
        }
    }
    let long = parse(&long).expect("long");
    for t in [&pymrio, &exiobase, &wiod, &icio, &long] {
        assert_eq!(t.flows, flows.concat(), "{t:?}");
        assert_eq!(t.output, (0..4).map(output).collect::<Vec<_>>());
        assert_eq!(
            t.final_demand(),
            demand.iter().map(|d| d[0] + d[1]).collect::<Vec<_>>()
        );
        assert_eq!(t.sectors, ["C10-C12", "C31-C32", "C10-C12", "C31-C32"]);
    }
    assert_eq!(
        (pymrio.layout, icio.layout, long.layout),
        (Layout::MultiRegional, Layout::MultiRegional, Layout::Long)
    );
    // Leading zeros of area codes stay.
    assert_eq!(
        (
            pymrio.regions[0].as_str(),
            long.regions[3].as_str(),
            icio.regions[3].as_str()
        ),
        ("01", "02", "BRA")
    );
    assert_eq!(pymrio.demand[0].name, "01 · households");
}

#[test]
fn further_spellings_of_lines_are_understood() {
    // Semicolons, a byte order mark, CRLF, sums that would count twice, blank lines, quoted commas.
    let text = "\u{feff}code;\"A01\";\"C10-12\";TOTAL;P3_S14;P3_S13;P3;P51G;P52;P5M;P5;P6;TFU;TU\r\n\
                CPA_A01;1;2;3;4;1;5;2;-1;-1;1;1;7;10\r\nCPA_C10T12;3;4;7;6;2;8;3;0;0;3;2;13;20\r\n\r\n\
                TOTAL;4;6;10;;;;;;;;;;\r\nD11;1;1;2;;;;;;;;;;\r\nB1G;6;14;20;;;;;;;;;;\r\nP1;10;20;30;;;;;;;;;;\r\n";
    let t = parse(text).expect("a table");
    assert_eq!(t.sectors, ["A01", "C10-C12"]);
    assert_eq!(
        t.demand.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
        ["P3_S14", "P3_S13", "P51G", "P52", "P6"]
    );
    assert_eq!(
        (t.output.as_slice(), t.final_demand().as_slice()),
        (&[10.0, 20.0][..], &[7.0, 13.0][..])
    );
    assert_eq!(
        t.primary
            .iter()
            .map(|p| p.name.as_str())
            .collect::<Vec<_>>(),
        ["D11", "B1G"]
    );
    // e-Stat writes the kind before the name, and imports as negative columns.
    let text = "input,industry/1_Farms,industry/2_Mills,finaldemand/71_Stocks,export/81_Exports,\"import/84_(less) Imports, all\"\n\
                industry/1_Farms,10,80,20,2,-12\nindustry/2_Mills,20,40,110,40,-10\nvalueadded/91_Wages,70,80,,,\n";
    let t = parse(text).expect("a table");
    assert_eq!(
        (t.label(0), t.imports.as_slice(), t.output.as_slice()),
        ("1_Farms".into(), &[12.0, 10.0][..], &[100.0, 200.0][..])
    );
    // The other way round, by option alone.
    let turned: Vec<Vec<&str>> = SMALL.lines().map(|l| l.split(',').collect()).collect();
    let turned: String = (0..6)
        .map(|k| turned.iter().map(|l| l[k]).collect::<Vec<_>>().join(",") + "\n")
        .collect();
    let said = refused(&turned);
    assert!(
        said.contains("wages") && said.contains("Orientation::BuyersInRows"),
        "{said}"
    );
    let options = TableOptions {
        orientation: Orientation::BuyersInRows,
        ..TableOptions::default()
    };
    let t = parse_table(turned.as_bytes(), None, &options).expect("turned");
    assert_eq!(t.flows, parse(SMALL).expect("a table").flows);
    // Names that say nothing are said.
    let text = "s,a,b,Endnachfrage,Produktionswert\na,1,2,7,10\nb,3,4,13,20\nLöhne,6,14,,\n";
    assert!(refused(text).contains("Endnachfrage"));
    let options = TableOptions {
        domestic: vec!["Endnachfrage".into()],
        output: Some("Produktionswert".into()),
        primary: vec!["Löhne".into()],
        ..TableOptions::default()
    };
    assert_eq!(
        parse_table(text.as_bytes(), None, &options)
            .expect("a table")
            .output,
        [10.0, 20.0]
    );
}

#[test]
fn hostile_tables_get_an_error_that_helps() {
    let cases = [
        (
            "a ragged row",
            SMALL.replace("mills,20,40,100,40,200", "mills,20,40,100"),
            "line 3: 4 cells, but the header has 6",
        ),
        (
            "a row too many",
            SMALL.replace("wages", "mines"),
            "line 4: mines is the name of no column",
        ),
        (
            "a column too many",
            SMALL.replace(",consumption", ",mines"),
            "column 4: mines is the name of no row",
        ),
        (
            "labels that differ",
            SMALL.replace("\nmills", "\nmill"),
            "rows without a column: mill",
        ),
        (
            "NaN",
            SMALL.replace("80,8", "NaN,8"),
            "line 2, column 3 (mills): \"NaN\" is not a value",
        ),
        (
            "1e400",
            SMALL.replace("80,8", "1e400,8"),
            "line 2, column 3 (mills): \"1e400\" is too large",
        ),
        (
            "thousands separators",
            SMALL.replace("80,8", "\"1,080\",8"),
            "\"1,080\" is not a number; write it without thousands separators",
        ),
        (
            "a decimal comma",
            SMALL.replace(',', ";").replace(";80;8", ";80,5;8"),
            "\"80,5\" is not a number; write it without",
        ),
        (
            "a blank cell",
            SMALL.replace("80,8", ",8"),
            "line 2, column 3 (mills): \"\" is no number",
        ),
        (
            "a missing mark",
            SMALL.replace("80,8", ":,8"),
            "line 2, column 3 (mills): \":\" is no number",
        ),
        (
            "text",
            SMALL.replace("80,8", "many,8"),
            "\"many\" is not a number",
        ),
        (
            "NUL bytes",
            SMALL.replace("80,8", "8\0,8"),
            "line 2: there is a NUL byte",
        ),
        (
            "a sector twice",
            SMALL.replace("\nmills", "\nfarms"),
            "line 3: farms is also line 2",
        ),
        (
            "a column twice",
            SMALL.replace(",mills,", ",farms,"),
            "column 3: farms is also column 2",
        ),
        ("nothing", String::new(), "there is no table in it"),
        (
            "only a header",
            SMALL.lines().next().expect("a line").to_string(),
            "there is no table in it",
        ),
        (
            "words",
            "a,b\nc,d\ne,f\n".into(),
            "no line has more numbers than names",
        ),
        (
            "no output",
            "s,a,b\na,1,2\nb,3,4\n".into(),
            "neither final demand nor output",
        ),
        ("HTML", "<html><body>queue".into(), "XML or HTML"),
        ("a workbook", "PK\u{3}\u{4}xx".into(), "workbook"),
        (
            "a mixed long table",
            "supplier,buyer,value,stk_flow\na,b,1,DOM\na,b,2,IMP\nb,a,1,DOM\n".into(),
            "column `stk_flow`: it mixes DOM, IMP",
        ),
        (
            "a flow twice",
            "supplier,buyer,value\na,b,1\nb,a,1\na,b,2\n".into(),
            "line 4: a to b was already given in line 2",
        ),
        (
            "a buyer of nothing known",
            "supplier,buyer,value\na,b,1\nb,a,1\na,martians,2\n".into(),
            "martians buys, but sells nothing",
        ),
        (
            "a bad long value",
            "supplier,buyer,value\na,b,1e999\nb,a,1\n".into(),
            "line 2, column `value`",
        ),
        (
            "long primary inputs that buy",
            "supplier,buyer,value\na,b,1\nb,a,1\na,wages,2\n".into(),
            "seems to be transposed",
        ),
    ];
    for (what, text, expected) in cases {
        let said = refused(&text);
        println!("{what}: {said}");
        assert!(said.contains(expected), "{what}: {said}");
    }
    let negative = parse(&SMALL.replace(",2,100", ",2,-100"))
        .expect("read")
        .correct(&Corrections::all());
    let said = negative.expect_err("negative output").to_string();
    println!("negative output: {said}");
    assert!(said.contains("farms: its output is -100"));
    let none = read_table("no/such/file.csv", &TableOptions::default()).expect_err("no file");
    assert!(none.to_string().starts_with("no/such/file.csv"));
    let half = parse_table(b"s,a\xff\n", None, &TableOptions::default()).expect_err("bytes");
    assert!(half.to_string().contains("not UTF-8"));
}

#[test]
fn every_treatment_is_stated_and_reported() {
    let only = |f: fn(&mut Corrections)| {
        let mut c = Corrections::default();
        f(&mut c);
        c
    };
    let refuse = |text: &str, what: &str| {
        let said = parse(text)
            .expect("read")
            .correct(&Corrections::default())
            .expect_err(what)
            .to_string();
        assert!(said.contains(what), "{said}");
    };
    // A sector without output that buys.
    let idle = "s,a,b,idle,final,output\na,1,2,1,6,10\nb,3,4,0,13,20\nidle,0,0,0,0,0\n";
    refuse(idle, "sectors without output: idle");
    let fixed = parse(idle)
        .expect("read")
        .correct(&only(|c| c.zero_output = ZeroOutput::Drop))
        .expect("dropped");
    assert_eq!(
        (fixed.table.len(), fixed.table.final_demand()),
        (2, vec![7.0, 13.0])
    );
    assert_eq!(fixed.changes.len(), 3);
    // A negative flow.
    let negative = "s,a,b,final,output\na,1,-2,11,10\nb,3,4,13,20\n";
    refuse(negative, "flows below zero: a to b (-2)");
    let fixed = parse(negative)
        .expect("read")
        .correct(&only(|c| c.negative_flows = NegativeFlows::ToDemand))
        .expect("moved");
    assert_eq!(
        (fixed.table.flow(0, 1), fixed.table.final_demand()[0]),
        (0.0, 9.0)
    );
    // Stocks that are run down.
    let stocks = "s,a,b,final,stocks,output\na,1,10,2,-3,10\nb,3,4,13,0,20\n";
    refuse(stocks, "final demand is negative: a (-1");
    let raised = parse(stocks)
        .expect("read")
        .correct(&only(|c| c.negative_demand = NegativeDemand::RaiseOutput))
        .expect("raised");
    assert_eq!(
        (raised.table.output[0], raised.table.final_demand()[0]),
        (13.0, 2.0)
    );
    let scaled = parse(stocks)
        .expect("read")
        .correct(&only(|c| c.negative_demand = NegativeDemand::ScaleFlows))
        .expect("scaled");
    assert!(
        (scaled.table.flow(0, 1) - 100.0 / 11.0).abs() < 1e-12
            && scaled.table.final_demand()[0] == 0.0
    );
    // A rounded row, and one that misses.
    let rounded = parse("s,a,b,final,output\na,1000,2000,7001,10000\nb,3,4,13,20\n")
        .expect("read")
        .correct(&Corrections::default())
        .expect("rounding");
    assert_eq!(
        (
            rounded.changes.len(),
            rounded.changes[0].reason.as_str(),
            rounded.changes[0].after
        ),
        (1, "rounding", -1.0)
    );
    let misses = "s,a,b,final,output\na,1,2,5,10\nb,3,4,13,20\n";
    refuse(
        misses,
        "output less flows and final demand is not zero: a (2",
    );
    let keep = parse(misses)
        .expect("read")
        .correct(&only(|c| c.imbalance = Imbalance::KeepOutput))
        .expect("kept");
    assert_eq!(
        (keep.table.output[0], keep.table.final_demand()[0]),
        (10.0, 7.0)
    );
    let keep = parse(misses)
        .expect("read")
        .correct(&only(|c| c.imbalance = Imbalance::KeepDemand))
        .expect("kept");
    assert_eq!(
        (keep.table.output[0], keep.table.final_demand()[0]),
        (8.0, 5.0)
    );
    // No treatment helps where inputs use up everything.
    let said = parse("s,a,b,final,output\na,9,2,-1,10\nb,9,19,-8,20\n")
        .expect("read")
        .correct(&Corrections::all())
        .expect_err("no steady state")
        .to_string();
    assert!(
        said.contains("no steady state") || said.contains("steady"),
        "{said}"
    );
    // What comes back is ready, and needs no treatment again.
    for t in [keep.table, raised.table, scaled.table] {
        let again = t.correct(&Corrections::default()).expect("ready");
        assert!(again.changes.is_empty() && t.imbalance().iter().all(|v| v.abs() < 1e-9));
    }
    let frame = parse(stocks)
        .expect("read")
        .findings()
        .frame()
        .expect("a frame");
    assert_eq!(frame.height(), 2);
}

/// Random balanced tables with zeros: flows and final demand.
fn table(n: usize, cells: &[u32], demand: &[f64]) -> InputOutput {
    let mut text = "s,".to_string()
        + &(0..n)
            .map(|k| format!("s{k}"))
            .collect::<Vec<_>>()
            .join(",")
        + ",final\n";
    for i in 0..n {
        let row: Vec<String> = (0..n)
            .map(|j| {
                if cells[i * n + j] < 30 {
                    "0".into()
                } else {
                    (f64::from(cells[i * n + j]) / 37.0).to_string()
                }
            })
            .collect();
        text += &format!("s{i},{},{}\n", row.join(","), demand[i] * 10.0);
    }
    parse(&text).expect("a table")
}

fn same(found: &[f64], wanted: &[f64], scale: f64, what: &str) {
    for (k, (a, b)) in found.iter().zip(wanted).enumerate() {
        assert!(
            (a - b).abs() <= 1e-9 * scale.max(*b),
            "{what} {k}: {a}, {b}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn firms_add_up_to_their_table(
        n in 1usize..6,
        cells in prop::collection::vec(0u32..100, 25),
        demand in prop::collection::vec(0.5f64..4.0, 5),
        extra in 0usize..300,
        links in 1.0f64..8.0,
        seed in 0u64..1000,
    ) {
        let table = table(n, &cells, &demand);
        let firms = n + extra;
        let options = Disaggregate { firms, links_per_firm: links.min(firms as f64), seed, ..Disaggregate::default() };
        let Ok(corrected) = table.correct(&Corrections::default()) else {
            // Inputs that use up output have no steady state.
            prop_assert!(table.input_shares().expect("shares").iter().any(|s| *s >= 1.0));
            return Ok(());
        };
        let d = disaggregate(&corrected.table, &options).expect("firms");
        prop_assert_eq!(d.network.firms(), firms);
        let sum = InputOutput::of(&d.network).expect("it fits into memory");
        prop_assert_eq!(&sum.sectors, &table.sectors);
        let scale = table.output.iter().fold(0.0f64, |m, v| m.max(*v));
        same(&sum.flows, &table.flows, 1e-3 * scale, "flow");
        same(&sum.output, &table.output, scale, "output");
        same(&sum.final_demand(), &table.final_demand(), scale, "final demand");
        for (k, z) in table.flows.iter().enumerate() {
            prop_assert_eq!(*z > 0.0, sum.flows[k] > 0.0, "a flow without links, or links without a flow");
        }
        // The same seed gives the same firms.
        let again = disaggregate(&corrected.table, &options).expect("firms");
        prop_assert_eq!(again.network.coefficient(), d.network.coefficient());
        prop_assert_eq!(again.network.supplier(), d.network.supplier());
    }

    #[test]
    fn no_text_makes_it_panic(text in "[a-c,;\t\n0-9.e\"NP3_STotaloutput-]{0,200}", which in 0usize..4) {
        let head = ["", "s,a,b,final,output\n", "supplier,buyer,value\n", "\t\tr1\tr1\n\t\ta\tb\n"][which];
        let all = format!("{head}{text}");
        if let Ok(t) = parse(&all) {
            let _ = (t.findings(), t.correct(&Corrections::all()).map(|c| c.table.network()));
        }
        let options = TableOptions { orientation: Orientation::BuyersInRows, missing: Blank::Zero, ..TableOptions::default() };
        let _ = parse_table(all.as_bytes(), Some(text.as_bytes()), &options);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_table(&bytes, None, &TableOptions::default());
        let _ = parse_table(&[b"s,a,b,final\na,1,2,".as_slice(), &bytes].concat(), None, &TableOptions::default());
    }

    #[test]
    fn multipliers_are_the_column_sums_of_the_inverse(
        n in 1usize..6,
        cells in prop::collection::vec(0u32..100, 25),
        demand in prop::collection::vec(2.0f64..4.0, 5),
    ) {
        let t = table(n, &cells, &demand);
        prop_assume!(t.spectral_radius().expect("a radius") < 0.95);
        let (l, m) = (t.leontief().expect("an inverse"), t.multipliers().expect("multipliers"));
        for j in 0..n {
            let sum: f64 = (0..n).map(|i| l[i * n + j]).sum();
            prop_assert!((sum - m[j]).abs() < 1e-9 * sum);
        }
        // L d = x.
        let d = t.final_demand();
        for i in 0..n {
            let x: f64 = (0..n).map(|j| l[i * n + j] * d[j]).sum();
            prop_assert!((x - t.output[i]).abs() < 1e-9 * x);
        }
    }
}

/// Tail exponent of the complementary cumulative distribution, from the largest `share` (Hill 1975).
fn hill(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(|a, b| b.total_cmp(a));
    let k = (values.len() as f64 * share) as usize;
    k as f64
        / values[..k]
            .iter()
            .map(|v| (v / values[k]).ln())
            .sum::<f64>()
}

#[test]
fn firms_of_a_real_table_have_the_published_tails() {
    let Some(t) = open("hungary_2020_65.csv") else {
        return;
    };
    let t = t
        .correct(&Corrections {
            zero_output: ZeroOutput::Drop,
            ..Corrections::default()
        })
        .expect("a table")
        .table;
    let d = disaggregate(
        &t,
        &Disaggregate {
            firms: 50_000,
            ..Disaggregate::default()
        },
    )
    .expect("firms");
    let n = &d.network;
    let degree = |csr: &bullwhip::network::Csr| {
        (0..n.firms())
            .map(|i| csr.degree(i) as f64)
            .collect::<Vec<_>>()
    };
    let (suppliers, customers) = (
        hill(degree(n.by_buyer()), 0.02),
        hill(degree(n.by_supplier()), 0.02),
    );
    let sizes = hill(n.output().to_vec(), 0.02);
    println!(
        "tail exponents, found and published (Fujiwara & Aoyama 2010; Axtell 2001): suppliers {suppliers:.2} 1.35, customers {customers:.2} 1.26, output {sizes:.2} 1.06"
    );
    assert!(
        (suppliers - 1.35).abs() < 0.15
            && (customers - 1.26).abs() < 0.15
            && (sizes - 1.06).abs() < 0.15
    );
    assert!((n.links() as f64 / 50_000.0 - 5.0).abs() < 0.1);
    let lost = (d.flow_error, d.output_error, d.loss_making);
    assert!(lost.0 < 1e-12 && lost.1 < 1e-12 && lost.2 == 0, "{lost:?}");
    assert!(d.size_error < 0.01 && d.input_error < 0.01);
}

#[test]
fn bad_options_for_firms_are_refused() {
    let t = parse(SMALL).expect("a table");
    let said = |o: Disaggregate| disaggregate(&t, &o).expect_err("refused").to_string();
    let base = Disaggregate {
        firms: 10,
        ..Disaggregate::default()
    };
    assert!(
        said(Disaggregate {
            firms: 1,
            ..base.clone()
        })
        .contains("1 firms for 2 sectors")
    );
    assert!(
        said(Disaggregate {
            links_per_firm: 0.5,
            ..base.clone()
        })
        .contains("Disaggregate.links_per_firm")
    );
    assert!(
        said(Disaggregate {
            size_tail: f64::NAN,
            ..base.clone()
        })
        .contains("Disaggregate.size_tail")
    );
    assert!(
        said(Disaggregate {
            firms_of: vec![3, 3],
            ..base.clone()
        })
        .contains("Disaggregate.firms_of")
    );
    let raw = parse("s,a,b,final,output\na,1,2,5,10\nb,3,4,13,20\n").expect("read");
    assert!(
        disaggregate(&raw, &base)
            .expect_err("not corrected")
            .to_string()
            .contains("correct the table first")
    );
    let d = disaggregate(
        &t,
        &Disaggregate {
            firms_of: vec![3, 7],
            ..base
        },
    )
    .expect("firms");
    assert_eq!(
        d.network.firms_in_sector("mills").expect("a sector").len(),
        7
    );
    // A shock runs on it.
    let shock = Shock::sector(&d.network, "farms", 2, 0.5, 0.1).expect("a shock");
    let run = simulate(
        &d.network,
        &Params::uniform(&d.network, 2.0, 5.0),
        &shock,
        &Simulation {
            periods: 10,
            ..Simulation::default()
        },
    );
    assert!(run.expect("a run").loss_share() > 0.01);
}

#[test]
fn products_of_links_are_the_suppliers_sectors_and_stay_so() {
    let table = parse(SMALL).expect("a table");
    let few = Disaggregate {
        firms: 40,
        ..Disaggregate::default()
    };
    let firms = disaggregate(&table, &few).expect("firms").network;
    for n in [table.network().expect("an economy"), firms] {
        let new: Vec<String> = n.sectors().iter().map(|s| format!("new {s}")).collect();
        let renamed = n.renamed(n.regions(), &new).expect("renamed");
        for e in 0..n.links() {
            let supplier = n.sector()[n.supplier()[e] as usize] as usize;
            let product = |n: &Network| n.products()[n.product()[e] as usize].clone();
            assert_eq!(product(&n), n.sectors()[supplier]);
            assert_eq!(product(&renamed), n.sectors()[supplier]);
        }
    }
}
