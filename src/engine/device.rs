//! Devices: what a build can reach, which is chosen, what is refused.

use crate::error::{Error, Result};
use burn::tensor::{Device as TensorDevice, Tensor};
use std::fmt;
use std::hint::black_box;
use std::str::FromStr;
use std::time::Instant;

/// Where a simulation is computed. GPUs compute in 32-bit floats.
///
/// ```
/// use bullwhip::prelude::*;
///
/// let simulation = Simulation { device: Device::Cpu, ..Simulation::default() };
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Device {
    /// The first GPU of `devices()`, in a build that has GPUs and on a machine that has one, for
    /// `Precision::Single`; else the CPU. Never a GPU that is emulated by the CPU.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The n-th NVIDIA GPU, from 0, through CUDA: feature `cuda`.
    Cuda(usize),
    /// The n-th AMD GPU, from 0, through ROCm: feature `rocm`.
    Rocm(usize),
    /// The n-th adapter, from 0, through Vulkan, Metal or DirectX 12: feature `wgpu`.
    Wgpu(usize),
    /// The n-th device of other machines, from 0: what `connect` returns, feature `remote`.
    Remote(usize),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Auto => f.write_str("automatic"),
            Device::Cpu => f.write_str("CPU"),
            Device::Cuda(n) => write!(f, "CUDA {n}"),
            Device::Rocm(n) => write!(f, "ROCm {n}"),
            Device::Wgpu(n) => write!(f, "wgpu {n}"),
            Device::Remote(n) => match servers::address(*n) {
                Some(address) => write!(f, "the device at {address}"),
                None => write!(f, "remote {n}"),
            },
        }
    }
}

impl FromStr for Device {
    type Err = Error;

    /// Reads `auto`, `cpu`, `cuda:0`, `rocm:0`, `wgpu:0`; a kind alone is its first.
    fn from_str(text: &str) -> Result<Self> {
        let (kind, n) = text.split_once(':').unwrap_or((text, "0"));
        let known = match (kind, n.parse()) {
            ("auto", Ok(0)) => Some(Device::Auto),
            ("cpu", Ok(0)) => Some(Device::Cpu),
            ("cuda", Ok(n)) => Some(Device::Cuda(n)),
            ("rocm", Ok(n)) => Some(Device::Rocm(n)),
            ("wgpu", Ok(n)) => Some(Device::Wgpu(n)),
            _ => None,
        };
        known.ok_or_else(|| {
            Error::new(
                "device",
                format!("\"{text}\" is none"),
                "give auto, cpu, cuda:N, rocm:N or wgpu:N",
            )
        })
    }
}

/// A device that this build reaches on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// To be put into `Simulation::device`.
    pub device: Device,
    /// What it calls itself.
    pub name: String,
    /// Whether it is the CPU, or a GPU that the CPU emulates: for checks, slow.
    pub software: bool,
}

/// The devices that this build reaches on this machine: the CPU first, then GPUs in the order in
/// which `Device::Auto` prefers them, and those of other machines that are connected. Opens each, which
/// takes a moment.
pub fn devices() -> Vec<DeviceInfo> {
    let cpu = DeviceInfo {
        device: Device::Cpu,
        name: "CPU".into(),
        software: true,
    };
    std::iter::once(cpu)
        .chain(gpus::list())
        .chain(servers::list())
        .collect()
}

/// Connects to the device that `bullwhip-kernel serve` serves on another machine: `address` is its host
/// and port. In a build with the feature `remote`.
///
/// A notebook is saved with what is typed into it, so the token is better kept elsewhere. `token` is one of
/// - `""`: the token is that of the environment variable `BULLWHIP_TOKEN`, else that in the file that `BULLWHIP_TOKEN_FILE`
///   names, else that in `.config/bullwhip/token` in the user's folder;
/// - `"file:/a/path"`: it is in that file;
/// - the token itself, as `serve` prints it.
///
/// A file with a token must be readable by its user alone (`chmod 600`).
///
/// ```no_run
/// # use bullwhip::prelude::*;
/// let device = connect("gpu.example.org:7788", "")?;
/// let simulation = Simulation { device, ..Simulation::default() };
/// # Ok::<(), bullwhip::Error>(())
/// ```
///
/// The connection is encrypted (QUIC with TLS 1.3) and goes to that address alone; the token says which
/// server it must be, so that another one that answers there is refused. Networks, the parameters of
/// particles and what is simulated travel; observed data, priors and the search stay here. The server
/// keeps a session for as long as this process lives. It does no more than what this library asks for, and gives a
/// client no more memory than it may have: what is beyond that ends here with an error that says so. Where a connection is lost, what is computed ends
/// with an error; connect anew in a new process.
pub fn connect(address: &str, token: &str) -> Result<Device> {
    servers::connect(address, token)
}

/// A device that is ready.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) tensors: TensorDevice,
    /// For results: "CPU", "NVIDIA H100 (CUDA 0)".
    pub(crate) name: String,
}

impl Opened {
    /// True where this machine's processor computes by kernels of its own.
    pub(crate) fn is_cpu(&self) -> bool {
        matches!(
            self.tensors.as_dispatch(),
            burn::backend::DispatchDevice::Flex(_)
        )
    }
}

impl Device {
    /// Bytes read and written per second when the device copies arrays, all its cores together, measured:
    /// what the speed of a simulation can be compared with.
    pub fn copy_bandwidth(self) -> Result<f64> {
        let opened = self.open(false)?;
        if opened.is_cpu() {
            return Ok(copies());
        }
        let (device, numbers) = (opened.tensors, 16 << 20);
        let from = Tensor::<1>::zeros([numbers], &device);
        let mut best = f64::INFINITY;
        for _ in 0..5 {
            let begin = Instant::now();
            let rounds = 4;
            for _ in 0..rounds {
                let _ = from.clone().add_scalar(1.0);
            }
            device.sync().map_err(|e| {
                Error::new("device", format!("{self} failed: {e}"), "take Device::Cpu")
            })?;
            best = best.min(begin.elapsed().as_secs_f64() / f64::from(rounds));
        }
        Ok(2.0 * 4.0 * numbers as f64 / best)
    }

    /// Makes the device ready, or says why it cannot be had. `double` asks for 64-bit floats.
    pub(crate) fn open(self, double: bool) -> Result<Opened> {
        let cpu = || Opened {
            tensors: TensorDevice::flex(),
            name: "CPU".into(),
        };
        match self {
            Device::Cpu => Ok(cpu()),
            Device::Auto if double => Ok(cpu()),
            Device::Auto => match gpus::best() {
                Some(best) => gpus::open(best),
                None => Ok(cpu()),
            },
            _ if double => Err(Error::new(
                "simulation.device",
                format!("{self} computes in 32-bit floats, and 64-bit floats are asked for"),
                "take Precision::Single, or Device::Cpu",
            )),
            Device::Remote(n) => servers::open(n),
            device => gpus::open(device),
        }
    }
}

/// Bytes read and written per second by the processor's threads together, each copying an array of its own
/// that no cache holds.
fn copies() -> f64 {
    let numbers = 8 << 20;
    let rates = rayon::broadcast(|_| {
        let (from, mut to) = (vec![1.0f32; numbers], vec![0.0f32; numbers]);
        let begin = Instant::now();
        let rounds = 20;
        for _ in 0..rounds {
            to.copy_from_slice(black_box(&from));
            black_box(&mut to);
        }
        (rounds * 2 * 4 * numbers) as f64 / begin.elapsed().as_secs_f64()
    });
    rates.into_iter().sum()
}

/// What a device's failure is told as.
pub(crate) fn failure(device: &TensorDevice, error: &dyn fmt::Display) -> Error {
    let (fact, remedy) = match device.clone().inner().as_dispatch() {
        #[cfg(feature = "remote")]
        burn::backend::DispatchDevice::Remote(_) => {
            // What the server says itself stands behind what burn puts around it.
            let said = error.to_string();
            if let Some((_, why)) = said.split_once(servers::REFUSED) {
                servers::refused();
                return Error::new(
                    "simulation.device",
                    format!("the server refuses: {}", why.trim_end()),
                    "ask for fewer particles, draws or periods at a time, or serve with more `--memory`",
                );
            }
            (
                "the server's answer did not come",
                "see what the server printed; go on with the state_file, if one was given, in a new process",
            )
        }
        _ => (
            "the device failed",
            "take fewer particles or draws at a time, or Device::Cpu",
        ),
    };
    Error::new("simulation.device", format!("{fact}: {error}"), remedy)
}

/// The feature that a device needs, and whether this build has it.
fn feature(device: Device) -> (&'static str, bool) {
    match device {
        Device::Cuda(_) => ("cuda", cfg!(feature = "cuda")),
        Device::Rocm(_) => ("rocm", cfg!(feature = "rocm")),
        Device::Remote(_) => ("remote", cfg!(feature = "remote")),
        _ => ("wgpu", cfg!(feature = "wgpu")),
    }
}

fn not_built(device: Device) -> Error {
    let (feature, _) = feature(device);
    Error::new(
        "simulation.device",
        format!("{device} is asked for, and this build of bullwhip is without `{feature}`"),
        format!(
            "build it with the feature `{feature}` (for notebooks `bullwhip-kernel install --features {feature}`), or take Device::Cpu"
        ),
    )
}

#[cfg(feature = "remote")]
use super::remote as servers;

#[cfg(not(feature = "remote"))]
mod servers {
    //! A build that reaches no other machine.

    use super::{Device, DeviceInfo, Opened, Result, not_built};

    pub(super) fn connect(_: &str, _: &str) -> Result<Device> {
        Err(not_built(Device::Remote(0)))
    }

    pub(super) fn address(_: usize) -> Option<String> {
        None
    }

    pub(super) fn list() -> Vec<DeviceInfo> {
        Vec::new()
    }

    pub(super) fn open(n: usize) -> Result<Opened> {
        Err(not_built(Device::Remote(n)))
    }
}

#[cfg(not(feature = "cube"))]
mod gpus {
    //! A build without GPUs.

    use super::{Device, DeviceInfo, Opened, Result, not_built};

    pub(super) fn list() -> Vec<DeviceInfo> {
        Vec::new()
    }

    pub(super) fn best() -> Option<Device> {
        None
    }

    pub(super) fn open(device: Device) -> Result<Opened> {
        Err(not_built(device))
    }
}

#[cfg(feature = "cube")]
mod gpus {
    //! A build with GPUs: what CubeCL finds.

    use super::{Device, DeviceInfo, Error, Opened, Result, TensorDevice, feature, not_built};
    use burn_cubecl::CubeDevice;
    use cubecl::device::{WgpuBackend, WgpuDeviceKind};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::OnceLock;

    /// Arrays that the kernels bind at once.
    const BINDINGS: u32 = 16;

    /// What there is, in the order of preference, with whether it is a GPU indeed.
    fn found() -> &'static [(Device, CubeDevice, bool)] {
        static FOUND: OnceLock<Vec<(Device, CubeDevice, bool)>> = OnceLock::new();
        FOUND.get_or_init(|| {
            let (mut cuda, mut rocm) = (0, 0);
            let mut adapters = Vec::new();
            let mut all = Vec::new();
            for device in CubeDevice::enumerate_all() {
                match &device {
                    CubeDevice::Cuda(_) => {
                        all.push((Device::Cuda(cuda), device, true));
                        cuda += 1;
                    }
                    CubeDevice::Hip(_) => {
                        all.push((Device::Rocm(rocm), device, true));
                        rocm += 1;
                    }
                    CubeDevice::Wgpu(wgpu) => {
                        let rank = match wgpu.kind {
                            WgpuDeviceKind::DiscreteGpu(_) => 0,
                            WgpuDeviceKind::IntegratedGpu(_) => 1,
                            WgpuDeviceKind::VirtualGpu(_) => 2,
                            WgpuDeviceKind::Cpu => 4,
                            _ => 3,
                        };
                        // Through OpenGL, the last resort of wgpu, too few arrays can be bound.
                        let apis = [WgpuBackend::Vulkan, WgpuBackend::Metal, WgpuBackend::Dx12];
                        let reached = apis.iter().find_map(|api| device.clone().on(*api).ok());
                        adapters.extend(reached.map(|device| (rank, device)));
                    }
                    _ => {}
                }
            }
            adapters.sort_by_key(|(rank, _)| *rank);
            let numbered = adapters.into_iter().enumerate();
            all.extend(numbered.map(|(n, (rank, d))| (Device::Wgpu(n), d, rank < 3)));
            all
        })
    }

    pub(super) fn list() -> Vec<DeviceInfo> {
        let info = |(device, cube, gpu): &(Device, CubeDevice, bool)| DeviceInfo {
            device: *device,
            name: identify(cube).unwrap_or_else(|e| format!("not usable: {e}")),
            software: !gpu,
        };
        found().iter().map(info).collect()
    }

    pub(super) fn best() -> Option<Device> {
        let gpu = found().iter().find(|(_, _, gpu)| *gpu);
        gpu.map(|(device, _, _)| *device)
    }

    /// The name of a device. Opens it; a driver that fails then panics inside its library.
    fn identify(cube: &CubeDevice) -> std::result::Result<String, String> {
        let opened = catch_unwind(AssertUnwindSafe(|| {
            let client = cube.client();
            let properties = client.properties();
            (
                properties.identity.name.clone(),
                properties.hardware.max_bindings,
            )
        }));
        match opened {
            Ok((name, bindings)) if bindings >= BINDINGS => Ok(name),
            Ok((name, bindings)) => Err(format!(
                "{name} takes {bindings} arrays at once, and the kernels need {BINDINGS}"
            )),
            Err(panic) => Err(panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|s| s.to_string()))
                .unwrap_or_else(|| "its driver does not start".into())),
        }
    }

    pub(super) fn open(device: Device) -> Result<Opened> {
        let place = "simulation.device";
        if !feature(device).1 {
            return Err(not_built(device));
        }
        let Some((_, cube, _)) = found().iter().find(|(d, _, _)| *d == device) else {
            let alike = |d: &Device| std::mem::discriminant(d) == std::mem::discriminant(&device);
            let last = found().iter().map(|(d, _, _)| *d).rfind(alike);
            let there = match (last, device) {
                (Some(last), _) => format!("the last one here is {last}"),
                (None, Device::Cuda(_)) => "there is no NVIDIA GPU with a CUDA driver".into(),
                (None, Device::Rocm(_)) => "there is no AMD GPU with a ROCm driver".into(),
                _ => "there is no GPU with a Vulkan, Metal or DirectX 12 driver".into(),
            };
            return Err(Error::new(
                place,
                format!("{device} is asked for, and {there}"),
                "see devices(), or take Device::Cpu",
            ));
        };
        match identify(cube) {
            Ok(name) => Ok(Opened {
                tensors: TensorDevice::new(cube.clone()),
                name: format!("{name} ({device})"),
            }),
            Err(fact) => Err(Error::new(
                place,
                format!("{device} does not start: {fact}"),
                "see devices() for others, or take Device::Cpu",
            )),
        }
    }
}
