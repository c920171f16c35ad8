//! A capacity and the inputs in stock, whichever allows less.

local! {
    rules {
        #[cube]
        fn limit(own: Real, _factor: Real, lowest: Real) -> Real {
            min(own, lowest)
        }

        #[cube]
        fn own_limits(output: Real, own: Real, unfed: Real) -> Real {
            select_equal(output, own, one(own), unfed)
        }

        #[cube]
        fn slope_in_lowest(factor: Real) -> Real {
            one(factor)
        }

        #[cube]
        fn slope_in_factor(lowest: Real) -> Real {
            zero(lowest)
        }
    }
}
