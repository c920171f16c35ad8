//! One download: time limits, tries with growing pauses, and what each refusal of a source means.

use super::Fetch;
use super::cache::disk;
use crate::error::{Error, Result};
use crate::frame::read::words;
use crate::progress::Progress;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

/// A longer wait than this is not waited for.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// Why a try failed.
enum Failure {
    /// Another try may help, after the source's own wait if it named one.
    Again(Error, Option<Duration>),
    /// It will not.
    Final(Error),
}

/// Downloads `address` to `file`.
pub(super) fn download(
    address: &str,
    file: &Path,
    options: &Fetch,
    progress: &mut dyn Progress,
) -> Result<()> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(options.timeout))
        .timeout_recv_response(Some(options.timeout))
        .timeout_per_read(Some(options.timeout))
        .http_status_as_error(false)
        .user_agent(concat!("bullwhip/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let attempts = options.attempts.max(1);
    let mut pause = options.pause;
    for attempt in 1.. {
        let (error, asked) = match once(&agent, address, file, options, progress) {
            Ok(()) => return Ok(()),
            Err(Failure::Final(error)) => return Err(error),
            Err(Failure::Again(error, asked)) => (error, asked),
        };
        if attempt >= attempts {
            let fact = format!("{} (tried {attempt} times)", error.fact);
            return Err(Error::new(error.place, fact, error.remedy));
        }
        let wait = asked.unwrap_or(pause);
        if wait > LONGEST_WAIT {
            return Err(Error::new(
                error.place,
                format!("{}; it asks to wait {} s", error.fact, wait.as_secs()),
                "try again then",
            ));
        }
        let note = format!("{}; waiting {} s", error.fact, wait.as_secs());
        progress.update(0, &note);
        let mut left = wait;
        while !left.is_zero() {
            if progress.stop() {
                return Err(stopped(address));
            }
            let step = left.min(Duration::from_millis(500));
            (options.wait)(step);
            left -= step;
        }
        pause = pause.saturating_mul(2);
    }
    unreachable!("the loop ends by a return")
}

fn stopped(address: &str) -> Error {
    Error::new(
        address,
        "the download was stopped",
        "nothing was kept; call it again",
    )
}

fn once(
    agent: &ureq::Agent,
    address: &str,
    file: &Path,
    options: &Fetch,
    progress: &mut dyn Progress,
) -> std::result::Result<(), Failure> {
    if progress.stop() {
        return Err(Failure::Final(stopped(address)));
    }
    let mut response = agent.get(address).call().map_err(|e| broken(address, &e))?;
    let status = response.status().as_u16();
    let header = |name: &str| {
        let value = response.headers().get(name)?.to_str().ok()?;
        Some(value.trim().to_string())
    };
    let retry = header("retry-after")
        .and_then(|t| t.parse().ok())
        .map(Duration::from_secs);
    let length: Option<u64> = header("content-length").and_then(|t| t.parse().ok());
    if status != 200 {
        return Err(refusal(address, status, retry, &mut response));
    }
    let output = |e: std::io::Error| Failure::Final(disk(file, "written", &e));
    let mut body = response.into_body().into_reader();
    let mut out = std::fs::File::create(file).map_err(output)?;
    let (mut buffer, mut bytes, mut shown) = (vec![0; 1 << 16], 0_u64, 0);
    let whole = length.map_or(String::new(), |n| format!(" of {}", size(n)));
    loop {
        let n = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) => {
                let fact = format!("the answer broke off after {}{whole}: {e}", size(bytes));
                let error = Error::new(address, fact, "check the connection and try again");
                return Err(Failure::Again(error, None));
            }
        };
        bytes += n as u64;
        if bytes > options.max_bytes {
            return Err(Failure::Final(Error::new(
                address,
                format!("the answer has more than {}", size(options.max_bytes)),
                "ask for fewer series, or raise Fetch.max_bytes",
            )));
        }
        out.write_all(&buffer[..n]).map_err(output)?;
        if bytes >> 16 > shown {
            shown = bytes >> 16;
            progress.update(0, &format!("{}{whole}", size(bytes)));
        }
        if progress.stop() {
            return Err(Failure::Final(stopped(address)));
        }
    }
    if length.is_some_and(|n| n > bytes) {
        let fact = format!("the answer ended after {}{whole}", size(bytes));
        let error = Error::new(address, fact, "check the connection and try again");
        return Err(Failure::Again(error, None));
    }
    out.sync_all().map_err(output)?;
    Ok(())
}

/// No answer at all.
fn broken(address: &str, e: &ureq::Error) -> Failure {
    let (fact, again) = match e {
        ureq::Error::HostNotFound => ("its host is not found".to_string(), false),
        ureq::Error::BadUri(why) => (format!("it is no address: {why}"), false),
        ureq::Error::Timeout(what) => (format!("no answer in time ({what})"), true),
        e => (format!("it cannot be reached: {e}"), true),
    };
    let error = Error::new(address, fact, "check the connection and try again");
    if again {
        Failure::Again(error, None)
    } else {
        Failure::Final(error)
    }
}

/// An answer that is no data.
fn refusal(
    address: &str,
    status: u16,
    retry: Option<Duration>,
    response: &mut ureq::http::Response<ureq::Body>,
) -> Failure {
    let mut text = Vec::new();
    // What it says helps, if it can be read.
    let _ = response
        .body_mut()
        .as_reader()
        .take(4000)
        .read_to_end(&mut text);
    let says = words(&String::from_utf8_lossy(&text));
    let (fact, remedy, again) = match status {
        202 => (
            "the source has queued the request and has no data yet",
            "try again later, or ask for fewer series",
            true,
        ),
        404 => (
            "the source does not have it",
            "check the names of the data set, its dimensions and codes",
            false,
        ),
        413 => (
            "the source finds the request too large",
            "ask for fewer series or months",
            false,
        ),
        429 => (
            "the source asks to come less often",
            "wait some minutes",
            true,
        ),
        400..500 => (
            "the source refuses the request",
            "check the names of the data set, its dimensions and codes",
            false,
        ),
        500..600 => ("the source has a fault of its own", "try again later", true),
        _ => ("the source gives no data", "try again later", false),
    };
    let said = if says.is_empty() {
        String::new()
    } else {
        format!("; it says {says:?}")
    };
    let error = Error::new(address, format!("{fact} (HTTP {status}){said}"), remedy);
    if again {
        Failure::Again(error, retry)
    } else {
        Failure::Final(error)
    }
}

fn size(bytes: u64) -> String {
    if bytes < 10_000 {
        format!("{bytes} bytes")
    } else {
        format!("{:.1} MB", bytes as f64 / 1e6)
    }
}
