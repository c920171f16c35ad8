//! A share λ of what is still lost comes back in each period: (1 - λ)^s (BoARIO's "convexe noscale").

local! {
    smooth rules {
        fn left(age: Real, rate: Real, _steepness: Real, _severity: Real) -> Real {
            pow(one(rate) - rate, age)
        }
    }
}
