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
        ..Links::default()
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
        ..Links::default()
    };
    let by_flow = Links {
        buyer,
        supplier,
        flow,
        ..Links::default()
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

/// Firms 0 and 1 of steel, 2 of cars; cars buy from both, later rows first.
fn steel_and_cars() -> (Firms, Links) {
    let firms = Firms {
        sector: ["steel", "steel", "cars"].map(String::from).to_vec(),
        ..firms(&[1.0, 1.0, 1.0])
    };
    (firms, links(&[(2, 1, 0.2), (2, 0, 0.1), (0, 2, 0.1)]))
}

#[test]
fn links_carry_product_lag_and_class() {
    let (firms, plain) = steel_and_cars();
    let a = Network::new(firms.clone(), plain.clone()).expect("an economy");
    // A product is the supplier's sector, and follows its name, until it has a name of its own.
    assert_eq!((a.products(), a.product()), (a.sectors(), &[1, 0, 0][..]));
    assert_eq!((a.lag(), a.class()), (&[0; 3][..], &[0; 3][..]));
    let names = |list: &[&str]| list.iter().map(|n| n.to_string()).collect::<Vec<_>>();
    let renamed = a.renamed(&names(&["all"]), &names(&["A", "B"]));
    assert_eq!(renamed.expect("renamed").products(), ["A", "B"]);
    let carrying = Links {
        product: names(&["sheet", "bars", "lorries"]),
        lag: vec![3, 2, 1],
        class: vec![-1, 0, 7],
        ..plain
    };
    let b = Network::new(firms, carrying).expect("an economy");
    let of = |n: &Network| -> Vec<String> {
        let name = |p: &u32| n.products()[*p as usize].clone();
        n.product().iter().map(name).collect()
    };
    // In link order: by buyer, then supplier.
    assert_eq!(of(&b), ["lorries", "bars", "sheet"]);
    assert_eq!((b.lag(), b.class()), (&[1, 2, 3][..], &[7, 0, -1][..]));
    assert_eq!(b.coefficient(), a.coefficient());
    let b = b
        .renamed(&names(&["all"]), &names(&["A", "B"]))
        .expect("renamed");
    assert_eq!(of(&b), ["lorries", "bars", "sheet"]);
    assert_eq!(b.lag(), [1, 2, 3]);
    let c = a
        .with_products(&of(&b))
        .and_then(|n| n.with_lags(b.lag()))
        .and_then(|n| n.with_classes(b.class()))
        .expect("the same");
    assert_eq!((of(&c), c.lag(), c.class()), (of(&b), b.lag(), b.class()));
    let (plain, told) = (a.text(), c.text());
    assert!(
        !plain.contains("transit") && !plain.contains("products"),
        "{plain}"
    );
    assert!(
        told.contains("products of links: 3")
            && told.contains("links with goods in transit: 3, at most 3 periods")
            && told.contains("classes in rationing: -1 to 7"),
        "{told}"
    );
    assert_eq!(c.output(), a.output());
}

#[test]
fn what_links_carry_is_refused_with_place_fact_and_remedy() {
    let refused = |change: fn(&mut Links)| {
        let (firms, mut links) = steel_and_cars();
        change(&mut links);
        refusal(firms, links)
    };
    assert_eq!(
        refused(|l| l.lag = vec![1]),
        "links, column `lag`: 1 values, but there are 3 links; give one value per link, or leave the column empty"
    );
    assert_eq!(
        refused(|l| l.lag = vec![1, 2000, 3]),
        "links, row 1: its goods are 2000 periods in transit; give a `lag` of at most 1000 periods"
    );
    assert!(refused(|l| l.class = vec![1; 4]).contains("column `class`: 4 values"));
    let said = refused(|l| l.product = ["a", " ", "c"].map(String::from).to_vec());
    assert!(
        said.starts_with("links, row 1: `product` is blank"),
        "{said}"
    );
    let (firms, links) = steel_and_cars();
    let n = Network::new(firms, links).expect("an economy");
    let said = n.with_lags(&[1]).expect_err("too few").to_string();
    assert!(said.starts_with("links, column `lag`: 1 values"), "{said}");
    assert!(n.with_lags(&[0, 0, 1001]).is_err());
    assert!(n.with_classes(&[]).is_err() && n.with_products(&[]).is_err());
}
