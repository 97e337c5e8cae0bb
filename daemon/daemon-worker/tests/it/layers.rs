//! Each layer of a worker by itself: with nothing but that layer, a probe of what it is there for is held; without it, the
//! same probe gets through. So no layer is only thought to hold, and a probe that would be held anyway shows nothing.

use daemon_worker::Layer;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const HEAP_BYTES_MAX: u64 = 64 << 20;
const PROBE: &str = "TRUNKLINE_TEST_LAYER";
const MIDDLE: &str = "TRUNKLINE_TEST_LAYER_MIDDLE";
const PATIENCE: Duration = Duration::from_mins(1);
const MOMENT: Duration = Duration::from_millis(300);

/// Not a test of its own: a process that puts one layer on, or none, and tries what that layer is there for.
#[test]
fn probe_process() {
    let Ok(asked) = std::env::var(PROBE) else { return };
    let (name, on) = asked.split_once('/').expect("LAYER/on");
    let layer = Layer::ALL.into_iter().find(|layer| layer.name() == name).expect("a layer");
    if layer == Layer::CoreDumps {
        // Many machines leave no images unless asked to.
        let hard = getrlimit(Resource::Core).maximum;
        setrlimit(Resource::Core, Rlimit { current: hard, maximum: hard }).expect("is its own limit");
    }
    if on == "on" {
        layer.put_on(HEAP_BYTES_MAX).expect("is put on");
    }
    let said = if gets_through(layer) { "through" } else { "held" };
    tell(said);
    std::process::exit(0);
}

/// Standard error is a pipe to the test that started this.
fn tell(text: &str) {
    let _ = std::io::stderr().write_all(format!("probe: {text}\n").as_bytes());
}

fn gets_through(layer: Layer) -> bool {
    match layer {
        Layer::ParentDeath => outlive_the_parent(),
        Layer::NoNewPrivileges => !rustix::thread::no_new_privs().expect("is told"),
        Layer::FileSystem => File::open("/etc/passwd").is_ok() && std::fs::read_dir("/").is_ok(),
        Layer::OpenFiles => (0..40).map(|_| File::open("/dev/null")).collect::<Result<Vec<_>, _>>().is_ok(),
        Layer::FileSize => {
            let path = std::env::temp_dir().join(format!("trunkline-layer-{}", std::process::id()));
            let mut file = File::create(&path).expect("is made");
            // Over the limit the kernel ends the process, so the file goes first.
            std::fs::remove_file(&path).expect("is removed");
            file.write_all(b"kept").is_ok()
        }
        Layer::CoreDumps => getrlimit(Resource::Core).current != Some(0),
        Layer::Processes => {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", "/bin/true && /bin/true && exit 0"]);
            // The kernel does not hold root to it, but whom root starts as somebody else.
            if rustix::process::getuid().is_root() {
                command.uid(65_534);
            }
            command.status().is_ok_and(|status| status.success())
        }
        Layer::AddressSpace => Vec::<u8>::new().try_reserve_exact(8 << 30).is_ok(),
        Layer::SystemCalls => std::net::UdpSocket::bind("127.0.0.1:0").is_ok(),
        // Over the cap the allocator ends the process.
        Layer::Memory => vec![1_u8; 128 << 20].iter().map(|byte| u64::from(*byte)).sum::<u64>() == 128 << 20,
    }
}

/// Says who it is and goes on computing; whoever asked sees whether it still does when its parent is no more.
fn outlive_the_parent() -> bool {
    tell(&format!("pid {}", std::process::id()));
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
    true
}

/// Not a test of its own: the daemon of a probe that is to outlive it.
#[test]
fn middle_process() {
    let Ok(asked) = std::env::var(MIDDLE) else { return };
    let mut child = this("layers::probe_process", PROBE, &asked, Stdio::inherit());
    drop(child.wait());
}

fn this(test: &str, variable: &str, value: &str, stderr: Stdio) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env_remove(MIDDLE).env(variable, value);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn().expect("starts")
}

/// Whether the layer's probe gets through.
fn probed(layer: Layer, on: &str) -> bool {
    let asked = format!("{}/{on}", layer.name());
    if layer == Layer::ParentDeath {
        return lives_on(&asked);
    }
    let output = this("layers::probe_process", PROBE, &asked, Stdio::piped()).wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let through = said.contains("probe: through");
    // What is not held by a refusal is held by an end: of a signal, or of the allocator.
    let held = said.contains("probe: held") || !output.status.success();
    assert!(through != held, "{asked}: {said} {}", output.status);
    through
}

/// Whether a probe lives on when its parent has been killed.
fn lives_on(asked: &str) -> bool {
    let mut middle = this("layers::middle_process", MIDDLE, asked, Stdio::piped());
    let mut told = middle.stderr.take().expect("piped");
    let mut said = String::new();
    while !said.contains("pid ") || !said.ends_with('\n') {
        let mut piece = [0; 256];
        let length = told.read(&mut piece).expect("reads");
        assert!(length > 0, "{said}");
        said.push_str(&String::from_utf8_lossy(&piece[..length]));
    }
    let pid =
        said.rsplit("pid ").next().and_then(|rest| rest.trim().parse().ok()).and_then(Pid::from_raw).expect("a pid");
    middle.kill().expect("is killed");
    middle.wait().expect("ends");
    let before = format!("PPid:\t{}\n", middle.id());
    let start = Instant::now();
    let mut orphaned = None;
    let lives = loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap_or_default();
        let is_gone = status.is_empty() || status.contains("State:\tZ") || status.contains("State:\tX");
        let is_dying = status.lines().any(|line| line.starts_with("ShdPnd") && !line.ends_with("0000000000000000"));
        if is_gone {
            break false;
        }
        // The signal is sent in the moment in which it gets another parent; a moment later it is pending.
        if !status.contains(&before) && orphaned.get_or_insert_with(Instant::now).elapsed() > MOMENT && !is_dying {
            break true;
        }
        assert!(start.elapsed() < PATIENCE, "{status}");
        std::thread::sleep(Duration::from_millis(5));
    };
    if lives {
        kill_process(pid, Signal::KILL).expect("is killed");
    }
    lives
}

#[test]
fn each_layer_holds_its_probe_alone_and_without_it_the_probe_gets_through() {
    let mut shown = 0;
    for layer in Layer::ALL {
        let name = layer.name();
        if !probed(layer, "off") {
            // A machine that lets nobody leave core images shows nothing of that layer.
            assert_eq!(layer, Layer::CoreDumps, "without {name} its probe is held all the same: it shows nothing");
            continue;
        }
        if probed(layer, "on") {
            assert!(layer == Layer::FileSystem && !has_landlock(), "{name} alone does not hold its probe");
            continue;
        }
        shown += 1;
    }
    assert!(shown >= Layer::ALL.len() - 2, "{shown} layers shown");
}

/// Whether the kernel lists it among its security modules; where it does not say, it must show.
fn has_landlock() -> bool {
    std::fs::read_to_string("/sys/kernel/security/lsm").map_or(true, |all| all.contains("landlock"))
}
