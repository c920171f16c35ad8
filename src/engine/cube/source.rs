//! The CUDA C++ of the kernels, written without a GPU: CubeCL's translation of each kernel that small runs launch.

use crate::error::{Error, Result};
use cubecl::Compiler;
use cubecl::prelude::CubeKernel;
use cubecl_cpp::shared::{CompilationOptions, CppCompiler};
use cubecl_cpp::target::Cuda;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// A kernel in CUDA C++.
#[derive(Clone, Debug)]
pub struct CudaSource {
    /// The kernel's name, with a number where it has several variants.
    pub name: String,
    /// Name of the function to launch.
    pub entry: String,
    /// Shared memory of a cube, bytes.
    pub shared: usize,
    /// The source, for NVRTC.
    pub source: String,
}

thread_local! {
    static RECORDED: RefCell<Option<Vec<Box<dyn CubeKernel>>>> = const { RefCell::new(None) };
}

/// Records a launched kernel, while `cuda_sources` runs.
pub(super) fn record(kernel: impl FnOnce() -> Box<dyn CubeKernel>) {
    RECORDED.with_borrow_mut(|all| {
        if let Some(all) = all {
            all.push(kernel());
        }
    });
}

/// The kernels that `work` launches, each variant once.
pub fn cuda_sources(work: impl FnOnce() -> Result<()>) -> Result<Vec<CudaSource>> {
    RECORDED.set(Some(Vec::new()));
    let done = work();
    let recorded = RECORDED.take().unwrap_or_default();
    done?;
    let mut variants = BTreeMap::<String, Vec<CudaSource>>::new();
    let mut seen = std::collections::HashSet::new();
    for kernel in recorded {
        if !seen.insert(kernel.id()) {
            continue;
        }
        let definition = kernel.define();
        let entry = definition.settings.kernel_name.clone();
        let options = CompilationOptions::default();
        let compiled = CppCompiler::<Cuda>::default().compile(definition, &options);
        let compiled = compiled.map_err(|e| Error::new(entry.clone(), format!("{e:?}"), ""))?;
        let name = kernel
            .name()
            .rsplit("::")
            .next()
            .unwrap_or_default()
            .to_string();
        variants.entry(name.clone()).or_default().push(CudaSource {
            name,
            entry,
            shared: compiled.shared_memory_size,
            source: compiled.to_string(),
        });
    }
    let number = |mut same: Vec<CudaSource>| {
        if same.len() > 1 {
            for (k, s) in same.iter_mut().enumerate() {
                s.name = format!("{}_{}", s.name, k + 1);
            }
        }
        same
    };
    Ok(variants.into_values().flat_map(number).collect())
}
