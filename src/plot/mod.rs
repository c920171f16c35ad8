//! Figures of every result. A figure is a value: it is saved, shown inline, and drawn anew at will.

mod assumptions;
mod axis;
mod backtest;
mod build;
mod chains;
mod draw;
mod figures;
mod gif;
mod heat;
mod index;
mod learnt;
mod live;
mod map;
mod marks;
mod outcome;
mod paper;
mod render;
mod sankey;
mod study;
mod theme;

pub use draw::Draw;
pub use figures::{compare, degrees, fit, history, prior_posterior, series};
pub use gif::Animation;
pub use heat::heat;
pub use index::indices;
pub use learnt::{forest, pairs, trace};
pub use live::{Steady, calibration};
pub use map::{map, travel};
pub use outcome::outcomes;
pub use paper::{fig2a, fig2b};
pub use sankey::sankey;
pub use study::bands;

use crate::error::{Error, Result};
use std::path::Path;

/// A figure: one or more panels under a title.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it shows.
    pub title: String,
    /// Lines below the title: the selection, a correlation. May be empty.
    pub subtitle: String,
    /// The panels, row by row.
    pub panels: Vec<Panel>,
    /// Columns of the grid; a panel takes one or more.
    pub columns: usize,
    /// Width and height in points.
    pub size: (u32, u32),
}

/// One pair of axes with what is drawn on it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Panel {
    /// Title above the panel; may be empty.
    pub title: String,
    /// Columns of the grid that it takes; 0 is 1.
    pub span: usize,
    /// Label of the horizontal axis, with its unit.
    pub x_label: String,
    /// Label of the vertical axis, with its unit.
    pub y_label: String,
    /// Logarithmic horizontal axis: values that are not positive are left out.
    pub log_x: bool,
    /// Logarithmic vertical axis.
    pub log_y: bool,
    /// What the horizontal axis shows at least.
    pub x_range: Option<(f64, f64)>,
    /// What the vertical axis shows at least.
    pub y_range: Option<(f64, f64)>,
    /// Ticks of the horizontal axis with what is written there; numbers where empty.
    pub x_ticks: Vec<(f64, String)>,
    /// The same of the vertical axis.
    pub y_ticks: Vec<(f64, String)>,
    /// What the colour of cells says, with its unit.
    pub z_label: String,
    /// The value that is white, with other colours below than above; without it colours go from light to dark.
    pub z_middle: Option<f64>,
    /// What the scale of colours covers at least.
    pub z_range: Option<(f64, f64)>,
    /// Without axes, as a drawing.
    pub bare: bool,
    /// What is drawn, the first lowest.
    pub layers: Vec<Layer>,
}

/// What is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    /// A line through the points.
    #[default]
    Line,
    /// A thin grey line, for context.
    Faint,
    /// A dashed grey line, for reference.
    Reference,
    /// The area between `y` and `high`.
    Band,
    /// Dots, with a bar from `low` to `high` where those are given.
    Dots,
    /// Dots, with a level bar from `low` to `high` in units of the horizontal axis.
    Spans,
    /// Level bars from 0 to `x`.
    Bars,
    /// Cells of width and height 1, coloured by `z`.
    Cells,
    /// The area inside a line through the points.
    Area,
    /// The texts `names`, each to the right of its point; where `low` is below 0 to the left, where it is 0 on it.
    Texts,
    /// Discs of the radius `z` in points, coloured by `high` where that is given.
    Discs,
}

/// One series. NaN breaks a line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layer {
    /// How it is drawn.
    pub mark: Mark,
    /// Name in the legend; empty for none.
    pub label: String,
    /// Number of its colour in the palette; series of one kind share it.
    pub color: usize,
    /// Horizontal positions.
    pub x: Vec<f64>,
    /// Vertical positions; the lower edge of a band.
    pub y: Vec<f64>,
    /// Lower end of a dot's bar; empty otherwise.
    pub low: Vec<f64>,
    /// Upper edge of a band or bar; empty otherwise.
    pub high: Vec<f64>,
    /// What colours cells, or the radius of discs; empty otherwise.
    pub z: Vec<f64>,
    /// Texts; empty otherwise.
    pub names: Vec<String>,
}

impl Figure {
    /// The figure as SVG text.
    pub fn svg(&self) -> Result<String> {
        render::svg(self)
    }

    /// The figure as a PNG file's bytes, at twice the pixel density.
    pub fn png(&self) -> Result<Vec<u8>> {
        render::png(self)
    }

    /// Writes `.png` or `.svg`, by the file's extension.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let bytes = match path.extension().and_then(|e| e.to_str()) {
            Some("png") => self.png()?,
            Some("svg") => self.svg()?.into_bytes(),
            _ => {
                return Err(Error::new(
                    path.display().to_string(),
                    "figures are saved as PNG or SVG",
                    "end the file's name in .png or .svg",
                ));
            }
        };
        std::fs::write(path, bytes).map_err(|e| {
            Error::new(
                path.display().to_string(),
                format!("it cannot be written: {e}"),
                "check the folder",
            )
        })
    }
}
