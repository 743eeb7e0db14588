//! Bytes on the wire: what the transport sends for chunks that stand for files, behind hyper and without.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// A file of so many bytes that no two places of it look alike.
fn file(length: usize) -> (SharedFile, Vec<u8>) {
    let bytes: Vec<u8> = (0..length).map(|at| (at ^ (at >> 8) ^ (at >> 16)).to_le_bytes()[0]).collect();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    (Arc::new(file), bytes)
}

/// Writes chunks as hyper does, all at once, until all is written.
async fn write_all(socket: UnixStream, mut chunks: Vec<Bytes>) -> io::Result<()> {
    let mut transport = Sendfile::new(socket);
    while !chunks.is_empty() {
        let slices: Vec<_> = chunks.iter().map(|chunk| IoSlice::new(chunk)).collect();
        let mut written =
            std::future::poll_fn(|cx| Pin::new(&mut transport).poll_write_vectored(cx, &slices)).await?;
        chunks.retain_mut(|chunk| {
            let taken = written.min(chunk.len());
            written -= taken;
            drop(chunk.split_to(taken));
            !chunk.is_empty()
        });
    }
    transport.shutdown().await
}

async fn sent(chunks: Vec<Bytes>) -> Vec<u8> {
    let (server, mut client) = UnixStream::pair().unwrap();
    let mut bytes = Vec::new();
    let (wrote, read) = tokio::join!(write_all(server, chunks), client.read_to_end(&mut bytes));
    wrote.unwrap();
    read.unwrap();
    bytes
}

#[tokio::test]
async fn files_and_real_bytes_arrive_in_their_order() {
    let (file, bytes) = file(3 << 20);
    let part = |from: usize, to: usize| chunk(Arc::clone(&file), from as u64..to as u64).unwrap();
    let real = |text: &'static str| Bytes::from_static(text.as_bytes());
    let chunks = vec![
        real("head one, "),
        part(0, 700_000),
        part(700_000, 1_700_000),
        real("head "),
        real("two, "),
        part(2_000_000, 2_000_001),
        part((3 << 20) - 100_000, 3 << 20),
        real("end"),
    ];
    let expected = [
        b"head one, ",
        &bytes[..1_700_000],
        b"head two, ",
        &bytes[2_000_000..2_000_001],
        &bytes[(3 << 20) - 100_000..],
        b"end",
    ];
    assert!(sent(chunks).await == expected.concat());
}

#[tokio::test]
async fn what_cannot_be_sent_is_copied() {
    // The kernel refuses to `sendfile` from what it makes up as it is read.
    let made_up = File::open("/proc/self/status").unwrap();
    let chunk = chunk(Arc::new(made_up), 0..20).unwrap();
    let bytes = sent(vec![Bytes::from_static(b"> "), chunk]).await;
    assert!(bytes.starts_with(b"> Name:") && bytes.len() == 22, "{}", bytes.escape_ascii());
    let (file, bytes) = file(200_000);
    let part = region::Part { file, offset: 1000 };
    let (server, mut client) = std::os::unix::net::UnixStream::pair().unwrap();
    let count = copy_part(server.as_fd(), &part, 150_000).unwrap();
    drop(server);
    let mut came = Vec::new();
    io::Read::read_to_end(&mut client, &mut came).unwrap();
    assert!(count > 0 && came == bytes[1000..1000 + count]);
}

#[tokio::test]
async fn a_file_that_was_cut_ends_in_an_error() {
    let (file, _) = file(100_000);
    let chunk = chunk(file, 60_000..160_000).unwrap();
    let (server, mut client) = UnixStream::pair().unwrap();
    let mut bytes = Vec::new();
    let (wrote, read) = tokio::join!(write_all(server, vec![chunk]), client.read_to_end(&mut bytes));
    assert_eq!(wrote.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    read.unwrap();
    assert_eq!(bytes.len(), 40_000);
}

#[tokio::test]
async fn a_peer_that_is_gone_is_an_error_and_no_signal() {
    let (file, _) = file(1 << 20);
    let (server, client) = UnixStream::pair().unwrap();
    drop(client);
    let chunks = vec![Bytes::from_static(b"head"), chunk(file, 0..1 << 20).unwrap()];
    assert_eq!(write_all(server, chunks).await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}
