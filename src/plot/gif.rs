//! Animations: several figures one after the other, as a GIF.

use super::{Figure, render};
use crate::error::{Error, Result};
use std::path::Path;

/// Figures that follow each other. A notebook shows them moving; `save` writes a GIF.
#[derive(Clone, Debug, PartialEq)]
pub struct Animation {
    /// The figures, all of one size.
    pub frames: Vec<Figure>,
    /// How long each stands, in milliseconds; GIF keeps hundredths of a second.
    pub milliseconds: u32,
}

impl Animation {
    /// The bytes of a GIF that begins anew at its end.
    ///
    /// # Errors
    /// No figure, figures of different sizes, or one that cannot be drawn.
    pub fn gif(&self) -> Result<Vec<u8>> {
        let Some(first) = self.frames.first() else {
            return Err(Error::new(
                "animation",
                "it has no figure",
                "give at least one",
            ));
        };
        let (width, height) = first.size;
        if let Some(other) = self.frames.iter().find(|f| f.size != first.size) {
            return Err(Error::new(
                "animation",
                format!(
                    "one figure is {width} x {height} points, another {} x {}",
                    other.size.0, other.size.1
                ),
                "give all figures one size",
            ));
        }
        if width > u32::from(u16::MAX) || height > u32::from(u16::MAX) {
            return Err(Error::new(
                "animation",
                "its figures are too large for a GIF",
                "give a smaller size",
            ));
        }
        let two = |n: u32| (n as u16).to_le_bytes();
        let mut out = b"GIF89a".to_vec();
        out.extend([two(width), two(height)].concat());
        // No colours for all frames; no background.
        out.extend([0x70, 0, 0]);
        out.extend(b"\x21\xFF\x0BNETSCAPE2.0\x03\x01\x00\x00\x00");
        for figure in &self.frames {
            let (_, _, palette, indices) = render::raster(figure, 1)?;
            out.extend([0x21, 0xF9, 4, 0x04]);
            out.extend(two((self.milliseconds / 10).clamp(2, 6000)));
            out.extend([0, 0, 0x2C, 0, 0, 0, 0]);
            out.extend([two(width), two(height)].concat());
            // A table of 256 colours of its own.
            out.push(0x87);
            let mut colors = palette.concat();
            colors.resize(3 * 256, 0);
            out.extend(colors);
            out.push(8);
            for block in compressed(&indices).chunks(255) {
                out.push(block.len() as u8);
                out.extend(block);
            }
            out.push(0);
        }
        out.push(0x3B);
        Ok(out)
    }

    /// Writes the GIF.
    ///
    /// # Errors
    /// A name that does not end in .gif; a file that cannot be written; what `gif` refuses.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        if path.extension().and_then(|e| e.to_str()) != Some("gif") {
            return Err(Error::new(
                path.display().to_string(),
                "animations are saved as GIF",
                "end the file's name in .gif",
            ));
        }
        std::fs::write(path, self.gif()?).map_err(|e| {
            Error::new(
                path.display().to_string(),
                format!("it cannot be written: {e}"),
                "check the folder",
            )
        })
    }
}

/// Bytes by Lempel, Ziv and Welch, as GIF has them: codes of 9 to 12 bits, the low bits first.
fn compressed(bytes: &[u8]) -> Vec<u8> {
    const CLEAR: u32 = 256;
    let (mut out, mut held, mut bits) = (Vec::new(), 0u32, 0u32);
    let mut put = |code: u32, size: u32| {
        held |= code << bits;
        bits += size;
        while bits >= 8 {
            out.push(held as u8);
            held >>= 8;
            bits -= 8;
        }
        (held, bits)
    };
    // The code of what follows a code, [code, byte]; 0 where none.
    let mut next = vec![[0u16; 256]; 4096];
    let (mut free, mut size) = (CLEAR + 2, 9);
    put(CLEAR, size);
    let mut code: Option<u32> = None;
    for byte in bytes {
        let Some(known) = code else {
            code = Some(u32::from(*byte));
            continue;
        };
        let longer = next[known as usize][usize::from(*byte)];
        if longer != 0 {
            code = Some(u32::from(longer));
            continue;
        }
        put(known, size);
        if free < 4096 {
            next[known as usize][usize::from(*byte)] = free as u16;
            if free == 1 << size && size < 12 {
                size += 1;
            }
            free += 1;
        } else {
            put(CLEAR, size);
            next.iter_mut().for_each(|row| row.fill(0));
            (free, size) = (CLEAR + 2, 9);
        }
        code = Some(u32::from(*byte));
    }
    if let Some(code) = code {
        put(code, size);
    }
    let (held, bits) = put(CLEAR + 1, size);
    if bits > 0 {
        out.push(held as u8);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a reader of GIFs makes of it.
    fn read(bytes: &[u8]) -> Vec<u8> {
        let (mut at, mut size) = (0usize, 9usize);
        let mut table: Vec<Vec<u8>> = Vec::new();
        let reset = |table: &mut Vec<Vec<u8>>| {
            table.clear();
            table.extend((0..258u32).map(|k| vec![k as u8]));
        };
        reset(&mut table);
        let (mut out, mut last): (Vec<u8>, Option<usize>) = (Vec::new(), None);
        loop {
            let code = (0..size).fold(0usize, |c, k| {
                c | (usize::from(bytes[(at + k) / 8] >> ((at + k) % 8) & 1) << k)
            });
            at += size;
            match code {
                256 => {
                    reset(&mut table);
                    (size, last) = (9, None);
                    continue;
                }
                257 => return out,
                _ => {}
            }
            if let Some(last) = last {
                let mut entry = table[last].clone();
                let first = if code < table.len() {
                    table[code][0]
                } else {
                    entry[0]
                };
                entry.push(first);
                if table.len() < 4096 {
                    table.push(entry);
                }
            }
            out.extend(&table[code]);
            last = Some(code);
            if table.len() == 1 << size && size < 12 {
                size += 1;
            }
        }
    }

    #[test]
    fn readers_get_back_what_was_compressed() {
        let noise = |k: u64| (k.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8;
        for bytes in [
            Vec::new(),
            vec![7],
            vec![0; 100_000],
            (0..60_000).map(noise).collect::<Vec<u8>>(),
            (0..300_000u64).map(|k| noise(k / 40)).collect(),
        ] {
            assert_eq!(read(&compressed(&bytes)), bytes, "{} bytes", bytes.len());
        }
    }
}
