//! The shock scales what the inputs in stock allow (Hamid et al. 2025, section 3, as printed).

local! {
    rules {
        #[cube]
        fn limit(own: Real, factor: Real, lowest: Real) -> Real {
            let fed = select_positive(padding(lowest) - lowest, one(lowest));
            select_equal(fed, zero(lowest), own, factor * lowest)
        }

        #[cube]
        fn own_limits(_output: Real, _own: Real, unfed: Real) -> Real {
            unfed
        }

        #[cube]
        fn slope_in_lowest(factor: Real) -> Real {
            factor
        }

        #[cube]
        fn slope_in_factor(lowest: Real) -> Real {
            lowest
        }
    }
}
