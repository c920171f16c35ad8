//! Figures to SVG text and PNG bytes.

use super::Figure;
use super::draw::draw_figure;
use super::theme;
use crate::error::{Error, Result};
use crate::memory;
use plotters::prelude::{BitMapBackend, IntoDrawingArea, SVGBackend};
use std::collections::HashMap;

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

/// Refuses sizes of which no picture can be made.
fn check(figure: &Figure) -> Result<()> {
    const MOST: u32 = 20_000;
    let (width, height) = figure.size;
    if width == 0 || height == 0 || width > MOST || height > MOST {
        return Err(Error::new(
            "figure.size",
            format!("{width} x {height} points"),
            format!("give 1 to {MOST} points each, such as (900, 480)"),
        ));
    }
    Ok(())
}

pub(super) fn svg(figure: &Figure) -> Result<String> {
    check(figure)?;
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
    let (width, height, palette, indices) = raster(figure, DENSITY)?;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette.concat());
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&indices).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}

/// Width, height, palette, and the place of each pixel in it.
type Raster = (usize, usize, Vec<[u8; 3]>, Vec<u8>);

/// A figure as pixels, `density` a point.
pub(super) fn raster(figure: &Figure, density: usize) -> Result<Raster> {
    check(figure)?;
    theme::fonts();
    let (width, height) = (
        figure.size.0 as usize * density,
        figure.size.1 as usize * density,
    );
    let (wide, tall) = (width * OVERSAMPLE, height * OVERSAMPLE);
    memory::require(
        "figure.size",
        &format!("a picture of {wide} x {tall} points"),
        4.0 * (wide * tall) as f64,
        "give a smaller size, or save it as SVG",
    )?;
    let mut pixels = vec![0u8; wide * tall * 3];
    {
        let backend = BitMapBackend::with_buffer(&mut pixels, (wide as u32, tall as u32));
        let root = backend.into_drawing_area();
        draw_figure(figure, &root, (density * OVERSAMPLE) as f64).map_err(failed)?;
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
    let (palette, indices) = indexed(&small);
    Ok((width, height, palette, indices))
}

/// The 256 colours that are most frequent, and for every pixel the number of the nearest of them.
/// Figures have few colours besides the shades at edges, and a notebook keeps every figure for good:
/// this makes it a third as large.
fn indexed(pixels: &[u8]) -> (Vec<[u8; 3]>, Vec<u8>) {
    let (pixels, _) = pixels.as_chunks::<3>();
    let mut counts: HashMap<[u8; 3], usize> = HashMap::new();
    for run in pixels.chunk_by(|a, b| a == b) {
        *counts.entry(run[0]).or_default() += run.len();
    }
    let mut colors: Vec<([u8; 3], usize)> = counts.into_iter().collect();
    // By name where they are equally frequent, so that equal figures are equal files.
    colors.sort_by_key(|(color, count)| (std::cmp::Reverse(*count), *color));
    let palette: Vec<[u8; 3]> = colors.iter().take(256).map(|c| c.0).collect();
    let distance = |a: [u8; 3], b: [u8; 3]| -> u32 {
        let channels = a.iter().zip(b);
        channels.map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
    };
    let number = |color: [u8; 3]| {
        let nearest = (0..palette.len()).min_by_key(|k| distance(palette[*k], color));
        nearest.unwrap_or(0) as u8
    };
    let numbers: HashMap<[u8; 3], u8> = colors.iter().map(|c| (c.0, number(c.0))).collect();
    let mut indices = Vec::with_capacity(pixels.len());
    for run in pixels.chunk_by(|a, b| a == b) {
        indices.extend(std::iter::repeat_n(numbers[&run[0]], run.len()));
    }
    (palette, indices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_colours_stay_and_rare_ones_become_the_nearest() {
        // 256 frequent shades, and 44 rare ones that differ from them in their green.
        let shade = |k: usize| [(k % 256) as u8, (k / 256 * 255) as u8, 0];
        let mut pixels = Vec::new();
        for k in 0..300 {
            let times = if k < 256 { 3 } else { 1 };
            pixels.extend(std::iter::repeat_n(shade(k), times));
        }
        let (palette, indices) = indexed(pixels.as_flattened());
        assert_eq!((palette.len(), indices.len()), (256, pixels.len()));
        for (pixel, index) in pixels.iter().zip(&indices) {
            let drawn = palette[usize::from(*index)];
            assert_eq!(drawn, [pixel[0], 0, 0], "{pixel:?}");
        }
        assert_eq!(indexed(&[7, 8, 9]), (vec![[7, 8, 9]], vec![0]));
    }
}
