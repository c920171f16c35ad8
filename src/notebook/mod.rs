//! The notebook surface: how values show themselves, several on one page, and work while it runs.
//! The only module that prints.

mod behaviour;
mod card;
#[doc(hidden)]
pub mod cell;
mod economy;
pub mod explore;
mod frames;
mod grids;
mod lines;
mod live;
mod page;
mod rows;
mod show;
mod table;
mod told;

pub use explore::{Explore, explore};
pub use grids::scenarios;
pub use lines::Lines;
pub use live::Live;
pub use page::{Page, show_svg};
pub use rows::ShowRows;
pub use show::Show;

/// Shows several values as one display: `show!(network, run.figure(), run.frame()?)`.
#[macro_export]
macro_rules! show {
    ($($value:expr),+ $(,)?) => {{
        let mut page = $crate::notebook::Page::default();
        $( page.add(&$value); )+
        page.display();
    }};
}
