//! `lws-echo`.

use futures_util::SinkExt;

use super::*;

#[tokio::test(start_paused = true)]
async fn every_message_comes_back_as_it_came() {
    let site = Site::builtin();
    let mut client = site.open("/", ECHO).await;
    for sent in [
        Wire::text("ahoy"),
        Wire::binary(vec![0, 1, 255]),
        Wire::text(""),
        Wire::binary(vec![7; 1 << 20]),
        Wire::text("é".repeat(1000)),
    ] {
        client.send(sent.clone()).await.unwrap();
        assert!(next(&mut client).await == sent);
    }
    client.close(None).await.unwrap();
    assert!(matches!(next(&mut client).await, Wire::Close(_)));
}

#[tokio::test(start_paused = true)]
async fn many_on_their_way_keep_their_order() {
    let site = Site::builtin();
    let client = site.open_on(site.connection(1024), "/", ECHO).await;
    let (mut speak, mut hear) = client.split();
    let speaking = async {
        for n in 0..5000 {
            speak.send(Wire::text(n.to_string())).await.unwrap();
        }
    };
    let hearing = async {
        for n in 0..5000 {
            assert_eq!(hear.next().await.unwrap().unwrap(), Wire::text(n.to_string()));
        }
    };
    tokio::join!(speaking, hearing);
}
