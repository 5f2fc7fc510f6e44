//! Where a key goes, and where it does not.

use crate::{CANARY, engines, model, run, server, settings, story, streamed, traffic};
use geppetto_engines::fake::{Answer, Reply};
use geppetto_engines::{Api, Key, KeySource, Policy, Profile, Secret, Settings};
use geppetto_inference::{Failure, Session};
use geppetto_turns::{Block, Turn, turn_data};
use serde_json::json;
use std::io;
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;

fn policy(hosts: &[&str]) -> Policy {
    let key = |api| Key { api, secret: Secret::new(CANARY) };
    Policy {
        keys: Api::ALL.map(key).into(),
        allowed_hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        ..Policy::default()
    }
}

fn refused(policy: Policy, settings: Settings) -> Failure {
    match engines(policy).make_for_script(None, settings) {
        Ok(_) => panic!("expected a refusal"),
        Err(failure) => failure,
    }
}

#[tokio::test]
async fn a_script_reaches_no_server_that_the_host_does_not_allow() {
    for base_url in [
        "http://169.254.169.254",
        "http://127.0.0.1:1/v1",
        "http://[::1]:9/",
        "https://api.openai.com.evil.test/v1",
    ] {
        let settings =
            Settings { model: "gpt-4.1".into(), base_url: Some(base_url.into()), ..Settings::default() };
        let told = refused(policy(&["api.example.com"]), settings).message;
        assert!(told.contains("does not allow") && told.contains("--allow-net"), "{told}");
    }
}

#[tokio::test]
async fn a_foreign_server_never_gets_the_hosts_key() {
    for api in Api::ALL {
        let server = server(vec![streamed(api, traffic(api, "text"))]).await;
        let settings = Settings {
            model: model(api).to_owned(),
            api: Some(api),
            base_url: Some(format!("http://{}/v1", server.address())),
            ..Settings::default()
        };
        let engine = engines(policy(&["127.0.0.1"])).make_for_script(None, settings).unwrap();
        let (_, turn) = run(&Session::builder(engine).build(), "Hi").await;
        drop(turn);
        let received = server.received();
        assert_eq!(received.len(), 1, "{}", api.name());
        assert!(!format!("{received:?}").contains(CANARY), "{}: {received:?}", api.name());
    }
}

#[tokio::test]
async fn a_missing_key_is_told_before_anything_is_asked() {
    let settings = Settings { model: "claude-sonnet-4-6".into(), ..Settings::default() };
    let told = refused(Policy::default(), settings).message;
    assert_eq!(told, "there is no key for claude: set ANTHROPIC_API_KEY in the environment, or pass apiKey");
}

#[tokio::test]
async fn settings_that_a_format_does_not_know_are_refused() {
    let settings = |model: &str| Settings { model: model.into(), ..Settings::default() };
    let seeded = Settings { seed: Some(7), ..settings("claude-sonnet-4-6") };
    assert_eq!(refused(policy(&[]), seeded).message, "claude knows no `seed`: leave it out for this model");
    let url = Settings { base_url: Some("http://user:hunter2@host/".into()), ..settings("gpt-4.1") };
    assert!(!refused(policy(&[]), url).message.contains("hunter2"));
    assert_eq!(
        refused(policy(&[]), settings(" ")).message,
        "options.model is missing: expected a model's name"
    );
    let header = Settings { headers: vec![("Host".into(), Secret::new("evil"))], ..settings("gpt-4.1") };
    assert_eq!(
        refused(policy(&[]), header).message,
        "invalid options.headers: \"Host\" is not for callers to set"
    );
}

/// A profile whose server, key and header these are.
fn profile(server: &geppetto_engines::fake::FakeProvider) -> Profile {
    Profile {
        name: "work".to_owned(),
        settings: Settings {
            model: "claude-sonnet-4-6".to_owned(),
            base_url: Some(format!("http://{}", server.address())),
            headers: vec![("x-team".to_owned(), Secret::new("team-CANARY"))],
            ..Settings::default()
        },
        key: KeySource::Literal(Secret::new(CANARY)),
    }
}

#[tokio::test]
async fn a_profiles_key_and_headers_go_to_its_own_server_and_nowhere_else() {
    let answer = || vec![streamed(Api::Claude, traffic(Api::Claude, "text"))];
    let (own, other) = (server(answer()).await, server(answer()).await);
    let elsewhere = format!("http://{}", other.address());
    let engines = engines(policy(&["127.0.0.1"]));
    let asked = async |script: Settings| {
        let engine = engines.make_for_script(Some(profile(&own)), script).unwrap();
        assert_eq!(&*engine.name(), "profile:work");
        run(&Session::builder(engine).build(), "Hi").await.1.unwrap()
    };
    asked(Settings::default()).await;
    let received = own.received().pop().unwrap();
    assert_eq!(
        (received.header("x-api-key"), received.header("x-team")),
        (Some(CANARY), Some("team-CANARY"))
    );
    asked(Settings { base_url: Some(elsewhere), ..Settings::default() }).await;
    assert!(!format!("{:?}", other.received()).contains("CANARY"), "{:?}", other.received());
    // Its own credentials go instead of the host's.
    let header = ("X-Api-Key".to_owned(), Secret::new("mine"));
    asked(Settings { headers: vec![header], ..Settings::default() }).await;
    assert_eq!(own.received().pop().unwrap().header("x-api-key"), Some("mine"));
    assert_eq!(own.received().len(), 2);
    // A gateway may keep its tenants apart by their paths.
    let path = |path: &str| Some(format!("http://{}/{path}", own.address()));
    let mut tenant = profile(&own);
    tenant.settings.base_url = path("ours");
    for (named, gets) in [("ours", true), ("ours/v2", true), ("oursnot", false), ("theirs", false)] {
        let script = Settings { base_url: path(named), ..Settings::default() };
        let engine = engines.make_for_script(Some(tenant.clone()), script).unwrap();
        drop(run(&Session::builder(engine).build(), "Hi").await);
        let received = own.received().pop().unwrap();
        assert_eq!(format!("{received:?}").contains("CANARY"), gets, "{named}");
    }
}

#[tokio::test]
async fn another_format_than_its_profiles_does_not_get_its_key() {
    let key = KeySource::Literal(Secret::new(CANARY));
    let claude = Profile {
        name: "c".into(),
        settings: Settings { model: "claude-x".into(), ..Settings::default() },
        key,
    };
    let script = Settings { api: Some(Api::OpenAi), ..Settings::default() };
    let told =
        engines(Policy::default()).make_for_script(Some(claude), script).map(drop).unwrap_err().message;
    assert_eq!(told, "there is no key for openai: set OPENAI_API_KEY in the environment, or pass apiKey");
}

#[tokio::test]
async fn a_key_in_a_header_is_not_told_when_the_provider_repeats_it() {
    let said = json!({ "error": { "message": format!("no access for {CANARY}, nor for a-CANARY-token") } });
    let server = server(vec![Reply::error(403, &said)]).await;
    let bearer = ("Authorization".to_owned(), Secret::new("Bearer a-CANARY-token"));
    let settings = Settings { headers: vec![bearer], ..settings(Api::OpenAi, &server) };
    let engine = engines(Policy::default()).make(settings).unwrap();
    let (handle, turn) = run(&Session::builder(engine).build(), "Hi").await;
    let told = format!("{:?}{}", turn.unwrap_err(), story(&handle));
    assert!(told.contains("no access for [secret], nor for [secret]") && !told.contains("CANARY"), "{told}");
    assert_eq!(server.received()[0].header("authorization"), Some("Bearer a-CANARY-token"));
}

#[tokio::test]
async fn a_timeout_beyond_all_time_is_none() {
    let server = server(vec![streamed(Api::OpenAi, traffic(Api::OpenAi, "text"))]).await;
    let options = json!({ "model": "m", "timeoutMs": 1e30 });
    let endless = Settings::from_options(options.as_object().unwrap()).unwrap();
    let engine = engines(Policy::default()).make(endless.overridden_by(settings(Api::OpenAi, &server)));
    let (_, turn) = run(&Session::builder(engine.unwrap()).build(), "Hi").await;
    assert!(turn.is_ok(), "{turn:?}");
}

#[tokio::test]
async fn a_redirect_takes_no_key_to_another_server() {
    for api in Api::ALL {
        let other = server(vec![streamed(api, traffic(api, "text"))]).await;
        for status in [301, 302, 303, 307, 308] {
            let location = format!("http://{}/v1/elsewhere", other.address());
            let own = server(vec![Reply::error(status, &json!({})).header("location", &location)]).await;
            let engine = engines(Policy::default()).make(settings(api, &own)).unwrap();
            let (handle, turn) = run(&Session::builder(engine).build(), "Hi").await;
            let told = format!("{:?}{}", turn.unwrap_err(), story(&handle));
            assert!(told.contains(&status.to_string()) && !told.contains(CANARY), "{told}");
            assert_eq!(own.received().len(), 1, "{} {status}", api.name());
        }
        assert!(other.received().is_empty(), "{}", api.name());
    }
}

/// Everything that anything logs, and what is said of a panic.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_log_and_no_panic_tells_a_key_whoever_listens() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone());
    // This test's tasks all run on its own thread.
    let _listens = tracing::subscriber::set_default(subscriber.finish());
    let (panics, before) = (log.clone(), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |panic| {
        io::Write::write_all(&mut panics.clone(), panic.to_string().as_bytes()).unwrap();
        before(panic);
    }));
    for api in Api::ALL {
        let server = server(vec![Answer::text("\"text\"").reply(api)]).await;
        let policy = Policy {
            check_answer: Some(|schema, answer| panic!("the host's check failed: {schema} {answer}")),
            ..policy(&["127.0.0.1"])
        };
        let engines = engines(policy.clone());
        let settings = settings(api, &server);
        tracing::info!(?policy, ?engines, ?settings, profile = ?profile(&server), "what a host might log");
        let session = Session::builder(engines.make(settings).unwrap()).build();
        let (handle, turn) = run(&session, "Hi").await;
        turn.unwrap();
        let mut asks: Turn = [Block::user("Hi, in JSON")].into_iter().collect();
        let schema = json!({ "schema": { "type": "string" }, "name": "text" });
        turn_data::STRUCTURED_OUTPUT_CONFIG.set(&mut asks, &schema);
        let (again, failed) = run(&session, asks).await;
        let told = format!("{:?}{}{}", failed.unwrap_err(), story(&handle), story(&again));
        assert!(!told.contains(CANARY), "{told}");
        assert!(server.received().iter().all(|request| format!("{request:?}").contains(CANARY)));
    }
    let log = log.text();
    for expected in ["what a host might log", "TRACE", "the host's check failed"] {
        assert!(log.contains(expected), "{log}");
    }
    assert!(!log.contains("CANARY"), "{log}");
}
