//! Members of one mirror on two threads, over real sockets.

use std::thread;

use futures_util::SinkExt;
use tokio::net::UnixStream;
use tokio::runtime::Builder;

use super::*;

const SAID: usize = 3000;

/// Opens a member on a runtime of its own, speaks, and gives what it heard of all.
fn member(site: &Site, voice: &str, together: &std::sync::Barrier) -> Vec<String> {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (far, near) = UnixStream::pair().unwrap();
        site.serve(near);
        let mut client = site.open_on(far, "/", MIRROR).await;
        // Heard back, so it is a member before anyone speaks.
        client.send(Wire::text("here")).await.unwrap();
        while next(&mut client).await != Wire::text("here") {}
        together.wait();
        let (mut speak, mut hear) = client.split();
        let speaking = async {
            for n in 0..SAID {
                speak.feed(Wire::text(format!("{voice}{n}"))).await.unwrap();
            }
            speak.flush().await.unwrap();
        };
        let hearing = async {
            let mut heard = Vec::new();
            while heard.len() < 2 * SAID {
                let text = hear.next().await.unwrap().unwrap().into_text().unwrap().to_string();
                if text != "here" {
                    heard.push(text);
                }
            }
            heard
        };
        let ((), heard) = tokio::join!(speaking, hearing);
        // Until the other has heard all: this runtime serves this member only.
        together.wait();
        heard
    })
}

#[test]
fn all_hear_all_in_the_same_order() {
    let site = Site::builtin();
    let together = std::sync::Barrier::new(2);
    let (one, two) = thread::scope(|scope| {
        let one = scope.spawn(|| member(&site, "a", &together));
        let two = scope.spawn(|| member(&site, "b", &together));
        (one.join().unwrap(), two.join().unwrap())
    });
    assert_eq!(one.len(), 2 * SAID);
    assert!(one == two, "the order differs");
    for voice in ["a", "b"] {
        let said = one.iter().filter(|text| text.starts_with(voice));
        assert!(said.eq(&(0..SAID).map(|n| format!("{voice}{n}")).collect::<Vec<_>>()), "{voice}");
    }
}
