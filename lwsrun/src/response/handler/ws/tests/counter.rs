//! `dumb-increment-protocol`.

use std::time::Duration;

use futures_util::SinkExt;
use tokio::time::{Instant, timeout};

use super::*;

#[tokio::test(start_paused = true)]
async fn counts_from_zero_every_50_ms() {
    let site = Site::builtin();
    let mut client = site.open("/", COUNTER).await;
    let begun = Instant::now();
    for number in 0..20 {
        assert_eq!(next(&mut client).await, Wire::text(number.to_string()));
        let elapsed = begun.elapsed().as_millis();
        assert!((number * 50..number * 50 + 10).contains(&elapsed), "{number} after {elapsed} ms");
    }
    // Each connection has its own number.
    let mut other = site.open("/elsewhere", COUNTER).await;
    assert_eq!(next(&mut other).await, Wire::text("0"));
}

#[tokio::test(start_paused = true)]
async fn reset_and_closeme() {
    let site = Site::builtin();
    let mut client = site.open("/", COUNTER).await;
    assert_eq!(next(&mut client).await, Wire::text("0"));
    assert_eq!(next(&mut client).await, Wire::text("1"));
    for ignored in ["", "reset", "Reset\n", "unheard of\n"] {
        client.send(Wire::text(ignored)).await.unwrap();
    }
    assert_eq!(next(&mut client).await, Wire::text("2"));
    client.send(Wire::text("reset\nand more")).await.unwrap();
    assert_eq!(next(&mut client).await, Wire::text("0"));
    client.send(Wire::text("closeme\n")).await.unwrap();
    assert_eq!(closed(&mut client).await, (1001, "seeya".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn its_option_stops_it() {
    for (value, stopped) in [("1", true), ("3", true), ("2", false), ("0", false)] {
        let protocol = plan::Protocol { options: vec![option("options", value)], ..named(COUNTER) };
        let site = Site::new(&Registry::default(), &Vhost { protocols: vec![protocol], ..vhost() });
        let mut client = site.open("/", COUNTER).await;
        let came = timeout(Duration::from_secs(10), next(&mut client)).await;
        assert_eq!(came.is_err(), stopped, "{value}");
    }
    let protocol = plan::Protocol { options: vec![option("options", "one")], ..named(COUNTER) };
    let site = Site::new(&Registry::default(), &Vhost { protocols: vec![protocol], ..vhost() });
    assert!(site.words[0].contains("option `options` must be a whole number in range, not `one`"));
}
