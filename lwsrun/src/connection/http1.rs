//! HTTP/1 on a connection: the guard's limits and clocks, hyper's parser, the site's answers.

use std::convert::Infallible;
use std::sync::Arc;

use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use tokio::io::{AsyncRead, AsyncWrite};

use super::finish::asked_to_end;
use super::guard::{Answers, Guarded};
use super::limits::FIELDS;
use super::presence::Presence;
use super::read_closed::ReadClosed;
use super::upgraded::Unwrap;
use super::{Connection, Failure, turns};
use crate::boot::site::Answered;
use crate::response::handler::file::InFile;

/// The write buffer and the rest of the read buffer, in bytes, twice the largest head at least. It bounds what hyper holds
/// for a connection.
const MAX_BUFFER: usize = 64 << 10;

/// What the answers of a connection share with its guard.
struct Exchange {
    connection: Connection,
    answers: Arc<Answers>,
}

/// Serves a connection until it ends, is idle for too long, or the drain lets it end.
///
/// `sends_files` says that the stream knows chunks that stand for files.
pub(super) async fn serve<S>(stream: S, mut connection: Connection, sends_files: bool) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + ReadClosed + Unpin + Send + 'static,
{
    let drain = connection.serving.drain.clone();
    connection.facts.presence = Presence::looked_for();
    let exchange = Arc::new(Exchange { connection, answers: Arc::default() });
    let guarded = Box::new(guarded(stream, &exchange));
    let answering = Arc::clone(&exchange);
    let service = service_fn(move |mut request: Request<Incoming>| {
        if request.headers().contains_key(UPGRADE) {
            request.extensions_mut().insert(Unwrap::guarded::<S>());
        }
        let exchange = Arc::clone(&answering);
        async move {
            let Connection { serving, facts, .. } = &exchange.connection;
            let answered = serving.site.respond(facts, request, Some(&exchange.answers.cut)).await;
            let Answered { mut response, keep_alive, counted } = answered;
            drop(counted);
            if sends_files && let Some(file) = response.extensions_mut().remove::<InFile>() {
                response.body_mut().sent_from(file);
            }
            let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
            if keep_alive.is_zero() && !switched {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            exchange.answers.note(switched, keep_alive);
            Ok::<_, Infallible>(response)
        }
    });
    let builder = || builder(&exchange.connection);
    turns::serve(guarded, &exchange.answers, builder, service, asked_to_end(&drain)).await
}

/// The stream with its guard, which refuses in the name of the vhost that was meant.
fn guarded<S>(stream: S, exchange: &Arc<Exchange>) -> Guarded<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let timeout = exchange.connection.serving.timeout;
    let limits = exchange.connection.serving.limits();
    let answers = Arc::clone(&exchange.answers);
    let refuser = Arc::clone(exchange);
    let presence = exchange.connection.facts.presence.clone();
    Guarded::new(stream, timeout, limits, answers, presence, move |fault, host, head| {
        let Connection { serving, facts, .. } = &refuser.connection;
        let (site, status) = (&serving.site, fault.refusal.status());
        let entry = head.and_then(|head| {
            site.count_refusal(facts, host, status);
            site.log_refusal(facts, host, head, status)
        });
        (site.refusal(facts, host, status, fault.what), entry)
    })
}

fn builder(connection: &Connection) -> Builder {
    let limits = connection.serving.limits().head;
    let mut builder = Builder::new();
    builder
        // The guard has clocks of its own.
        .header_read_timeout(None)
        // A second line of defence behind the guard's own limits.
        .max_header_size(limits.size)
        .max_buf_size(MAX_BUFFER.max(limits.size * 2))
        // A client may close its side once it has asked (`nc -N` does) and still wants the answer.
        .half_close(true);
    // Setting hyper's number of fields puts them on the heap for each request.
    if limits.fields > FIELDS {
        builder.max_headers(limits.fields);
    }
    builder
}
