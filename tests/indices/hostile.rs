//! Hostile and broken files: each is refused by a sentence with its place; nothing panics.

use super::*;
use proptest::prelude::*;

/// Run with `--nocapture` to see the sentences.
fn says(name: &str, message: &str, expected: &[&str]) {
    println!("| {name} | {message} |");
    for part in expected {
        assert!(message.contains(part), "{name}: {message:?} lacks {part:?}");
    }
}

const HEAD: &str = "geo,nace_r2,TIME_PERIOD,OBS_VALUE\n";

fn rows(rows: &str) -> Vec<u8> {
    format!("{HEAD}{rows}").into_bytes()
}

#[test]
fn hostile_files_are_refused_with_their_place() {
    says("empty file", &refused(b""), &["it is empty"]);
    says("only blank lines", &refused(b"\n\n \n"), &["hold no text"]);
    says(
        "header only",
        &refused(HEAD.as_bytes()),
        &["no observation"],
    );
    says(
        "wrong encoding",
        &refused(&[HEAD.as_bytes(), b"BE,C,2020-01,1\nB\xc9,C,2020-02,1\n"].concat()),
        &["line 3", "0xc9", "windows-1252"],
    );
    says(
        "Shift-JIS undeclared",
        &refused(
            &encoding_rs::SHIFT_JIS
                .encode("品目番号,品目名称,202001\n")
                .0,
        ),
        &["line 1", "shift_jis"],
    );
    let sjis = ReadOptions {
        encoding: Some("shift_jis".into()),
        ..ReadOptions::default()
    };
    says(
        "not what was declared",
        &refused_with(&rows("B\u{e9}\u{fffd},C,2020-01,1\n"), &sjis),
        &["not Shift_JIS"],
    );
    says(
        "short row",
        &refused(&rows("BE,C,2020-01,1\nBE,C,2020-02\n")),
        &["line 3", "3 fields, but the header has 4"],
    );
    says(
        "long row",
        &refused(&rows("BE,C,2020-01,1\nBE,C,2020-02,1,9\n")),
        &["line 3", "5 fields"],
    );
    says(
        "comma as decimal sign",
        &refused(&rows("BE,C,2020-01,\"101,3\"\n")),
        &["line 2, column `OBS_VALUE`", "decimal sign"],
    );
    says(
        "mixed decimal signs",
        &refused(b"month;Steel\n2020-01;1,5\n2020-02;1.5\n"),
        &["line 3, column `Steel`", "comma"],
    );
    says(
        "thousands separated",
        &refused(&rows("BE,C,2020-01,\"1,101.3\"\n")),
        &["thousands"],
    );
    says(
        "mixed field separators",
        &refused(&rows("BE;C;2020-01;1\n")),
        &["line 2", "1 fields"],
    );
    says(
        "NaN",
        &refused(&rows("BE,C,2020-01,NaN\n")),
        &["\"NaN\" is not a number"],
    );
    says(
        "1e400",
        &refused(&rows("BE,C,2020-01,1e400\n")),
        &["line 2, column `OBS_VALUE`", "too large"],
    );
    says(
        "inf",
        &refused(&rows("BE,C,2020-01,inf\n")),
        &["\"inf\" is not a number"],
    );
    says(
        "NUL byte",
        &refused(&rows("BE,C,2020-01,1\nBE,C\0,2020-02,1\n")),
        &["line 3", "NUL"],
    );
    says(
        "10 MB line",
        &refused(&[HEAD.as_bytes(), &vec![b'x'; 10 << 20]].concat()),
        &["line 2", "longer than 4 MiB"],
    );
    says(
        "lost line ends",
        &refused(b"geo,nace_r2,TIME_PERIOD,OBS_VALUE\rBE,C,2020-01,1\r"),
        &["line 1", "carriage return"],
    );
    says(
        "open quote",
        &refused(&rows("BE,C,2020-01,1\nBE,\"C,2020-02,1\nBE,C,2020-03,1\n")),
        &["line 3", "quote is opened"],
    );
    says("XML error", &refused(b"<?xml version=\"1.0\"?><m:Error xmlns:m=\"x\"><Text>No results &amp; more</Text></m:Error>"), &["XML or HTML", "No results"]);
    says(
        "HTML page",
        &refused(b"<!DOCTYPE html><html><title>Sign in</title></html>"),
        &["XML or HTML", "Sign in"],
    );
    says("JSON", &refused(b"{\"version\":\"2.0\"}"), &["it is JSON"]);
    says(
        "other table",
        &refused(b"name,colour\na,red\n"),
        &["no known format", "ReadOptions { format"],
    );
    says(
        "old workbook",
        &refused(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        &["old Excel workbook"],
    );
    says("Parquet", &refused(b"PAR1\x00\x00"), &["Parquet"]);
    says(
        "duplicate",
        &refused(&rows("BE,C,2020-01,1\nBE,C,2020-01,2\n")),
        &["line 3", "already given in line 2"],
    );
    says(
        "annual row",
        &refused(&rows("BE,C,2020,1\n")),
        &["it is a year"],
    );
    says(
        "quarterly row",
        &refused(&rows("BE,C,2020-Q1,1\n")),
        &["it is a quarter"],
    );
    says(
        "all quarterly months",
        &refused(&rows("BE,C,2020-01,1\nBE,C,2020-04,1\nBE,C,2020-07,1\n")),
        &["series BE C", "quarterly"],
    );
    says(
        "TSV cut off",
        &refused(b"nace_r2,geo\\time\t2020M02\t2020M01\nC,BE\t1 \n"),
        &["line 2", "cut off"],
    );
}

#[test]
fn paths_that_are_no_files() {
    let folder = Folder::new("paths");
    let fail = |path: &std::path::Path| {
        read(path, &ReadOptions::default())
            .expect_err("refused")
            .to_string()
    };
    says("folder", &fail(&folder.0), &["it is a folder"]);
    says(
        "no such file",
        &fail(&folder.0.join("none.csv")),
        &["cannot be read", "check the path"],
    );
    let path = folder.write("bad.csv", rows("BE,C,2020-01,x\n"));
    says(
        "place begins with the file",
        &fail(&path),
        &["bad.csv, line 2, column `OBS_VALUE`: \"x\""],
    );
}

#[test]
fn packed_files_that_are_broken_or_bombs() {
    let packed = gzip(&rows(
        &(0..20_000)
            .map(|k| format!("R{k},C,2020-01,{k}\n"))
            .collect::<String>(),
    ));
    assert_eq!(read_bytes(&packed).expect("whole").frame.height(), 20_000);
    says(
        "gzip cut off",
        &refused(&packed[..packed.len() / 2]),
        &["cut off", "download it again"],
    );
    let mut flipped = packed.clone();
    let middle = flipped.len() / 2;
    flipped[middle..middle + 8].fill(0xff);
    says("gzip damaged", &refused(&flipped), &["damaged"]);
    says(
        "gzip of nothing",
        &refused(&gzip(b"")),
        &["nothing is packed"],
    );
    // A million rows in a few kilobytes, against a bound that a test can reach.
    let mut text = HEAD.as_bytes().to_vec();
    for _ in 0..400_000 {
        text.extend_from_slice(b"BE,C,2020-01,1\n");
    }
    let bomb = gzip(&text);
    assert!(bomb.len() < text.len() / 100);
    let bound = ReadOptions {
        max_unpacked: Some(1 << 20),
        ..ReadOptions::default()
    };
    says(
        "gzip bomb",
        &refused_with(&bomb, &bound),
        &["unpacks to more than", "max_unpacked"],
    );
    let few = ReadOptions {
        max_cells: Some(1000),
        ..ReadOptions::default()
    };
    says(
        "too many cells",
        &refused_with(&bomb, &few),
        &["more than 1000 cells", "max_cells"],
    );
    says(
        "gzip of zeros",
        &refused(&gzip(&vec![0; 64 << 20])),
        &["longer than 4 MiB"],
    );
}

#[test]
fn bombs_are_refused_early_and_regular_files_are_read() {
    // Nothing but line ends: gzip makes them a thousandth.
    let mut blank = rows("BE,C,2020-01,1\n");
    blank.resize(40 << 20, b'\n');
    let bomb = gzip(&blank);
    assert!(bomb.len() < blank.len() / 500);
    says(
        "gzip of line ends",
        &refused(&bomb),
        &["times its size", "ReadOptions.max_unpacked"],
    );
    let meant = ReadOptions {
        max_unpacked: Some(1 << 30),
        ..ReadOptions::default()
    };
    assert_eq!(parse(&bomb, &meant).expect("it is meant").frame.height(), 1);
    // One month over and over: seen after a million cells, and not at the end, where a row is broken.
    let mut twice = HEAD.as_bytes().to_vec();
    for _ in 0..2_000_000 {
        twice.extend_from_slice(b"BE,C,2020-01,1\n");
    }
    twice.extend_from_slice(b"broken\n");
    for bytes in [gzip(&twice), twice] {
        says(
            "a month two million times",
            &refused_with(&bytes, &meant),
            &["line 3: BE C in 2020-01 was already given in line 2"],
        );
    }
    // As regular as real figures get: all alike, and half of them missing.
    let mut regular = HEAD.as_bytes().to_vec();
    for region in 0..9000 {
        for month in 0..100 {
            let (year, month) = (2010 + month / 12, month % 12 + 1);
            let value = if region % 2 == 0 { "100.0" } else { "" };
            regular.extend_from_slice(
                format!("R{region:04},C,{year}-{month:02},{value}\n").as_bytes(),
            );
        }
    }
    let packed = gzip(&regular);
    assert!(regular.len() > 16 << 20, "{}", regular.len());
    println!("packed to one in {}", regular.len() / packed.len());
    assert_eq!(
        read_bytes(&packed).expect("it is one").frame.height(),
        900_000
    );
}

#[test]
fn workbooks_that_are_broken_or_bombs() {
    let sheet = |cells: &str| {
        format!(
            "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>{cells}</sheetData></worksheet>"
        )
    };
    let blanks = " ".repeat(257 << 20);
    says(
        "workbook bomb",
        &refused(&workbook(&[("a", sheet(&blanks))])),
        &["unpacks to more than", "max_unpacked"],
    );
    drop(blanks);
    let far = sheet(
        "<row r=\"1\"><c r=\"A1\"><v>1</v></c></row><row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>",
    );
    let bound = ReadOptions {
        max_unpacked: Some(1 << 20),
        ..ReadOptions::default()
    };
    says(
        "one cell far away",
        &refused_with(&workbook(&[("a", far.clone())]), &bound),
        &["unpacks to more than"],
    );
    says(
        "the same by default",
        &refused(&workbook(&[("a", far)])),
        &["sheet \"a\""],
    );
    says(
        "error in a cell",
        &refused(&workbook(&[(
            "a",
            sheet("<row r=\"1\"><c r=\"A1\" t=\"e\"><v>#REF!</v></c></row>"),
        )])),
        &["sheet \"a\", cell A1", "#REF!"],
    );
    says(
        "other zip archive",
        &{
            let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
            zip.start_file("a.txt", zip::write::SimpleFileOptions::default())
                .expect("an entry");
            zip.write_all(b"text").expect("packed");
            refused(&zip.finish().expect("an archive").into_inner())
        },
        &["like a workbook", "unpacked first"],
    );
    let whole = workbook(&[("a", sheet(""))]);
    says(
        "workbook cut off",
        &refused(&whole[..whole.len() / 2]),
        &["like a workbook", "download it again"],
    );
    says(
        "empty sheet",
        &refused(&whole),
        &["sheet \"a\": it is empty"],
    );
}

/// The beginnings of all formats, so that whatever follows reaches their readers.
const HEADS: [&str; 20] = [
    "",
    "geo,nace_r2,TIME_PERIOD,OBS_VALUE\n",
    "nace_r2,geo\\TIME_PERIOD\t2020-01 \n",
    "DATE,INDPRO\n",
    "sasdate,INDPRO\nTransform:,5\n",
    "\"Descriptions:\",\"Unit:\",\"Multiplier:\",\"Series Name:\",1919-01\n",
    "\"Series Description\",\"a\"\n\"Unit:\",\"b\"\n",
    "date;RF0610\n",
    "\"Libellé\";\"a\";\"b\"\n\"idBank\";\"1\";\"\"\n",
    "no,name,202001,p 202002\n",
    ";BBDE1.M.DE;BBDE1.M.DE_FLAGS\n1991-01;1;\n",
    "a,b\nWeight,1\nApr'05,1\n",
    "REF_AREA,TIME_PERIOD,OBS_VALUE\n",
    "LOCATION,TIME,Value\n",
    "region,sector,month,value\n",
    "region,2020-01,2020-02\n",
    "Year,Jan,Feb,Mar,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec\n",
    "\"Title\",\"a\"\n\"CDID\",\"b\"\n",
    "GENESIS-Tabelle: 1;;\n;;a\n2019;Januar;1\n",
    "period,\"a (b/c/M.PRD.C.SCA.I21.DE)\"\n",
];

fn try_all(bytes: &[u8]) {
    let formats = [
        None,
        Some(Format::EurostatCsv),
        Some(Format::EurostatTsv),
        Some(Format::FredSeries),
        Some(Format::FredMd),
        Some(Format::G17),
        Some(Format::InseeWide),
        Some(Format::InseeSeries),
        Some(Format::Meti),
        Some(Format::Bundesbank),
        Some(Format::Mospi),
        Some(Format::OecdCsv),
        Some(Format::OecdStat),
        Some(Format::Tidy),
        Some(Format::WideRegions),
        Some(Format::WideSectors),
        Some(Format::WideMonths),
        Some(Format::MonthGrid),
        Some(Format::OnsSeries),
        Some(Format::Genesis),
        Some(Format::Dbnomics),
    ];
    for format in formats {
        for encoding in [
            None,
            Some("windows-1252".to_string()),
            Some("utf-16le".into()),
        ] {
            let options = ReadOptions {
                format,
                encoding,
                max_unpacked: Some(1 << 20),
                ..ReadOptions::default()
            };
            let _ = parse(bytes, &options);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), head in 0..HEADS.len()) {
        try_all(&[HEADS[head].as_bytes(), &bytes].concat());
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "[-0-9a-zA-Z.,;:'\"\\\\/\t\n éЖ]{0,120}", head in 0..HEADS.len()) {
        try_all(format!("{}{text}", HEADS[head]).as_bytes());
    }

    #[test]
    fn no_change_of_a_case_makes_a_reader_panic(which in 0usize..1000, at in 0usize..100_000, to in 0usize..100_000, byte in any::<u8>()) {
        let mut files = Vec::new();
        let cases = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/indices/cases");
        for folder in std::fs::read_dir(cases).expect("cases") {
            for file in std::fs::read_dir(folder.expect("a folder").path()).expect("files") {
                files.push(file.expect("a file").path());
            }
        }
        files.sort();
        let whole = std::fs::read(&files[which % files.len()]).expect("bytes");
        let (at, to) = (at % whole.len(), to % whole.len());
        let mut changed = whole.clone();
        changed[at] = byte;
        let _ = read_bytes(&changed);
        // Cut, and a piece of it twice.
        let (from, end) = (at.min(to), at.max(to));
        let _ = read_bytes(&whole[..end]);
        let _ = read_bytes(&[&whole[..end], &whole[from..]].concat());
    }

    #[test]
    fn no_change_of_a_workbook_makes_it_panic(at in 0usize..2000, byte in any::<u8>()) {
        let mut bytes = workbook(&[("a", sheet_xml(&[vec![Cell::Text("x"), Cell::Number(202001.0)], vec![Cell::Text("y"), Cell::Number(1.0)]]))]);
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = parse(&bytes, &ReadOptions { max_unpacked: Some(1 << 20), ..ReadOptions::default() });
    }

    #[test]
    fn no_change_of_a_gzip_file_makes_it_panic(at in 0usize..2000, byte in any::<u8>()) {
        let mut bytes = gzip(&rows("BE,C,2020-01,1\nBE,C,2020-02,2\n"));
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = read_bytes(&bytes);
    }
}
