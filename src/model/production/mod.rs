//! What a firm can produce: how its capacity and its inputs limit output.

mod capacity;
mod paper;

family! {
    in production;
    /// How capacity and the inputs in stock limit what a firm produces.
    Production {
        /// A shocked capacity `z (1 + slack) x0`, and inputs in stock.
        #[default]
        Capacity = capacity,
        /// The formula as printed in the paper: `z` times what the inputs in stock allow. A firm
        /// without inputs has the capacity of the other rule.
        Paper = paper,
    }
    rules {
        /// The most that can be produced: `own` is what capacity allows, `factor` the share of capacity that is left
        /// (z), `lowest` what the scarcest input allows, `PADDING` or more for a firm without inputs.
        fn limit(own, factor, lowest);
        /// 1 where `output`, below demand, is limited by the firm's own capacity alone, else 0; `unfed` is 1 for a
        /// firm without inputs, else 0.
        fn own_limits(output, own, unfed);
        /// The slope of the limit in the lowest input, where that limits.
        fn slope_in_lowest(factor);
        /// The slope of the limit in the factor, where the lowest input limits.
        fn slope_in_factor(lowest);
    }
}

impl Production {
    /// Whether output is the lowest stock itself where inputs limit it: a pass back then need not look for that. A new
    /// member need not be named here.
    pub(crate) fn is_lowest(self) -> bool {
        self == Production::Capacity
    }
}
