//! A share of what is still lost comes back in each period (Hamid et al. 2025; Inoue and Todo's option 4).

local! {
    smooth rules {
        fn left(age: Real, rate: Real, _steepness: Real, _severity: Real) -> Real {
            exp(zero(rate) - rate * age)
        }
    }
}
