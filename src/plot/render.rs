//! Figures to SVG text and PNG bytes.

use super::Figure;
use super::draw::draw_figure;
use super::theme;
use crate::error::{Error, Result};
use plotters::prelude::{BitMapBackend, IntoDrawingArea, SVGBackend};

/// Drawn this much larger, then averaged: the drawing library does not smooth thick lines.
const OVERSAMPLE: usize = 2;
/// Pixels per point in the PNG.
const DENSITY: usize = 2;

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(
        "figure",
        format!("it cannot be drawn: {error}"),
        "please report this",
    )
}

pub(super) fn svg(figure: &Figure) -> Result<String> {
    theme::fonts();
    let mut text = String::new();
    let root = SVGBackend::with_string(&mut text, figure.size).into_drawing_area();
    draw_figure(figure, &root, 1.0).map_err(failed)?;
    root.present().map_err(failed)?;
    drop(root);
    // For pages that put it into their own markup: smaller where they are narrow, not cut off.
    Ok(text.replacen("<svg ", "<svg style=\"max-width:100%;height:auto\" ", 1))
}

pub(super) fn png(figure: &Figure) -> Result<Vec<u8>> {
    theme::fonts();
    let (width, height) = (
        figure.size.0 as usize * DENSITY,
        figure.size.1 as usize * DENSITY,
    );
    let (wide, tall) = (width * OVERSAMPLE, height * OVERSAMPLE);
    let mut pixels = vec![0u8; wide * tall * 3];
    {
        let backend = BitMapBackend::with_buffer(&mut pixels, (wide as u32, tall as u32));
        let root = backend.into_drawing_area();
        draw_figure(figure, &root, (DENSITY * OVERSAMPLE) as f64).map_err(failed)?;
        root.present().map_err(failed)?;
    }
    let mut small = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            for c in 0..3 {
                let mut sum = 0u32;
                for dy in 0..OVERSAMPLE {
                    for dx in 0..OVERSAMPLE {
                        let at = (y * OVERSAMPLE + dy) * wide + x * OVERSAMPLE + dx;
                        sum += u32::from(pixels[at * 3 + c]);
                    }
                }
                small.push((sum / (OVERSAMPLE * OVERSAMPLE) as u32) as u8);
            }
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&small).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}
