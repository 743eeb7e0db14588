//! `lws-server-status`: tells of the server as a whole, in one JSON text every `update-ms`.
//!
//! The text has the shape that pages made for lwsws read: see [`report`] for its fields. A member is told at once when
//! it comes, and then each period. The text is made once in a period, however many members there are; while there are
//! none nothing is made. Messages received are ignored.
//!
//! | option | what it says | without it |
//! |---|---|---|
//! | `update-ms` | the period, in milliseconds, rounded to whole seconds, at least one | 5000 |
//! | `hide-vhosts` | not 0: the list of vhosts is empty | 0 |
//! | `filepath`, `filespath` | a file of which the first 255 bytes are shown; may be given several times | none |
//!
//! Whoever may open it sees host names and paths of the machine: give it `basic-auth`.
//!
//! Differs from lwsws: options count in any order, and no short message comes first. What is not counted yet is 0.

mod report;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use super::{Instance, Opening, OptionValue, Options, Protocol, Session, StartError, Text, VhostContext};
use crate::counts::Served;
use report::Source;

/// The period where `update-ms` does not say.
const USUAL: u32 = 5000;

/// The protocol.
pub(super) struct ServerStatus;

/// What all members are told.
struct Telling {
    source: Source,
    period: Duration,
    latest: Mutex<Option<(Instant, Text)>>,
}

impl Protocol for ServerStatus {
    fn name(&self) -> &str {
        "lws-server-status"
    }

    fn start(&self, context: VhostContext, options: Options) -> Result<Arc<dyn Instance>, StartError> {
        let served: Arc<Served> =
            context.served.ok_or_else(|| StartError::new("there is no server to tell of"))?;
        let seconds = options.number("update-ms")?.unwrap_or(USUAL).saturating_add(500) / 1000;
        let hidden = options.number::<u32>("hide-vhosts")?.unwrap_or(0) != 0;
        let files = options.iter().filter(|(name, _)| matches!(*name, "filepath" | "filespath"));
        let files = files.map(|(name, value)| match value {
            OptionValue::Text(path) => Ok(path.clone()),
            OptionValue::Json(json) => {
                Err(StartError::new(format!("option `{name}` must be the path of a file, not `{json}`")))
            }
        });
        let files = files.collect::<Result<_, _>>()?;
        Ok(Arc::new(Telling {
            source: Source::new(served, hidden, files),
            period: Duration::from_secs(seconds.max(1).into()),
            latest: Mutex::new(None),
        }))
    }

    fn permessage_deflate(&self) -> bool {
        true
    }
}

impl Instance for Telling {
    fn session(self: Arc<Self>, opening: Opening, mut session: Session) -> BoxFuture<'static, ()> {
        drop(opening);
        Box::pin(async move {
            let sender = session.sender();
            loop {
                let (made, text) = self.latest().await;
                if sender.send(text).await.is_err() {
                    return;
                }
                let due = async {
                    sleep_until(made + self.period).await;
                    // One that reads slowly is told less often.
                    sender.eased().await;
                };
                tokio::pin!(due);
                loop {
                    tokio::select! {
                        message = session.next() => if message.is_none() { return },
                        () = &mut due => break,
                    }
                }
            }
        })
    }
}

impl Telling {
    /// The text of this period, and when it was made.
    async fn latest(&self) -> (Instant, Text) {
        let mut latest = self.latest.lock().await;
        let now = Instant::now();
        if let Some((made, text)) = &*latest
            && now < *made + self.period
        {
            return (*made, text.clone());
        }
        let source = self.source.clone();
        // It reads files.
        let made = tokio::task::spawn_blocking(move || source.report()).await;
        let text = Text::from(made.unwrap_or_else(|_| "{}".to_owned()));
        *latest = Some((now, text.clone()));
        (now, text)
    }
}
