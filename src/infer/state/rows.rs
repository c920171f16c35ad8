//! Structs of numbers and lists of numbers as named rows, by serde, and back: every digit stays.
//!
//! A field is a row under its name. A struct in a field has its own fields' rows, `history.kept`. In a list, structs and
//! pairs are their numbers one after the other. An option is a row that may be empty.

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde::ser::{self, Impossible, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::slice::Iter;

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

impl ser::Error for Unfit {
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

/// Writes what is under a name: a row, or the rows of a struct.
struct Named<'a> {
    name: String,
    rows: &'a mut Rows,
}

impl<'a> Named<'a> {
    fn row(self) -> &'a mut Vec<f64> {
        self.rows.entry(self.name).or_default()
    }

    fn number(self, v: f64) -> Outcome {
        self.row().push(v);
        Ok(())
    }
}

/// Writes numbers one after the other.
struct Flat<'a>(&'a mut Vec<f64>);

impl Flat<'_> {
    fn number(self, v: f64) -> Outcome {
        self.0.push(v);
        Ok(())
    }
}

/// What both write in the same way, and what no state has.
macro_rules! numbers_only {
    () => {
        numbers_only!(small serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_u8 u8, serialize_u16 u16,
            serialize_u32 u32, serialize_f32 f32, serialize_f64 f64);
        numbers_only!(large serialize_i64 i64, serialize_u64 u64);
        numbers_only!(none serialize_bool(bool), serialize_char(char), serialize_str(&str), serialize_bytes(&[u8]),
            serialize_unit(), serialize_unit_struct(&'static str), serialize_unit_variant(&'static str, u32, &'static str));

        fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Outcome {
            value.serialize(self)
        }

        fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Outcome {
            value.serialize(self)
        }

        fn serialize_newtype_variant<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            _: u32,
            name: &'static str,
            _: &T,
        ) -> Outcome {
            Err(Unfit(format!("{name} is no number")))
        }

        fn serialize_tuple(self, _: usize) -> Outcome<Self::SerializeSeq> {
            self.serialize_seq(None)
        }

        fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Outcome<Self::SerializeSeq> {
            self.serialize_seq(None)
        }

        fn serialize_tuple_variant(
            self,
            _: &'static str,
            _: u32,
            name: &'static str,
            _: usize,
        ) -> Outcome<Self::SerializeTupleVariant> {
            Err(Unfit(format!("{name} is no number")))
        }

        fn serialize_map(self, _: Option<usize>) -> Outcome<Self::SerializeMap> {
            Err(Unfit("a map is no number".into()))
        }

        fn serialize_struct_variant(
            self,
            _: &'static str,
            _: u32,
            name: &'static str,
            _: usize,
        ) -> Outcome<Self::SerializeStructVariant> {
            Err(Unfit(format!("{name} is no number")))
        }
    };
    (small $($method:ident $kind:ty),*) => {$(
        fn $method(self, v: $kind) -> Outcome {
            self.number(v.into())
        }
    )*};
    (large $($method:ident $kind:ty),*) => {$(
        fn $method(self, v: $kind) -> Outcome {
            match v as f64 {
                large if large.abs() > EXACT => Err(Unfit(format!("{v} is too large"))),
                v => self.number(v),
            }
        }
    )*};
    (none $($method:ident($($kind:ty),*)),*) => {$(
        fn $method(self, $(_: $kind),*) -> Outcome {
            Err(Unfit(concat!(stringify!($method), ": it is no number").into()))
        }
    )*};
}

impl<'a> Serializer for Named<'a> {
    type Ok = ();
    type Error = Unfit;
    type SerializeSeq = Flat<'a>;
    type SerializeTuple = Flat<'a>;
    type SerializeTupleStruct = Flat<'a>;
    type SerializeStruct = Named<'a>;
    type SerializeTupleVariant = Impossible<(), Unfit>;
    type SerializeMap = Impossible<(), Unfit>;
    type SerializeStructVariant = Impossible<(), Unfit>;

    numbers_only!();

    fn serialize_none(self) -> Outcome {
        self.row();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Outcome<Flat<'a>> {
        Ok(Flat(self.row()))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Outcome<Named<'a>> {
        Ok(self)
    }
}

impl<'a> Serializer for Flat<'a> {
    type Ok = ();
    type Error = Unfit;
    type SerializeSeq = Flat<'a>;
    type SerializeTuple = Flat<'a>;
    type SerializeTupleStruct = Flat<'a>;
    type SerializeStruct = Flat<'a>;
    type SerializeTupleVariant = Impossible<(), Unfit>;
    type SerializeMap = Impossible<(), Unfit>;
    type SerializeStructVariant = Impossible<(), Unfit>;

    numbers_only!();

    fn serialize_none(self) -> Outcome {
        Err(Unfit("an option in a list has no place".into()))
    }

    fn serialize_seq(self, _: Option<usize>) -> Outcome<Flat<'a>> {
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Outcome<Flat<'a>> {
        Ok(self)
    }
}

impl ser::SerializeStruct for Named<'_> {
    type Ok = ();
    type Error = Unfit;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        field: &'static str,
        value: &T,
    ) -> Outcome {
        value.serialize(Named {
            name: below(&self.name, field),
            rows: self.rows,
        })
    }

    fn end(self) -> Outcome {
        Ok(())
    }
}

impl ser::SerializeStruct for Flat<'_> {
    type Ok = ();
    type Error = Unfit;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Outcome {
        value.serialize(Flat(self.0))
    }

    fn end(self) -> Outcome {
        Ok(())
    }
}

/// A list's items, a pair's, a tuple's: all one after the other.
macro_rules! items {
    ($($role:ident $method:ident),*) => {$(
        impl ser::$role for Flat<'_> {
            type Ok = ();
            type Error = Unfit;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Outcome {
                value.serialize(Flat(self.0))
            }

            fn end(self) -> Outcome {
                Ok(())
            }
        }
    )*};
}

items!(SerializeSeq serialize_element, SerializeTuple serialize_element, SerializeTupleStruct serialize_field);

/// Reads what is under a name.
struct Row<'a> {
    name: String,
    rows: &'a Rows,
}

impl<'a> Row<'a> {
    fn numbers(&self) -> Outcome<Iter<'a, f64>> {
        let row = self.rows.get(&self.name);
        row.map(|row| row.iter())
            .ok_or_else(|| Unfit::missing(&self.name))
    }

    /// The only number.
    fn number(self) -> Outcome<f64> {
        let mut numbers = self.numbers()?;
        match (numbers.next(), numbers.next()) {
            (Some(v), None) => Ok(*v),
            _ => Err(Unfit::missing(&self.name)),
        }
    }
}

/// Reads the next numbers of a row, of which some are left to take; of a list all.
struct Next<'a, 'b> {
    numbers: &'b mut Iter<'a, f64>,
    left: Option<usize>,
}

impl Next<'_, '_> {
    fn number(self) -> Outcome<f64> {
        let next = self.numbers.next();
        next.copied()
            .ok_or_else(|| Unfit("a row ends within an item".into()))
    }
}

/// A number without a fraction.
fn whole(v: f64) -> Outcome<i64> {
    match v.fract() == 0.0 && v.abs() <= EXACT {
        true => Ok(v as i64),
        false => Err(Unfit(format!("{v} stands where a whole number is meant"))),
    }
}

/// What both read in the same way.
macro_rules! reads_numbers {
    () => {
        fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
            visitor.visit_f64(self.number()?)
        }

        fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
            visitor.visit_i64(whole(self.number()?)?)
        }

        fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
            visitor.visit_i64(whole(self.number()?)?)
        }
    };
}

impl<'de> Deserializer<'de> for Row<'_> {
    type Error = Unfit;

    reads_numbers!();

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        match self.numbers()?.next() {
            None => visitor.visit_none(),
            Some(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Outcome<V::Value> {
        let mut numbers = self.numbers()?;
        visitor.visit_seq(Next {
            numbers: &mut numbers,
            left: None,
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, n: usize, visitor: V) -> Outcome<V::Value> {
        let mut numbers = self.numbers()?;
        if numbers.len() != n {
            return Err(Unfit::missing(&self.name));
        }
        visitor.visit_seq(Next {
            numbers: &mut numbers,
            left: None,
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Outcome<V::Value> {
        visitor.visit_seq(Fields {
            fields: fields.iter(),
            name: self.name,
            rows: self.rows,
        })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i64 i128 u8 u16 u32 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct
        tuple_struct map enum identifier ignored_any
    }
}

/// The fields of a struct, each under its name.
struct Fields<'a> {
    fields: Iter<'static, &'static str>,
    name: String,
    rows: &'a Rows,
}

impl<'de> SeqAccess<'de> for Fields<'_> {
    type Error = Unfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Outcome<Option<T::Value>> {
        let Some(field) = self.fields.next() else {
            return Ok(None);
        };
        let row = Row {
            name: below(&self.name, field),
            rows: self.rows,
        };
        seed.deserialize(row).map(Some)
    }
}

impl<'de> Deserializer<'de> for Next<'_, '_> {
    type Error = Unfit;

    reads_numbers!();

    fn deserialize_tuple<V: Visitor<'de>>(self, n: usize, visitor: V) -> Outcome<V::Value> {
        visitor.visit_seq(Next {
            numbers: self.numbers,
            left: Some(n),
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Outcome<V::Value> {
        self.deserialize_tuple(fields.len(), visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i64 i128 u8 u16 u32 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct
        tuple_struct map enum identifier ignored_any option seq
    }
}

impl<'de> SeqAccess<'de> for Next<'_, '_> {
    type Error = Unfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Outcome<Option<T::Value>> {
        match &mut self.left {
            Some(0) => return Ok(None),
            Some(left) => *left -= 1,
            None if self.numbers.len() == 0 => return Ok(None),
            None => {}
        }
        let item = Next {
            numbers: self.numbers,
            left: None,
        };
        seed.deserialize(item).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.unwrap_or(self.numbers.len()))
    }
}

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
