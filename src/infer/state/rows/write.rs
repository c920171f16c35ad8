//! Writes a struct as named rows.

use super::{EXACT, Outcome, Rows, Unfit, below};
use serde::ser::{self, Impossible, Serialize, Serializer};

/// Writes what is under a name: a row, or the rows of a struct.
pub(super) struct Named<'a> {
    pub(super) name: String,
    pub(super) rows: &'a mut Rows,
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
pub(super) struct Flat<'a>(&'a mut Vec<f64>);

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
