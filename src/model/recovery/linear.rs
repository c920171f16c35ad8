//! The same part of the loss comes back in each period: max(0, 1 - λ s), all of it after 1 / λ (BoARIO; Inoue and
//! Todo's option 0).

local! {
    smooth rules {
        fn left(age: Real, rate: Real, _steepness: Real, _severity: Real) -> Real {
            positive_part(one(rate) - rate * age)
        }
    }
}
