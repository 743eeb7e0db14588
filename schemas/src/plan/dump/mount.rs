//! A mount as text.

use super::Out;
use crate::plan::{Cache, Mount, Origin, ProxyLimits, Symlinks, Upstream, UpstreamAddress};

impl Out<'_> {
    pub(super) fn mount(&mut self, mount: &Mount<'_>) {
        let Mount {
            mountpoint,
            origin,
            default,
            protocol,
            auth_mask,
            cgi_timeout,
            cgi_env,
            cgi_chroot,
            cgi_chdir,
            proxy,
            pmo,
            cache,
            extra_mimetypes,
            interpret,
            basic_auth,
            headers,
            keepalive_timeout,
            exact_match,
            append_path,
            no_ws_upgrades,
            symlinks,
            fallback,
            place,
        } = mount;
        let at = self.plan.describe(*place);
        self.line("mount", format_args!("{mountpoint:?} at {at}"));
        self.nested(|out| {
            out.line("origin", origin_text(origin));
            out.some("default", *default);
            out.some("protocol", *protocol);
            out.some("auth-mask", *auth_mask);
            out.some("cgi-timeout", cgi_timeout.map(|s| s.0));
            cgi_env.iter().for_each(|p| out.line("cgi-env", format_args!("{} = {:?}", p.name, p.value)));
            out.some("cgi-chroot", *cgi_chroot);
            out.some("cgi-chdir", *cgi_chdir);
            out.proxy(*proxy);
            pmo.iter().for_each(|p| out.line("pmo", format_args!("{} = {:?}", p.name, p.value)));
            out.cache(*cache);
            for mime in extra_mimetypes {
                out.line("extra-mimetype", format_args!("{:?} {:?}", mime.suffix, mime.media_type));
            }
            for entry in interpret {
                out.line("interpret", format_args!("{:?} {:?}", entry.suffix, entry.protocol));
            }
            out.some("basic-auth", *basic_auth);
            headers.iter().for_each(|h| out.line("header", format_args!("{}: {:?}", h.name, h.value)));
            out.some("keepalive-timeout", keepalive_timeout.map(|s| s.0));
            out.flag("exact-match", *exact_match);
            out.flag("append-path", *append_path);
            out.flag("no-ws-upgrades", *no_ws_upgrades);
            let symlinks = match symlinks {
                Symlinks::Inside => None,
                Symlinks::None => Some("none"),
                Symlinks::All => Some("all"),
            };
            out.some("symlinks", symlinks);
            out.some("fallback", *fallback);
        });
    }

    fn proxy(&mut self, limits: ProxyLimits) {
        let ProxyLimits {
            connect_timeout,
            answer_timeout,
            idle_timeout,
            websocket_timeout,
            connections,
            body_limit,
        } = limits;
        self.some("proxy-connect-timeout", connect_timeout.map(|s| s.0));
        self.some("proxy-answer-timeout", answer_timeout.map(|s| s.0));
        self.some("proxy-idle-timeout", idle_timeout.map(|s| s.0));
        self.some("proxy-websocket-timeout", websocket_timeout.map(|s| s.0));
        self.some("proxy-connections", connections);
        self.some("proxy-body-limit", body_limit);
    }

    fn cache(&mut self, cache: Cache) {
        let Cache { max_age, reuse, revalidate, intermediaries, no_cache } = cache;
        self.some("cache-max-age", Some(max_age).filter(|&age| age != 0));
        self.flag("cache-reuse", reuse);
        self.flag("cache-revalidate", revalidate);
        self.flag("cache-intermediaries", intermediaries);
        self.flag("cache-no", no_cache);
    }
}

fn origin_text(origin: &Origin<'_>) -> String {
    match origin {
        Origin::File { docroot } => format!("file {docroot:?}"),
        Origin::Redirect { url } => format!("redirect {url:?}"),
        Origin::Proxy(upstream) => format!("proxy {}", upstream_text(upstream)),
        Origin::Cgi { program } => format!("cgi {program:?}"),
        Origin::Callback { protocol } => format!("callback {protocol:?}"),
        Origin::Gzip { path } => format!("gzip {path:?}"),
    }
}

fn upstream_text(upstream: &Upstream<'_>) -> String {
    let scheme = if upstream.tls { "https" } else { "http" };
    match upstream.address {
        UpstreamAddress::Host { host, port } => {
            format!("{scheme} {host:?} port {port} path {:?}", upstream.path)
        }
        UpstreamAddress::Unix { path } => format!("{scheme} unix {path:?} path {:?}", upstream.path),
    }
}
