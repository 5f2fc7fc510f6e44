//! The queue before an owner: first in, first out, bounded, closed once. Generic over what waits in it.

#[cfg(shuttle)]
use shuttle::sync::{Mutex, MutexGuard};
use std::collections::VecDeque;
use std::sync::PoisonError;
#[cfg(not(shuttle))]
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

/// What can wait in the queue.
pub(crate) trait Item {
    /// The scope it belongs to: it may be taken out of turn while somebody waits for that scope.
    fn scope(&self) -> Option<u64>;
}

/// Why an item was not taken; it is given back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused<T> {
    Full(T),
    Closed(T),
}

/// Pushed to from any thread, popped by the owner's. A mutex, because items leave from the middle, too; no item's
/// code runs while it is held.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    capacity: usize,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<T>,
    closed: bool,
    /// Whoever waits for items: the owner's loop, and synchronous waits above it.
    wakers: Vec<Waker>,
}

impl<T: Item> Queue<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State { items: VecDeque::new(), closed: false, wakers: Vec::new() };
        Self { state: Mutex::new(state), capacity }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().items.len()
    }

    /// Puts an item at the end and wakes the owner.
    pub(crate) fn push(&self, item: T) -> Result<(), Refused<T>> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refused::Closed(item));
        }
        if state.items.len() >= self.capacity {
            return Err(Refused::Full(item));
        }
        state.items.push_back(item);
        wake(state);
        Ok(())
    }

    /// The same for an item that a full queue does not refuse: somebody waits for it already.
    pub(crate) fn push_always(&self, item: T) -> Result<(), Refused<T>> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refused::Closed(item));
        }
        state.items.push_back(item);
        wake(state);
        Ok(())
    }

    /// Wakes the owner without an item: there is something else to look at.
    pub(crate) fn notify(&self) {
        wake(self.lock());
    }

    /// The next item; `None` when the queue is closed.
    pub(crate) fn poll_pop(&self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = self.lock();
        if let Some(item) = state.items.pop_front() {
            return Poll::Ready(Some(item));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        register(&mut state.wakers, cx.waker());
        Poll::Pending
    }

    /// The first item of one of these scopes; without one, `cx` is woken at the next change.
    pub(crate) fn pop_scope(&self, scopes: &[u64], cx: &mut Context<'_>) -> Option<T> {
        let mut state = self.lock();
        let at =
            state.items.iter().position(|item| item.scope().is_some_and(|scope| scopes.contains(&scope)));
        if at.is_none() {
            register(&mut state.wakers, cx.waker());
        }
        state.items.remove(at?)
    }

    /// Whoever waited with this waker waits no more.
    pub(crate) fn forget(&self, waker: &Waker) {
        self.lock().wakers.retain(|known| !known.will_wake(waker));
    }

    /// Takes no more items, and gives back those that wait. Closing twice is fine.
    pub(crate) fn close(&self) -> Vec<T> {
        let mut state = self.lock();
        state.closed = true;
        let waiting = state.items.drain(..).collect();
        wake(state);
        waiting
    }
}

fn register(wakers: &mut Vec<Waker>, waker: &Waker) {
    if !wakers.iter().any(|known| known.will_wake(waker)) {
        wakers.push(waker.clone());
    }
}

fn wake<T>(mut state: MutexGuard<'_, State<T>>) {
    let wakers = std::mem::take(&mut state.wakers);
    drop(state);
    wakers.into_iter().for_each(Waker::wake);
}

/// Run by `cargo xtask shuttle`, which explores schedules and prints the seed of one that fails.
#[cfg(all(test, shuttle))]
mod schedules {
    use super::*;
    use shuttle::{check_random, future, thread};
    use std::future::poll_fn;
    use std::sync::Arc;

    const SCHEDULES: usize = 50_000;

    impl Item for u32 {
        fn scope(&self) -> Option<u64> {
            (*self % 10 == 7).then_some(7)
        }
    }

    #[test]
    fn every_item_is_popped_or_given_back_once_and_in_its_pushers_order_whenever_the_queue_closes() {
        check_random(
            || {
                let queue = Arc::new(Queue::new(4));
                let pushers: Vec<_> = (0..2u32)
                    .map(|pusher| {
                        let queue = queue.clone();
                        thread::spawn(move || {
                            let items = (0..3).map(|n| pusher * 10 + n);
                            items.filter(|item| queue.push(*item).is_ok()).collect::<Vec<_>>()
                        })
                    })
                    .collect();
                let popper = {
                    let queue = queue.clone();
                    thread::spawn(move || {
                        let mut popped = Vec::new();
                        while let Some(item) = future::block_on(poll_fn(|cx| queue.poll_pop(cx))) {
                            popped.push(item);
                        }
                        popped
                    })
                };
                let closer = {
                    let queue = queue.clone();
                    thread::spawn(move || queue.close())
                };
                let pushed: Vec<_> = pushers.into_iter().map(|pusher| pusher.join().unwrap()).collect();
                let left = closer.join().unwrap();
                let mut came = popper.join().unwrap();
                came.extend(left);
                for mine in &pushed {
                    let in_order: Vec<_> = came.iter().filter(|item| mine.contains(item)).copied().collect();
                    assert_eq!(&in_order, mine);
                }
                assert_eq!(came.len(), pushed.iter().map(Vec::len).sum::<usize>());
            },
            SCHEDULES,
        );
    }

    #[test]
    fn a_wait_for_a_scope_takes_what_belongs_to_it_and_leaves_the_rest() {
        check_random(
            || {
                let queue = Arc::new(Queue::new(8));
                let pusher = {
                    let queue = queue.clone();
                    thread::spawn(move || {
                        for item in [1, 7, 2] {
                            queue.push(item).unwrap();
                        }
                    })
                };
                let other = {
                    let queue = queue.clone();
                    thread::spawn(move || queue.notify())
                };
                let scoped = future::block_on(poll_fn(|cx| match queue.pop_scope(&[7], cx) {
                    Some(item) => Poll::Ready(item),
                    None => Poll::Pending,
                }));
                pusher.join().unwrap();
                other.join().unwrap();
                assert_eq!((scoped, queue.close()), (7, vec![1, 2]));
            },
            SCHEDULES,
        );
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;
    use futures_lite::future::block_on;
    use std::future::poll_fn;
    use std::sync::Arc;

    #[derive(Debug, PartialEq, Eq)]
    struct Numbered(u32, Option<u64>);

    impl Item for Numbered {
        fn scope(&self) -> Option<u64> {
            self.1
        }
    }

    fn pop(queue: &Queue<Numbered>) -> Option<u32> {
        block_on(poll_fn(|cx| queue.poll_pop(cx))).map(|item| item.0)
    }

    #[test]
    fn items_leave_in_the_order_they_came_and_those_of_a_scope_may_overtake() {
        let queue = Queue::new(8);
        for (number, scope) in [(1, None), (2, Some(7)), (3, Some(8)), (4, Some(7))] {
            queue.push(Numbered(number, scope)).unwrap();
        }
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(queue.pop_scope(&[7], &mut cx).map(|item| item.0), Some(2));
        assert_eq!(queue.pop_scope(&[7], &mut cx).map(|item| item.0), Some(4));
        assert_eq!(queue.pop_scope(&[7], &mut cx), None);
        assert_eq!((pop(&queue), pop(&queue)), (Some(1), Some(3)));
    }

    #[test]
    fn a_full_or_closed_queue_gives_the_item_back() {
        let queue = Queue::new(1);
        queue.push(Numbered(1, None)).unwrap();
        assert_eq!(queue.push(Numbered(2, None)), Err(Refused::Full(Numbered(2, None))));
        assert_eq!(queue.close(), [Numbered(1, None)]);
        assert_eq!(queue.push(Numbered(3, None)), Err(Refused::Closed(Numbered(3, None))));
        assert_eq!(pop(&queue), None);
        assert_eq!(queue.close(), []);
    }

    #[test]
    fn every_item_of_many_threads_is_popped_once_and_in_its_threads_order() {
        let queue = Arc::new(Queue::new(100_000));
        let popper = {
            let queue = queue.clone();
            std::thread::spawn(move || std::iter::from_fn(|| pop(&queue)).take(4000).collect::<Vec<_>>())
        };
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let queue = &queue;
                scope.spawn(move || {
                    for n in 0..1000 {
                        queue.push(Numbered(thread * 1000 + n, None)).unwrap();
                    }
                });
            }
        });
        let popped = popper.join().unwrap();
        for thread in 0..4 {
            let mine: Vec<_> = popped.iter().copied().filter(|n| n / 1000 == thread).collect();
            assert_eq!(mine, (thread * 1000..(thread + 1) * 1000).collect::<Vec<_>>());
        }
    }
}
