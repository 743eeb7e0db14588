//! What goes wrong between a mount and its upstream: words for the log, a status for the client.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::Response;

use super::http1::Wrong;
use crate::response::complaints::Complaints;
use crate::response::error::Refusal;

/// Why there is no answer from the upstream.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("its name is not known: {0}")]
    Name(#[source] io::Error),
    #[error("it cannot be connected to: {0}")]
    Connect(#[source] io::Error),
    #[error("it cannot be connected to in {} s (`proxy-connect-timeout`)", .0.as_secs())]
    ConnectTimeout(Duration),
    /// Of a connection that several requests waited for.
    #[error("{0}")]
    Shared(Arc<Self>),
    #[error("no TLS connection with it: {0}")]
    Tls(#[source] io::Error),
    #[error("TLS to upstreams cannot be set up: {0}")]
    NoTls(String),
    #[error("it does not answer within {} s (`proxy-answer-timeout`)", .0.as_secs())]
    AnswerTimeout(Duration),
    #[error("it does not take the request within {} s (`proxy-answer-timeout`)", .0.as_secs())]
    UploadTimeout(Duration),
    #[error("its answer is invalid: {0}")]
    Wrong(#[from] Wrong),
    #[error("its connection is lost: {0}")]
    Lost(#[source] io::Error),
    #[error("{}", chain(.0))]
    Broken(#[from] h2::Error),
    #[error("it closed the connection without an answer")]
    Closed,
    #[error("it switches to another protocol that nobody asked for")]
    Switched,
    #[error("all {0} connections of a worker to it are in use (`proxy-connections`)")]
    Crowded(usize),
    #[error("the request went in a circle: it has passed this kind of server too often")]
    Circle,
    #[error("the request has more content than `proxy-body-limit` allows")]
    TooLarge,
    #[error("the content of the request broke off")]
    BrokenOff,
    #[error("the client has gone")]
    ClientGone,
    #[error("a request for a websocket with content")]
    UpgradeWithContent,
    #[error("the request's path cannot be put below the upstream's")]
    Target,
}

impl Fault {
    /// There is no answer, after this time in which nothing moved. `sent`: whether all of the request was sent.
    pub(super) fn late(sent: bool, wait: Duration) -> Self {
        if sent { Self::AnswerTimeout(wait) } else { Self::UploadTimeout(wait) }
    }

    fn refusal(&self) -> Refusal {
        match self {
            Self::Shared(fault) => fault.refusal(),
            Self::ConnectTimeout(_) | Self::AnswerTimeout(_) | Self::UploadTimeout(_) => {
                Refusal::GatewayTimeout
            }
            Self::Name(_)
            | Self::Connect(_)
            | Self::Tls(_)
            | Self::NoTls(_)
            | Self::Wrong(_)
            | Self::Lost(_)
            | Self::Broken(_)
            | Self::Closed
            | Self::Switched => Refusal::BadGateway,
            Self::Crowded(_) => Refusal::Unavailable,
            Self::Circle => Refusal::LoopDetected,
            Self::TooLarge => Refusal::ContentTooLarge,
            Self::ClientGone => Refusal::ClientGone,
            Self::BrokenOff | Self::UpgradeWithContent | Self::Target => Refusal::BadRequest,
        }
    }

    /// Whether the client is to blame, which is no news for the operator.
    fn is_the_clients(&self) -> bool {
        matches!(
            self,
            Self::TooLarge | Self::BrokenOff | Self::ClientGone | Self::UpgradeWithContent | Self::Target
        )
    }
}

/// An error with all that led to it.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        words.push_str(": ");
        words.push_str(&error.to_string());
        source = error.source();
    }
    words
}

/// Says what is wrong with the upstream of a mount, in the mount's log.
#[derive(Debug)]
pub(super) struct Trouble {
    upstream: Box<str>,
    complaints: Arc<Complaints>,
}

impl Trouble {
    pub(super) fn new(upstream: &str, complaints: Arc<Complaints>) -> Self {
        Self { upstream: upstream.into(), complaints }
    }

    /// The answer to a request that the upstream did not answer.
    pub(super) fn refuse(&self, fault: &Fault) -> Response<Body> {
        let refusal = fault.refusal();
        if fault.is_the_clients() {
            tracing::debug!("upstream `{}`: {fault}", self.upstream);
            return refusal.response();
        }
        refusal.because(format!("upstream `{}`: {fault}", self.upstream))
    }

    /// What is wrong with an answer that has begun.
    pub(super) fn say(&self, words: &str) {
        self.complaints.tell(&format!("upstream `{}`: {words}", self.upstream));
    }
}
