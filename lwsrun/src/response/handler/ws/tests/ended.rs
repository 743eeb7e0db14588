//! What a protocol is told of the end of its session.

use std::sync::Mutex;
use std::time::Duration;

use futures_util::SinkExt;
use tokio::io::AsyncWriteExt;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::*;
use crate::protocol::{CloseCode, Ended};

/// A client of a protocol that listens, and what that is told. A message makes it close.
async fn open() -> (Site, Client, oneshot::Receiver<Option<Ended>>) {
    let (told, telling) = oneshot::channel();
    let told = Mutex::new(Some(told));
    let site = Site::doing(move |mut session| {
        let told = told.lock().unwrap().take().unwrap();
        async move {
            assert_eq!(session.ended(), None);
            if session.next().await.is_some() {
                session.close(CloseCode::POLICY, "enough");
                assert_eq!(session.next().await, None);
            }
            let _ = told.send(session.ended());
        }
    });
    let client = site.open("/", "doing").await;
    (site, client, telling)
}

#[tokio::test(start_paused = true)]
async fn by_the_client() {
    let (_site, mut client, told) = open().await;
    let frame = CloseFrame { code: 3001.into(), reason: "lunch".into() };
    client.send(Wire::Close(Some(frame))).await.unwrap();
    let by_client = Ended::ByClient { code: CloseCode::new(3001), reason: "lunch".to_owned() };
    assert_eq!(told.await.unwrap(), Some(by_client));
    let (_site, mut client, told) = open().await;
    client.send(Wire::Close(None)).await.unwrap();
    assert_eq!(told.await.unwrap(), Some(Ended::ByClient { code: None, reason: String::new() }));
}

#[tokio::test(start_paused = true)]
async fn by_this_end() {
    let (_site, mut client, told) = open().await;
    client.send(Wire::text("x")).await.unwrap();
    assert_eq!(told.await.unwrap(), Some(Ended::ByServer { code: CloseCode::POLICY }));
    let (site, client, told) = open().await;
    let drained = tokio::spawn(site.drain.drain());
    assert_eq!(told.await.unwrap(), Some(Ended::ServerStops));
    drop((client, site.upgrades));
    drained.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn by_a_fault() {
    let (_site, client, told) = open().await;
    // Not masked.
    client.into_inner().write_all(b"\x81\x01x").await.unwrap();
    assert_eq!(told.await.unwrap(), Some(Ended::Refused { code: CloseCode::PROTOCOL }));
}

#[tokio::test(start_paused = true)]
async fn without_a_word() {
    let (_site, client, told) = open().await;
    drop(client.into_inner());
    assert_eq!(told.await.unwrap(), Some(Ended::Lost));
    let (_site, client, told) = open().await;
    // It answers no ping.
    let start = tokio::time::Instant::now();
    let silent = client.into_inner();
    assert_eq!(told.await.unwrap(), Some(Ended::TimedOut));
    assert_eq!(start.elapsed(), Duration::from_secs(50));
    drop(silent);
}
