#!/usr/bin/env python3
"""Compiles the CUDA C++ of the kernels with NVRTC, without a GPU, and reports registers and spills.

    cargo run --release --features cuda-source --example cuda_source -- DIR
    python3 -m venv venv
    venv/bin/pip install nvidia-cuda-nvrtc-cu12 nvidia-cuda-runtime-cu12
    venv/bin/python .ci/nvrtc.py DIR [sm_80 sm_90 sm_120 ...]

One row a kernel, the most of all its variants; a non-zero exit where one does not compile.
"""

import ctypes
import importlib.util
import json
import pathlib
import re
import sys


def wheel(name):
    found = importlib.util.find_spec(f"nvidia.{name}")
    if found is None:
        sys.exit(f"nvidia.{name} is not installed; see the first lines of {__file__}")
    return pathlib.Path(list(found.submodule_search_locations)[0])


class Nvrtc:
    def __init__(self):
        # Its built-in functions are in a second library, which it looks for by name.
        folder = wheel("cuda_nvrtc") / "lib"
        for library in sorted(folder.glob("libnvrtc-builtins.so.*")):
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
        self.library = ctypes.CDLL(str(next(folder.glob("libnvrtc.so.*"))))
        self.include = wheel("cuda_runtime") / "include"

    def compile(self, source, architecture):
        """The log of a compilation to machine code, and its size in bytes or None."""
        program = ctypes.c_void_p()
        text = ctypes.c_char_p(source.encode())
        self.library.nvrtcCreateProgram(ctypes.byref(program), text, b"kernel.cu", 0, None, None)
        options = [
            f"--gpu-architecture={architecture}",
            f"--include-path={self.include}",
            "--ptxas-options=-v",
        ]
        array = (ctypes.c_char_p * len(options))(*[o.encode() for o in options])
        failed = self.library.nvrtcCompileProgram(program, len(options), array)
        size = ctypes.c_size_t()
        self.library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
        log = ctypes.create_string_buffer(size.value)
        self.library.nvrtcGetProgramLog(program, log)
        if not failed:
            self.library.nvrtcGetCUBINSize(program, ctypes.byref(size))
        self.library.nvrtcDestroyProgram(ctypes.byref(program))
        return log.value.decode(errors="replace"), None if failed else size.value


def number(pattern, log):
    found = re.search(pattern, log)
    return int(found.group(1)) if found else 0


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    architectures = sys.argv[2:] or ["sm_80", "sm_90", "sm_120"]
    nvrtc = Nvrtc()
    kernels = json.loads((folder / "kernels.json").read_text())
    good = bool(kernels)
    rows = {}
    for kernel in kernels:
        source = (folder / kernel["file"]).read_text()
        row = rows.setdefault(re.sub(r"_\d+$", "", kernel["name"]), [0, {}])
        row[0] += 1
        for architecture in architectures:
            log, size = nvrtc.compile(source, architecture)
            if size is None:
                print(f"{kernel['name']} for {architecture}:\n{log}", file=sys.stderr)
                good = False
                continue
            found = (
                number(r"Used (\d+) registers", log),
                number(r"(\d+) bytes spill stores", log),
                # Shared memory is asked for at launch, so the source tells it and not the log.
                number(r"(\d+) bytes smem", log) or kernel["shared"],
            )
            good &= found[0] > 0
            worst = row[1].get(architecture, (0, 0, 0))
            row[1][architecture] = tuple(map(max, worst, found))
    print("| kernel | variants | " + " | ".join(architectures) + " |")
    print("|---|---|" + "---|" * len(architectures))
    for name, (variants, found) in rows.items():
        cells = [
            "{} registers, {} B spilled, {} B shared".format(*found[a]) if a in found else "does not compile"
            for a in architectures
        ]
        print(f"| {name} | {variants} | " + " | ".join(cells) + " |")
    sys.exit(0 if good else 1)


main()
