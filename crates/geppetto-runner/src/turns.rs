//! Whether a thread had its turn on a processor: on a busy machine it may wait for that longer than it may go on once it
//! was interrupted.

use crate::shared::Shared;

/// What the system tells of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turns {
    /// It has a processor, or waits for one.
    is_runnable: bool,
    /// For how many nanoseconds it had one.
    computed: u64,
}

impl Turns {
    /// Whether it wanted a processor from one look to the next, and had none.
    pub(crate) fn had_none(before: Option<Self>, now: Option<Self>) -> bool {
        let (Some(before), Some(now)) = (before, now) else { return false };
        now.is_runnable && now.computed == before.computed
    }

    /// Reads `stat` and `schedstat` of a thread in `/proc`.
    #[cfg(any(target_os = "linux", test))]
    fn read(stat: &str, schedstat: &str) -> Option<Self> {
        // The thread's name stands before it in parentheses, and may hold some.
        let (_, state) = stat.rsplit_once(") ")?;
        // Some systems do not count, and tell that as nothing.
        let computed = schedstat.split_whitespace().next()?.parse().ok().filter(|computed| *computed > 0)?;
        Some(Self { is_runnable: state.starts_with('R'), computed })
    }
}

impl Shared {
    /// What the system tells of the owner's thread, where it does.
    #[cfg(target_os = "linux")]
    pub(crate) fn turns(&self) -> Option<Turns> {
        let folder = format!("/proc/self/task/{}", self.system_thread.get()?.as_raw_nonzero());
        let read = |file: &str| std::fs::read_to_string(format!("{folder}/{file}")).ok();
        Turns::read(&read("stat")?, &read("schedstat")?)
    }

    #[cfg(not(target_os = "linux"))]
    #[allow(clippy::unused_self, reason = "other systems are not asked")]
    pub(crate) fn turns(&self) -> Option<Turns> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_waits_for_a_processor_is_told_from_one_that_computes_and_one_that_sleeps() {
        let turns = |state: &str, computed: u64| {
            Turns::read(&format!("7 (geppetto-vm (a) b) {state} 1 7"), &format!("{computed} 5 3\n"))
        };
        assert!(Turns::had_none(turns("R", 5), turns("R", 5)), "waits");
        assert!(!Turns::had_none(turns("R", 5), turns("R", 6)), "computes");
        assert!(!Turns::had_none(turns("S", 5), turns("S", 5)), "sleeps");
        assert!(!Turns::had_none(None, turns("R", 5)) && turns("R", 5).is_some(), "is not known");
    }
}
