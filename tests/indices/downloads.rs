//! Downloads from a server of our own on this machine: good, slow, broken and unwilling answers.

use super::*;
use std::cell::RefCell;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// One answer of the server.
#[derive(Clone)]
enum Answer {
    /// Status line, further headers, body, with its length.
    Whole(&'static str, &'static str, Vec<u8>),
    /// A length that is longer than the body.
    Short(Vec<u8>),
    /// The body in parts; the client must wait for each.
    Parts(Vec<u8>, usize),
    /// The connection is closed without a word.
    Nothing,
    /// The connection stays open without a word, until the client gives up.
    Silence,
}

/// A server that gives the answers in turn, one connection each, and then ends.
struct Server {
    base: String,
    asked: Receiver<String>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn new(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let (tell, asked) = channel();
        let thread = std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().expect("a client");
                let _ = tell.send(request(&stream));
                // A client that has had enough closes the connection.
                let _ = reply(&mut stream, &answer);
            }
        });
        Self {
            base,
            asked,
            thread: Some(thread),
        }
    }

    /// The requests so far; all answers must have been asked for.
    fn end(mut self) -> Vec<String> {
        self.thread
            .take()
            .expect("running")
            .join()
            .expect("no fault");
        self.asked.try_iter().collect()
    }
}

fn request(stream: &TcpStream) -> String {
    let mut lines = BufReader::new(stream).lines().map_while(|l| l.ok());
    let first = lines.next().unwrap_or_default();
    lines.find(|l| l.is_empty());
    first
}

fn reply(stream: &mut TcpStream, answer: &Answer) -> std::io::Result<()> {
    let head = |status: &str, more: &str, length: usize| {
        format!("HTTP/1.1 {status}\r\n{more}Content-Length: {length}\r\nConnection: close\r\n\r\n")
    };
    match answer {
        Answer::Whole(status, more, body) => {
            stream.write_all(head(status, more, body.len()).as_bytes())?;
            stream.write_all(body)
        }
        Answer::Short(body) => {
            stream.write_all(head("200 OK", "", body.len() + 1000).as_bytes())?;
            stream.write_all(body)
        }
        Answer::Parts(body, size) => {
            stream.set_nodelay(true)?;
            stream.write_all(head("200 OK", "", body.len()).as_bytes())?;
            for part in body.chunks(*size) {
                stream.write_all(part)?;
                stream.flush()?;
                std::thread::yield_now();
            }
            Ok(())
        }
        Answer::Nothing => Ok(()),
        Answer::Silence => {
            let mut byte = [0];
            std::io::Read::read(stream, &mut byte).map(|_| ())
        }
    }
}

thread_local! {
    static WAITED: RefCell<Duration> = const { RefCell::new(Duration::ZERO) };
}

/// Counts instead of sleeping.
fn count(wait: Duration) {
    WAITED.with(|w| *w.borrow_mut() += wait);
}

fn waited() -> Duration {
    WAITED.with(|w| std::mem::take(&mut *w.borrow_mut()))
}

fn fetch(folder: &Folder, base: &str) -> Fetch {
    Fetch {
        base: Some(base.into()),
        cache: Some(folder.0.clone()),
        wait: count,
        timeout: Duration::from_secs(20),
        ..Fetch::default()
    }
}

const CSV: &str = "DATAFLOW,LAST UPDATE,freq,indic_bt,nace_r2,s_adj,unit,geo,TIME_PERIOD,OBS_VALUE,OBS_FLAG\r\nESTAT:STS_INPR_M(1.0),24/09/22 11:00:00,M,PROD,C,SCA,I15,BE,2015-01,101.3,\r\n";
const FRED: &str = "observation_date,INDPRO\n2020-01-01,101.5\n2020-02-01,.\n";

fn ok(body: &str) -> Answer {
    Answer::Whole(
        "200 OK",
        "Content-Type: text/csv\r\n",
        body.as_bytes().to_vec(),
    )
}

/// The tasks and notes of a progress.
#[derive(Default)]
struct Notes(Vec<String>);

impl Progress for Notes {
    fn start(&mut self, task: &str, _: usize) {
        self.0.push(task.into());
    }
    fn update(&mut self, _: usize, note: &str) {
        self.0.push(note.into());
    }
    fn finish(&mut self, note: &str) {
        self.0.push(note.into());
    }
}

#[test]
fn a_download_is_kept_and_checked_when_it_is_used_again() {
    let folder = Folder::new("kept");
    let server = Server::new(vec![ok(CSV)]);
    let options = fetch(&folder, &server.base);
    let filter = [
        ("geo", vec!["BE", "DE"]),
        ("nace_r2", vec!["C"]),
        ("time", vec!["2015-01", "2022-12"]),
    ];
    let mut notes = Notes::default();
    let a = eurostat("sts_inpr_m", &filter, &options, &mut notes).expect("downloaded");
    assert_eq!(
        server.end(),
        [
            "GET /sdmx/3.0/data/dataflow/ESTAT/sts_inpr_m/1.0?format=csvdata&formatVersion=1.0&compress=true&c[geo]=BE,DE&c[nace_r2]=C&c[TIME_PERIOD]=ge:2015-01+le:2022-12&c[freq]=M HTTP/1.1"
        ]
    );
    assert!(
        notes.0[0].contains("downloading sts_inpr_m")
            && notes.0.last().expect("an end").contains("1 cells, kept in")
    );
    let source = a.source.clone().expect("a source");
    assert!(source.licence.contains("CC BY 4.0") && source.bytes == CSV.len() as u64);
    assert!(a.text().contains("CC BY 4.0"));
    // The server is gone: the copy is taken, also when asked to stay offline, and by its path.
    let b = eurostat("sts_inpr_m", &filter, &options, &mut ()).expect("the copy");
    let offline = Fetch {
        reuse: Reuse::Offline,
        ..options.clone()
    };
    let c = eurostat("sts_inpr_m", &filter, &offline, &mut ()).expect("the copy");
    let d = read(&source.path, &ReadOptions::default()).expect("by its path");
    for other in [b, c, d] {
        assert!(a.frame.equals_missing(&other.frame));
        assert_eq!(
            other.source.as_ref().map(|s| &s.sha256),
            Some(&source.sha256)
        );
    }
    // Another selection is another address: there is no copy.
    let none = eurostat("sts_inpr_m", &filter[..1], &offline, &mut ())
        .expect_err("offline")
        .to_string();
    assert!(
        none.contains("there is no copy of it in")
            && none.contains(
                "with a browser from https://ec.europa.eu/eurostat/databrowser/view/sts_inpr_m"
            ),
        "{none}"
    );
    // A copy that was changed is refused, whichever way it is read, and can be replaced.
    std::fs::write(&source.path, CSV.replace("101.3", "999.9")).expect("changed");
    let changed = eurostat("sts_inpr_m", &filter, &options, &mut ())
        .expect_err("changed")
        .to_string();
    assert!(
        changed.contains("the copy was changed or damaged") && changed.contains("Reuse::Fresh"),
        "{changed}"
    );
    assert!(read(&source.path, &ReadOptions::default()).is_err());
    let server = Server::new(vec![ok(CSV)]);
    let fresh = Fetch {
        reuse: Reuse::Fresh,
        ..fetch(&folder, &server.base)
    };
    assert!(eurostat("sts_inpr_m", &filter, &fresh, &mut ()).is_ok());
    server.end();
    // A card that is gone is said to be.
    let card = source.path.with_file_name(format!(
        "{}.json",
        source.path.file_name().expect("a name").to_string_lossy()
    ));
    std::fs::remove_file(card).expect("gone");
    assert!(
        eurostat("sts_inpr_m", &filter, &offline, &mut ())
            .expect_err("no card")
            .to_string()
            .contains("missing or damaged")
    );
    // Nothing half-done lies about.
    let left: Vec<_> = std::fs::read_dir(folder.0.join("eurostat"))
        .expect("a folder")
        .map(|e| e.expect("an entry").file_name())
        .collect();
    assert!(
        left.iter()
            .all(|n| !n.to_string_lossy().ends_with(".part")
                && !n.to_string_lossy().ends_with(".card")),
        "{left:?}"
    );
}

#[test]
fn the_real_files_come_through_packed_and_slowly() {
    let Some(path) = shared("eurostat/sts_inpr_m_5geo_2015.csv") else {
        return;
    };
    let bytes = std::fs::read(&path).expect("bytes");
    let here = read(&path, &ReadOptions::default()).expect("a frame");
    let folder = Folder::new("real");
    let packed = gzip(&bytes);
    let answers = vec![
        Answer::Whole("200 OK", "Content-Type: application/gzip\r\n", packed),
        Answer::Parts(bytes, 700),
    ];
    let server = Server::new(answers);
    for dataset in ["sts_inpr_m", "sts_inpr_q"] {
        let index = eurostat(dataset, &[], &fetch(&folder, &server.base), &mut ()).expect(dataset);
        assert!(here.frame.equals_missing(&index.frame));
    }
    server.end();
    let Some(path) = shared("us/INDPRO_fred_DATE.csv") else {
        return;
    };
    let server = Server::new(vec![Answer::Whole(
        "200 OK",
        "",
        std::fs::read(&path).expect("bytes"),
    )]);
    let index = fred("INDPRO", &fetch(&folder, &server.base), &mut ()).expect("INDPRO");
    assert_eq!(
        server.end(),
        ["GET /graph/fredgraph.csv?id=INDPRO HTTP/1.1"]
    );
    assert!(
        read(&path, &ReadOptions::default())
            .expect("a frame")
            .frame
            .equals_missing(&index.frame)
    );
}

#[test]
fn it_tries_again_where_that_may_help() {
    let folder = Folder::new("again");
    let busy = Answer::Whole(
        "429 Too Many Requests",
        "Retry-After: 7\r\n",
        b"slow down".to_vec(),
    );
    let down = Answer::Whole("503 Service Unavailable", "", Vec::new());
    let queued = Answer::Whole("202 Accepted", "", b"<queued/>".to_vec());
    let server = Server::new(vec![busy, down.clone(), queued, ok(FRED)]);
    let index = fred("INDPRO", &fetch(&folder, &server.base), &mut ()).expect("the fourth time");
    assert_eq!((index.frame.height(), index.missing), (2, 1));
    assert_eq!(server.end().len(), 4);
    // 7 s as the source asked, then 4 s and 8 s.
    assert_eq!(waited(), Duration::from_secs(7 + 4 + 8));
    let server = Server::new(vec![Answer::Short(FRED.into()), Answer::Nothing, ok(FRED)]);
    assert!(fred("IPMAN", &fetch(&folder, &server.base), &mut ()).is_ok());
    assert_eq!(
        (server.end().len(), waited()),
        (3, Duration::from_secs(2 + 4))
    );
}

/// The refusal of a series, after the answers.
fn refusal(answers: Vec<Answer>, change: impl Fn(&mut Fetch)) -> String {
    let folder =
        Folder::new(&format!("refusal-{:?}", std::thread::current().id()).replace(['(', ')'], ""));
    let server = Server::new(answers);
    let mut options = fetch(&folder, &server.base);
    change(&mut options);
    let error = fred("INDPRO", &options, &mut ())
        .expect_err("refused")
        .to_string();
    server.end();
    println!("| {error} |");
    // Nothing is kept of what was refused.
    let left = std::fs::read_dir(folder.0.join("fred")).map_or(0, |d| d.count());
    assert_eq!(left, 0, "{error}");
    error
}

#[test]
fn refusals_say_what_came_and_what_to_do() {
    let same = |_: &mut Fetch| {};
    let twice = |f: &mut Fetch| f.attempts = 2;
    let short = refusal(vec![Answer::Short(FRED.into()); 2], twice);
    assert!(
        short.contains("tried 2 times") && short.contains("Offline: download it with a browser"),
        "{short}"
    );
    let page = b"<!DOCTYPE html><html><title>Down for maintenance</title></html>".to_vec();
    let html = refusal(
        vec![Answer::Whole("200 OK", "Content-Type: text/html\r\n", page)],
        same,
    );
    assert!(
        html.contains("XML or HTML")
            && html.contains("Down for maintenance")
            && html.contains("Nothing was kept"),
        "{html}"
    );
    let fault =
        b"<S:Fault><faultcode>100</faultcode><faultstring>No results found</faultstring></S:Fault>"
            .to_vec();
    let missing = refusal(vec![Answer::Whole("404 Not Found", "", fault)], same);
    assert!(
        missing.contains("does not have it (HTTP 404)") && missing.contains("No results found"),
        "{missing}"
    );
    let large = refusal(
        vec![Answer::Whole("413 Payload Too Large", "", Vec::new())],
        same,
    );
    assert!(large.contains("ask for fewer series"), "{large}");
    let down = refusal(
        vec![Answer::Whole("500 Internal Server Error", "", Vec::new()); 4],
        same,
    );
    assert!(
        down.contains("(HTTP 500)") && down.contains("tried 4 times"),
        "{down}"
    );
    let long = refusal(
        vec![Answer::Whole(
            "429 Too Many Requests",
            "Retry-After: 3600\r\n",
            Vec::new(),
        )],
        same,
    );
    assert!(long.contains("it asks to wait 3600 s"), "{long}");
    let silent = refusal(vec![Answer::Silence], |f| {
        f.attempts = 1;
        f.timeout = Duration::from_millis(300);
    });
    assert!(silent.contains("no answer in time"), "{silent}");
    let much = refusal(vec![ok(FRED)], |f| f.max_bytes = 20);
    assert!(
        much.contains("more than 20 bytes") && much.contains("Fetch.max_bytes"),
        "{much}"
    );
    let empty = refusal(vec![ok("")], same);
    assert!(empty.contains("it is empty"), "{empty}");
    waited();
}

#[test]
fn nothing_is_asked_where_names_are_wrong_or_nobody_answers() {
    let folder = Folder::new("names");
    // A port that was free a moment ago.
    let base = Server::new(Vec::new()).base.clone();
    let options = Fetch {
        attempts: 1,
        ..fetch(&folder, &base)
    };
    let nobody = fred("INDPRO", &options, &mut ())
        .expect_err("nobody")
        .to_string();
    assert!(
        nobody.contains("cannot be reached") && nobody.contains("Offline:"),
        "{nobody}"
    );
    for bad in ["", "../../etc/passwd", "A B", "A&id=B"] {
        assert!(
            fred(bad, &options, &mut ())
                .expect_err("a bad name")
                .to_string()
                .contains("no name of a series")
        );
    }
    let bad = |filter: &[(&str, Vec<&str>)]| {
        eurostat("sts_inpr_m", filter, &options, &mut ())
            .expect_err("bad")
            .to_string()
    };
    assert!(bad(&[("geo", vec![])]).contains("no code is given"));
    assert!(bad(&[("geo", vec!["B&E"])]).contains("no name of a code"));
    assert!(bad(&[("time", vec!["2015-01", "2016-01", "2017-01"])]).contains("it has 3 months"));
}

/// Stops at once.
struct Stop;

impl Progress for Stop {
    fn stop(&self) -> bool {
        true
    }
}

#[test]
fn a_stop_ends_a_download() {
    let folder = Folder::new("stop");
    let options = fetch(&folder, "http://127.0.0.1:9");
    let error = fred("INDPRO", &options, &mut Stop)
        .expect_err("stopped")
        .to_string();
    assert!(error.contains("the download was stopped"), "{error}");
}
