//! Slow, then fast, then slow: 1 / (1 + (λ s)^q), half of it back after 1 / λ; q is the steepness (BoARIO's "concave").

local! {
    smooth rules {
        fn left(age: Real, rate: Real, steepness: Real, _severity: Real) -> Real {
            one(rate) / (one(rate) + pow(rate * age, steepness))
        }
    }
}
