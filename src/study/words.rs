//! Macros that take away what notebooks repeat: options without `..default()`, and shocks in words.

/// Options with the usual values but for those that are named: `opts!(Svi { steps: 300, draws: 8 })` is
/// `Svi { steps: 300, draws: 8, ..Svi::default() }`.
///
/// ```
/// use bullwhip::prelude::*;
///
/// let firms = 40;
/// let network = Network::synthetic(&opts!(Synthetic { firms, regions: 3 }))?;
/// assert_eq!(network.firms(), 40);
/// # Ok::<(), bullwhip::Error>(())
/// ```
///
/// A field that is not there is an error at its name:
///
/// ```compile_fail,E0560
/// use bullwhip::prelude::*;
///
/// let options = opts!(Synthetic { firm: 40 });
/// ```
#[macro_export]
macro_rules! opts {
    ($($Kind:ident)::+ { $($field:ident $(: $value:expr)?),* $(,)? }) => {
        $($Kind)::+ {
            $($field $(: $value)?,)*
            ..::std::default::Default::default()
        }
    };
}

/// A shock in words: whom it hits, when, how much of the capacity is lost, and how much of the gap closes each period.
///
/// `region`, `sector` and `firm` are followed by a name, `group` by a region and a sector in brackets, and `firms` by a
/// list of places. `holds 3` after it keeps the loss for three periods before it fades. Several are separated by `;`.
///
/// ```
/// use bullwhip::prelude::*;
///
/// let network = Network::synthetic(&Synthetic { firms: 40, ..Synthetic::default() })?;
/// let severity = 60.0;
/// let shock = shock! { network:
///     region "R2" at 5 loses severity % recovers 10 %;
///     sector "S1" at 8 loses 30 % recovers 5 % holds 3
/// }?;
/// assert_eq!(shock.events.len(), 2);
/// assert_eq!(shock.events[0], Shock::region(&network, "R2", 5, 0.6, 0.1)?.events[0]);
/// # Ok::<(), bullwhip::Error>(())
/// ```
///
/// A word that is not known is an error at this word:
///
/// ```compile_fail
/// use bullwhip::prelude::*;
///
/// let network = Network::synthetic(&Synthetic::default()).unwrap();
/// let shock = shock! { network: region "R2" at 5 looses 60 % recovers 10 % };
/// ```
#[macro_export]
macro_rules! shock {
    (@region $network:ident $name:tt) => { $network.firms_in_region(::std::convert::AsRef::<str>::as_ref(&$name))? };
    (@sector $network:ident $name:tt) => { $network.firms_in_sector(::std::convert::AsRef::<str>::as_ref(&$name))? };
    (@firm $network:ident $name:tt) => { ::std::vec![$network.firm(::std::convert::AsRef::<str>::as_ref(&$name))?] };
    (@group $network:ident $names:tt) => {{
        let (region, sector) = $names;
        $network.firms_where(&region, &sector)?
    }};
    (@firms $network:ident $places:tt) => {{
        let places: ::std::vec::Vec<usize> = $places.to_vec();
        places
    }};
    ($network:ident : $($kind:ident $whom:tt at $start:tt loses $loss:tt % recovers $rate:tt % $(holds $hold:tt)?);+ $(;)?) => {
        (|| -> ::std::result::Result<$crate::model::Shock, $crate::Error> {
            let network: &$crate::network::Network = &$network;
            let mut all = $crate::model::Shock::none();
            $(
                let firms = $crate::shock!(@$kind network $whom);
                #[allow(clippy::unnecessary_cast)]
                let (loss, rate) = ($loss as f64 / 100.0, $rate as f64 / 100.0);
                let one = $crate::model::Shock::firms(&firms, $start, loss, rate);
                $( let one = one.holding($hold as f64); )?
                all = all.and(one);
            )+
            ::std::result::Result::Ok(all)
        })()
    };
}
