//! Memory that goes back to the system when connections have become quiet, or have ended.
//!
//! The allocator gives back what has been free for a second, but looks after that only when it has a larger piece of
//! memory to get or to free. After a burst of connections there may be nothing of the kind for hours.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

/// The time for which memory must have been free, and some more.
const FREE: Duration = Duration::from_secs(2);

/// Larger than what the allocator keeps ready, in bytes. It is never touched.
const LARGE: usize = 4 << 20;

thread_local! {
    static FREED: Arc<Notify> = Arc::default();
}

/// Notes that a connection of this thread needs less memory than before.
pub(super) fn freed() {
    FREED.with(|freed| freed.notify_one());
}

/// Has the allocator look after what this thread's connections have freed, for as long as the thread lives.
pub(crate) async fn look_after() {
    let freed = FREED.with(Arc::clone);
    loop {
        freed.notified().await;
        sleep(FREE).await;
        drop(black_box(Vec::<u8>::with_capacity(LARGE)));
    }
}
