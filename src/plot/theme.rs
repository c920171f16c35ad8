//! Colours, sizes and fonts.

use plotters::style::{FontStyle, RGBColor, register_font};
use std::sync::Once;

/// Okabe & Ito's palette, which colour-blind readers can tell apart; yellow is left out, as it
/// vanishes on white.
const PALETTE: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(60, 60, 60),
];

pub(super) const INK: RGBColor = RGBColor(40, 40, 40);
pub(super) const SOFT: RGBColor = RGBColor(105, 105, 105);
pub(super) const GRID: RGBColor = RGBColor(228, 228, 228);
pub(super) const FAINT: RGBColor = RGBColor(196, 196, 196);

pub(super) const TITLE: f64 = 19.0;
pub(super) const TEXT: f64 = 14.0;
/// Height of a line of the subtitle.
pub(super) const LINE: f64 = 18.0;
pub(super) const SMALL: f64 = 13.0;
pub(super) const FAMILY: &str = "Roboto, Helvetica, Arial, sans-serif";

/// Number of series that can be told apart by colour.
pub(super) const COLORS: usize = PALETTE.len();

pub(super) fn color(k: usize) -> RGBColor {
    PALETTE[k % PALETTE.len()]
}

/// Makes the bundled fonts known to the drawing library, once.
pub(super) fn fonts() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (style, bytes) in [
            (
                FontStyle::Normal,
                include_bytes!("fonts/Roboto-Regular.ttf").as_slice(),
            ),
            (
                FontStyle::Bold,
                include_bytes!("fonts/Roboto-Bold.ttf").as_slice(),
            ),
        ] {
            // The bundled files are valid; if not, drawing says that the font is missing.
            let _ = register_font(FAMILY, style, bytes);
        }
    });
}
