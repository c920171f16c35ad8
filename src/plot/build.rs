//! Figures of one's own: lines, bands and dots, put together by hand.

use super::{Figure, Layer, Mark, Panel};

impl Default for Figure {
    fn default() -> Self {
        Self {
            title: String::new(),
            subtitle: String::new(),
            panels: vec![Panel::default()],
            columns: 1,
            size: (760, 420),
        }
    }
}

impl Figure {
    /// An empty figure with a title, to which lines, bands and dots are added. Each call takes the next colour.
    ///
    /// ```
    /// use bullwhip::prelude::*;
    ///
    /// let x = vec![1.0, 2.0, 3.0];
    /// let figure = Figure::titled("Orders")
    ///     .band("5-95 %", x.clone(), [0.5, 1.0, 1.5], [1.5, 2.0, 2.5])
    ///     .line("mean", x.clone(), [1.0, 1.5, 2.0])
    ///     .dots("seen", x, [1.1, 1.4, 2.2])
    ///     .labels("period", "orders (units)");
    /// assert!(figure.svg()?.contains("Orders"));
    /// # Ok::<(), bullwhip::Error>(())
    /// ```
    pub fn titled(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }

    /// Adds a line; `label` is for the legend, and may be empty.
    pub fn line(
        self,
        label: impl Into<String>,
        x: impl Into<Vec<f64>>,
        y: impl Into<Vec<f64>>,
    ) -> Self {
        self.with(Mark::Line, label.into(), x.into(), y.into(), Vec::new())
    }

    /// Adds the area between `low` and `high`.
    pub fn band(
        self,
        label: impl Into<String>,
        x: impl Into<Vec<f64>>,
        low: impl Into<Vec<f64>>,
        high: impl Into<Vec<f64>>,
    ) -> Self {
        self.with(Mark::Band, label.into(), x.into(), low.into(), high.into())
    }

    /// Adds dots.
    pub fn dots(
        self,
        label: impl Into<String>,
        x: impl Into<Vec<f64>>,
        y: impl Into<Vec<f64>>,
    ) -> Self {
        self.with(Mark::Dots, label.into(), x.into(), y.into(), Vec::new())
    }

    /// Names the axes of the last panel.
    pub fn labels(mut self, x: impl Into<String>, y: impl Into<String>) -> Self {
        if let Some(panel) = self.panels.last_mut() {
            (panel.x_label, panel.y_label) = (x.into(), y.into());
        }
        self
    }

    /// Width and height in points.
    pub fn sized(mut self, width: u32, height: u32) -> Self {
        self.size = (width, height);
        self
    }

    fn with(mut self, mark: Mark, label: String, x: Vec<f64>, y: Vec<f64>, high: Vec<f64>) -> Self {
        if self.panels.is_empty() {
            self.panels.push(Panel::default());
        }
        if let Some(panel) = self.panels.last_mut() {
            let color = panel.layers.len();
            panel.layers.push(Layer {
                mark,
                label,
                color,
                x,
                y,
                high,
                ..Layer::default()
            });
        }
        self
    }
}
