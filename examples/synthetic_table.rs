//! Makes the illustrative input-output table of `datasets/`: three regions, six sectors, made up, with
//! all that a published table has to be corrected for.

use std::fmt::Write;

const REGIONS: [&str; 3] = ["NOR", "SOU", "ISL"];
const SECTORS: [&str; 6] = ["A01", "C10T12", "C24T25", "C29", "F", "G"];
/// Inputs per unit of output, [supplier][buyer]: invented, of the usual sizes.
const TECHNOLOGY: [[f64; 6]; 6] = [
    [0.10, 0.32, 0.00, 0.00, 0.01, 0.01],
    [0.07, 0.14, 0.00, 0.00, 0.00, 0.02],
    [0.01, 0.03, 0.30, 0.22, 0.12, 0.01],
    [0.01, 0.00, 0.01, 0.26, 0.01, 0.03],
    [0.01, 0.01, 0.01, 0.01, 0.08, 0.02],
    [0.09, 0.11, 0.10, 0.11, 0.10, 0.09],
];
/// Final demand for each sector's goods at home in the three regions, and exports.
const HOME: [[f64; 6]; 3] = [
    [300.0, 900.0, 150.0, 1400.0, 2600.0, 4200.0],
    [500.0, 1100.0, 60.0, 500.0, 1500.0, 2700.0],
    [80.0, 300.0, 20.0, 150.0, 500.0, 800.0],
];
const EXPORTS: [[f64; 6]; 3] = [
    [60.0, 350.0, 700.0, 3900.0, 10.0, 500.0],
    [420.0, 800.0, 150.0, 300.0, 5.0, 200.0],
    [10.0, 60.0, 20.0, 10.0, 1.0, 60.0],
];
/// Share of inputs bought in the own region; the rest in proportion to the size of the others.
const OWN: [[f64; 6]; 3] = [
    [0.5, 0.6, 0.7, 0.8, 0.95, 0.9],
    [0.8, 0.7, 0.4, 0.3, 0.95, 0.85],
    [0.3, 0.4, 0.1, 0.1, 0.9, 0.8],
];
const SIZE: [f64; 3] = [0.6, 0.33, 0.07];
/// Share of imports in what is used at home.
const IMPORTED: [f64; 6] = [0.22, 0.12, 0.25, 0.18, 0.0, 0.02];
/// Households, government, investment; stocks take what is left, which may be negative.
const SPLIT: [[f64; 3]; 6] = [
    [0.98, 0.0, 0.05],
    [1.0, 0.01, 0.0],
    [0.2, 0.0, 0.83],
    [0.45, 0.02, 0.5],
    [0.02, 0.08, 0.9],
    [0.8, 0.06, 0.14],
];

fn main() {
    let n = 18;
    let coefficient = |i: usize, j: usize| {
        let (from, to, s) = (i / 6, j / 6, i % 6);
        let own = OWN[to][s];
        let share = if from == to {
            own
        } else {
            (1.0 - own) * SIZE[from] / (1.0 - SIZE[to])
        };
        TECHNOLOGY[s][j % 6] * share
    };
    let made = |i: usize| HOME[i / 6][i % 6] + EXPORTS[i / 6][i % 6];
    // x = d + A x, by iteration.
    let mut x: Vec<f64> = (0..n).map(made).collect();
    for _ in 0..500 {
        x = (0..n)
            .map(|i| made(i) + (0..n).map(|j| coefficient(i, j) * x[j]).sum::<f64>())
            .collect();
    }
    let label = |i: usize| format!("{}_{}", REGIONS[i / 6], SECTORS[i % 6]);
    let mut out = String::from("sector");
    for i in 0..n {
        let _ = write!(out, ",{}", label(i));
    }
    for r in REGIONS {
        let _ = write!(out, ",{r}_HFCE,{r}_GGFC,{r}_GFCF,{r}_INVNT");
    }
    out += ",Exports,Imports,OUT\n";
    for i in 0..n {
        // Uses at home hold imports, too: what is made at home is the rest.
        let gross = 1.0 / (1.0 - IMPORTED[i % 6]);
        let (region, sector) = (i / 6, i % 6);
        let flows: Vec<f64> = (0..n)
            .map(|j| (coefficient(i, j) * x[j] * gross).round())
            .collect();
        let home = (HOME[region][sector] * gross).round();
        out += &label(i);
        for z in &flows {
            let _ = write!(out, ",{z}");
        }
        for r in 0..3 {
            let parts = if r == region {
                SPLIT[sector].map(|s| (s * home).round())
            } else {
                [0.0; 3]
            };
            let rest = if r == region {
                home - parts.iter().sum::<f64>()
            } else {
                0.0
            };
            let _ = write!(out, ",{},{},{},{}", parts[0], parts[1], parts[2], rest);
        }
        let imports = ((flows.iter().sum::<f64>() + home) * IMPORTED[sector]).round();
        let _ = writeln!(
            out,
            ",{},{},{}",
            EXPORTS[region][sector],
            0.0 - imports,
            x[i].round()
        );
    }
    out += "VA";
    for (j, x) in x.iter().enumerate() {
        let spent: f64 = (0..n)
            .map(|i| coefficient(i, j) / (1.0 - IMPORTED[i % 6]) * x)
            .sum();
        let _ = write!(out, ",{}", (x - spent).round());
    }
    out += &",".repeat(15);
    println!("{out}");
}
