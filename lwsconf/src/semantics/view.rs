//! What rules look at: the lowered configuration, each part beside the keys that it was made of.

use std::cell::OnceCell;

use grammar::{FileId, Span};
use schemas::plan::{Global, Listener, Mount, Vhost, VhostId};

use super::rules::docroots::Docroots;
use super::rules::follow::{self, Circle};
use crate::schema::{Config, Fields};

/// A configuration after lowering, errors or not.
pub(crate) struct View<'v, 'a> {
    /// The keys and values, and the trees behind them.
    pub(crate) config: &'a Config<'a>,
    /// `global`, lowered; without keys if the configuration has none.
    pub(crate) global: &'v Global<'a>,
    /// All listeners.
    pub(crate) listeners: &'v [Listener<'a>],
    /// All vhosts, in the order of their ids.
    pub(crate) vhosts: Vec<VhostView<'v, 'a>>,
    /// Whether all of it is there: where a syntax error stands, what is missing may have been lost.
    pub(crate) whole: bool,
    /// The folders that are served, put together when the first rule asks.
    docroots: OnceCell<Docroots>,
    /// The circles of redirects and proxies, found when the first rule asks.
    circles: OnceCell<Vec<Circle>>,
}

/// A vhost.
pub(crate) struct VhostView<'v, 'a> {
    /// Its id.
    pub(crate) id: VhostId,
    /// Its keys.
    pub(crate) fields: &'a Fields<'a>,
    /// What they come to.
    pub(crate) plan: &'v Vhost<'a>,
    /// Its mounts, without those that could not be lowered.
    pub(crate) mounts: Vec<MountView<'v, 'a>>,
    /// Whether all of its mounts are there and could be lowered.
    pub(crate) complete: bool,
}

/// A mount.
pub(crate) struct MountView<'v, 'a> {
    /// Its keys.
    pub(crate) fields: &'a Fields<'a>,
    /// What they come to.
    pub(crate) plan: &'v Mount<'a>,
}

impl<'v, 'a> View<'v, 'a> {
    /// The view of what was lowered; `mounts` has, for each vhost, the keys of the mounts that could be lowered.
    pub(crate) fn new(
        config: &'a Config<'a>,
        global: &'v Global<'a>,
        listeners: &'v [Listener<'a>],
        vhosts: &'v [Vhost<'a>],
        mounts: Vec<Vec<&'a Fields<'a>>>,
    ) -> Self {
        let files = &config.resolved.parsed.files;
        let errors = files.iter().flat_map(|file| &file.parse.errors);
        let whole = errors.into_iter().all(|error| error.kind.tolerated());
        let parts = config.vhosts().zip(vhosts).zip(mounts).zip(0..);
        let vhosts =
            parts.map(|(((fields, plan), mounts), id)| VhostView::new(VhostId(id), fields, plan, mounts));
        Self {
            config,
            global,
            listeners,
            vhosts: vhosts.collect(),
            whole,
            docroots: OnceCell::new(),
            circles: OnceCell::new(),
        }
    }

    /// The folders that are served.
    pub(crate) fn docroots(&self) -> &Docroots {
        self.docroots.get_or_init(|| Docroots::of(self))
    }

    /// The circles of redirects and proxies.
    pub(crate) fn circles(&self) -> &[Circle] {
        self.circles.get_or_init(|| follow::circles(self))
    }

    /// All mounts, each with its vhost.
    pub(crate) fn mounts(&self) -> impl Iterator<Item = (&VhostView<'v, 'a>, &MountView<'v, 'a>)> {
        self.vhosts.iter().flat_map(|vhost| vhost.mounts.iter().map(move |mount| (vhost, mount)))
    }

    /// The listener of a vhost.
    pub(crate) fn listener(&self, vhost: &Vhost<'_>) -> Option<&'v Listener<'a>> {
        self.listeners.get(vhost.listener?.index())
    }

    /// A vhost by its id.
    pub(crate) fn vhost(&self, id: VhostId) -> Option<&VhostView<'v, 'a>> {
        self.vhosts.get(id.index())
    }

    /// A URL that a path of a vhost is reached by; none for one on a unix socket or without a listener.
    pub(crate) fn url(&self, vhost: &Vhost<'_>, path: &str) -> Option<String> {
        super::url::url(&self.listener(vhost)?.bind, vhost.tls.is_some(), vhost.name, path)
    }
}

impl<'v, 'a> VhostView<'v, 'a> {
    fn new(id: VhostId, fields: &'a Fields<'a>, plan: &'v Vhost<'a>, mounts: Vec<&'a Fields<'a>>) -> Self {
        let all = fields.objects("mounts").count();
        let complete = mounts.len() == all && !fields.is_misspelt("mounts");
        let mounts = mounts.into_iter().zip(&plan.mounts).map(|(fields, plan)| MountView { fields, plan });
        Self { id, fields, plan, mounts: mounts.collect(), complete }
    }

    /// Whether it has a listener, or would have one if its port were no mistake.
    pub(crate) fn listens(&self) -> bool {
        self.plan.listener.is_some() || self.fields.is_unusable("port")
    }

    /// Where its name stands, or the vhost itself if it has none.
    pub(crate) fn place(&self) -> Span {
        value_span(self.fields, "name")
    }

    /// Its name, as messages show it.
    pub(crate) fn shown(&self) -> String {
        crate::diagnostic::quoted(self.plan.name)
    }
}

impl MountView<'_, '_> {
    /// Whether it serves a well-known location (RFC 8615): what programs fetch, such as challenges of a certificate
    /// authority, whose names have no suffix.
    pub(crate) fn is_well_known(&self) -> bool {
        self.plan
            .mountpoint
            .strip_prefix("/.well-known")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Where a key stands; the object itself if it is not there.
pub(crate) fn key_span(fields: &Fields<'_>, key: &str) -> Span {
    fields.key_span(key).unwrap_or_else(|| object_span(fields))
}

/// Where the value of a key stands; the key, or the object itself, if it is no text.
pub(crate) fn value_span(fields: &Fields<'_>, key: &str) -> Span {
    fields.text(key).map_or_else(|| key_span(fields, key), |text| text.span())
}

/// Where an object begins.
pub(crate) fn object_span(fields: &Fields<'_>) -> Span {
    fields.brace().unwrap_or(Span { file: FileId(0), start: 0, end: 0 })
}
