//! Writes `datasets/regional_index.csv`: a synthetic regional production index in genuine Eurostat
//! SDMX-CSV form, made by the model itself: 4 regions x 3 sectors, 2018 to 2022, a shock to region
//! R2 in March 2020.

use bullwhip::Result;
use bullwhip::prelude::*;
use std::fmt::Write;

fn main() -> Result<()> {
    let network = Network::synthetic(&Synthetic {
        firms: 120,
        regions: 4,
        sectors: 3,
        seed: 2020,
        ..Synthetic::default()
    })?;
    let params = Params::uniform(&network, 1.6, 4.0);
    // Months are periods; period 27 is March 2020.
    let shock = Shock::region(&network, "R2", 27, 0.55, 0.25)?;
    let simulation = Simulation {
        periods: 60,
        ..Simulation::default()
    };
    let panel = simulate(&network, &params, &shock, &simulation)?.observe();
    let mut out = String::from(
        "DATAFLOW,LAST UPDATE,freq,indic_bt,nace_r2,s_adj,unit,geo,TIME_PERIOD,OBS_VALUE,OBS_FLAG\r\n",
    );
    for group in 0..panel.groups() {
        for (k, value) in panel.index(group).iter().enumerate() {
            let (year, month) = (2018 + k / 12, k % 12 + 1);
            // Statistical noise of half a point, the same at every run; the last months are
            // provisional; two cells are missing, as happens.
            let noise = 0.5 * ((k * 37 + group * 101) as f64).sin();
            let missing = group == 3 && (k == 40 || k == 41);
            let cell = if missing {
                String::new()
            } else {
                format!("{:.1}", value + noise)
            };
            let flag = if k >= 58 { "p" } else { "" };
            let (sector, region) = (&panel.sector[group], &panel.region[group]);
            let _ = write!(
                out,
                "SYNTHETIC:BULLWHIP(1.0),01/01/23 11:00:00,M,PRD,{sector},SCA,I18,{region},{year}-{month:02},{cell},{flag}\r\n"
            );
        }
    }
    print!("{out}");
    Ok(())
}
