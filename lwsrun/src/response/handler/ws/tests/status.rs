//! `lws-status`.

use std::time::Duration;

use futures_util::SinkExt;
use tokio::time::{Instant, timeout};

use super::*;

/// The number of members that the next telling names.
async fn told<S: AsyncRead + AsyncWrite + Unpin>(client: &mut Client<S>) -> usize {
    let telling = next(client).await.into_text().unwrap();
    let (_, after) = telling.split_once("\"wsi\":\"").unwrap();
    let (count, conns) = after.split_once('"').unwrap();
    let count = count.parse().unwrap();
    assert_eq!(conns.matches("{\"peer\":\"127.0.0.1\",\"time\":\"").count(), count, "{telling}");
    count
}

#[tokio::test(start_paused = true)]
async fn all_are_told_of_who_comes_and_goes() {
    let site = Site::builtin();
    let mut one = site.open("/", STATUS).await;
    assert_eq!(told(&mut one).await, 1);
    let mut two = site.open("/elsewhere", STATUS).await;
    assert_eq!(told(&mut two).await, 2);
    assert_eq!(told(&mut one).await, 2);
    // What members say is of no interest.
    two.send(Wire::text("hello")).await.unwrap();
    assert!(timeout(Duration::from_secs(30), next(&mut one)).await.is_err());
    two.close(None).await.unwrap();
    assert_eq!(told(&mut one).await, 1);
    // Also one that goes without a word.
    let mut three = site.open("/", STATUS).await;
    assert_eq!(told(&mut three).await, 2);
    assert_eq!(told(&mut one).await, 2);
    drop(three);
    assert_eq!(told(&mut one).await, 1);
}

#[tokio::test(start_paused = true)]
async fn what_happens_at_once_is_told_in_one_go() {
    let site = Site::builtin();
    let mut first = site.open("/", STATUS).await;
    assert_eq!(told(&mut first).await, 1);
    let mut others = Vec::new();
    for _ in 0..200 {
        others.push(site.open_on(site.connection(4096), "/", STATUS).await);
    }
    let mut tellings = 1;
    while told(&mut first).await < 201 {
        tellings += 1;
    }
    assert!(tellings < 20, "{tellings}");
    // Those who did not read until now hear of the last state, too.
    let last = others.last_mut().unwrap();
    while told(last).await < 201 {}
}

/// A telling to all of 200 members is 2 MiB, which takes its time at 4 MiB a second.
#[tokio::test(start_paused = true)]
async fn what_all_are_told_has_a_rate() {
    let site = Site::builtin();
    let mut members = Vec::new();
    for _ in 0..200 {
        members.push(site.open("/", STATUS).await);
    }
    let heard = &mut members[0];
    while told(heard).await < 200 {}
    // Long enough for the next change to be told at once, too short for a ping.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let (mut last, mut least) = (Instant::now(), 0.0);
    for count in [201, 200, 201, 200] {
        // The guest comes, or goes.
        let guest = if count == 201 { Some(site.open("/", STATUS).await) } else { None };
        let text = next(heard).await.into_text().unwrap();
        assert!(last.elapsed().as_secs_f64() >= least, "{:?}, not {least} s", last.elapsed());
        // Well over the 100 ms that a few members wait.
        least = text.len() as f64 * 200.0 / f64::from(4 << 20);
        assert!(least > 0.4, "{least}");
        last = Instant::now();
        drop(guest);
    }
}

#[tokio::test(start_paused = true)]
async fn members_have_a_limit() {
    let site = Site::builtin();
    let mut members = Vec::new();
    for _ in 0..1000 {
        members.push(site.open("/", STATUS).await);
    }
    let mut last = site.open("/", STATUS).await;
    assert_eq!(closed(&mut last).await, (1013, "too many members".to_owned()));
}
