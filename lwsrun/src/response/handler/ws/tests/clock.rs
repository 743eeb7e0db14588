//! Silence, stalled peers, and ends that are not answered.

use std::time::Duration;

use futures_util::SinkExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::*;

const CLOSE_AWAY: &[u8] = b"\x03\xe9server is going down";

#[tokio::test(start_paused = true)]
async fn silence_is_pinged_and_then_given_up_on() {
    let site = Site::builtin();
    let mut stream = site.open("/", MIRROR).await.into_inner();
    let begun = Instant::now();
    let mut ping = [0; 2];
    stream.read_exact(&mut ping).await.unwrap();
    assert_eq!((ping, begun.elapsed().as_secs()), ([0x89, 0], 40));
    assert_eq!(stream.read(&mut ping).await.unwrap(), 0);
    assert_eq!(begun.elapsed().as_secs(), 50);
}

#[tokio::test(start_paused = true)]
async fn an_answered_ping_keeps_the_session() {
    let vhost = Vhost { protocols: vec![named(MIRROR)], ..vhost() };
    let site = Site::pinging(&Registry::default(), &vhost, Some(Seconds(7)));
    let mut client = site.open("/", MIRROR).await;
    let begun = Instant::now();
    for ping in 1..=100 {
        // Reading answers it.
        assert_eq!(client.next().await.unwrap().unwrap(), Wire::Ping(Vec::new().into()));
        assert_eq!(begun.elapsed().as_secs(), ping * 7);
    }
}

#[tokio::test(start_paused = true)]
async fn life_puts_the_ping_off_and_zero_means_none() {
    let site = Site::builtin();
    let mut client = site.open("/", MIRROR).await;
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_secs(30)).await;
        client.send(Wire::text("x")).await.unwrap();
        assert_eq!(client.next().await.unwrap().unwrap(), Wire::text("x"));
    }
    let vhost = Vhost { protocols: vec![named(MIRROR)], ..vhost() };
    let site = Site::pinging(&Registry::default(), &vhost, Some(Seconds(0)));
    let mut client = site.open("/", MIRROR).await;
    tokio::time::sleep(Duration::from_secs(100_000)).await;
    client.send(Wire::text("x")).await.unwrap();
    assert_eq!(client.next().await.unwrap().unwrap(), Wire::text("x"));
}

/// A process that was stopped, or a machine that slept, owes its peers the time to answer.
#[tokio::test(start_paused = true)]
async fn after_a_pause_the_peer_has_time_to_answer_the_ping() {
    let site = Site::builtin();
    let mut client = site.open("/", MIRROR).await;
    tokio::time::advance(Duration::from_secs(60)).await;
    for _ in 0..3 {
        assert_eq!(client.next().await.unwrap().unwrap(), Wire::Ping(Vec::new().into()));
        tokio::time::sleep(Duration::from_secs(9)).await;
        client.send(Wire::text("x")).await.unwrap();
        assert_eq!(client.next().await.unwrap().unwrap(), Wire::text("x"));
    }
}

/// It reads a kilobyte a second of what it asked for and says nothing meanwhile: the server does not read either.
#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_not_silent() {
    let site = Site::builtin();
    let stream = site.open_on(site.connection(4096), "/", ECHO).await.into_inner();
    let (mut near, mut far) = tokio::io::split(stream);
    let sending = tokio::spawn(async move {
        let message = [&b"\x82\xfe\x1f\x40\0\0\0\0"[..], &[b'y'; 8000]].concat();
        while far.write_all(&message).await.is_ok() {}
    });
    // Until all queues are full.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut piece = [0; 1024];
    for second in 0..200 {
        near.read_exact(&mut piece).await.unwrap_or_else(|error| panic!("after {second} s: {error}"));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    sending.abort();
}

/// It gets to a ping behind all that it has not read yet.
#[tokio::test(start_paused = true)]
async fn a_slow_listener_is_not_silent() {
    let site = Site::doing(|session| async move { while session.send("x".repeat(1000)).await.is_ok() {} });
    let mut stream = site.open_on(site.connection(4096), "/", "doing").await.into_inner();
    let mut piece = [0; 1024];
    for second in 0..200 {
        stream.read_exact(&mut piece).await.unwrap_or_else(|error| panic!("after {second} s: {error}"));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// What it said waits for the protocol, so that nothing is read, its answers to pings either.
#[tokio::test(start_paused = true)]
async fn a_peer_that_is_not_read_is_not_silent() {
    let site = Site::doing(|mut session| async move {
        tokio::time::sleep(Duration::from_secs(300)).await;
        while session.next().await.is_some() {}
    });
    let mut client = site.open("/", "doing").await;
    for _ in 0..100 {
        client.send(Wire::text("x")).await.unwrap();
    }
    client.close(None).await.unwrap();
    assert!(matches!(client.next().await, Some(Ok(Wire::Close(_)))));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_given_up_on_however_lively() {
    let site = Site::doing(|session| async move { while session.send("x".repeat(1000)).await.is_ok() {} });
    let mut stream = site.open_on(site.connection(4096), "/", "doing").await.into_inner();
    let begun = Instant::now();
    let mut pongs = 0;
    while stream.write_all(b"\x8a\x80\0\0\0\0").await.is_ok() {
        pongs += 1;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!((60..65).contains(&pongs), "{pongs} in {:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_close_that_is_not_answered_ends_all_the_same() {
    let site = Site::doing(|mut session| async move { drop(session.next().await) });
    let mut stream = site.open("/", "doing").await.into_inner();
    stream.write_all(b"\x82\x80\0\0\0\0").await.unwrap();
    let begun = Instant::now();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    assert_eq!(received, b"\x88\x02\x03\xe8");
    assert_eq!(begun.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn the_drain_closes_with_1001_and_waits_for_the_answer() {
    let site = Site::builtin();
    let mut client = site.open("/", MIRROR).await;
    let mut silent = site.open("/", MIRROR).await.into_inner();
    let Site { upgrades, drain, .. } = site;
    drop(upgrades);
    let begun = Instant::now();
    let seeing = async {
        let close = closed(&mut client).await;
        while client.next().await.is_some() {}
        close
    };
    let silent = async {
        let mut received = Vec::new();
        silent.read_to_end(&mut received).await.unwrap();
        received
    };
    let (seen, (), told) = tokio::join!(seeing, drain.drain(), silent);
    assert_eq!(seen, (1001, "server is going down".to_owned()));
    assert_eq!(told[2..], *CLOSE_AWAY);
    // Held up by the one that does not answer, and by no more than that.
    assert_eq!(begun.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_protocol_that_does_not_end_is_dropped() {
    let site = Site::doing(|_| std::future::pending());
    let mut client = site.open("/", "doing").await;
    client.close(None).await.unwrap();
    while client.next().await.is_some() {}
    drop(client);
    let Site { upgrades, drain, .. } = site;
    drop(upgrades);
    let begun = Instant::now();
    drain.drain().await;
    assert!(begun.elapsed().as_secs() <= 5);
}
