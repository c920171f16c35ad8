//! What the kernel asks of the prepared runtime: the devices that notebooks reach, and to serve one to
//! other machines.
//!
//! `bullwhip-devices` prints a line for each device; `bullwhip-devices serve DEVICE PORT [KEY]` serves.

use bullwhip::prelude::*;
#[cfg(feature = "serve")]
use std::io::Write;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        [] => {
            list();
            Ok(())
        }
        ["serve", device, port, key @ ..] => serve(device, port, key.first().copied()),
        _ => Err(bullwhip::Error::new(
            "arguments",
            format!("{words:?} are not understood"),
            "give none, or serve DEVICE PORT [KEY]",
        )),
    };
    if let Err(error) = done {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

fn list() {
    for info in devices() {
        let note = match info.device {
            Device::Cpu => "",
            _ if info.software => ", emulated by the CPU",
            _ => "",
        };
        println!("{}: {}{note}", info.device, info.name);
    }
}

#[cfg(feature = "serve")]
fn serve(device: &str, port: &str, key: Option<&str>) -> bullwhip::Result<()> {
    let default = bullwhip::Serve::default();
    let serve = bullwhip::Serve {
        device: device.parse()?,
        port: port.parse().map_err(|_| {
            bullwhip::Error::new(
                "port",
                format!("\"{port}\" is none"),
                "give a number from 1 to 65535",
            )
        })?,
        key: key.map_or(default.key, Into::into),
    };
    let server = serve.open()?;
    // Whoever reads this may have gone, which is no reason not to serve.
    let _ = writeln!(
        std::io::stdout(),
        "serving {} on UDP port {port}\n\
         in a notebook of a runtime with the feature `remote`:\n    \
         let device = connect(\"HOST:{port}\", \"{}\")?;\n\
         the token lets in whoever has it; the end is Ctrl-C",
        server.device,
        server.token,
        port = server.port,
    );
    server.run()
}

#[cfg(not(feature = "serve"))]
fn serve(_: &str, _: &str, _: Option<&str>) -> bullwhip::Result<()> {
    Err(bullwhip::Error::new(
        "serve",
        "the notebook runtime is without the feature `serve`",
        "add it: bullwhip-kernel install --features serve",
    ))
}
