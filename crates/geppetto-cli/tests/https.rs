//! A provider behind HTTPS and HTTP/2: the server's certificate is checked, and no layer of the connection logs a key.

use geppetto_engines::Api;
use geppetto_engines::fake::{Answer, Received};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

const CANARY: &str = "sk-CANARY-0123456789";

type Asked = Arc<Mutex<Vec<(Version, Option<String>)>>>;

async fn answer(request: Request<Incoming>, asked: Asked) -> Result<Response<Full<Bytes>>, Infallible> {
    let key = request.headers().get("authorization").and_then(|value| value.to_str().ok()).map(str::to_owned);
    asked.lock().unwrap().push((request.version(), key));
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let received = Received { path, headers: Vec::new(), body: serde_json::from_slice(&body).unwrap() };
    assert!(received.body["stream"].as_bool().unwrap_or_default());
    let reply = Answer::text("Safe and sound.").reply(Api::OpenAi);
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::from(reply.pieces.concat())).unwrap())
}

/// Serves HTTP/2 over TLS with a certificate that nobody knows but who reads the file.
async fn serve(certificate_file: &Path, asked: Asked) -> u16 {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(certificate_file, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let mut config = config.with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("localhost", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that does not trust the certificate leaves here.
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let asked = asked.clone();
            let service = service_fn(move |request| answer(request, asked.clone()));
            let server = http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
    port
}

#[test]
fn a_key_goes_through_http_2_to_a_server_whose_certificate_is_trusted_and_into_no_log() {
    let io = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("https");
    std::fs::create_dir_all(&folder).unwrap();
    let (certificate, profiles, script) =
        (folder.join("certificate.pem"), folder.join("profiles.yaml"), folder.join("asks.js"));
    let asked = Asked::default();
    let port = io.block_on(serve(&certificate, asked.clone()));
    let text = format!(
        "profiles:\n  own: {{ model: m, apiType: openai, baseURL: \"https://localhost:{port}/v1\", apiKeyEnv: OWN_KEY }}\n"
    );
    std::fs::write(&profiles, text).unwrap();
    let asks = "const gp = require('geppetto');\
        console.log(gp.turns.text(gp.createSession({ engine: gp.engines.fromProfile('own') }).run('Hi')));";
    std::fs::write(&script, asks).unwrap();
    let run = |trusted: Option<&Path>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_geppetto"));
        command.arg("run").arg("--profiles").arg(&profiles).arg(&script);
        command.env("OWN_KEY", CANARY).env("GEPPETTO_LOG", "trace").stdin(Stdio::null());
        command.env_remove("SSL_CERT_DIR").env_remove("SSL_CERT_FILE");
        command.envs(trusted.map(|file| ("SSL_CERT_FILE", file)));
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, log) = (text(&output.stdout), text(&output.stderr));
        assert!(!format!("{out}{log}").contains(CANARY), "{log}");
        (out, log, output.status.code())
    };

    let (out, log, code) = run(Some(&certificate));
    assert_eq!((&*out, code), ("Safe and sound.\n", Some(0)), "{log}");
    assert_eq!(*asked.lock().unwrap(), [(Version::HTTP_2, Some(format!("Bearer {CANARY}")))]);

    let (out, log, code) = run(None);
    assert_eq!((&*out, code), ("", Some(1)));
    assert!(log.contains("certificate"), "{log}");
    assert_eq!(asked.lock().unwrap().len(), 1);
}
