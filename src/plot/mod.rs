//! Figures of every result. A figure is a value: it is saved, shown inline, and drawn anew at will.

mod assumptions;
mod axis;
mod backtest;
mod chains;
mod draw;
mod figures;
mod index;
mod live;
mod outcome;
mod paper;
mod render;
mod theme;

pub use draw::Draw;
pub use figures::{compare, degrees, fit, history, prior_posterior, series};
pub use index::indices;
pub use live::{Steady, calibration};
pub use outcome::outcomes;
pub use paper::{fig2a, fig2b};

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
    /// What is drawn, the first lowest.
    pub layers: Vec<Layer>,
}

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A line through the points.
    Line,
    /// A thin grey line, for context.
    Faint,
    /// A dashed grey line, for reference.
    Reference,
    /// The area between `y` and `high`.
    Band,
    /// Dots, with a bar from `low` to `high` where those are given.
    Dots,
}

/// One series. NaN breaks a line.
#[derive(Clone, Debug, PartialEq)]
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
