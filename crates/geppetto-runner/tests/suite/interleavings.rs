//! Calls, posts, cancellations and a shutdown in every order that comes to mind: what is promised of each holds.

use crate::owner_with;
use futures_lite::future::{block_on, poll_once};
use geppetto_runner::{CallError, Limits};
use proptest::prelude::*;
use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

#[derive(Debug, Clone)]
enum Step {
    /// A call whose result is waited for at the end.
    Call,
    /// A call from the inside of another.
    Nested,
    Post,
    /// Gives up one of the calls that wait.
    Cancel(prop::sample::Index),
    /// Lets the owner do what is queued.
    Settle,
    /// Keeps the owner busy until it is let go: what follows is queued.
    Hold,
    Release,
    Shutdown,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Call),
        2 => Just(Step::Nested),
        4 => Just(Step::Post),
        3 => any::<prop::sample::Index>().prop_map(Step::Cancel),
        2 => Just(Step::Settle),
        2 => Just(Step::Hold),
        2 => Just(Step::Release),
        1 => Just(Step::Shutdown),
    ]
}

type Reply = Pin<Box<dyn Future<Output = Result<usize, CallError>> + Send>>;

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn each_is_run_once_in_its_order_or_told_why_it_was_not(steps in prop::collection::vec(step(), 1..40)) {
        let (owner, reports) = owner_with(Limits::default(), None);
        let ran = Arc::new(Mutex::new(Vec::new()));
        let job = |id: usize| {
            let ran = ran.clone();
            move || { ran.lock().unwrap().push(id); id }
        };
        let mut waiting: Vec<(usize, Reply)> = Vec::new();
        let (mut given_up, mut posted, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        let mut held: Option<mpsc::Sender<()>> = None;
        let mut is_shut = false;
        for (id, step) in steps.into_iter().enumerate() {
            match step {
                Step::Call | Step::Nested => {
                    let (owner, inner, job) = (owner.weak(), owner.weak(), job(id));
                    let nested = matches!(step, Step::Nested);
                    let mut reply: Reply = Box::pin(async move {
                        let work = move |_: rquickjs::Ctx<'_>| match nested {
                            true => block_on(inner.call("inner", move |_| job())),
                            false => Ok(job()),
                        };
                        owner.call("call", work).await.and_then(|done| done)
                    });
                    // Polled once, it is queued.
                    match block_on(poll_once(&mut reply)) {
                        Some(done) => waiting.push((id, Box::pin(std::future::ready(done)))),
                        None => waiting.push((id, reply)),
                    }
                }
                Step::Post => {
                    let job = job(id);
                    match owner.post("post", move |_| { job(); }) {
                        Ok(()) => posted.push(id),
                        Err(error) => { prop_assert_eq!(error, CallError::Closed); refused.push(id); }
                    }
                }
                Step::Cancel(which) if !waiting.is_empty() => {
                    let (id, reply) = waiting.remove(which.index(waiting.len()));
                    drop(reply);
                    given_up.push(id);
                }
                Step::Settle if held.is_none() => drop(owner.call_blocking("settle", |_| ())),
                Step::Hold if held.is_none() && !is_shut => held = Some(crate::keep_busy(&owner)),
                Step::Release => drop(held.take()),
                Step::Shutdown => {
                    drop(held.take());
                    is_shut = true;
                    block_on(owner.shutdown(Duration::from_secs(5)));
                }
                Step::Cancel(_) | Step::Settle | Step::Hold => {}
            }
        }
        drop(held);
        let mut done = Vec::new();
        for (id, reply) in waiting {
            match block_on(reply) {
                Ok(answer) => { prop_assert_eq!(answer, id); done.push(id); }
                Err(error) => { prop_assert_eq!(error, CallError::Closed); refused.push(id); }
            }
        }
        block_on(owner.shutdown(Duration::from_secs(5)));
        let ran = ran.lock().unwrap();
        prop_assert!(ran.is_sorted(), "in the order they came: {:?}", ran);
        prop_assert!(ran.windows(2).all(|two| two[0] != two[1]), "once each");
        prop_assert!(done.iter().all(|id| ran.contains(id)));
        prop_assert!(refused.iter().all(|id| !ran.contains(id)));
        // A post that was taken is run, or the error handler hears of it.
        let told = reports.lock().unwrap().iter().filter(|report| report.op == "post").count();
        prop_assert_eq!(posted.iter().filter(|id| !ran.contains(id)).count(), told);
        prop_assert!(ran.iter().all(|id| done.contains(id) || posted.contains(id) || given_up.contains(id)));
    }
}
