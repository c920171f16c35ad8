//! What the kernel asks of the prepared runtime: the devices that notebooks reach, and to serve one to
//! other machines.
//!
//! `bullwhip-devices` prints a line for each device; `bullwhip-devices serve NAME=VALUE ...` serves, with the fields of
//! `Serve` as names.

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
        ["serve", options @ ..] => serve(options),
        _ => Err(bullwhip::Error::new(
            "arguments",
            format!("{words:?} are not understood"),
            "give none, or serve NAME=VALUE ...",
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

/// The server that options ask for.
#[cfg(feature = "serve")]
fn asked(options: &[&str]) -> bullwhip::Result<bullwhip::Serve> {
    let wrong = |name: &str, value: &str, remedy: &str| {
        bullwhip::Error::new(name, format!("\"{value}\" is none"), remedy)
    };
    let mut serve = bullwhip::Serve::default();
    for option in options {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        match name {
            "device" => serve.device = value.parse()?,
            "port" => {
                let port = value.parse();
                serve.port =
                    port.map_err(|_| wrong(name, value, "give a number from 1 to 65535"))?;
            }
            "key" => serve.key = value.into(),
            "token_file" => serve.token_file = Some(value.into()),
            "memory" => {
                let memory = value.parse();
                serve.memory = Some(memory.map_err(|_| wrong(name, value, "give GB, such as 8"))?);
            }
            "clients" => {
                let clients = value.parse();
                serve.clients = clients.map_err(|_| wrong(name, value, "give a number"))?;
            }
            _ => {
                return Err(wrong(
                    "serve",
                    option,
                    "give a field of Serve and its value",
                ));
            }
        }
    }
    Ok(serve)
}

#[cfg(feature = "serve")]
fn serve(options: &[&str]) -> bullwhip::Result<()> {
    let asked = asked(options)?;
    let server = asked.open()?;
    let token = match &asked.token_file {
        Some(file) => format!("what is in {}", file.display()),
        None => server.token.clone(),
    };
    // Whoever reads this may have gone, which is no reason not to serve.
    let _ = writeln!(
        std::io::stdout(),
        "serving {} on UDP port {port}\n\
         the token: {token}\n\
         it lets in whoever has it; on the machine of the notebook put it into ~/.config/bullwhip/token, \
         with chmod 600, or into BULLWHIP_TOKEN\n\
         in a notebook of a runtime with the feature `remote`:\n    \
         let device = connect(\"HOST:{port}\", \"\")?;\n\
         the end is Ctrl-C",
        server.device,
        port = server.port,
    );
    server.run()
}

#[cfg(not(feature = "serve"))]
fn serve(_: &[&str]) -> bullwhip::Result<()> {
    Err(bullwhip::Error::new(
        "serve",
        "the notebook runtime is without the feature `serve`",
        "add it: bullwhip-kernel install --features serve",
    ))
}
