//! Structs of numbers and lists of numbers as named rows, by serde, and back: every digit stays.
//!
//! A field is a row under its name. A struct in a field has its own fields' rows, `history.kept`. In a list, structs and
//! pairs are their numbers one after the other. An option is a row that may be empty.

mod read;
mod write;

use read::Row;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Display;
use write::Named;

/// Rows of numbers by their names.
pub(crate) type Rows = BTreeMap<String, Vec<f64>>;

/// Why rows are not those of a struct: what is wrong, as "its guide is missing".
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unfit(String);

impl Unfit {
    pub(crate) fn missing(name: &str) -> Self {
        Self(format!("its {name} is missing or has another length"))
    }
}

impl serde::ser::Error for Unfit {
    fn custom<T: Display>(text: T) -> Self {
        Self(text.to_string())
    }
}

impl serde::de::Error for Unfit {
    /// What serde says of a number that is none of its field's kind.
    fn custom<T: Display>(_: T) -> Self {
        Self("its numbers do not fit together".into())
    }
}

type Outcome<T = ()> = std::result::Result<T, Unfit>;

/// The rows of a struct.
pub(crate) fn rows_of<T: Serialize>(state: &T) -> Rows {
    let mut rows = Rows::new();
    let named = Named {
        name: String::new(),
        rows: &mut rows,
    };
    state
        .serialize(named)
        .expect("a state has numbers and lists of them");
    rows
}

/// The struct of some rows.
pub(crate) fn from_rows<T: DeserializeOwned>(rows: &Rows) -> Outcome<T> {
    T::deserialize(Row {
        name: String::new(),
        rows,
    })
}

/// `name.field`.
fn below(name: &str, field: &str) -> String {
    match name {
        "" => field.into(),
        _ => format!("{name}.{field}"),
    }
}

/// Whole numbers up to here are exact as floats.
const EXACT: f64 = 9_007_199_254_740_992.0;

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Item {
        loss: f64,
        draw: usize,
        #[serde(skip)]
        seen: Vec<f64>,
    }

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct State {
        u: Vec<f64>,
        items: Vec<Item>,
        pairs: Vec<[f64; 2]>,
        moves: i32,
        level: Option<usize>,
        inner: Item,
    }

    fn state() -> State {
        let item = |draw| Item {
            loss: 0.1 + 0.2 * draw as f64,
            draw,
            seen: Vec::new(),
        };
        State {
            u: vec![f64::INFINITY, -0.0, 1e-320, 0.1 + 0.2],
            items: vec![item(3), item(1 << 52)],
            pairs: vec![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]],
            moves: -7,
            level: Some(9),
            inner: item(5),
        }
    }

    #[test]
    fn every_digit_comes_back() {
        for state in [state(), State::default()] {
            let rows = rows_of(&state);
            let back: State = from_rows(&rows).expect("the same");
            assert_eq!(back, state);
            assert_eq!(rows["pairs"].len(), 2 * state.pairs.len());
            assert_eq!(rows["inner.draw"], [state.inner.draw as f64]);
        }
    }

    #[test]
    fn what_is_no_state_is_told_by_its_name() {
        let without = |name: &str| {
            let mut rows = rows_of(&state());
            rows.remove(name).expect("a row");
            from_rows::<State>(&rows).expect_err("refused").to_string()
        };
        assert_eq!(without("u"), "its u is missing or has another length");
        assert!(without("inner.loss").contains("its inner.loss is missing"));
        let with = |name: &str, row: &[f64]| {
            let mut rows = rows_of(&state());
            rows.insert(name.into(), row.into());
            from_rows::<State>(&rows).expect_err("refused").to_string()
        };
        assert!(with("moves", &[1.0, 2.0]).contains("its moves"));
        assert!(with("moves", &[0.5]).contains("0.5 stands where a whole number is meant"));
        assert!(with("items", &[1.0, 2.0, 3.0]).contains("ends within"));
        assert!(with("inner.draw", &[-1.0]).contains("do not fit together"));
        let large = Item {
            draw: usize::MAX,
            ..Item::default()
        };
        assert!(
            large
                .serialize(Named {
                    name: String::new(),
                    rows: &mut Rows::new()
                })
                .is_err()
        );
    }
}
