//! Tagged data is taken out of what a model says, and nothing else is lost.

use futures_lite::future::block_on;
use geppetto_events::sinks::{CollectorSink, TaggedData, TaggedDataSink, Unclosed};
use geppetto_events::{Event, EventBody, EventLog, EventSink, InferenceId, RunIds, SessionId, TextBuffer};
use geppetto_turns::TurnId;
use std::sync::{Arc, Mutex};

fn log() -> EventLog {
    EventLog::new(RunIds {
        session_id: SessionId::from("s"),
        inference_id: InferenceId::from("i"),
        turn_id: TurnId::from("t"),
    })
}

/// What the sink makes of an answer that comes in these pieces: what goes on, and the blocks with their completeness.
fn filtered(pieces: &[&str], ends: &str, unclosed: Unclosed) -> (Vec<String>, Vec<String>) {
    let (collected, found) = (CollectorSink::default(), Arc::new(Mutex::new(Vec::new())));
    let heard = found.clone();
    let handler = move |data: TaggedData| {
        let end = if data.complete { "" } else { "…" };
        heard.lock().unwrap().push(format!("{}={}{end}", data.tag, data.text));
    };
    let sink = TaggedDataSink::new(Arc::new(collected.clone())).unclosed(unclosed);
    let sink = sink.on("app:plan:v1", handler.clone()).on("note", handler);
    let log = log();
    let publish = |body| block_on(sink.publish(log.append(0, body).unwrap())).unwrap();
    let buffer = TextBuffer::default();
    for piece in pieces {
        publish(EventBody::Partial { delta: (*piece).into(), completion: buffer.append(piece) });
    }
    publish(EventBody::Final { text: ends.to_owned(), usage: None, stop_reason: Some("stop".to_owned()) });
    let shown = |event: &Arc<Event>| match &event.body {
        EventBody::Partial { delta, completion } => format!("{delta} | {}", completion.text()),
        EventBody::Final { text, stop_reason, .. } => format!("final {text} {stop_reason:?}"),
        other => format!("{other:?}"),
    };
    let blocks = found.lock().unwrap().clone();
    (collected.events().iter().map(shown).collect(), blocks)
}

#[test]
fn blocks_go_to_their_handlers_and_the_rest_goes_on() {
    let pieces = ["Here <app:pl", "an:v1>a: 1\n", "b: 2</app:plan:v1> it <note>x</note>", "is."];
    let (events, blocks) = filtered(&pieces, &pieces.concat(), Unclosed::Restore);
    assert_eq!(blocks, ["app:plan:v1=a: 1\nb: 2", "note=x"]);
    assert_eq!(
        events,
        ["Here  | Here ", " it  | Here  it ", "is. | Here  it is.", "final Here  it is. Some(\"stop\")"]
    );
}

#[test]
fn an_answer_that_was_not_streamed_is_filtered_too() {
    let (events, blocks) = filtered(&[], "a<note>1</note>b", Unclosed::Restore);
    assert_eq!((events, blocks), (vec!["final ab Some(\"stop\")".to_owned()], vec!["note=1".to_owned()]));
}

#[test]
fn a_block_that_is_never_closed_is_told_and_put_back_or_left_out() {
    let pieces = ["so <note>half"];
    let (events, blocks) = filtered(&pieces, pieces[0], Unclosed::Restore);
    assert_eq!(blocks, ["note=half…"]);
    assert_eq!(events, ["so  | so ", "<note>half | so <note>half", "final so <note>half Some(\"stop\")"]);
    let (events, blocks) = filtered(&pieces, pieces[0], Unclosed::LeaveOut);
    assert_eq!((events.len(), blocks.len()), (2, 1));
    assert_eq!(events[1], "final so  Some(\"stop\")");
}

#[test]
fn text_that_only_looked_like_a_tag_is_not_lost() {
    let (events, blocks) = filtered(&["a <no"], "a <no", Unclosed::Restore);
    assert_eq!(events, ["a  | a ", "<no | a <no", "final a <no Some(\"stop\")"]);
    assert!(blocks.is_empty());
}

#[test]
fn other_events_pass_as_they_are() {
    let collected = CollectorSink::default();
    let sink = TaggedDataSink::new(Arc::new(collected.clone())).on("note", |_| {});
    let event = log().append(0, EventBody::Info { message: "<note>".to_owned(), data: None }).unwrap();
    block_on(sink.publish(event.clone())).unwrap();
    assert!(Arc::ptr_eq(&collected.events()[0], &event));
}
