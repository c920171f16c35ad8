//! Reads a struct from named rows.

use super::{EXACT, Outcome, Rows, Unfit, below};
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use std::slice::Iter;

/// Reads what is under a name.
pub(super) struct Row<'a> {
    pub(super) name: String,
    pub(super) rows: &'a Rows,
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
