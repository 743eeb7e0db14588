//! Answers of upstreams given any bytes: what is read does not depend on how they come, and hyper reads the same where
//! anything is read.

#![allow(clippy::unwrap_used, reason = "a target that cannot run may fail loudly")]

use axum::body::Body;
use bytes::BytesMut;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncWriteExt, duplex};

use super::content::Content;
use super::head::{self, Wrong};
use crate::fuzz::pieces;

/// The answer to one request, as far as it came.
#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    status: Option<StatusCode>,
    headers: HeaderMap,
    data: Vec<u8>,
    trailers: Option<HeaderMap>,
    /// Whether its end came.
    complete: bool,
    /// Bytes behind it.
    rest: Vec<u8>,
}

/// The first byte says whether HEAD was asked, the next three are the lengths of pieces, in turn; what follows is what an
/// upstream sends before it closes the connection.
pub fn answers(input: &[u8]) {
    let Some((&[how, ref lengths @ ..], bytes)) = input.split_first_chunk::<4>() else { return };
    let of_head = how & 1 == 1;
    let whole = read(of_head, [bytes]);
    for cut in [read(of_head, pieces(bytes, lengths)), read(of_head, bytes.chunks(1))] {
        assert_eq!(whole, cut);
    }
    let Ok(read) = whole else { return };
    let bytes_of_it = read.data.len() + read.rest.len();
    assert!(bytes_of_it <= bytes.len());
    if let Some(status) =
        read.status.filter(|status| read.complete && *status != StatusCode::SWITCHING_PROTOCOLS)
    {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (by_hyper, data) = runtime.block_on(by_hyper(of_head, bytes));
        assert_eq!((status, &read.data), (by_hyper, &data));
    }
}

/// What is made of an answer that comes in these pieces.
fn read<'b>(of_head: bool, pieces: impl IntoIterator<Item = &'b [u8]>) -> Result<Read, Wrong> {
    let (mut input, mut looked_at) = (BytesMut::new(), 0);
    let (mut read, mut content) = (Read::default(), None);
    for piece in pieces {
        input.extend_from_slice(piece);
        while content.is_none() && !input.is_empty() {
            let Some(head) = head::take(&mut input, &mut looked_at, of_head)? else { break };
            if head.status.is_informational() && head.status != StatusCode::SWITCHING_PROTOCOLS {
                continue;
            }
            (read.status, read.headers, content) = (Some(head.status), head.headers, Some(head.content));
        }
        if let Some(content) = &mut content {
            take_all(content, &mut input, &mut read)?;
        }
    }
    read.complete = content.is_some_and(|mut content| content.end());
    if read.complete {
        read.rest = input.to_vec();
    }
    Ok(read)
}

fn take_all(content: &mut Content, input: &mut BytesMut, read: &mut Read) -> Result<(), Wrong> {
    while let Some(frame) = content.take(input)? {
        match frame.into_data() {
            Ok(piece) => {
                assert!(!piece.is_empty());
                read.data.extend_from_slice(&piece);
            }
            Err(frame) => read.trailers = frame.into_trailers().ok(),
        }
    }
    Ok(())
}

/// What hyper makes of the same bytes.
async fn by_hyper(of_head: bool, bytes: &[u8]) -> (StatusCode, Vec<u8>) {
    let (mut upstream, client) = duplex(1 << 20);
    let (mut sender, connection) = handshake(TokioIo::new(client)).await.unwrap();
    let method = if of_head { Method::HEAD } else { Method::GET };
    let request = Request::builder().method(method).uri("/").body(Body::empty()).unwrap();
    let asking = async {
        let answer = sender.send_request(request).await.unwrap();
        let status = answer.status();
        (status, answer.into_body().collect().await.unwrap().to_bytes().to_vec())
    };
    let sending = async {
        // It takes nothing for an answer before it has asked.
        let mut asked = [0; 4];
        tokio::io::AsyncReadExt::read_exact(&mut upstream, &mut asked).await.unwrap();
        upstream.write_all(bytes).await.unwrap();
        upstream.shutdown().await.unwrap();
    };
    let (answer, (), _) = tokio::join!(asking, sending, connection);
    answer
}
