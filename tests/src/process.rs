//! Looks at processes through /proc: the daemon's workers are its children.

use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;

/// Process ids of the daemon's living workers of one plugin.
///
/// Their command line is `trunkline worker … <slug>`.
#[must_use]
pub fn workers(daemon: u32, slug: &str) -> Vec<u32> {
    all().into_iter().filter(|pid| parent(*pid) == Some(daemon) && is_worker(*pid, slug)).collect()
}

/// Process ids of all of the daemon's living workers, without those that are only being started: up to the moment when
/// one becomes a program of its own, it is a copy of the daemon with all the daemon's files.
#[must_use]
pub fn all_workers(daemon: u32) -> Vec<u32> {
    all().into_iter().filter(|pid| parent(*pid) == Some(daemon) && is_workers(&command_line(*pid))).collect()
}

/// Process ids of the daemon's living children of one command.
#[must_use]
pub fn children(daemon: u32, command: &str) -> Vec<u32> {
    let is_one = |pid: &u32| command_line(*pid).get(1).is_some_and(|word| word == command);
    all().into_iter().filter(|pid| parent(*pid) == Some(daemon)).filter(is_one).collect()
}

/// Memory that a process holds, in bytes; 0 where it is gone.
#[must_use]
pub fn resident_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(of(pid, "status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

/// Processor time that a process has used; none where it is gone.
#[must_use]
pub fn computed(pid: u32) -> std::time::Duration {
    let stat = std::fs::read_to_string(of(pid, "stat")).unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    std::time::Duration::from_millis(ticks * 1_000 / rustix::param::clock_ticks_per_second().max(1))
}

/// Whether a process is there and no mere entry that nobody has collected.
#[must_use]
pub fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(of(pid, "stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

/// How many descriptors a process has open.
#[must_use]
pub fn descriptors(pid: u32) -> usize {
    std::fs::read_dir(of(pid, "fd")).map_or(0, Iterator::count)
}

fn of(pid: u32, what: &str) -> std::path::PathBuf {
    Path::new("/proc").join(pid.to_string()).join(what)
}

/// Sends SIGKILL. A process that is gone already is fine.
pub fn kill(pid: u32) {
    send(pid, Signal::KILL);
}

/// Sends SIGSTOP: the process stays, and does nothing more.
pub fn halt(pid: u32) {
    send(pid, Signal::STOP);
}

fn send(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        kill_process(pid, signal).unwrap_or_default();
    }
}

fn all() -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The parent stands second after the command name, whose own parentheses and blanks are skipped.
fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(of(pid, "stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

fn is_worker(pid: u32, slug: &str) -> bool {
    let words = command_line(pid);
    is_workers(&words) && words.last().is_some_and(|word| word == slug)
}

fn is_workers(words: &[String]) -> bool {
    words.get(1).is_some_and(|word| word == "worker")
}

fn command_line(pid: u32) -> Vec<String> {
    let line = std::fs::read(of(pid, "cmdline")).unwrap_or_default();
    let words = line.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}
