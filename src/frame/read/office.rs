//! Which office a table of unknown layout is from, and which options read it.

/// What stands in the first lines, the office, and how its file is read.
const OFFICES: [(&[&str], &str, &str); 15] = [
    (
        &["statistics_code", "time_code"],
        "Destatis GENESIS (flat file)",
        "columns: Columns { year: Some(\"time\".into()), month: Some(\"1_variable_attribute_label\".into()), sector: Some(\"2_variable_attribute_label\".into()), value: Some(\"value\".into()), .. }",
    ),
    (
        &["GENESIS-Tabelle"],
        "Destatis GENESIS",
        "download the table with years and months in its rows, or as a flat file",
    ),
    (
        &["StatLine"],
        "CBS StatLine",
        "columns: Columns { month: Some(\"Perioden\".into()), value: the name of one topic }",
    ),
    (
        &["Perioden"],
        "CBS StatLine",
        "columns: Columns { month: Some(\"Perioden\".into()), value: the name of one topic }",
    ),
    (
        &["DGUID"],
        "Statistics Canada",
        "columns: Columns { month: Some(\"REF_DATE\".into()), sector: the column of industries, value: Some(\"VALUE\".into()) }",
    ),
    (
        &["TLIST("],
        "CSO Ireland (PxStat)",
        "columns: Columns { month: Some(\"TLIST(M1)\".into()), sector: the column C…V…, value: Some(\"VALUE\".into()) }",
    ),
    (
        &["ITTER107"],
        "ISTAT",
        "columns: Columns { region: Some(\"ITTER107\".into()), sector: Some(\"ATECO_2007\".into()), month: Some(\"TIME\".into()), value: Some(\"Value\".into()) }",
    ),
    (
        &["Tabela ", "IBGE"],
        "IBGE SIDRA",
        "download the table with months in its columns",
    ),
    (
        &["SIDRA"],
        "IBGE SIDRA",
        "download the table with months in its columns",
    ),
    (
        &["INEGI"],
        "INEGI",
        "keep one header line, with `Periodos` and the names of the series",
    ),
    (
        &["CDID"],
        "ONS",
        "download the series with its lines of Title and CDID",
    ),
    (
        &["KOSIS"],
        "KOSIS",
        "columns: Columns { month: …, sector: …, value: … }, or months in the columns",
    ),
    (
        &["행정구역"],
        "KOSIS",
        "columns: Columns { month: Some(\"시점\".into()), sector: …, value: … }, or months in the columns",
    ),
    (
        &["国家统计局"],
        "NBS China",
        "keep the line that begins with 指标 as the header, with months in its columns",
    ),
    (
        &["noga"],
        "BFS (Switzerland)",
        "columns: Columns { month: Some(\"date\".into()), sector: Some(\"var\".into()), s_adj: Some(\"adjustments\".into()), value: Some(\"value\".into()) }",
    ),
];

/// The office and how its file is read, where the first lines tell.
pub(super) fn hint(head: &[String]) -> Option<(&'static str, &'static str)> {
    let text: String = head
        .iter()
        .flat_map(|line| line.chars().take(2000).chain(['\n']))
        .collect();
    OFFICES
        .iter()
        .find(|(marks, ..)| {
            marks.iter().all(|m| text.contains(m))
                || marks.len() > 1 && marks[0].ends_with(' ') && text.starts_with(marks[0])
        })
        .map(|(_, office, call)| (*office, *call))
}
