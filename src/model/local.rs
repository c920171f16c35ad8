//! One text of a rule for host and device, and families of rules.
//!
//! `local!` stamps a text twice: in `host` for any `Number` (the type parameter is named `Real`, so that the text
//! needs no change), in `device` as CubeCL functions of f32. The attribute `#[cube]` comes from the text, so that
//! what it makes has the text's hygiene. `family!` makes the enum of a family's members (after `kinds;` no more), and the
//! choice of each rule: a `match` on the host, a `match` at compile time on the device. A text that begins with `smooth` is for the
//! host alone, and may use the functions of `Smooth`.

macro_rules! local {
    (smooth rules { $( $(#[$meta:meta])* fn $name:ident ($($a:ident : $t:ty),* $(,)?) -> $ret:ty { $($body:tt)* } )* }) => {
        local!(@host Smooth [] [$( [$(#[$meta])*] $name ($($a : $t),*) $ret { $($body)* } )*]);
    };
    ($(records { $( $(#[$doc:meta])* $S:ident { $($field:ident),* $(,)? } )* })?
     rules { $( $hash:tt $cube:tt $(#[$meta:meta])* fn $name:ident ($($a:ident : $t:ty),* $(,)?) -> $ret:ty { $($body:tt)* } )* }) => {
        local!(@host Number [$($( [$(#[$doc])*] $S { $($field),* } )*)?]
            [$( [$(#[$meta])*] $name ($($a : $t),*) $ret { $($body)* } )*]);

        /// On a device.
        #[cfg(feature = "cube")]
        #[allow(unused_imports, dead_code)]
        pub(crate) mod device {
            use crate::number::device::{
                min, mul_add, one, padding, positive_part, select_equal, select_positive, zero,
            };
            use cubecl::prelude::*;
            type Real = f32;
            $($(
                $(#[$doc])*
                #[derive(CubeType, Clone, Copy)]
                #[expand(derive(Clone, Copy))]
                pub(crate) struct $S<R: CubePrimitive> { $(pub(crate) $field: R),* }
            )*)?
            $( $hash $cube $(#[$meta])* pub(crate) fn $name($($a: $t),*) -> $ret { $($body)* } )*
        }
    };
    (@host $bound:ident
     [$( [$($doc:tt)*] $S:ident { $($field:ident),* } )*]
     [$( [$($meta:tt)*] $name:ident ($($a:ident : $t:ty),*) $ret:ty { $($body:tt)* } )*]) => {
        /// For any number.
        #[allow(unused_imports, dead_code)]
        pub(crate) mod host {
            use crate::number::host::*;
            use crate::number::{Number, Smooth};
            $(
                $($doc)*
                #[derive(Clone, Copy, Debug)]
                pub(crate) struct $S<Real> { $(pub(crate) $field: Real),* }
            )*
            $( $($meta)* #[inline(always)] pub(crate) fn $name<Real: $bound>($($a: $t),*) -> $ret { $($body)* } )*
        }
    };
}

macro_rules! family {
    (kinds; $(#[$doc:meta])* $E:ident $members:tt) => {
        family!(@kinds [$(#[$doc])*] $E $members);
    };
    (smooth in $folder:ident; $(#[$doc:meta])* $E:ident $members:tt rules { $( $(#[$rd:meta])* fn $name:ident $args:tt; )* }) => {
        family!(@kinds [$(#[$doc])*] $E $members);
        family!(@hosts Smooth $E $members [$( [$(#[$rd])*] $name $args )*]);
    };
    (in $folder:ident; $(#[$doc:meta])* $E:ident $members:tt rules { $( $(#[$rd:meta])* fn $name:ident $args:tt; )* }) => {
        family!(@kinds [$(#[$doc])*] $E $members);
        family!(@hosts Number $E $members [$( [$(#[$rd])*] $name $args )*]);

        /// On a device.
        #[cfg(feature = "cube")]
        #[allow(unused_imports, dead_code)]
        pub(crate) mod device {
            use super::*;
            use cubecl::prelude::*;
            $( family!(@device $folder $E $members $name $args); )*
        }
    };
    (@kinds [$($doc:tt)*] $E:ident { $( $(#[$vd:meta])* $V:ident = $member:ident ),* $(,)? }) => {
        $($doc)*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[allow(unreachable_pub)]
        pub enum $E { $( $(#[$vd])* $V ),* }

        #[allow(unreachable_pub, dead_code)]
        impl $E {
            /// All of them.
            pub const ALL: &'static [$E] = &[$($E::$V),*];

            /// The name used in files.
            pub fn name(self) -> &'static str {
                match self { $($E::$V => stringify!($member)),* }
            }
        }
    };
    (@hosts $bound:ident $E:ident $members:tt [$( $doc:tt $name:ident $args:tt )*]) => {
        /// For any number.
        #[allow(unused_imports, dead_code)]
        pub(crate) mod host {
            use super::*;
            use crate::number::{Number, Smooth};
            $( family!(@host $bound $doc $E $members $name $args); )*
        }
    };
    (@host $bound:ident $doc:tt $E:ident { $( $(#[$vd:meta])* $V:ident = $member:ident ),* $(,)? } $name:ident $args:tt) => {
        family!(@body $bound $doc $E [$($V $member)*] $name $args $args);
    };
    (@body $bound:ident [$($doc:tt)*] $E:ident [$($V:ident $member:ident)*] $name:ident ($($a:ident),*) $args:tt) => {
        $($doc)*
        #[inline(always)]
        pub(crate) fn $name<Real: $bound>(kind: $E, $($a: Real),*) -> Real {
            match kind { $($E::$V => super::$member::host::$name $args),* }
        }
    };
    (@device $folder:ident $E:ident { $( $(#[$vd:meta])* $V:ident = $member:ident ),* $(,)? } $name:ident $args:tt) => {
        family!(@device_body $folder $E [$($V $member)*] $name $args $args);
    };
    (@device_body $folder:ident $E:ident [$($V:ident $member:ident)*] $name:ident ($($a:ident),*) $args:tt) => {
        #[cube]
        pub(crate) fn $name(#[comptime] kind: $E, $($a: f32),*) -> f32 {
            match comptime![kind] { $($E::$V => crate::model::$folder::$member::device::$name $args),* }
        }
    };
}
