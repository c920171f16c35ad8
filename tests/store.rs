//! Results to Parquet, Arrow and CSV and back, bit for bit; what files say of themselves; edge lists.

use bullwhip::Result;
use bullwhip::frame::Loaded;
use bullwhip::infer::Method;
use bullwhip::prelude::*;
use folder::Folder;
use std::path::{Path, PathBuf};

#[path = "common/folder.rs"]
mod folder;

impl Folder {
    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

const FORMATS: [&str; 3] = ["parquet", "arrow", "csv"];

fn economy() -> Network {
    let names = |k: &str, n: usize| (0..n).map(|i| format!("{k}{i}")).collect::<Vec<_>>();
    let options = Synthetic {
        firms: 30,
        mean_suppliers: 3.0,
        regions: 3,
        sectors: 2,
        ..Synthetic::default()
    };
    let n = Network::synthetic(&options).expect("an economy");
    // Codes with leading zeros, a comma and a quote.
    let mut regions = names("0", 3);
    regions[1] = "a, \"b\"".into();
    n.renamed(&regions, &names("01", 2)).expect("renamed")
}

fn bits(values: &[f64]) -> Vec<u64> {
    values
        .iter()
        .map(|v| {
            if v.is_nan() {
                f64::NAN.to_bits()
            } else {
                v.to_bits()
            }
        })
        .collect()
}

fn same_network(a: &Network, b: &Network) {
    assert_eq!(bits(a.output()), bits(b.output()));
    assert_eq!(bits(a.final_demand()), bits(b.final_demand()));
    assert_eq!(bits(a.coefficient()), bits(b.coefficient()));
    assert_eq!(
        (a.buyer(), a.supplier(), a.group()),
        (b.buyer(), b.supplier(), b.group())
    );
    assert_eq!((a.regions(), a.sectors()), (b.regions(), b.sectors()));
    assert_eq!(
        (a.products(), a.product(), a.lag(), a.class()),
        (b.products(), b.product(), b.lag(), b.class())
    );
    // Products that are sectors are renamed with them; others are not.
    let names = |old: &[String]| old.iter().map(|n| format!("{n}!")).collect::<Vec<_>>();
    let renamed = |n: &Network| n.renamed(&names(n.regions()), &names(n.sectors()));
    assert_eq!(
        renamed(a).expect("renamed").products(),
        renamed(b).expect("renamed").products()
    );
    assert_eq!(a.name(3), b.name(3));
}

/// The economy whose links carry something.
fn carrying() -> Network {
    let n = economy();
    let e = 0..n.links() as u32;
    let products: Vec<String> = e.clone().map(|k| format!("0{}", k * 7 % 5)).collect();
    let lags: Vec<u32> = e.clone().map(|k| k % 4).collect();
    let classes: Vec<i32> = e.map(|k| k as i32 % 3 - 1).collect();
    let n = n.with_products(&products).expect("products");
    let n = n.with_lags(&lags).expect("lags");
    n.with_classes(&classes).expect("classes")
}

fn same_panel(a: &Observation, b: &Observation) {
    assert_eq!(
        (&a.region, &a.sector, a.periods),
        (&b.region, &b.sector, b.periods)
    );
    assert_eq!(bits(&a.base), bits(&b.base));
    assert_eq!(bits(&a.values), bits(&b.values));
}

fn run(record: Record) -> Trajectory {
    let network = economy();
    let shock = Shock::random(&network, 2, 0.4, 5, 1);
    let simulation = Simulation {
        periods: 7,
        record,
        ..Simulation::default()
    };
    simulate(
        &network,
        &Priors::default().draw(&network, 3),
        &shock,
        &simulation,
    )
    .expect("a run")
}

#[test]
fn results_come_back_bit_for_bit_in_every_format() {
    let folder = Folder::new("store-results");
    for format in FORMATS {
        let file = |name: &str| folder.file(&format!("{name}.{format}"));
        let network = economy();
        network.save(file("network")).expect("written");
        same_network(&Network::load(file("network")).expect("read"), &network);
        carrying().save(file("carrying")).expect("written");
        same_network(&Network::load(file("carrying")).expect("read"), &carrying());
        for record in [Record::Output, Record::Everything] {
            let a = run(record);
            a.save(file("run")).expect("written");
            let b = Trajectory::load(file("run")).expect("read");
            same_network(&a.network, &b.network);
            assert_eq!((a.periods, &a.warnings), (b.periods, &b.warnings));
            assert_eq!(bits(&a.output), bits(&b.output));
            assert_eq!(bits(&a.demand), bits(&b.demand));
            assert_eq!(bits(&a.orders), bits(&b.orders));
            assert_eq!(bits(&a.inventory), bits(&b.inventory));
        }
        let mut panel = run(Record::Output).observe();
        panel.values[4] = f64::NAN;
        panel.values[5] = 0.1 + 0.2;
        panel.values[6] = f64::MIN_POSITIVE;
        panel.save(file("panel")).expect("written");
        same_panel(&Observation::load(file("panel")).expect("read"), &panel);
        let params = Priors::default().draw(&network, 8);
        params.save(file("params")).expect("written");
        assert_eq!(Params::load(file("params")).expect("read"), params);
        let mut shock = Shock::random(&network, 2, 0.3, 9, 4);
        shock.events.push(Event {
            start: 3,
            ..Event::default()
        });
        shock.save(file("shock")).expect("written");
        assert_eq!(Shock::load(file("shock")).expect("read"), shock);
        let table = InputOutput::of(&network).expect("it fits into memory");
        table.save(file("table")).expect("written");
        assert_eq!(InputOutput::load(file("table")).expect("read"), table);
        let frame = panel.frame().expect("a frame");
        frame.save(file("frame")).expect("written");
        assert!(
            load(file("frame"))
                .expect("read")
                .frame
                .equals_missing(&frame)
        );
    }
}

#[test]
fn an_input_output_table_keeps_all_its_lines() {
    let text = "s,01,b,final,stocks,exports,imports,output\n01,1,2,6,0,3,-2,10\nb,3,4,13,0,1,-1,20\nwages,6,14,,,,,\ntaxes,0,0,,,,,\n";
    let table = bullwhip::table::parse_table(text.as_bytes(), None, &TableOptions::default())
        .expect("a table");
    let folder = Folder::new("store-table");
    for format in FORMATS {
        let file = folder.file(&format!("t.{format}"));
        table.save(&file).expect("written");
        assert_eq!(InputOutput::load(&file).expect("read"), table);
    }
}

#[test]
fn files_say_what_they_are() {
    let folder = Folder::new("store-about");
    for format in FORMATS {
        let file = folder.file(&format!("run.{format}"));
        let simulation = Simulation {
            periods: 7,
            ..Simulation::default()
        };
        let facts: [(&str, &dyn std::fmt::Debug); 3] = [
            ("seed", &3),
            ("simulation", &simulation),
            ("source", &"METI, \"2011\""),
        ];
        run(Record::Output)
            .save_with(&file, &facts)
            .expect("written");
        let loaded: Loaded = load(&file).expect("read");
        assert_eq!(
            (loaded.about.kind.as_str(), loaded.about.version.as_str()),
            ("trajectory", env!("CARGO_PKG_VERSION"))
        );
        let fact = |name: &str| loaded.about.facts[name].as_str();
        assert_eq!(
            (fact("seed"), fact("source"), fact("periods")),
            ("3", "METI, \"2011\"", "7")
        );
        assert!(fact("simulation").contains("slack: 0.2"));
        assert_eq!(
            loaded.about.columns[0],
            ("period".to_string(), "u32".to_string())
        );
        let shown = loaded.text();
        assert!(
            shown.contains("trajectory") && shown.contains("source: METI"),
            "{shown}"
        );
        let said = Network::load(&file).expect_err("another kind").to_string();
        assert!(said.contains("it is trajectory, not a network"), "{said}");
        assert!(folder.file(&format!("run.network.links.{format}")).exists());
    }
    assert!(folder.file("run.csv.json").exists() && !folder.file("run.parquet.json").exists());
}

#[test]
fn files_of_others_and_damaged_files_are_understood_or_refused() {
    let folder = Folder::new("store-others");
    let csv = folder.write("codes.csv", "area,n,x,word\n01,1,0.5,a\n02,2,1e3,\n");
    let loaded = load(csv).expect("read");
    let types: Vec<String> = loaded
        .frame
        .dtypes()
        .iter()
        .map(|t| t.to_string())
        .collect();
    assert_eq!(
        (loaded.about.kind.as_str(), types),
        (
            "table",
            ["str", "i64", "f64", "str"].map(String::from).to_vec()
        )
    );
    let said = |path: &Path| load(path).map_or_else(|e| e.to_string(), |l| panic!("{:?}", l.frame));
    assert!(said(&folder.write("a.parquet", "nothing")).contains("damaged or of another format"));
    assert!(said(&folder.write("a.arrow", "nothing")).contains("damaged or of another format"));
    assert!(said(&folder.write("a.txt", "nothing")).contains("end the file's name in .parquet"));
    assert!(said(&folder.file("none.csv")).contains("check the path"));
    let bad = economy()
        .save(folder.file("x.xlsx"))
        .expect_err("no such format")
        .to_string();
    assert!(bad.contains("end the file's name in"), "{bad}");
    let nowhere = economy()
        .save(folder.file("no/such/x.csv"))
        .expect_err("no folder")
        .to_string();
    assert!(nowhere.contains("it cannot be written"), "{nowhere}");
    // A row less is told.
    let panel = run(Record::Output).observe();
    panel.save(folder.file("p.csv")).expect("written");
    let text = std::fs::read_to_string(folder.file("p.csv")).expect("text");
    let cut: Vec<&str> = text.lines().collect();
    folder.write("p.csv", &(cut[..cut.len() - 1].join("\n") + "\n"));
    let said = Observation::load(folder.file("p.csv"))
        .expect_err("cut")
        .to_string();
    assert!(said.contains("changed since bullwhip wrote it"), "{said}");
}

#[test]
fn firm_level_edge_lists_load_directly() {
    let folder = Folder::new("store-edges");
    let links = "seller,client,amount\n01,02,10\n02,03,5\n01,03,4\n";
    let files = NetworkFiles {
        links: folder.write("links.csv", links),
        ..NetworkFiles::default()
    };
    let said = read_network(&files)
        .expect_err("no final demand")
        .to_string();
    assert!(said.contains("input_share: Some(0.5)"), "{said}");
    let assumed = read_network(&NetworkFiles {
        input_share: Some(0.5),
        ..files.clone()
    })
    .expect("an economy");
    // Firm 02 buys 10 and sells 5: at inputs of one half it makes 20.
    assert_eq!(
        (
            assumed.name(1),
            assumed.output()[1],
            assumed.final_demand()[0]
        ),
        ("02".into(), 20.0, 0.0)
    );
    let firms = "id,region,sector,d\n01,07,A01,6\n02,07,C29,15\n03,08,C29,20\n";
    let with = NetworkFiles {
        firms: Some(folder.write("firms.csv", firms)),
        ..files.clone()
    };
    let a = read_network(&with).expect("an economy");
    assert_eq!(
        (a.regions(), a.output()),
        (
            &["07".to_string(), "08".to_string()][..],
            &[20.0, 20.0, 20.0][..]
        )
    );
    // The same from Parquet.
    load(&with.links)
        .expect("read")
        .frame
        .save(folder.file("links.parquet"))
        .expect("written");
    load(folder.file("firms.csv"))
        .expect("read")
        .frame
        .save(folder.file("firms.parquet"))
        .expect("written");
    let b = read_network(&NetworkFiles {
        links: folder.file("links.parquet"),
        firms: Some(folder.file("firms.parquet")),
        input_share: None,
        ..NetworkFiles::default()
    });
    assert_eq!(b.expect("an economy").coefficient(), a.coefficient());
    let lost = NetworkFiles {
        links: folder.write("l.csv", "supplier,buyer,flow\n01,09,1\n"),
        ..with
    };
    assert!(
        read_network(&lost)
            .expect_err("unknown")
            .to_string()
            .contains("l.csv, line 2: firm \"09\" is not among the 3 firms")
    );
}

#[test]
fn networks_of_earlier_versions_load() {
    let folder = Folder::new("store-earlier");
    let about = |kind: &str, facts: &str, columns: &str| {
        format!(
            r#"{{"kind":"{kind}","version":"0.0.9","facts":{{{facts}}},"columns":[{columns}]}}"#
        )
    };
    let text = |names: &[&str]| -> String {
        let each = names.iter().map(|n| match *n {
            "coefficient" | "final_demand" => format!(r#"["{n}","f64"]"#),
            _ => format!(r#"["{n}","str"]"#).replace("str", "text"),
        });
        each.collect::<Vec<_>>().join(",")
    };
    let n = folder.write(
        "n.csv",
        "firm,region,sector,final_demand\n01,r,steel,1.0\n02,r,cars,2.0\n",
    );
    folder.write(
        "n.csv.json",
        about(
            "network",
            r#""regions":"[\"r\"]","sectors":"[\"steel\",\"cars\"]""#,
            &text(&["firm", "region", "sector", "final_demand"]),
        ),
    );
    folder.write("n.links.csv", "buyer,supplier,coefficient\n02,01,0.25\n");
    folder.write(
        "n.links.csv.json",
        about("links", "", &text(&["buyer", "supplier", "coefficient"])),
    );
    let n = Network::load(n).expect("a network of before");
    assert_eq!((n.output(), n.products()), (&[1.5, 2.0][..], n.sectors()));
    assert_eq!(
        (n.product(), n.lag(), n.class()),
        (&[0][..], &[0][..], &[0][..])
    );
}

#[test]
fn edge_lists_bring_product_lag_and_class() {
    let folder = Folder::new("store-carried");
    let firms = "id,sector,d\n01,A01,6\n02,C29,15\n03,C29,20\n";
    let list = "seller,client,amount,Product,lag,class\n02,03,5,cars,0,-1\n01,02,10,ore,2,0\n01,03,4,coal,3,1\n";
    let files = NetworkFiles {
        links: folder.write("links.csv", list),
        firms: Some(folder.write("firms.csv", firms)),
        ..NetworkFiles::default()
    };
    let a = read_network(&files).expect("an economy");
    let of = |n: &Network| -> Vec<(String, u32, i32)> {
        let name = |p: &u32| n.products()[*p as usize].clone();
        (0..n.links())
            .map(|e| (name(&n.product()[e]), n.lag()[e], n.class()[e]))
            .collect()
    };
    let wanted = [("ore", 2, 0), ("coal", 3, 1), ("cars", 0, -1)];
    let wanted = wanted.map(|(p, l, c)| (p.to_string(), l, c));
    assert_eq!(of(&a), wanted);
    // The same by frames, Parquet and our own CSV reader.
    let frame = links_frame(&a).expect("links");
    let by_frame = network_from_frames(&a.frame().expect("firms"), &frame);
    same_columns(&by_frame.expect("an economy"), &a);
    frame.save(folder.file("l.parquet")).expect("written");
    let parquet = NetworkFiles {
        links: folder.file("l.parquet"),
        ..files.clone()
    };
    same_columns(&read_network(&parquet).expect("an economy"), &a);
    let ours = list
        .replace("seller", "supplier")
        .replace("client", "buyer");
    let ours = ours.replace("amount", "flow").replace("Product", "product");
    let by_csv = Network::from_csv(
        files.firms.as_ref().expect("firms"),
        folder.write("ours.csv", &ours),
    );
    same_columns(&by_csv.expect("an economy"), &a);
    // A column that means something else is told, and can be left away.
    let said = |text: &str| {
        let links = folder.write("l.csv", text);
        let files = NetworkFiles {
            links,
            ..files.clone()
        };
        read_network(&files).expect_err("refused").to_string()
    };
    for (cell, fact) in [
        ("1.5", "1.5 is not a whole"),
        ("-1", "-1 is not a whole"),
        ("x", "\"x\" is not a number"),
    ] {
        let e = said(&format!("seller,client,amount,lag\n01,02,10,{cell}\n"));
        assert!(
            e.contains("l.csv, line 2, column `lag`: ") && e.contains(fact),
            "{e}"
        );
        assert!(e.ends_with("lag: Some(String::new()), .. }"), "{e}");
    }
    let e = said("seller,client,amount,lag\n01,02,10,0\n01,03,4,1001\n");
    assert!(
        e.contains("l.csv, line 3: its goods are 1001 periods in transit"),
        "{e}"
    );
    let e = said("seller,client,amount,product\n01,02,10,a\n01,03,4,\n");
    assert!(e.contains("l.csv, line 3: `product` is blank"), "{e}");
    let twice = "seller,client,amount,product\n01,02,7,ore\n01,02,3,coal\n";
    let mut many = NetworkFiles {
        links: folder.write("l.csv", twice),
        add_up: true,
        ..files.clone()
    };
    let e = read_network(&many).expect_err("two products").to_string();
    assert!(
        e.contains(
            "line 3: firm \"02\" buys from \"01\" with product \"coal\", but with \"ore\" in line 2"
        ),
        "{e}"
    );
    many.columns.product = Some(String::new());
    assert_eq!(
        read_network(&many).expect("read").products(),
        ["A01", "C29"]
    );
}

fn same_columns(a: &Network, b: &Network) {
    assert_eq!(a.coefficient(), b.coefficient());
    assert_eq!((a.products(), a.product()), (b.products(), b.product()));
    assert_eq!((a.lag(), a.class()), (b.lag(), b.class()));
}

#[test]
fn shock_files_of_inoue_and_todo_may_have_days_and_affiliations_sales() {
    let folder = Folder::new("store-days");
    let files = InoueTodo {
        edges: folder.write("a.txt", "F1 F2 100\nF2 F1 100\nF3 F1 10\n"),
        final_demand: Some(folder.write("c.txt", "F1 110\nF2 100\nF3 5\n")),
        affiliation: Some(folder.write("affi.txt", "F1 1001 6500\nF2 1002 123.5\nF3 1001\n")),
        ..InoueTodo::default()
    };
    let n = Network::from_inoue_todo(&files).expect("an economy");
    assert_eq!(
        (n.sectors(), n.sector()),
        (
            &["1001".to_string(), "1002".to_string()][..],
            &[0, 1, 0][..]
        )
    );
    let load = |text: &str| Shock::from_deltas(&n, folder.write("delta.txt", text), 1, 0.1);
    let shock = load("F2 0.5 3\nF1 0.25\nF3 0.75 0\n").expect("a shock");
    let found: Vec<_> = shock
        .events
        .iter()
        .map(|e| (e.start, e.firms.clone(), e.severity.clone()))
        .collect();
    assert_eq!(
        found,
        [(1, vec![0, 2], vec![0.25, 0.75]), (4, vec![1], vec![0.5])]
    );
    let said = |text: &str| load(text).expect_err("refused").to_string();
    assert!(said("F1 0.5 -1\n").contains("delta.txt, line 1: \"-1\" is no day"));
    assert!(said("F1 0.5 1.5\n").contains("no day"));
    assert!(said("F1 0.5 1\nF1 0.5 2\n").contains("line 2: firm \"F1\" is already in line 1"));
    assert!(
        said("F1 0.5 1 2\n").contains("4 words; each line is `firm delta` or `firm delta day`")
    );
    assert_eq!(load("").expect("nobody").hits(), 0);
}

#[test]
fn the_text_files_of_inoue_and_todo_load() {
    let folder = Folder::new("store-inoue");
    // These are the toy files that come with the simulator.
    let files = InoueTodo {
        edges: folder.write("a.txt", "1 2 100\n2 1 100\n"),
        final_demand: Some(folder.write("c.txt", "1 100\n2 100\n")),
        output: Some(folder.write("pini.txt", "1 200\n2 200\n")),
        affiliation: Some(folder.write("affi.txt", "1 1001\n2 1002\n")),
    };
    let near = |found: &[f64], wanted: f64| found.iter().all(|v| (v - wanted).abs() < 1e-9);
    let n = Network::from_inoue_todo(&files).expect("an economy");
    assert!(near(n.output(), 200.0) && near(n.coefficient(), 0.5));
    assert_eq!(
        (n.name(1), n.sectors()),
        (
            "2".to_string(),
            &["1001".to_string(), "1002".to_string()][..]
        )
    );
    let shock =
        Shock::from_deltas(&n, folder.write("delta.txt", "1 0.1\n"), 4, 0.05).expect("a shock");
    assert_eq!(
        (
            shock.events[0].start,
            &shock.events[0].firms,
            shock.events[0].severity[0]
        ),
        (4, &vec![0], 0.1)
    );
    let only = |f: fn(&mut InoueTodo)| {
        let mut files = files.clone();
        f(&mut files);
        Network::from_inoue_todo(&files)
    };
    let from_output = only(|f| f.final_demand = None).expect("from output");
    assert!(near(from_output.final_demand(), 100.0));
    let from_demand = only(|f| f.output = None).expect("from final demand");
    assert!(near(from_demand.output(), 200.0));
    let said = |r: Result<Network>| r.expect_err("refused").to_string();
    folder.write("pini.txt", "1 200\n2 250\n");
    assert!(said(only(|_| ())).contains("firm 2: its initial output is 250, but it sells 200"));
    folder.write("c.txt", "1 100\n2\n");
    assert!(
        said(only(|f| f.output = None))
            .contains("c.txt, line 2: 1 words; each line is `firm amount`")
    );
    folder.write("a.txt", "1 2 many\n");
    assert!(
        said(only(|f| f.final_demand = None)).contains("a.txt, line 1: \"many\" is not a number")
    );
    let bad = Shock::from_deltas(&n, folder.write("delta.txt", "1 1.5\n"), 4, 0.05)
        .expect_err("no share");
    assert!(
        bad.to_string()
            .contains("delta.txt, line 1: \"1.5\" is no share")
    );
}

#[test]
fn a_posterior_comes_back_whole_and_goes_on() {
    let network = economy();
    let shock = Shock::random(&network, 2, 0.4, 5, 1);
    let simulation = Simulation {
        periods: 12,
        ..Simulation::default()
    };
    let truth = Priors::default().draw(&network, 3);
    let observed = simulate(&network, &truth, &shock, &simulation)
        .expect("a run")
        .observe();
    let mut problem = Problem::new(&network, &shock, &observed);
    problem.observed.values[3] = f64::NAN;
    problem.further.push(Scenario {
        shock: shock.clone(),
        observed: observed.clone(),
    });
    problem.priors.severity = Some(Prior::Beta {
        alpha: 2.0,
        beta: 0.1 + 0.2,
    });
    problem.priors.per.severity = Per::Region;
    let svi = Svi {
        steps: 6,
        draws: 30,
        ..Svi::default()
    };
    let a = calibrate(&problem, &svi, &Run::default(), &mut ()).expect("a posterior");
    let folder = Folder::new("store-posterior");
    for format in FORMATS {
        let file = folder.file(&format!("fit.{format}"));
        a.save_with(&file, &[("svi", &svi)]).expect("written");
        let b = Posterior::load(&file).expect("read");
        assert_eq!(
            (a.method, a.draws, a.evaluations, a.stopped),
            (b.method, b.draws, b.evaluations, b.stopped)
        );
        assert_eq!(
            (&a.history, &a.warnings, a.loss),
            (&b.history, &b.warnings, b.loss)
        );
        assert_eq!(
            bits(&[a.seconds, a.noise, a.pareto_k]),
            bits(&[b.seconds, b.noise, b.pareto_k])
        );
        for (p, q) in a.parameters.iter().zip(&b.parameters) {
            assert_eq!(
                (p.parameter, p.prior, p.per, &p.labels),
                (q.parameter, q.prior, q.per, &q.labels)
            );
            for (v, w) in [
                (&p.location, &q.location),
                (&p.scale, &q.scale),
                (&p.mean, &q.mean),
                (&p.sd, &q.sd),
                (&p.samples, &q.samples),
            ] {
                assert_eq!(bits(v), bits(w));
            }
        }
        same_panel(&a.observed, &b.observed);
        same_panel(&a.predictive.mean, &b.predictive.mean);
        assert_eq!(bits(&a.predictive.samples), bits(&b.predictive.samples));
        same_panel(&a.further[0].observed, &b.further[0].observed);
        assert_eq!(
            bits(&a.further[0].predictive.samples),
            bits(&b.further[0].predictive.samples)
        );
        // It goes on to the same numbers.
        let more = Svi {
            steps: 9,
            ..svi.clone()
        };
        let on = b
            .resume(&problem, &more, &Run::default(), &mut ())
            .expect("resumed");
        let straight = a
            .resume(&problem, &more, &Run::default(), &mut ())
            .expect("resumed");
        assert_eq!(
            bits(&on.parameters[0].location),
            bits(&straight.parameters[0].location)
        );
        let predicted = b.predict(&problem, &shock, 8).expect("a prediction");
        predicted
            .save(folder.file(&format!("p.{format}")))
            .expect("written");
        let back = Prediction::load(folder.file(&format!("p.{format}"))).expect("read");
        assert_eq!(bits(&back.samples), bits(&predicted.samples));
        std::fs::remove_file(folder.file("fit.state.safetensors")).expect("removed");
        let without = Posterior::load(&file).expect("read");
        assert!(
            without
                .warnings
                .iter()
                .any(|w| w.ends_with("it cannot be resumed")),
            "{:?}",
            without.warnings
        );
    }
}

#[test]
fn what_calibrations_tell_goes_out_and_back() {
    let folder = Folder::new("store-told");
    let economy = economy();
    let shock = Shock::random(&economy, 2, 0.4, 6, 1);
    let simulation = Simulation {
        periods: 12,
        ..Simulation::default()
    };
    let truth = Priors::default().draw(&economy, 1);
    let run = simulate(&economy, &truth, &shock, &simulation).expect("a run");
    let problem = Problem::new(&economy, &shock, &run.observe());
    let svi = Svi {
        steps: 8,
        draws: 9,
        ..Svi::default()
    };
    let posterior = calibrate(&problem, &svi, &Run::default(), &mut ()).expect("a posterior");
    let slopes = output_sensitivity(&economy, &truth, &shock, &simulation, None).expect("slopes");
    let check = sbc(&problem, &svi, 2, &Run::default(), &mut ()).expect("runs");
    let mut world = posterior
        .what_if(&problem, &WhatIf::default())
        .expect("a world");
    // Not back within the horizon.
    world.recovery[3] = f64::INFINITY;
    let race = contest(&problem, &[], &[Method::Svi(svi)], 3, &mut ()).expect("standings");
    for format in FORMATS {
        let file = |name: &str| folder.file(&format!("{name}.{format}"));
        slopes.save(file("slopes")).expect("written");
        assert_eq!(Sensitivity::load(file("slopes")).expect("read"), slopes);
        check.save(file("sbc")).expect("written");
        let again = Sbc::load(file("sbc")).expect("read");
        assert_eq!(again.parameters, check.parameters);
        assert_eq!((again.runs, bits(&again.loss)), (2, bits(&check.loss)));
        world.save(file("world")).expect("written");
        let again = Outcome::load(file("world")).expect("read");
        assert_eq!(bits(&again.recovery), bits(&world.recovery));
        assert_eq!(bits(&again.direct), bits(&world.direct));
        assert_eq!(
            bits(&again.prediction.samples),
            bits(&world.prediction.samples)
        );
        race.save(file("race")).expect("written");
        let again = Contest::load(file("race")).expect("read");
        assert_eq!(again.standings.len(), race.standings.len());
        for (a, b) in again.standings.iter().zip(&race.standings) {
            assert_eq!(
                (&a.method, a.seed, a.evaluations),
                (&b.method, b.seed, b.evaluations)
            );
            assert_eq!(
                bits(&[a.in_sample, a.out_of_sample, a.seconds]),
                bits(&[b.in_sample, b.out_of_sample, b.seconds])
            );
        }
    }
    // A file of one kind is not read as another.
    let error = Sbc::load(folder.file("race.parquet")).expect_err("refused");
    assert!(error.to_string().contains("contest"), "{error}");
}
