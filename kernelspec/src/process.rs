//! Other processes of this machine: whether they live, what memory they have, and signals to them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Memory that must be free for one more evaluator to wait, in bytes.
const ROOM: u64 = 4 << 30;

/// False where the process of a session's folder has gone, as after a crash of the machine, or has ended and
/// its parent has not noticed yet; true where the system does not tell.
pub(crate) fn is_alive(session: &Path) -> bool {
    let processes = Path::new("/proc");
    let Some(name) = session.file_name().filter(|_| processes.exists()) else {
        return true;
    };
    let told = fs::read_to_string(processes.join(name).join("stat"));
    // The process's state comes behind its name in brackets.
    let state = |told: String| Some(!told.rsplit_once(") ")?.1.starts_with('Z'));
    told.ok().and_then(state).unwrap_or(false)
}

/// The memory of a process in bytes; None where the system does not tell.
pub(crate) fn memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// How many processes the system has ended for want of memory; 0 where it does not tell.
pub(crate) fn memory_ends() -> u64 {
    let told = fs::read_to_string("/proc/vmstat").unwrap_or_default();
    let line = told.lines().find_map(|line| line.strip_prefix("oom_kill "));
    line.and_then(|count| count.trim().parse().ok())
        .unwrap_or(0)
}

/// False on a machine that is short of memory; true where it is not told.
pub(crate) fn memory_allows() -> bool {
    let Ok(text) = fs::read_to_string("/proc/meminfo") else {
        return true;
    };
    let available = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"));
    let kilobytes = available.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.is_none_or(|kb| kb * 1024 > ROOM)
}

/// Sends a signal to a process, or with a minus before its number to a group; false when it has gone.
pub(crate) fn signal(name: &str, process: &str) -> bool {
    let script = "kill -s \"$0\" -- \"$1\"";
    Command::new("sh")
        .args(["-c", script, name, process])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Ends the group of a process of cells: itself, and what it has started.
pub(crate) fn end_group(process: u32) {
    signal("KILL", &format!("-{process}"));
}
