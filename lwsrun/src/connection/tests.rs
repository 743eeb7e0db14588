//! Clients that leave: what was done for them is dropped, however they came.

use std::sync::Mutex;

use axum::body::Body;
use bytes::Bytes;
use futures_util::StreamExt;
use http::{Request, Response};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use schemas::plan::{Bind, Families, Listener, Mount, Origin, Protocol as Listed, Vhost};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio_rustls::TlsConnector;

use super::*;
use crate::boot::testing::{self, PLACE, connection, global, listener, mount, vhost, written};
use crate::protocol::{
    BoxFuture, CallbackRequest, Instance, Options, Protocol, Registry, StartError, VhostContext,
};
use crate::response::log::AccessLogs;
use crate::shutdown::DrainControl;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A protocol that never answers, or with `?body` never ends its answer. Each that waits says that it does, and is told
/// apart from one that was dropped.
#[derive(Clone, Default)]
struct Endless(Arc<Mutex<Option<Ends>>>);

/// What is used up when the work begins, and when it is dropped.
struct Ends {
    begun: oneshot::Sender<()>,
    held: oneshot::Sender<()>,
}

impl Protocol for Endless {
    fn name(&self) -> &str {
        "endless"
    }

    fn start(&self, _: VhostContext, _: Options) -> Result<Arc<dyn Instance>, StartError> {
        Ok(Arc::new(self.clone()))
    }

    fn websockets(&self) -> bool {
        false
    }
}

impl Instance for Endless {
    fn callback(self: Arc<Self>, request: CallbackRequest) -> BoxFuture<'static, Response<Body>> {
        let Ends { begun, held } = self.0.lock().unwrap().take().expect("one request");
        if request.query.is_none() {
            return Box::pin(async move {
                let _held = held;
                begun.send(()).unwrap();
                std::future::pending().await
            });
        }
        let first =
            futures_util::stream::once(async { Ok::<_, std::io::Error>(Bytes::from_static(b"first")) });
        let never = futures_util::stream::once(async move {
            let _held = held;
            begun.send(()).unwrap();
            std::future::pending().await
        });
        Box::pin(async move { Response::new(Body::from_stream(first.chain(never))) })
    }
}

/// How a client comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Way {
    tls: bool,
    http2: bool,
}

/// The stream of a client.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Serves one connection to a mount of the protocol, and gives the client's end of it.
async fn connect(way: Way, protocol: Endless, folder: &std::path::Path) -> Box<dyn Stream> {
    let made = rcgen::generate_simple_self_signed(vec!["a.test".to_owned()]).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (cert, key) = (path("crt"), path("key"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let listed = Listed {
        name: "endless",
        default: false,
        raw: false,
        basic_auth: None,
        options: Vec::new(),
        place: PLACE,
    };
    let vhost = Vhost {
        tls: way.tls.then(|| testing::tls(&cert, &key)),
        mounts: vec![Mount { origin: Origin::Callback { protocol: "endless" }, ..mount("/") }],
        protocols: vec![listed],
        ..vhost()
    };
    let listener = Listener { tls: way.tls, ..listener(Bind::Any { port: 80, families: Families::Both }) };
    let plan = Arc::new(Plan::from_bytes(written(&global(), vec![listener], &[vhost])).unwrap());
    let keys = Keys::load(&plan).unwrap();
    let control = DrainControl::new();
    let site = Site::new(
        Arc::clone(&plan),
        Registry::empty().with(protocol),
        crate::boot::tls::client::ClientKeys::default(),
        control.handle(),
        AccessLogs::default(),
        1024,
    );
    let serving = Serving::new(&plan, site, keys, control.handle());
    let sockets = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(sockets.local_addr().unwrap()).await.unwrap();
    let (served, peer) = sockets.accept().await.unwrap();
    let facts = ConnectionFacts { tls: way.tls, peer: Some(peer), ..connection() };
    let slot = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
    let place = Addresses::new(None).place(peer.ip()).unwrap();
    tokio::spawn(async move {
        serve(served, facts, serving, Slot::new(slot, place)).await;
        drop(control);
    });
    if !way.tls {
        return Box::new(client);
    }
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&cert).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![if way.http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    let connector = TlsConnector::from(Arc::new(config));
    Box::new(connector.connect(ServerName::try_from("a.test").unwrap(), client).await.unwrap())
}

/// A client that asks, waits until it is worked for, and leaves.
async fn leave(way: Way, target: &str) {
    let folder = tempfile::tempdir().unwrap();
    let ((begin, begun), (held, dropped)) = (oneshot::channel(), oneshot::channel());
    let protocol = Endless(Arc::new(Mutex::new(Some(Ends { begun: begin, held }))));
    let mut stream = connect(way, protocol, folder.path()).await;
    if way.http2 {
        let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
        let connection = tokio::spawn(connection);
        let request = Request::get(format!("http://a.test{target}")).body(()).unwrap();
        let (answer, _) = client.send_request(request, true).unwrap();
        let answer = tokio::spawn(answer);
        begun.await.unwrap();
        // One stream only: the connection goes on.
        if answer.is_finished() {
            drop(answer.await);
        } else {
            answer.abort();
        }
        assert!(dropped.await.is_err());
        assert!(!connection.is_finished());
    } else {
        let head = format!("GET {target} HTTP/1.1\r\nHost: a.test\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        begun.await.unwrap();
        if target.contains('?') {
            assert_ne!(stream.read(&mut [0; 64]).await.unwrap(), 0);
        }
        drop(stream);
        assert!(dropped.await.is_err());
    }
}

#[tokio::test]
async fn what_a_protocol_does_is_dropped_when_its_client_leaves() {
    for (tls, http2) in [(false, false), (true, false), (false, true), (true, true)] {
        for target in ["/", "/?body"] {
            let way = Way { tls, http2 };
            let left = timeout(PATIENCE, leave(way, target));
            left.await.unwrap_or_else(|_| panic!("{way:?} {target}"));
        }
    }
}
