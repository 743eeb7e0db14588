//! What protocols may do, and what it costs whom.

use std::sync::Mutex;
use std::time::Duration;

use futures_util::SinkExt;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::*;
use crate::protocol::{CloseCode, Message, Sessions, TrySendError};

async fn echo(mut session: Session) {
    while let Some(message) = session.next().await {
        if session.send(message).await.is_err() {
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_costs_its_session_only() {
    let site = Site::doing(|mut session| async move {
        while let Some(message) = session.next().await {
            assert_ne!(message, Message::from("panic"), "as asked");
            let _ = session.send(message).await;
        }
    });
    let mut calm = site.open("/", "doing").await;
    let mut nervous = site.open("/", "doing").await;
    nervous.send(Wire::text("panic")).await.unwrap();
    assert_eq!(closed(&mut nervous).await, (1011, "internal error".to_owned()));
    calm.send(Wire::text("still here")).await.unwrap();
    assert_eq!(next(&mut calm).await, Wire::text("still here"));
    // One that panics before it has a future.
    let site = Site::doing(|_| -> std::future::Ready<()> { panic!("at once") });
    let mut client = site.open("/", "doing").await;
    assert_eq!(closed(&mut client).await, (1011, "internal error".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn much_in_one_go_comes_back_in_order() {
    let site = Site::doing(echo);
    let (mut speak, mut hear) = site.open("/", "doing").await.split();
    let message = |n: usize| Wire::binary(n.to_le_bytes().repeat(n % 700));
    let speaking = async {
        for n in 0..5000 {
            speak.feed(message(n)).await.unwrap();
        }
        speak.flush().await.unwrap();
    };
    let hearing = async {
        for n in 0..5000 {
            assert_eq!(hear.next().await.unwrap().unwrap(), message(n), "{n}");
        }
    };
    tokio::join!(speaking, hearing);
}

#[tokio::test(start_paused = true)]
async fn a_session_may_live_in_another_task() {
    let site = Site::doing(|session| async move { tokio::spawn(echo(session)).await.unwrap() });
    let mut client = site.open("/", "doing").await;
    for n in 0..100 {
        client.send(Wire::text(n.to_string())).await.unwrap();
        assert_eq!(next(&mut client).await, Wire::text(n.to_string()));
    }
    client.close(None).await.unwrap();
    while client.next().await.is_some() {}
}

#[tokio::test(start_paused = true)]
async fn a_sender_works_from_elsewhere_and_learns_of_the_end() {
    let (give, mut senders) = mpsc::channel(1);
    let site = Site::doing(move |mut session| {
        let give = give.clone();
        async move {
            give.send(session.sender()).await.unwrap();
            while session.next().await.is_some() {}
        }
    });
    let mut client = site.open("/", "doing").await;
    let sender = senders.recv().await.unwrap();
    sender.try_send("from elsewhere").unwrap();
    assert_eq!(next(&mut client).await, Wire::text("from elsewhere"));
    sender.close(CloseCode::new(4001).unwrap(), &"é".repeat(100));
    // Cut to what a frame holds, between characters.
    assert_eq!(closed(&mut client).await, (4001, "é".repeat(61)));
    assert_eq!(sender.try_send("too late"), Err(TrySendError::Closed));
    assert!(sender.send("too late").await.is_err());
}

/// Tells what it is told to all sessions, its own and those of the protocol `other`.
struct Telling(&'static str);

struct Told(Sessions, Option<Sessions>);

impl Protocol for Telling {
    fn name(&self) -> &str {
        self.0
    }

    fn start(&self, context: VhostContext, _: Options) -> Result<Arc<dyn Instance>, StartError> {
        Ok(Arc::new(Told(context.sessions(), context.sessions_of("other"))))
    }
}

impl Instance for Told {
    fn session(self: Arc<Self>, _: Opening, mut session: Session) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            while let Some(message) = session.next().await {
                let own = self.0.broadcast(message.clone());
                let others = self.1.as_ref().map_or(0, |others| others.broadcast(message));
                let _ = session.send(format!("{own} {others}")).await;
            }
        })
    }
}

#[tokio::test(start_paused = true)]
async fn all_sessions_of_a_protocol_can_be_reached() {
    let registry = Registry::empty().with(Telling("one")).with(Telling("other"));
    let protocols = vec![named("one"), named("other")];
    let site = Site::new(&registry, &Vhost { protocols, ..vhost() });
    let (mut first, mut second) = (site.open("/", "one").await, site.open("/", "one").await);
    let mut third = site.open("/", "other").await;
    first.send(Wire::text("ahoy")).await.unwrap();
    for heard in [&mut first, &mut second, &mut third] {
        assert_eq!(next(heard).await, Wire::text("ahoy"));
    }
    assert_eq!(next(&mut first).await, Wire::text("2 1"));
    // Whoever has gone is not counted.
    second.close(None).await.unwrap();
    while second.next().await.is_some() {}
    drop(third);
    for expected in ["1 0", "1 0"] {
        // The session of a connection that broke ends a little later.
        tokio::time::sleep(Duration::from_secs(10)).await;
        first.send(Wire::text("ahoy")).await.unwrap();
        assert_eq!(next(&mut first).await, Wire::text("ahoy"));
        assert_eq!(next(&mut first).await, Wire::text(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn queues_are_bounded() {
    let (give, mut senders) = mpsc::channel(1);
    let site = Site::doing(move |session| {
        let give = give.clone();
        async move {
            give.send(session.sender()).await.unwrap();
            // Reads nothing.
            std::future::pending::<()>().await;
            drop(session);
        }
    });
    let mut client = site.open_on(site.connection(4096), "/", "doing").await;
    let sender = senders.recv().await.unwrap();
    // To the client: buffers and queue take some, then no more.
    let mut taken = 0;
    while timeout(Duration::from_secs(1), sender.send(vec_of(1000))).await.is_ok() {
        taken += 1;
    }
    assert!((32..100).contains(&taken), "{taken}");
    assert_eq!(sender.try_send(vec_of(1)), Err(TrySendError::Full(vec_of(1))));
    // From the client: the same.
    let mut taken = 0;
    while timeout(Duration::from_secs(1), client.send(Wire::binary(vec![0; 1000]))).await.is_ok() {
        taken += 1;
    }
    assert!((32..200).contains(&taken), "{taken}");
}

fn vec_of(length: usize) -> Message {
    Message::Binary(vec![0; length].into())
}

#[tokio::test(start_paused = true)]
async fn what_was_queued_is_sent_before_the_close() {
    let site = Site::doing(|session| async move {
        for n in 0..40 {
            let _ = session.send(format!("{n} {}", "x".repeat(100_000))).await;
        }
        session.close(CloseCode::NORMAL, "done");
    });
    let mut client = site.open_on(site.connection(4096), "/", "doing").await;
    for n in 0..40 {
        let text = next(&mut client).await.into_text().unwrap();
        assert!(text.starts_with(&format!("{n} ")) && text.len() > 100_000, "{n}");
    }
    assert_eq!(closed(&mut client).await, (1000, "done".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_was_said_before_the_close_is_heard() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&heard);
    let site = Site::doing(move |mut session| {
        let told = Arc::clone(&told);
        async move {
            while let Some(message) = session.next().await {
                told.lock().unwrap().push(message);
            }
        }
    });
    let mut client = site.open("/", "doing").await;
    client.feed(Wire::text("a")).await.unwrap();
    client.feed(Wire::text("b")).await.unwrap();
    client.close(None).await.unwrap();
    while client.next().await.is_some() {}
    assert_eq!(*heard.lock().unwrap(), [Message::from("a"), Message::from("b")]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_ends_the_session() {
    let (give, mut ends) = mpsc::channel(1);
    let site = Site::doing(move |mut session| {
        let give = give.clone();
        async move {
            assert_eq!(session.next().await, None);
            give.send(()).await.unwrap();
        }
    });
    drop(site.open("/", "doing").await);
    ends.recv().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_never_comes_ends_the_session() {
    let (give, mut ends) = mpsc::channel(1);
    let site = Site::doing(move |mut session| {
        let give = give.clone();
        async move {
            tokio::spawn(async move { give.send(session.next().await).await });
            std::future::pending::<()>().await;
        }
    });
    // No HTTP connection is behind this request, so nothing can be handed over.
    let request = Request::get("/")
        .header("upgrade", "websocket")
        .header("connection", "upgrade")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-protocol", "doing");
    let Ok(response) = site.service().call(request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), 101);
    assert_eq!(ends.recv().await, Some(None));
}
