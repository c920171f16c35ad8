//! What a firm and its links do in a period, and their adjoints: the law of `model.md`, steps 2 to 6, written once.
//!
//! Stocks and orders are in units of the buyer's output (s = S / A and o = O / A), so that technical coefficients
//! stand only where orders are summed to demand. The members of families are in `production` and `rationing`.

local! {
    rules {
        #[cube]
        /// What a firm would order of each input if it had none in stock: D + n x0 / τ.
        fn level(target: Real, rate: Real, demand: Real) -> Real {
            mul_add(target, rate, demand)
        }

        #[cube]
        /// What it orders of an input: max(0, D + (n x0 - s) / τ), step 5.
        fn order(level: Real, rate: Real, stock: Real) -> Real {
            positive_part(mul_add(zero(rate) - rate, stock, level))
        }

        #[cube]
        /// The stock at the end of a period, from what was ordered, the supplier's offer and what was used, step 4.
        fn stock(ordered: Real, offer: Real, before: Real, used: Real) -> Real {
            mul_add(ordered, offer, before - used)
        }

        #[cube]
        /// Output: what is ordered, as far as it can be produced, step 2.
        fn output(demand: Real, limit: Real) -> Real {
            min(demand, limit)
        }

        #[cube]
        /// The adjoint of an order, before its `max`, given that of the order.
        fn order_adjoint(level: Real, rate: Real, stock: Real, to_order: Real) -> Real {
            select_positive(mul_add(zero(rate) - rate, stock, level), to_order)
        }

        #[cube]
        /// The adjoint of an order: through the stock that it arrives in, and through the supplier's demand.
        fn to_order(to_stock: Real, offer: Real, coefficient: Real, to_demand: Real) -> Real {
            mul_add(to_stock, offer, coefficient * to_demand)
        }

        #[cube]
        /// The adjoint of a stock: of the stock one period later, and of the order that looks at it.
        fn to_stock(to_next: Real, rate: Real, to_wanted: Real) -> Real {
            mul_add(to_wanted, zero(rate) - rate, to_next)
        }

        #[cube]
        /// The adjoint of 1 / τ, added to a sum.
        fn to_rate(to_wanted: Real, target: Real, stock: Real, sum: Real) -> Real {
            mul_add(to_wanted, target - stock, sum)
        }

        #[cube]
        /// The part of an adjoint of output that goes to demand, which takes it at a tie.
        fn output_to_demand(output: Real, demand: Real, to_output: Real) -> Real {
            select_equal(output, demand, to_output, zero(output))
        }

        #[cube]
        /// The part that goes to what limits output.
        fn output_to_limit(output: Real, demand: Real, to_output: Real) -> Real {
            select_equal(output, demand, zero(output), to_output)
        }
    }
}
