//! Numbers as texts in JSON, which has no infinite ones, and whose reader may change the last digit.

use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// The number in as many digits as tell it from all others.
pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{value:?}"))
}

/// The number of a text.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse()
        .map_err(|_| D::Error::custom("it is no number"))
}
