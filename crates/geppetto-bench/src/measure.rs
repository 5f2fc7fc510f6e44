//! One row: samples, their median, and what is to be reached.

use crate::pace::{pace, undisturbed};
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often each row is measured at least…
pub(crate) const SAMPLES: usize = 7;
/// … for how long at least, because what slows a machine comes in bursts…
const SPAN: Duration = Duration::from_secs(3);
/// … and at most, when the machine is never quiet.
const LONGEST: Duration = Duration::from_secs(20);

/// Set where instructions are counted: one sample of what is ours, without a warm-up.
pub(crate) static ONCE: AtomicBool = AtomicBool::new(false);

/// Whether instructions are counted.
pub(crate) fn once() -> bool {
    ONCE.load(Ordering::Relaxed)
}

/// What is to be reached.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// For comparison only.
    None,
}

/// A measured row.
pub(crate) struct Row {
    name: String,
    unit: &'static str,
    samples: Vec<f64>,
    target: Target,
    /// How many operations one sample stands for.
    n: usize,
}

impl Row {
    pub(crate) const HEAD: &'static str = "row  what                                                          median      min      max  unit   target";

    pub(crate) fn new(
        name: impl Into<String>,
        unit: &'static str,
        target: Target,
        n: usize,
        mut samples: Vec<f64>,
    ) -> Self {
        samples.sort_by(f64::total_cmp);
        Self { name: name.into(), unit, samples, target, n }
    }

    pub(crate) fn median(&self) -> f64 {
        self.samples.get(self.samples.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn ends(&self) -> (f64, f64) {
        let end = |sample: Option<&f64>| sample.copied().unwrap_or(f64::NAN);
        (end(self.samples.first()), end(self.samples.last()))
    }

    fn is_reached(&self) -> Option<bool> {
        match self.target {
            Target::AtMost(most) => Some(self.median() <= most),
            Target::AtLeast(least) => Some(self.median() >= least),
            Target::None => None,
        }
    }

    pub(crate) fn line(&self, number: u32) -> String {
        let target = match (self.target, self.is_reached()) {
            (Target::AtMost(most), Some(reached)) => {
                format!("≤ {} {}", short(most), if reached { "✓" } else { "✗" })
            }
            (Target::AtLeast(least), Some(reached)) => {
                format!("≥ {} {}", short(least), if reached { "✓" } else { "✗" })
            }
            _ => String::new(),
        };
        let (min, max) = self.ends();
        let (median, min, max) = (short(self.median()), short(min), short(max));
        format!("{number:>3}  {:<58} {median:>9} {min:>8} {max:>8}  {:<5}  {target}", self.name, self.unit)
    }

    pub(crate) fn json(&self, number: u32) -> String {
        let (min, max) = self.ends();
        let (sign, target) = match self.target {
            Target::AtMost(most) => (Some("<="), Some(most)),
            Target::AtLeast(least) => (Some(">="), Some(least)),
            Target::None => (None, None),
        };
        json!({
            "row": number, "name": self.name, "unit": self.unit, "median": self.median(), "min": min, "max": max,
            "n": self.n, "samples": self.samples.len(), "sign": sign, "target": target, "reached": self.is_reached(),
        })
        .to_string()
    }
}

/// Three digits that count.
fn short(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

/// Samples, after one to warm up: those that nothing else on the machine disturbed.
pub(crate) fn samples(mut sample: impl FnMut() -> f64) -> Vec<f64> {
    if once() {
        return vec![sample()];
    }
    sample();
    let began = Instant::now();
    let (mut taken, mut before) = (Vec::new(), pace());
    loop {
        let value = sample();
        let after = pace();
        taken.push((value, before.max(after)));
        before = after;
        let (quiet, elapsed) = (undisturbed(&taken), began.elapsed());
        if quiet.len() >= SAMPLES && elapsed >= SPAN {
            return quiet;
        }
        if taken.len() >= SAMPLES && elapsed >= LONGEST {
            // As they came: too few tell nothing.
            return taken.into_iter().map(|(value, _)| value).collect();
        }
    }
}

/// Samples of the microseconds for each of `n` operations that `work` does.
pub(crate) fn microseconds(n: usize, mut work: impl FnMut()) -> Vec<f64> {
    samples(|| {
        let began = Instant::now();
        work();
        per(began.elapsed(), n)
    })
}

/// Microseconds for each of `n`.
#[allow(clippy::cast_precision_loss, reason = "no count reaches 2^53")]
pub(crate) fn per(elapsed: Duration, n: usize) -> f64 {
    elapsed.as_secs_f64() * 1e6 / n as f64
}

/// Operations a second, from microseconds for each.
pub(crate) fn rates(microseconds: &[f64]) -> Vec<f64> {
    microseconds.iter().map(|each| 1e6 / each).collect()
}
