//! Local tasks: futures that are polled on an owner's thread, between its jobs.

use crate::error::CallError;
use crate::local::{Local, Vm, panic_message};
use crate::memory::MemoryAccount;
use crate::stats::Counters;
use futures_lite::FutureExt;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::rc::{Rc, Weak};

impl Local {
    /// Starts a future on the owner's thread. It is polled between jobs, and dropped when the owner shuts down.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.start(Box::pin(task), None);
    }

    /// The same for a task that ends by itself when the owner shuts down: it is given the shutdown's grace.
    pub fn spawn_to_end(&self, task: impl Future<Output = ()> + 'static) {
        self.start(Box::pin(task), Some(CountedTask::new(self.vm())));
    }

    /// The task comes in a box: each future around another would have room for it twice.
    fn start(&self, task: Pin<Box<dyn Future<Output = ()>>>, counted: Option<CountedTask>) {
        let memory = MemoryAccount(self.vm().shared.budget.memory.clone());
        let kept = KeptTask::new(memory, TASK_SIZE + size_of_val(&*task));
        let task = async move {
            let _held = (counted, kept);
            let guarded = AssertUnwindSafe(task).catch_unwind().await;
            if let (Err(panic), Some(local)) = (guarded, Self::current()) {
                let message = panic_message(&*panic).to_owned();
                Counters::count(&local.vm().shared.counters.panicked);
                local.vm().shared.report("task", CallError::Panicked { op: "task", message });
            }
        };
        if let Some(executor) = &*self.vm().executor.borrow() {
            executor.spawn(task).detach();
        }
    }
}

/// About as many bytes as a task takes beside its future.
const TASK_SIZE: usize = 256;

/// Counts the memory of a task until it is dropped.
struct KeptTask(MemoryAccount, usize);

impl KeptTask {
    fn new(memory: MemoryAccount, bytes: usize) -> Self {
        memory.add(bytes);
        Self(memory, bytes)
    }
}

impl Drop for KeptTask {
    fn drop(&mut self) {
        self.0.remove(self.1);
    }
}

/// Counts a task that ends by itself, until it is dropped.
struct CountedTask {
    vm: Weak<Vm>,
}

impl CountedTask {
    fn new(vm: &Rc<Vm>) -> Self {
        vm.tasks.set(vm.tasks.get() + 1);
        Self { vm: Rc::downgrade(vm) }
    }
}

impl Drop for CountedTask {
    fn drop(&mut self) {
        if let Some(vm) = self.vm.upgrade() {
            vm.tasks.set(vm.tasks.get() - 1);
            if let Some(waker) = vm.tasks_waker.borrow_mut().take() {
                waker.wake();
            }
        }
    }
}
