//! The network: validation in sentences, the steady state, and the stylised facts of the generator.

use bullwhip::prelude::*;

fn firms(d: &[f64]) -> Firms {
    Firms {
        final_demand: d.to_vec(),
        ..Firms::default()
    }
}

fn links(rows: &[(usize, usize, f64)]) -> Links {
    Links {
        buyer: rows.iter().map(|r| r.0).collect(),
        supplier: rows.iter().map(|r| r.1).collect(),
        coefficient: rows.iter().map(|r| r.2).collect(),
        flow: Vec::new(),
    }
}

fn refusal(f: Firms, l: Links) -> String {
    Network::new(f, l)
        .expect_err("this must be refused")
        .to_string()
}

#[test]
fn bad_tables_are_refused_with_place_fact_and_remedy() {
    let d = [1.0, 1.0, 1.0];
    assert_eq!(
        refusal(firms(&d), links(&[(0, 1, 0.2), (1, 9, 0.2)])),
        "links, row 1: firm 1 buys from 9, but there are 3 firms; check column `supplier`"
    );
    assert!(
        refusal(firms(&d), links(&[(0, 1, 0.2), (0, 1, 0.3)]))
            .contains("a second time (first in row 0)")
    );
    for bad in [0.0, -0.1, f64::NAN, f64::INFINITY] {
        let said = refusal(firms(&d), links(&[(0, 1, bad)]));
        assert!(
            said.starts_with("links, row 0: firm 0 buys from 1 with coefficient"),
            "{said}"
        );
    }
    assert!(refusal(firms(&[1.0, f64::NAN]), links(&[])).contains("check column `final_demand`"));
    assert!(refusal(firms(&[0.0, 0.0]), links(&[])).contains("nobody buys anything"));
    assert!(refusal(Firms::default(), links(&[])).contains("neither final demand nor output"));
}

#[test]
fn an_economy_without_a_steady_state_is_refused_with_its_firms() {
    let said = refusal(
        firms(&[1.0, 1.0, 1.0]),
        links(&[(0, 1, 1.1), (1, 0, 1.0), (2, 0, 0.1)]),
    );
    assert!(
        said.contains("no steady state") && said.contains("0 (inputs 1.100 per unit)"),
        "{said}"
    );
    // A loop that final demand does not reach has no steady state either.
    let said = refusal(firms(&[0.0, 0.0, 1.0]), links(&[(0, 1, 1.2), (1, 0, 1.0)]));
    assert!(said.contains("no steady state"), "{said}");
    // Spending above 1 alone is fine, where no loop returns it.
    assert!(Network::new(firms(&[1.0, 1.0]), links(&[(0, 1, 1.5)])).is_ok());
}

/// A chain 0 buys 1 buys 2: x2 = d2 + a12 (d1 + a01 d0).
#[test]
fn the_steady_state_of_a_chain_has_a_closed_form() {
    let n = Network::new(firms(&[2.0, 1.0, 0.5]), links(&[(0, 1, 0.5), (1, 2, 0.25)]))
        .expect("a chain");
    let expected = [2.0, 2.0, 1.0];
    for (x, e) in n.output().iter().zip(expected) {
        assert!((x - e).abs() < 1e-14);
    }
}

#[test]
fn coefficients_flows_demand_and_output_describe_the_same_economy() {
    let a = Network::synthetic(&Synthetic {
        firms: 60,
        ..Synthetic::default()
    })
    .expect("an economy");
    let place = |n: &Network| -> (Vec<usize>, Vec<usize>) {
        (
            n.buyer().iter().map(|v| *v as usize).collect(),
            n.supplier().iter().map(|v| *v as usize).collect(),
        )
    };
    let (buyer, supplier) = place(&a);
    let flow: Vec<f64> = (0..a.links())
        .map(|e| a.coefficient()[e] * a.output()[buyer[e]])
        .collect();
    let by_coefficient = Links {
        buyer: buyer.clone(),
        supplier: supplier.clone(),
        coefficient: a.coefficient().to_vec(),
        flow: vec![],
    };
    let by_flow = Links {
        buyer,
        supplier,
        coefficient: vec![],
        flow,
    };
    let with_output = Firms {
        output: a.output().to_vec(),
        ..Firms::default()
    };
    for (f, l) in [
        (with_output.clone(), by_coefficient),
        (with_output, by_flow.clone()),
        (firms(a.final_demand()), by_flow),
    ] {
        let b = Network::new(f, l).expect("the same economy");
        for i in 0..a.firms() {
            assert!((a.output()[i] - b.output()[i]).abs() < 1e-9 * a.output()[i]);
            assert!((a.final_demand()[i] - b.final_demand()[i]).abs() < 1e-9 * a.output()[i]);
        }
    }
}

#[test]
fn a_csv_error_names_file_line_and_column() {
    let dir = std::env::temp_dir().join(format!("bullwhip-network-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    let (f, l) = (dir.join("firms.csv"), dir.join("links.csv"));
    std::fs::write(
        &f,
        "firm,region,sector,final_demand\nacme,north,steel,1\nbolt,south,cars,2\n",
    )
    .expect("a file");
    std::fs::write(
        &l,
        "buyer,supplier,coefficient\nbolt,acme,0.3\nbolt,acne,0.1\n",
    )
    .expect("a file");
    let said = Network::from_csv(&f, &l)
        .expect_err("an unknown firm")
        .to_string();
    assert!(
        said.contains("line 3: firm \"acne\" is not among the 2 firms")
            && said.ends_with("check column `supplier`"),
        "{said}"
    );
    std::fs::write(&l, "buyer,supplier,coefficient\nbolt,acme,0.3\n").expect("a file");
    let n = Network::from_csv(&f, &l).expect("a good network");
    assert_eq!(
        (n.name(0), n.firm("bolt").expect("a firm")),
        ("acme".into(), 1)
    );
    assert!(
        n.firms_in_region("east")
            .expect_err("no such region")
            .to_string()
            .contains("north, south")
    );
    std::fs::remove_dir_all(&dir).expect("cleaned up");
}

/// Hill estimator of the tail exponent over the largest `k` values.
fn tail_exponent(mut values: Vec<f64>, k: usize) -> f64 {
    values.sort_by(|a, b| b.total_cmp(a));
    k as f64
        / values[..k]
            .iter()
            .map(|v| (v / values[k]).ln())
            .sum::<f64>()
}

#[test]
fn synthetic_economies_have_the_published_stylised_facts() {
    let n = Network::synthetic(&Synthetic {
        firms: 30_000,
        ..Synthetic::default()
    })
    .expect("an economy");
    let degrees = |csr: &bullwhip::network::Csr| -> Vec<f64> {
        (0..n.firms()).map(|i| csr.degree(i) as f64).collect()
    };
    let (suppliers, customers) = (degrees(n.by_buyer()), degrees(n.by_supplier()));
    let mean = n.links() as f64 / n.firms() as f64;
    assert!((mean - 5.0).abs() < 0.5, "mean number of suppliers {mean}");
    assert!(suppliers.iter().all(|k| *k >= 1.0));
    let tail = tail_exponent(suppliers, 600);
    assert!((1.1..1.6).contains(&tail), "tail of suppliers {tail}");
    let tail = tail_exponent(customers.clone(), 600);
    assert!((1.0..1.6).contains(&tail), "tail of customers {tail}");
    // Sales grow with the number of customers: slope of log sales on log customers, in 0.5..1.3.
    let points: Vec<(f64, f64)> = (0..n.firms())
        .filter(|&i| customers[i] >= 3.0)
        .map(|i| (customers[i].ln(), n.output()[i].ln()))
        .collect();
    let (mx, my) = (
        points.iter().map(|p| p.0).sum::<f64>() / points.len() as f64,
        points.iter().map(|p| p.1).sum::<f64>() / points.len() as f64,
    );
    let slope = points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum::<f64>()
        / points.iter().map(|p| (p.0 - mx).powi(2)).sum::<f64>();
    assert!(
        (0.5..1.3).contains(&slope),
        "sales grow with customers to the power {slope}"
    );
    assert_eq!(n.groups().len(), 100);
}

#[test]
fn the_same_seed_gives_the_same_economy() {
    let make = |seed| {
        Network::synthetic(&Synthetic {
            firms: 500,
            seed,
            ..Synthetic::default()
        })
        .expect("an economy")
    };
    assert_eq!(make(1).coefficient(), make(1).coefficient());
    assert_ne!(make(1).coefficient(), make(2).coefficient());
}
