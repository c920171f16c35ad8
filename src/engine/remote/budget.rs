//! The memory of a client on a server.

use crate::memory;
use std::sync::{Arc, Mutex, PoisonError};

/// What one client may hold, and holds.
#[derive(Debug)]
pub(super) struct Budget {
    most: f64,
    /// Whether tensors lie in this machine's memory.
    host: bool,
    held: Mutex<f64>,
}

/// Bytes that are held until it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    budget: Arc<Budget>,
    bytes: f64,
}

impl Budget {
    pub(super) fn new(most: f64, host: bool) -> Arc<Self> {
        Arc::new(Self {
            most,
            host,
            held: Mutex::new(0.0),
        })
    }

    /// Takes so many bytes of the device, or says why they cannot be had.
    pub(super) fn take(self: &Arc<Self>, what: &str, bytes: f64) -> Result<Held, String> {
        match self.host {
            true => self.take_here(what, bytes),
            false => self.add(what, bytes),
        }
    }

    /// Takes so many bytes of this machine's memory.
    pub(super) fn take_here(self: &Arc<Self>, what: &str, bytes: f64) -> Result<Held, String> {
        memory::require("", what, bytes, "").map_err(|e| e.fact)?;
        self.add(what, bytes)
    }

    fn add(self: &Arc<Self>, what: &str, bytes: f64) -> Result<Held, String> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        // NaN is refused, too.
        if *held + bytes <= self.most {
            *held += bytes;
            return Ok(Held {
                budget: self.clone(),
                bytes,
            });
        }
        Err(format!(
            "{what} would take {} of memory; a client may hold {} and holds {}",
            memory::size(bytes),
            memory::size(self.most),
            memory::size(*held)
        ))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let held = &self.budget.held;
        *held.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_can_be_had_again() {
        let budget = Budget::new(1000.0, true);
        let first = budget.take("a tensor", 600.0).expect("room");
        let said = budget.take("a tensor", 600.0).expect_err("no room");
        assert!(said.contains("a client may hold"), "{said}");
        drop(first);
        let second = budget.take("a tensor", 1000.0).expect("room again");
        assert_eq!(second.bytes, 1000.0);
        assert!(budget.take("a tensor", f64::NAN).is_err());
        let said = budget.take("4 tensors", 1e15).expect_err("not free");
        assert!(said.contains("1.0 PB of memory"), "{said}");
    }
}
