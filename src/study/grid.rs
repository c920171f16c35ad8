//! Grids: every combination of some values, which the closure of `scenarios` is given one by one.

/// A value of a grid: a number, a truth or a text.
pub trait Coordinate: Clone {
    /// As it is written in tables.
    fn text(&self) -> String;
    /// As a number, where it is one.
    fn number(&self) -> Option<f64> {
        None
    }
}

macro_rules! numbers {
    ($($Kind:ty),+) => {$(
        impl Coordinate for $Kind {
            fn text(&self) -> String {
                self.to_string()
            }
            fn number(&self) -> Option<f64> {
                Some(*self as f64)
            }
        }
    )+};
}

numbers!(f64, f32, i32, i64, u32, u64, usize);

macro_rules! texts {
    ($($Kind:ty),+) => {$(
        impl Coordinate for $Kind {
            fn text(&self) -> String {
                self.to_string()
            }
        }
    )+};
}

texts!(bool, &str, String);

/// Every combination of some values, the last named changing fastest. Made by `grid!`.
///
/// ```
/// use bullwhip::prelude::*;
///
/// let all = grid! { severity: [0.2, 0.4, 0.6], region: ["R1", "R2"] };
/// assert_eq!(all.points.len(), 6);
/// assert_eq!((all.points[1].severity, all.points[1].region), (0.2, "R2"));
/// ```
#[derive(Clone, Debug)]
pub struct Grid<P> {
    /// The names of the coordinates.
    pub names: Vec<String>,
    /// The points, with a field a coordinate.
    pub points: Vec<P>,
    /// The coordinates of each point, as they are written in tables.
    pub texts: Vec<Vec<String>>,
    /// The same as numbers; NaN where one is none.
    pub numbers: Vec<Vec<f64>>,
}

/// Every combination of some values, as the points of a `Grid`: `grid! { severity: [0.2, 0.5], region: ["R1", "R2"] }`.
/// A point has a field of each name.
#[macro_export]
macro_rules! grid {
    ($($name:ident : $values:expr),+ $(,)?) => {{
        #[allow(non_camel_case_types, non_snake_case)]
        #[derive(Clone, Debug)]
        struct Point<$($name),+> {
            $($name: $name,)+
        }
        #[allow(unused_mut)]
        let mut names: ::std::vec::Vec<::std::string::String> = ::std::vec::Vec::new();
        $(names.push(::std::stringify!($name).to_string());)+
        let mut points = ::std::vec::Vec::new();
        let mut texts = ::std::vec::Vec::new();
        let mut numbers = ::std::vec::Vec::new();
        $crate::grid!(@each points texts numbers [] $($name : $values,)+);
        $crate::study::Grid { names, points, texts, numbers }
    }};
    (@each $points:ident $texts:ident $numbers:ident [$($done:ident)*] $name:ident : $values:expr, $($rest:tt)*) => {
        for $name in ::std::iter::IntoIterator::into_iter($values) {
            $crate::grid!(@each $points $texts $numbers [$($done)* $name] $($rest)*);
        }
    };
    (@each $points:ident $texts:ident $numbers:ident [$($name:ident)+]) => {
        $texts.push(::std::vec![$($crate::study::Coordinate::text(&$name)),+]);
        $numbers.push(::std::vec![
            $($crate::study::Coordinate::number(&$name).unwrap_or(f64::NAN)),+
        ]);
        $points.push(Point { $($name: ::std::clone::Clone::clone(&$name)),+ });
    };
}
