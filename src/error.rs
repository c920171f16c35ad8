//! The one error type: every message states a fact, its place and a remedy.

use std::fmt;

/// A mistake in what the caller gave, told as one sentence: *place*: *fact*; *remedy*.
///
/// ```
/// let e = bullwhip::Error::new("row 17", "firm 41 buys from 99, but there are 40 firms", "check column `supplier`");
/// assert_eq!(e.to_string(), "row 17: firm 41 buys from 99, but there are 40 firms; check column `supplier`");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    /// Where it is: a file and line, a row, an argument. May be empty.
    pub place: String,
    /// What is wrong.
    pub fact: String,
    /// What to do about it.
    pub remedy: String,
}

/// The result of everything that can be refused.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error from its three parts; `place` may be empty.
    pub fn new(
        place: impl Into<String>,
        fact: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            place: place.into(),
            fact: fact.into(),
            remedy: remedy.into(),
        }
    }

    /// The same error, seen from further out: `place` is put before the place it has.
    pub fn within(mut self, place: impl fmt::Display) -> Self {
        self.place = if self.place.is_empty() {
            place.to_string()
        } else {
            format!("{place}, {}", self.place)
        };
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        write!(f, "{}", self.fact)?;
        if !self.remedy.is_empty() {
            write!(f, "; {}", self.remedy)?;
        }
        Ok(())
    }
}

// A notebook prints `unwrap` and `?` by Debug in places: the sentence serves there too.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}
