//! `members!`: a family of inference as an enum, each member of which is a file.

/// Makes the enum of a family, and `with`, which gives what the chosen member can do. A member `Beta { alpha, beta } = beta`
/// is a variant with these numbers, and a struct of the same name and numbers in the file `beta.rs` that implements the
/// family's trait. A member `LowRank(factors: usize) = low_rank` has a number without a name.
macro_rules! members {
    (
        $(#[$doc:meta])*
        $family:ident: dyn $role:ident {
            $(
                $(#[$member_doc:meta])*
                $member:ident
                $({ $( $(#[$field_doc:meta])* $field:ident ),* $(,)? })?
                $(($argument:ident: $kind:ty))?
                = $file:ident
            ),* $(,)?
        }
    ) => {
        $(#[$doc])*
        pub enum $family {
            $(
                $(#[$member_doc])*
                $member
                $({ $( $(#[$field_doc])* #[serde(with = "crate::infer::exact")] $field: f64 ),* })?
                $(($kind))?
            ),*
        }

        impl $family {
            /// Calls `f` with what the chosen member can do.
            pub(crate) fn with<R>(self, f: impl FnOnce(&dyn $role) -> R) -> R {
                match self {
                    $(
                        $family::$member $({ $($field),* })? $(($argument))? =>
                            f(&$file::$member $({ $($field),* })? $(($argument))?)
                    ),*
                }
            }
        }
    };
}
