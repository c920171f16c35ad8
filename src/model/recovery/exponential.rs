//! A share of what is still lost comes back in each period (Hamid et al. 2025).

local! {
    smooth rules {
        fn left(age: Real, rate: Real) -> Real {
            exp(zero(rate) - rate * age)
        }

        fn left_to_rate(age: Real, rate: Real) -> Real {
            zero(rate) - age * left(age, rate)
        }
    }
}
