//! Work on many things at once: on as many threads as there are cores, with the results in order.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder};

/// How many things a thread takes at a time: enough that asking for them costs nothing, few enough that all threads
/// end at about the same time.
const BATCH: usize = 16;

/// Does the work on each thing. The results stand in the order of the things, however many threads there were.
///
/// Threads that the system does not grant are done without.
pub(crate) fn map<T: Sync, R: Send>(things: &[T], work: impl Fn(usize, &T) -> R + Sync) -> Vec<R> {
    let batches: Vec<&[T]> = things.chunks(BATCH).collect();
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done: Vec<(usize, Vec<R>)> = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(batch) = batches.get(number) else {
                return done;
            };
            let first = number * BATCH;
            let results = batch.iter().enumerate().map(|(at, thing)| work(first + at, thing));
            done.push((number, results.collect()));
        }
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(batches.len());
    let mut done = thread::scope(|scope| {
        let helpers = (1..threads).map(|_| Builder::new().spawn_scoped(scope, run));
        let helpers: Vec<_> = helpers.filter_map(Result::ok).collect();
        let mut done = run();
        for helper in helpers {
            done.extend(helper.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().flat_map(|(_, results)| results).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_things() {
        for count in [0, 1, BATCH, BATCH + 1, 1000] {
            let things: Vec<usize> = (0..count).map(|thing| thing * 3).collect();
            let done = map(&things, |at, thing| (at, *thing));
            assert_eq!(done, things.iter().copied().enumerate().collect::<Vec<_>>());
        }
    }
}
