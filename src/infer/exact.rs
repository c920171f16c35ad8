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

/// The same of lists.
pub(super) mod list {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    /// Every number in as many digits as tell it from all others.
    pub(in crate::infer) fn serialize<S: Serializer>(
        values: &[f64],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let texts: Vec<String> = values.iter().map(|v| format!("{v:?}")).collect();
        texts.serialize(serializer)
    }

    /// The numbers of texts.
    pub(in crate::infer) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<f64>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let numbers = texts.iter().map(|text| text.parse());
        numbers
            .collect::<Result<_, _>>()
            .map_err(|_| D::Error::custom("it is no number"))
    }
}

#[cfg(test)]
mod tests {
    use crate::infer::{Loss, Per, Prior, Scale};
    use serde::Serialize;
    use serde::de::DeserializeOwned;
    use std::fmt::Debug;

    fn comes_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T) {
        let text = serde_json::to_string(&value).expect("a text");
        let back: T = serde_json::from_str(&text).expect("the same");
        assert_eq!(back, value, "{text}");
    }

    #[test]
    fn every_digit_comes_back_and_infinity_too() {
        let x = 0.1 + 0.2;
        for (mean, sd) in [(-x, 1e-300), (1.0 / 3.0, f64::MAX)] {
            comes_back(Prior::Normal { mean, sd });
            let (low, high) = (0.0, f64::INFINITY);
            comes_back(Prior::TruncatedNormal {
                mean,
                sd,
                low,
                high,
            });
        }
        comes_back(Loss::StudentT { freedom: x });
        comes_back(Loss::RelativeSquare);
        comes_back(Per::FirmInGroup(x));
        comes_back(Per::Firm);
        comes_back(Scale::Indices { first: 1, last: 12 });
        let written = serde_json::to_string(&Prior::Beta {
            alpha: x,
            beta: 2.0,
        });
        assert_eq!(
            written.expect("a text"),
            r#"{"Beta":{"alpha":"0.30000000000000004","beta":"2.0"}}"#
        );
        for odd in [
            r#"{"Beta":{"alpha":"1"}}"#,
            r#"{"Normal":{"mean":"x","sd":"1"}}"#,
        ] {
            assert!(serde_json::from_str::<Prior>(odd).is_err(), "{odd}");
        }
    }
}
