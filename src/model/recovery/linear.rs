//! The same part of the loss comes back in each period: max(0, 1 - λ s), all of it after 1 / λ (BoARIO; Inoue and
//! Todo's option 0).

local! {
    smooth rules {
        fn left(age: Real, rate: Real) -> Real {
            positive_part(one(rate) - rate * age)
        }

        fn left_to_rate(age: Real, rate: Real) -> Real {
            zero(rate) - select_positive(one(rate) - rate * age, age)
        }
    }
}
