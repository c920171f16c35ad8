//! Final demand of a square table from a file of its own.

use super::*;

/// Final demand from a file of its own: the same rows in any order, one column a category.
pub(super) fn beside(
    lines: &[Line],
    wanted: &[Key],
    options: &TableOptions,
    parts: &mut Parts,
) -> Result<()> {
    let labels = labels(lines)?;
    let depth = labels.rows[0].len();
    let names: BTreeSet<&str> = wanted.iter().map(|k| k.1.as_str()).collect();
    let regions: BTreeSet<&str> = wanted.iter().map(|k| k.0.as_str()).collect();
    let level = |set: &BTreeSet<&str>| {
        (0..depth).find(|c| {
            labels
                .rows
                .iter()
                .any(|r| set.contains(normal(&r[*c]).as_str()))
        })
    };
    let split = depth == 1 && regions.len() > 1;
    let (sector, region) = (
        level(&names).unwrap_or(depth - 1),
        level(&regions).filter(|_| !split),
    );
    let row_keys = keys(&labels.rows, sector, region, split);
    let top = labels.columns[0].len() - 1;
    let column_keys = keys(&labels.columns, top, (top > 0).then_some(0), split);
    let find: HashMap<&Key, usize> = row_keys.iter().enumerate().map(|(r, k)| (k, r)).collect();
    let rows = wanted
        .iter()
        .map(|key| {
            find.get(key).copied().ok_or_else(|| {
                Error::new(
                    "",
                    format!("there is no row {}", told(key)),
                    "give a row for each row of the flows",
                )
            })
        })
        .collect::<Result<Vec<usize>>>()?;
    let columns: Vec<(usize, Role)> = column_keys
        .iter()
        .enumerate()
        .map(|(k, key)| (k, names::column(&key.1).unwrap_or(Role::Domestic)))
        .collect();
    let row_names = Vec::new();
    let mut reader = Reader {
        lines,
        options,
        labels,
        row_keys,
        column_keys,
        row_names,
        style: Style::new(options.decimal, options.thousands, "TableOptions")?,
        regional: false,
        missing: 0,
    };
    reader.check_lengths(&rows)?;
    let mut other = columns;
    reader.drop_sums(&mut other);
    let columns = Columns {
        sector: HashMap::new(),
        other,
    };
    reader.others(&columns, &rows, parts)?;
    parts.missing += reader.missing;
    Ok(())
}
