//! Faults of other libraries: what happens, how to see it, what is done about it here, and what must change there.
//!
//! `tests/upstream.rs` reproduces those of polars and calamine with the versions of `Cargo.lock`, each without our guard and
//! in a process of its own; it fails where one is mended, so that the guard can go. The others were measured as is said
//! with each. No guard here trusts a library to be mended.
//!
//! # polars 0.55.2: room for what a Parquet file says
//!
//! A run of equal values states its length. `ParquetReader` makes room for so many values before it looks whether the
//! page has them, and the allocation that fails ends the process: nothing can be caught.
//!
//! * Seen: `ParquetReader::new(Cursor::new(bytes)).finish()` of `tests/faults/allocates.parquet`, 2.8 kB, in which one
//!   count was changed: "memory allocation of 2305… bytes failed", SIGABRT.
//! * Here: `frame::pages` holds counts, runs and headers of differences against the page and the footer, and the footer
//!   against the free memory, before polars reads; a file of ours is held against its checksum.
//! * There: to bound what is reserved for a run by the values that the page has left.
//!
//! # polars 0.55.2: panics at damaged Parquet files
//!
//! * Seen: of the files that come from one of 100 rows by changing one bit, some panic in place of an error.
//! * Here: `frame::disk` reads inside `catch_unwind`, and says that the file is damaged.
//! * There: errors in place of `unwrap`, `expect`, slices and casts in `polars-parquet`'s decoders.
//!
//! # polars 0.55.2: room for what an Arrow file says
//!
//! Messages and buffers state their lengths. `IpcReader` makes room for them before it looks whether the file has so much.
//!
//! * Seen: an Arrow file of 100 rows and 3 kB in which one length of four bytes is made `i32::MAX`: 2 GB are taken, and where
//!   there are not so many the process ends.
//! * Here: `frame::blocks` holds the lengths against the file, what they unpack to against the free memory.
//! * There: to read through `Read::take`, or to compare with the body's length, before anything is reserved.
//!
//! # calamine 0.36.1: a table that is not closed is read for ever
//!
//! The loops over the rows of a table, the cells of a row, a cell's annotation and named expressions in `ods.rs` have no
//! arm for `Event::Eof`, which the XML reader returns again and again at the end of the file.
//!
//! * Seen: `Ods::new` of `tests/cases/workbooks/table_not_closed.ods`, 0.6 kB: one processor is busy for good, and no flag is
//!   looked at on which it could stop.
//! * Here: `workbook::guard` refuses parts of an archive whose tags are not balanced, and counts what repeated cells and
//!   rows unfold to; calamine is called inside `catch_unwind`.
//! * There: `Ok(Event::Eof) => return Err(OdsError::Eof(…))` in these loops, as `get_datatype` has it.
//!
//! # burn-remote 0.22.1: a gigabyte before a token
//!
//! `recv_frame` (`transport/iroh/node.rs`) reads a length of eight bytes, reserves so much up to `MAX_FRAME_SIZE`, one
//! GiB, and waits for it without a limit of time. The first frame of a stream is the greeting: nobody has been asked for
//! a token yet.
//!
//! * Seen: eight connections that send `1_u64 << 30` as eight bytes and then 200 MB each: 1.66 GB in the server, for as
//!   long as they stay open. They need the server's id, the first half of a token. 2,000 streams of two bytes were still
//!   open after 45 seconds.
//! * Here: `serve` is a server of our own that speaks its protocol: frames before the token are of 64 and 1,024 bytes, and
//!   have ten seconds.
//! * There: a bound of some kilobytes and a time for the first frame, and frames that grow as they arrive.
//!
//! # burn-remote 0.22.1: a request that ends the server
//!
//! Who has the token can have any tensor operation run; the interpreter knows no list of those that are served.
//!
//! * Seen: `Tensor::<1>::zeros([1 << 40], &device)` from a client: the server aborts, for all its clients, and the client
//!   hears of it after 35 seconds.
//! * Here: our server counts every result before it is made, and holds it against the client's limit and free memory; it
//!   refuses operations that the library does not send, and goes on.
//! * There: an allocation that fails must be an error of its request; a server must be able to say which operations
//!   it serves, and how much memory a client may hold.
//!
//! # burn-autodiff 0.22.1: nodes that outlive their tensors
//!
//! * Seen: each `Objective` that kept tensors on the device with autodiff left 32 to 158 kB behind when it was dropped without
//!   a gradient. `cargo run --release --example faults -- --part leak` measures what is left.
//! * Here: the processor computes without tensors; on devices only runs whose gradient is taken have autodiff.
//! * There: the graph must let go of leaves whose tensors are gone without a backward pass.
//!
//! # evcxr 0.22.0: what cells print is taken for orders
//!
//! The engine reads the cells' standard output line by line. A line `EVCXR_BEGIN_CONTENT text/html` begins a display,
//! `EVCXR_EXECUTION_COMPLETE` ends the cell, `EVCXR_VARIABLE_CHANGED_TYPE:x` drops a variable: also where they come from data.
//!
//! * Seen: `println!("EVCXR_EXECUTION_COMPLETE");` in a cell: each later result stands under the next cell.
//!   `print!("50 %"); std::io::stdout().flush()` at the end of a cell: the mark no longer stands alone in its line, and the
//!   cell never ends.
//! * Here: `bullwhip-kernel` has its own channel for displays, results and ends of cells. Under evcxr's own kernel what
//!   we display has its words broken by a character that is not seen.
//! * There: a pipe or socket of its own for what the runtime says.
//!
//! # wgpu through cubecl 0.11.3: adapters that cannot be used
//!
//! OpenGL, wgpu's last resort, lets a kernel bind fewer arrays than ours need, and a driver that does not start panics.
//!
//! * Seen: `cube.client()` of an adapter without a driver that works, on a machine without a GPU.
//! * Here: adapters are reached through Vulkan, Metal and DirectX 12 only, are opened inside `catch_unwind`, and `devices()`
//!   says which are not usable and why.
//! * There: a constructor that returns an error.
