//! `lws-echo`: every message comes back as it came, text as text and binary as binary, in order.
//!
//! A client that sends without reading is read from no further once its queues are full. No options.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{Instance, Opening, Options, Protocol, Session, StartError, VhostContext};

/// The protocol.
pub(super) struct Echo;

struct Echoing;

impl Protocol for Echo {
    fn name(&self) -> &str {
        "lws-echo"
    }

    fn start(&self, _: VhostContext, _: Options) -> Result<Arc<dyn Instance>, StartError> {
        Ok(Arc::new(Echoing))
    }

    fn permessage_deflate(&self) -> bool {
        true
    }
}

impl Instance for Echoing {
    fn session(self: Arc<Self>, opening: Opening, mut session: Session) -> BoxFuture<'static, ()> {
        drop(opening);
        Box::pin(async move {
            while let Some(message) = session.next().await {
                if session.send(message).await.is_err() {
                    return;
                }
            }
        })
    }
}
