//! What the name of a row or column says that it is.

/// What a line of a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Output, by row or by column.
    Output,
    /// A sum of other lines.
    Total,
    /// Competing imports.
    Imports,
    /// Final demand abroad.
    Exports,
    /// Final demand at home.
    Domestic,
    /// Value added, taxes, labour.
    Primary,
}

/// Letters and digits alone, in lower case.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// An account code of ESA or SNA: P3_S14, P51G, P6_B0. Anything else is `None`.
fn account(name: &str) -> Option<&str> {
    let code = name.trim();
    let mut bytes = code.bytes();
    let good = bytes.next() == Some(b'P')
        && bytes.next().is_some_and(|b| b"3567".contains(&b))
        && code.len() <= 12
        && bytes.all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    good.then_some(code)
}

/// A line that is output, a total or imports by its whole name. Sectors are never called so.
pub(super) fn certain(name: &str) -> Option<Role> {
    let name = plain(name);
    match name.as_str() {
        "output"
        | "grossoutput"
        | "totaloutput"
        | "totalgrossoutput"
        | "out"
        | "x"
        | "go"
        | "p1"
        | "domesticproduction"
        | "totaldomesticoutput"
        | "outputatbasicprices"
        | "grossoutputatbasicprices"
        | "outputatproducersprices"
        | "australianproduction"
        | "producción"
        | "producciónpreciobásico"
        | "producciónpreciosbásicos"
        | "producciónapreciosbásicos"
        | "produção"
        | "produktionswert"
        | "bruttoproduktionswert"
        | "国内生産額" => Some(Role::Output),
        "tu"
        | "tfu"
        | "tiu"
        | "tot"
        | "sum"
        | "gesamt"
        | "insgesamt"
        | "summe"
        | "zusammen"
        | "zwischensumme"
        | "ensemble"
        | "somme"
        | "suma"
        | "soma"
        | "sumatotal"
        | "razem"
        | "ogółem"
        | "celkem"
        | "összesen"
        | "yhteensä"
        | "toplam"
        | "jumlah"
        | "totaal"
        | "итого"
        | "всего"
        | "合計"
        | "総計"
        | "合计"
        | "总计"
        | "합계"
        | "内生部門計"
        | "最終需要計"
        | "粗付加価値部門計" => Some(Role::Total),
        "import" | "imports" | "imp" | "importedinputs" | "totalimports" => Some(Role::Imports),
        _ if name.starts_with("totalindustryoutput")
            || name.starts_with("totalcommodityoutput") =>
        {
            Some(Role::Output)
        }
        _ if ["ofwhich", "thereof", "davon"]
            .iter()
            .any(|w| name.starts_with(w)) =>
        {
            Some(Role::Total)
        }
        _ if name.starts_with("total") || name.starts_with("subtotal") => Some(Role::Total),
        _ => None,
    }
}

/// The role of a code of final use in tables of the US Bureau of Economic Analysis: F010, F02E, T019. Anything else is
/// `None`.
fn bea(name: &str) -> Option<Role> {
    let [kind, digits @ ..] = name.trim().as_bytes() else {
        return None;
    };
    let number = digits.len() == 3 && digits[..2].iter().all(u8::is_ascii_digit);
    match (kind, digits) {
        (b'F', b"040") => Some(Role::Exports),
        (b'F', b"050") => Some(Role::Imports),
        (b'F', _) if number && (digits[0] == b'0' || digits[0] == b'1') => Some(Role::Domestic),
        (b'T', b"007" | b"008" | b"018") => Some(Role::Output),
        (b'T', [b'0', ..]) if number => Some(Role::Total),
        _ => None,
    }
}

/// Parts of names of primary inputs.
const PRIMARY: &[&str] = &[
    "compensation",
    "surplus",
    "valueadded",
    "employment",
    "wages",
    "fixedcapitalconsumption",
    "consumptionoffixedcapital",
    "consumptionfixed",
    "subsid",
    "nettax",
    "gva",
];
/// Names of primary inputs, whole.
const PRIMARY_NAMES: &[&str] = &[
    "va", "b1g", "b2a3g", "d1", "d21x31", "d29x39", "tls", "taxsub",
];
/// Parts of names of final demand.
const FINAL: &[&str] = &[
    "final",
    "consumption",
    "household",
    "government",
    "npish",
    "capitalformation",
    "gfcf",
    "inventor",
    "stock",
    "invest",
    "valuables",
    "balancing",
    "discrepan",
    "hfce",
    "ggfc",
    "invnt",
    "dpabr",
    "consumo",
    "consommation",
    "konsum",
    "haushalt",
    "ménages",
    "formaciónbruta",
    "formacionbruta",
    "formaçãobruta",
    "existencias",
    "estoques",
    "vorratsver",
    "fbcf",
];
/// Names of final demand, whole.
const FINAL_NAMES: &[&str] = &[
    "fd", "f", "y", "c", "g", "i", "hc", "inv", "consabr", "dirp", "p33", "consh", "consnp",
    "consg", "inven",
];

/// The role of a column that is no sector; `None` where its name does not tell.
pub(super) fn column(name: &str) -> Option<Role> {
    if let Some(role) = certain(name) {
        return Some(role);
    }
    if let Some(code) = account(name) {
        return Some(match code.as_bytes()[1] {
            b'6' => Role::Exports,
            b'7' => Role::Imports,
            _ => Role::Domestic,
        });
    }
    if let Some(role) = bea(name) {
        return Some(role);
    }
    let lower = name.to_lowercase();
    let name = plain(name);
    let has = |words: &[&str]| words.iter().any(|w| name.contains(w));
    if lower.starts_with("import") || has(&["lessimport", "lesscustom"]) {
        return Some(Role::Imports);
    }
    if name.starts_with("intermediate") {
        return Some(Role::Total);
    }
    if has(&["export", "ausfuhr"]) || ["exp", "nonres"].contains(&name.as_str()) {
        return Some(Role::Exports);
    }
    if has(&["import", "einfuhr"]) {
        return Some(Role::Imports);
    }
    let is = |names: &[&str]| names.contains(&name.as_str());
    if has(PRIMARY) || is(PRIMARY_NAMES) {
        return Some(Role::Primary);
    }
    let final_demand = has(FINAL) || is(FINAL_NAMES) || lower.starts_with("fd_");
    final_demand.then_some(Role::Domestic)
}

/// True where a row that is no sector is known as value added, taxes, imports, labour or the like.
pub(super) fn primary(name: &str) -> bool {
    if certain(name).is_some() || column(name) == Some(Role::Primary) {
        return true;
    }
    let code = name.trim().as_bytes();
    // ESA's codes of transactions and balances: D1, D29X39, P51C, B2A3G. NACE's P85 is a sector.
    let digit = |k: usize| code.get(k).is_some_and(u8::is_ascii_digit);
    if code.first().is_some_and(|b| b"BDPK".contains(b))
        && digit(1)
        && !super::code::division(name.trim())
    {
        return true;
    }
    let name = plain(name);
    [
        "tax",
        "import",
        "valueadded",
        "compensation",
        "surplus",
        "income",
        "wage",
        "employ",
        "capital",
        "subsid",
        "intermediate",
        "consumption",
        "gva",
        "gdp",
        "fob",
        "cif",
        "adj",
        "purr",
        "purnr",
        "margin",
        "profit",
        "labour",
        "labor",
        "hours",
        "emission",
        "txsp",
        "opres",
        "opnres",
        "intttm",
        "primaryinput",
        "expenditure",
        "scrap",
        "secondhand",
        "noncomparable",
        "restoftheworld",
        "impuesto",
        "remuner",
        "excedente",
        "valoragregado",
        "valorañadido",
        "derechos",
        "subvencion",
        "salaire",
        "valeurajout",
        "impôt",
        "steuer",
        "gütersubv",
        "arbeitnehmer",
        "betriebsüber",
        "wertschöpfung",
        "abschreib",
        "einfuhr",
    ]
    .iter()
    .any(|w| name.contains(w))
}

/// Which of these columns of final demand are sums of others: P3 of P3_S14, P5 of P51G, P5M of P52.
pub(super) fn sums(names: &[&str]) -> Vec<bool> {
    let codes: Vec<&str> = names.iter().filter_map(|n| account(n)).collect();
    let sum = |name: &&str| {
        account(name).is_some_and(|code| {
            codes.iter().any(|c| {
                (c.starts_with(code) && *c != code)
                    || (code == "P5M" && (c.starts_with("P52") || c.starts_with("P53")))
            })
        })
    };
    names.iter().map(sum).collect()
}

/// True of the sum over all sectors that use inputs, as a column or a row.
pub(super) fn intermediate(name: &str) -> bool {
    let name = plain(name);
    let what = name.strip_prefix("intermediate").unwrap_or_default();
    ["use", "uses", "demand", "consumption", "inputs", "sales"].contains(&what)
}

/// True where a row is a good that no sector makes, which tables of uses have below the sectors.
pub(super) fn good(name: &str) -> bool {
    let name = plain(name);
    ["scrap", "secondhand", "noncomparable", "restoftheworld"]
        .iter()
        .any(|w| name.contains(w))
}

/// True where a row has the name of final demand, and of nothing that stands below sectors.
pub(super) fn demand_row(name: &str) -> bool {
    let plain = plain(name);
    let below = [
        "row",
        "intermediate",
        "outside",
        "valueadded",
        "income",
        "tax",
    ];
    matches!(column(name), Some(Role::Domestic | Role::Exports))
        && account(name).is_none()
        && !below.iter().any(|w| plain.contains(w))
}

/// Whom the corner of a table names first, rows: `Some(true)` says buyers, `Some(false)` suppliers.
pub(super) fn buyers_first(corner: &str) -> Option<bool> {
    corner
        .split(|c: char| !c.is_alphanumeric())
        .find_map(|word| match word.to_lowercase().as_str() {
            "buyer" | "buyers" | "buying" | "purchaser" | "purchasers" | "purchasing"
            | "customer" | "customers" | "client" | "clients" | "user" | "users" | "using"
            | "destination" | "to" | "demander" | "demanders" | "acheteur" | "acheteurs"
            | "comprador" | "compradores" | "käufer" | "abnehmer" | "consuming" => Some(true),
            "supplier" | "suppliers" | "supplying" | "seller" | "sellers" | "selling"
            | "vendor" | "vendors" | "from" | "producer" | "producers" | "producing" | "origin"
            | "source" | "input" | "inputs" | "vendeur" | "vendeurs" | "vendedor"
            | "vendedores" | "lieferant" | "lieferanten" => Some(false),
            _ => None,
        })
}

/// A name without the kind that e-Stat writes before it: `industry/02_Mining` is `02_Mining`.
pub(super) fn bare(name: &str) -> &str {
    let kinds = [
        "industry/",
        "finaldemand/",
        "export/",
        "import/",
        "valueadded/",
        "sector/",
    ];
    kinds
        .iter()
        .find_map(|k| name.strip_prefix(k))
        .unwrap_or(name)
}

/// A name as messages repeat it.
pub(super) fn cut(name: &str) -> String {
    match name.char_indices().nth(60) {
        Some((k, _)) => format!("{}…", &name[..k]),
        None => name.to_string(),
    }
}

/// The first names of a list, for messages.
pub(super) fn list(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(8).map(|n| cut(n)).collect();
    match names.len() {
        0 => "none".into(),
        n if n > 8 => format!("{}, … ({n} in all)", shown.join(", ")),
        _ => shown.join(", "),
    }
}

/// The region and the sector of labels such as `AUS_C10T12`, where all of them are of that kind and
/// there are several regions.
pub(super) fn regional(labels: &[String]) -> bool {
    let regions: Vec<&str> = labels
        .iter()
        .filter_map(|l| split(l))
        .map(|(r, _)| r)
        .collect();
    regions.len() == labels.len() && regions.iter().any(|r| *r != regions[0])
}

/// `AUS_C10T12` as region and sector; FIGARO's rest of the world is `FIGW1`. `CPA_A01` and `P3_S14` are no such labels.
pub(super) fn split(label: &str) -> Option<(&str, &str)> {
    let (region, rest) = label.split_once('_')?;
    let good = ((2..=3).contains(&region.len()) || region == "FIGW1")
        && region.starts_with(|c: char| c.is_ascii_uppercase())
        && region
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && !rest.is_empty()
        && region != "CPA"
        && account(region).is_none();
    good.then_some((region, rest))
}
