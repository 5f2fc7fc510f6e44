//! Where a key goes, and where it does not.

use crate::{CANARY, engines, model, run, server, streamed, traffic};
use geppetto_engines::{Api, Key, Policy, Secret, Settings};
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
    match engines(policy).make_for_script(settings) {
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
        let engine = engines(policy(&["127.0.0.1"])).make_for_script(settings).unwrap();
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
