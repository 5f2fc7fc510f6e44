//! What a turn's data says about its own inference.

use crate::{engine, engines, model, run, server, settings, streamed, traffic};
use geppetto_engines::fake::Answer;
use geppetto_engines::{Api, Policy, Settings};
use geppetto_inference::Session;
use geppetto_turns::{Block, Turn, turn_data};
use serde_json::{Value, json};

/// The request for a turn with this in its data.
async fn asked(
    api: Api,
    settings_: impl Fn(Settings) -> Settings,
    data: &[(&str, Value)],
) -> Result<Value, String> {
    let server = server(vec![streamed(api, traffic(api, "text"))]).await;
    let session = Session::builder(engine(settings_(settings(api, &server)))).build();
    let mut turn = Turn::new().with(Block::user("Hi"));
    for (key, value) in data {
        turn.data_mut().insert((*key).to_owned(), value.clone());
    }
    let (_, turn) = run(&session, turn).await;
    turn.map_err(|error| error.error.to_string())?;
    Ok(server.received().pop().unwrap().body)
}

#[tokio::test]
async fn a_turn_counts_more_than_its_engine_and_the_providers_own_fields_more_than_both() {
    let general = (
        turn_data::INFERENCE_CONFIG.as_str(),
        json!({ "temperature": 0.1, "max_response_tokens": 7, "top_p": 0.5 }),
    );
    let warm = |settings| Settings { temperature: Some(0.9), stop: vec!["END".to_owned()], ..settings };
    let own = (turn_data::CLAUDE_INFERENCE_CONFIG.as_str(), json!({ "top_k": 3, "max_tokens": 9 }));
    let body = asked(Api::Claude, warm, &[general.clone(), own.clone()]).await.unwrap();
    let said =
        ["temperature", "top_p", "top_k", "max_tokens", "stop_sequences"].map(|name| body[name].to_string());
    assert_eq!(said, ["0.1", "0.5", "3", "9", "[\"END\"]"]);
    // Claude's own fields are nothing to others.
    let body = asked(Api::OpenAi, warm, &[general, own]).await.unwrap();
    assert_eq!(
        (&body["top_k"], &body["max_tokens"], &body["stop"]),
        (&Value::Null, &json!(7), &json!(["END"]))
    );
}

/// What is asked of a model about an image.
async fn asked_about(api: Api, image: Value) -> Result<String, String> {
    let server = server(vec![streamed(api, traffic(api, "text"))]).await;
    let session = Session::builder(engine(settings(api, &server))).build();
    let (_, turn) =
        run(&session, Turn::new().with(Block::user_with_images("What is it?", vec![image]))).await;
    turn.map_err(|error| error.error.to_string())?;
    Ok(server.received().pop().unwrap().body.to_string())
}

#[tokio::test]
async fn an_image_is_sent_or_refused_and_never_left_out() {
    let url = |url: &str| json!({ "url": url });
    let sent = asked_about(Api::Gemini, url("https://example.com/cat.JPG?size=2")).await.unwrap();
    assert!(sent.contains("\"mimeType\":\"image/jpeg\"") && !sent.contains("omitted"), "{sent}");
    let wrong = asked_about(Api::Gemini, url("https://example.com/cat")).await.unwrap_err();
    assert!(wrong.contains("payload.images[0]: gemini needs a mediaType beside the URL"), "{wrong}");
    let wrong = asked_about(Api::Gemini, url("https://example.com/cat.gif")).await.unwrap_err();
    assert!(wrong.contains("this model does not take such an image: nothing was sent"), "{wrong}");
}

#[tokio::test]
async fn what_means_nothing_is_refused_before_anything_is_asked() {
    let same = |settings| settings;
    let wrong =
        asked(Api::OpenAi, same, &[(turn_data::INFERENCE_CONFIG.as_str(), json!({ "temprature": 1 }))]).await;
    assert!(wrong.unwrap_err().contains("\"temprature\" is no setting; did you mean"));
    let wrong =
        asked(Api::OpenAi, same, &[(turn_data::INFERENCE_CONFIG.as_str(), json!({ "maxTokens": "many" }))])
            .await;
    assert!(wrong.unwrap_err().contains("maxTokens cannot be \"many\""));
    let wrong =
        asked(Api::OpenAi, same, &[(turn_data::OPENAI_INFERENCE_CONFIG.as_str(), json!({ "messages": [] }))])
            .await;
    assert!(wrong.unwrap_err().contains("the turn itself says it"));
}

#[tokio::test]
async fn a_schema_is_sent_as_each_format_has_it_and_the_answer_checked() {
    let schema = json!({ "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"] });
    let places = [
        "/response_format/json_schema/schema",
        "/text/format/schema",
        "/output_config/format/schema",
        "/generationConfig/responseJsonSchema",
        "/format",
    ];
    for (api, place) in Api::ALL.into_iter().zip(places) {
        let mut turn = Turn::new().with(Block::user("Hi"));
        turn_data::STRUCTURED_OUTPUT_CONFIG.set(&mut turn, &json!({ "schema": schema, "name": "number" }));
        let replies = ["{\"n\": 1}", "{\"n\": \"one\"}", "One."].map(|text| Answer::text(text).reply(api));
        let server = server(replies.into()).await;
        let check: geppetto_engines::AnswerCheck = |_, answer| match answer["n"].is_i64() {
            true => Ok(()),
            false => Err("/n: expected an integer".to_owned()),
        };
        let engine = engines(Policy { check_answer: Some(check), ..Policy::default() })
            .make(settings(api, &server))
            .unwrap();
        let session = Session::builder(engine).build();
        let mut results = Vec::new();
        for _ in 0..3 {
            results.push(run(&session, turn.clone()).await.1.map_err(|error| error.error.to_string()));
        }
        assert_eq!(server.received()[0].body.pointer(place), Some(&schema), "{}", model(api));
        assert!(results[0].is_ok(), "{}: {results:?}", api.name());
        assert!(results[1].as_ref().unwrap_err().contains("/n: expected an integer"), "{results:?}");
        assert!(results[2].as_ref().unwrap_err().contains("it is no JSON"), "{results:?}");
    }
}

#[tokio::test]
async fn every_setting_stands_where_its_format_has_it() {
    let mut told = String::new();
    for api in Api::ALL {
        let (has_stop, has_seed) = match api {
            Api::OpenAiResponses => (false, false),
            Api::Claude => (true, false),
            _ => (true, true),
        };
        let all = |settings| Settings {
            temperature: Some(0.5),
            top_p: Some(0.25),
            max_tokens: Some(4000),
            stop: if has_stop { vec!["END".to_owned()] } else { Vec::new() },
            seed: has_seed.then_some(7),
            reasoning_effort: Some("low".to_owned()),
            ..settings
        };
        let mut body = asked(api, all, &[]).await.unwrap();
        for of_the_turn in ["messages", "input", "contents", "model", "stream", "stream_options"] {
            body.as_object_mut().unwrap().remove(of_the_turn);
        }
        told.push_str(&format!("{}: {}\n", api.name(), serde_json::to_string_pretty(&body).unwrap()));
    }
    insta::assert_snapshot!(told);
}
