//! `lws-mirror-protocol`.

use std::time::Duration;

use futures_util::SinkExt;
use tokio::time::{Instant, timeout};

use super::*;

#[tokio::test(start_paused = true)]
async fn everyone_hears_everyone() {
    let site = Site::builtin();
    let mut one = site.open("/", MIRROR).await;
    let mut two = site.open("/other/path", MIRROR).await;
    let said = [
        Wire::text("d #ff0000 1 2 3 4;"),
        Wire::binary(vec![0, 1, 2, 255]),
        Wire::text(""),
        Wire::text("é".repeat(300_000)),
    ];
    for (n, message) in said.iter().enumerate() {
        if n % 2 == 0 { &mut one } else { &mut two }.send(message.clone()).await.unwrap();
        assert!(next(&mut one).await == *message, "message {n}");
        assert!(next(&mut two).await == *message, "message {n}");
    }
}

#[tokio::test(start_paused = true)]
async fn instances_hear_nothing_of_each_other() {
    let site = Site::builtin();
    let mut one = site.open("/?mirror=one", MIRROR).await;
    let mut two = site.open("/?mirror=two", MIRROR).await;
    let mut also_one = site.open("/x?y=1&mirror=%6fne", MIRROR).await;
    one.send(Wire::text("only one")).await.unwrap();
    assert_eq!(next(&mut one).await, Wire::text("only one"));
    assert_eq!(next(&mut also_one).await, Wire::text("only one"));
    assert!(timeout(Duration::from_secs(30), next(&mut two)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn names_have_a_limit() {
    let site = Site::builtin();
    let name = "n".repeat(29);
    let mut right = site.open(&format!("/?mirror={name}"), MIRROR).await;
    right.send(Wire::text("x")).await.unwrap();
    assert_eq!(next(&mut right).await, Wire::text("x"));
    let mut long = site.open(&format!("/?mirror={name}n"), MIRROR).await;
    assert_eq!(closed(&mut long).await, (1008, "mirror name over 29 bytes".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_dropped_and_holds_nobody_up_for_longer_than_its_patience() {
    let site = Site::builtin();
    let fast = site.open("/", MIRROR).await;
    let mut slow = site.open_on(site.connection(4096), "/", MIRROR).await;
    let begun = Instant::now();
    let (mut speak, mut hear) = fast.split();
    let message = |n: u32| Wire::text(format!("{n:>8192}"));
    let speaking = async {
        for n in 0..200 {
            speak.send(message(n)).await.unwrap();
        }
    };
    let hearing = async {
        for n in 0..200 {
            assert_eq!(hear.next().await.unwrap().unwrap(), message(n));
        }
    };
    tokio::join!(speaking, hearing);
    let elapsed = begun.elapsed();
    assert!((3..4).contains(&elapsed.as_secs()), "{elapsed:?}");
    // What was written before it was given up on is there; most is not.
    let mut heard = 0;
    while let Some(Ok(message)) = slow.next().await {
        heard += usize::from(message.is_text());
    }
    assert!(heard < 100, "{heard}");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_only_behind_misses_nothing() {
    let site = Site::builtin();
    let speaker = site.open("/", MIRROR).await;
    let mut behind = site.open_on(site.connection(4096), "/", MIRROR).await;
    let message = |n: u32| Wire::text(format!("{n:>100}"));
    let (mut speak, mut hear) = speaker.split();
    let speaking = async {
        for n in 0..2000 {
            speak.send(message(n)).await.unwrap();
        }
    };
    let hearing = async {
        for n in 0..2000 {
            assert_eq!(hear.next().await.unwrap().unwrap(), message(n));
        }
    };
    let hearing_late = async {
        for n in 0..2000 {
            assert_eq!(next(&mut behind).await, message(n));
            if n % 100 == 0 {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    };
    tokio::join!(speaking, hearing, hearing_late);
}

#[tokio::test(start_paused = true)]
async fn leaving_makes_room() {
    let site = Site::builtin();
    // More than there may be at once.
    for n in 0..1100 {
        let mut client = site.open(&format!("/?mirror={n}"), MIRROR).await;
        client.send(Wire::text("x")).await.unwrap();
        assert_eq!(next(&mut client).await, Wire::text("x"), "{n}");
        client.close(None).await.unwrap();
        while client.next().await.is_some() {}
    }
}

#[tokio::test(start_paused = true)]
async fn instances_have_a_limit() {
    let site = Site::builtin();
    let mut clients = Vec::new();
    for n in 0..1000 {
        clients.push(site.open(&format!("/?mirror={n}"), MIRROR).await);
    }
    let mut last = site.open("/?mirror=1000", MIRROR).await;
    assert_eq!(closed(&mut last).await, (1013, "too many mirror instances".to_owned()));
    let mut joins = site.open("/?mirror=999", MIRROR).await;
    joins.send(Wire::text("x")).await.unwrap();
    assert_eq!(next(&mut joins).await, Wire::text("x"));
}
