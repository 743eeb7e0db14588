//! The protocols of one vhost, started.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Once};

use axum::body::Body;
use schemas::plan::{Place, Protocol, Vhost};

use super::terms::Terms;
use super::{Instance, InterpretRequest, Options, Registry, Sessions, StartError, VhostContext};
use crate::counts::Served;
use crate::response::error::Refusal;
use crate::response::fault::Fault;

/// What a vhost's `ws-protocols` name, in config order: running, or not served and why.
pub(crate) struct VhostProtocols {
    entries: Vec<Entry>,
    default: Option<usize>,
}

struct Entry {
    name: Box<str>,
    state: Result<Arc<Running>, Unserved>,
}

/// A protocol at work for a vhost.
pub(crate) struct Running {
    pub(crate) vhost: Arc<str>,
    pub(crate) protocol: Arc<str>,
    pub(crate) instance: Arc<dyn Instance>,
    pub(crate) terms: Terms,
    /// Those that are open.
    pub(crate) sessions: Sessions,
    /// Whether somebody waits for the end of the server, to close them.
    pub(crate) seen_off: Once,
}

/// Why a protocol that the config lists is not served. Asking for it is answered with that, never as if the
/// protocol were absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unserved {
    /// No protocol of that name is in the registry.
    #[error("this protocol is not built in")]
    NotBuiltIn,
    /// It has a key that is not honoured: `raw`.
    #[error("a key of this protocol is not honoured")]
    NotHonoured,
    /// It did not start.
    #[error("this protocol did not start")]
    Failed,
}

impl VhostProtocols {
    /// Starts the protocols of a vhost. Also gives words about each that did not start, with its `file:line`;
    /// about those that cannot even be tried, [`unserved`] has words before. `served` is the server as a whole.
    pub(crate) fn start(
        vhost: &Vhost<'_>,
        registry: &Registry,
        served: Option<&Arc<Served>>,
        describe: impl Fn(Place) -> String,
    ) -> (Self, Vec<String>) {
        let name: Arc<str> = vhost.name.into();
        let sessions = vhost.protocols.iter().map(|protocol| (protocol.name.into(), Sessions::default()));
        let sessions: Arc<[_]> = sessions.collect();
        let mut words = Vec::new();
        let mut entries = Vec::with_capacity(vhost.protocols.len());
        for (index, protocol) in vhost.protocols.iter().enumerate() {
            let place = describe(protocol.place);
            let (vhost, sessions) = (Arc::clone(&name), Arc::clone(&sessions));
            let context = VhostContext { vhost, place, sessions, index, served: served.cloned() };
            let state = start(protocol, registry, context, &mut words);
            entries.push(Entry { name: protocol.name.into(), state });
        }
        let default = vhost.protocols.iter().position(|protocol| protocol.default);
        (Self { entries, default }, words)
    }

    /// A protocol by its name; `None` if the vhost does not list it.
    pub(crate) fn find(&self, name: &str) -> Option<&Result<Arc<Running>, Unserved>> {
        self.entries.iter().find(|entry| *entry.name == *name).map(|entry| &entry.state)
    }

    /// The protocol for clients that ask for none, if the vhost marks one.
    pub(crate) fn default(&self) -> Option<&Result<Arc<Running>, Unserved>> {
        self.default.and_then(|index| self.entries.get(index)).map(|entry| &entry.state)
    }
}

/// Words about each protocol of a vhost that will not be served, with its `file:line`: what can be said without
/// starting any.
pub(crate) fn unserved(
    vhost: &Vhost<'_>,
    registry: &Registry,
    describe: impl Fn(Place) -> String,
) -> Vec<String> {
    let word = |protocol: &Protocol<'_>| {
        let why = match check(protocol, registry).err()? {
            (_, Some(key)) => format!("`{key}` is not honoured"),
            (_, None) => "it is not built in".to_owned(),
        };
        let (place, vhost, name) = (describe(protocol.place), vhost.name, protocol.name);
        Some(format!("{place}: vhost `{vhost}`: protocol `{name}`: {why}, asking for it is answered 501"))
    };
    vhost.protocols.iter().filter_map(word).collect()
}

/// Whether a protocol can be started; if not, why, and the key at fault.
fn check(protocol: &Protocol<'_>, registry: &Registry) -> Result<(), (Unserved, Option<&'static str>)> {
    // Taken apart field by field: a new key does not compile until it is decided here.
    let Protocol { name, default: _, raw, basic_auth: _, options: _, place: _ } = protocol;
    if *raw {
        return Err((Unserved::NotHonoured, Some("raw")));
    }
    registry.find(name).map(|_| ()).ok_or((Unserved::NotBuiltIn, None))
}

fn start(
    protocol: &Protocol<'_>,
    registry: &Registry,
    context: VhostContext,
    words: &mut Vec<String>,
) -> Result<Arc<Running>, Unserved> {
    check(protocol, registry).map_err(|(unserved, _)| unserved)?;
    let found = registry.find(protocol.name).ok_or(Unserved::NotBuiltIn)?;
    let options = Options::from(&*protocol.options);
    let (vhost, place, sessions) = (Arc::clone(&context.vhost), context.place.clone(), context.sessions());
    // A protocol may come from outside, so a panic in it costs this protocol of this vhost and no more.
    let started = catch_unwind(AssertUnwindSafe(|| {
        let terms = Terms::read(protocol, &options, &**found, &place)?;
        Ok::<_, StartError>((found.start(context, options)?, terms))
    }));
    let fault = match started {
        Ok(Ok((instance, terms))) => {
            let protocol = protocol.name.into();
            return Ok(Arc::new(Running {
                vhost,
                protocol,
                instance,
                terms,
                sessions,
                seen_off: Once::new(),
            }));
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it panicked".to_owned(),
    };
    let name = protocol.name;
    words.push(format!(
        "{place}: vhost `{vhost}`: protocol `{name}` did not start: {fault}; asking for it is answered 500"
    ));
    Err(Unserved::Failed)
}

impl Running {
    /// [`Instance::interpret`], of which a panic costs this answer and no more.
    ///
    /// # Errors
    /// Why the file is not rewritten.
    pub(crate) fn interpret(&self, request: InterpretRequest, file: Body) -> Result<Body, Fault> {
        let interpret = || Arc::clone(&self.instance).interpret(request, file);
        let (refusal, why) = match catch_unwind(AssertUnwindSafe(interpret)) {
            Ok(Some(body)) => return Ok(body),
            Ok(None) => (Refusal::NotImplemented, "cannot rewrite files"),
            Err(_) => (Refusal::Internal, "panicked over the file"),
        };
        Err(Fault::new(refusal, format!("protocol `{}` {why}", self.protocol)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if catch_unwind(AssertUnwindSafe(|| self.instance.shutdown())).is_err() {
            tracing::error!("vhost `{}`: protocol `{}` panicked at its end", self.vhost, self.protocol);
        }
    }
}
