//! Where a key goes, and where it does not.

use crate::{CANARY, engines, model, run, server, streamed, traffic};
use geppetto_engines::{Api, Key, KeySource, Policy, Profile, Secret, Settings};
use geppetto_inference::{Failure, Session};

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
