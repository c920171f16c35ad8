//! A server in a process of its own: this very program, started again.

use bullwhip::{Result, Serve};
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// In the server's environment: its device, port, GB a client, clients and key.
const ASKED: &str = "BULLWHIP_TEST_SERVE";

/// Serves where this process was started as a server, until it is ended.
pub(crate) fn serve_if_asked() -> Option<Result<()>> {
    let asked = std::env::var(ASKED).ok()?;
    let parts: Vec<&str> = asked.splitn(5, ' ').collect();
    let [device, port, memory, clients, key] = parts.as_slice() else {
        panic!("{ASKED}={asked}")
    };
    let serve = Serve {
        device: device.parse().expect("a device"),
        port: port.parse().expect("a port"),
        key: key.into(),
        memory: memory.parse().ok(),
        clients: clients.parse().expect("clients"),
        ..Serve::default()
    };
    Some(serve.open().and_then(|server| server.run()))
}

/// A server on this machine, which ends with this.
pub(crate) struct Started {
    child: Child,
    pub(crate) port: u16,
    pub(crate) token: String,
    key: PathBuf,
}

impl Started {
    /// Starts this program again, with arguments that make it call `serve_if_asked`.
    pub(crate) fn new(device: &str, arguments: &[&str]) -> Self {
        Self::with(device, arguments, Serve::default())
    }

    /// The same within the limits of `serve`.
    pub(crate) fn with(device: &str, arguments: &[&str], serve: Serve) -> Self {
        let free = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let name = format!("bullwhip-server-{}-{port}.key", std::process::id());
        let key = std::env::temp_dir().join(name);
        let serve = Serve {
            device: device.parse().expect("a device"),
            port,
            key: key.clone(),
            ..serve
        };
        let memory = serve.memory.map_or("-".into(), |m| m.to_string());
        let clients = serve.clients;
        let asked = format!("{device} {port} {memory} {clients} {}", key.display());
        let token = serve.open().expect("a key").token;
        let program = std::env::current_exe().expect("this program");
        let child = Command::new(program)
            .args(arguments)
            .env(ASKED, asked)
            .spawn()
            .expect("a server");
        let mut started = Self {
            child,
            port,
            token,
            key,
        };
        let begin = Instant::now();
        // It serves once it has the port.
        while UdpSocket::bind(("0.0.0.0", port)).is_ok() {
            let ended = started.child.try_wait().expect("a process");
            assert!(ended.is_none(), "the server has ended: {ended:?}");
            assert!(begin.elapsed() < Duration::from_secs(60), "no server");
            std::thread::sleep(Duration::from_millis(20));
        }
        started
    }

    /// Its process.
    #[allow(dead_code)]
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as a machine that fails does.
    pub(crate) fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.end();
        let _ = std::fs::remove_file(&self.key);
    }
}
