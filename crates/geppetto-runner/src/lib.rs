//! The runtime owner: one QuickJS VM on one thread, called safely from anywhere.
//!
//! A VM may be touched by one thread only. An [`Owner`] starts that thread and is the only way to it: jobs are
//! functions that run there with a [`Ctx`](rquickjs::Ctx), and everything that goes in or comes out is owned and
//! `Send`. The thread is also a local executor, so that futures which call scripts are polled where the script
//! lives; a synchronous wait polls one future in place ([`Local::block_on`]) and cannot deadlock on its own queue.
//!
//! ```
//! use geppetto_runner::{Owner, OwnerOptions};
//!
//! let owner = Owner::spawn(OwnerOptions::default(), |_, _| Ok(())).unwrap();
//! let sum = owner.call_blocking("add", |ctx| ctx.eval::<i32, _>("1 + 2")).unwrap().unwrap();
//! assert_eq!(sum, 3);
//! ```
//!
//! The crate knows nothing of agents: any program that embeds QuickJS can use it.

mod budget;
mod collect;
mod condemn;
mod current;
mod error;
mod frames;
mod handle;
mod hardening;
mod io;
mod job;
mod js_error;
mod limits;
mod local;
mod memory;
mod microtasks;
mod owner;
mod queue;
mod rejections;
mod running;
mod serving;
mod shared;
mod stats;
mod table;
mod tasks;
mod turns;
mod wait;
mod watchdog;

pub use condemn::{LeftBehind, left_behind};
pub use error::{CallError, ErrorReport, SpawnError, WaitError};
pub use frames::{Frame, Stop};
pub use handle::{HeldFrame, OwnerRef};
pub use io::io_handle;
pub use js_error::JsError;
pub use limits::Limits;
pub use local::Local;
pub use memory::MemoryAccount;
pub use owner::{ErrorHandler, Owner, OwnerOptions};
pub use stats::{OpStats, Spread, Stats};
pub use table::JsRef;
pub use wait::block_on;
