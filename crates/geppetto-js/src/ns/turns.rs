//! `gp.turns`: makes and reads turns and blocks.

use crate::call::Call;
use crate::callback_context::{optional_text_arg, text_arg};
use crate::codec::{block, json, text, turn};
use crate::fault::{Fallible, Fault};
use crate::function::Members;
use geppetto_turns::{Block, Turn, added_blocks};
use rquickjs::{IntoJs, Result, Value};
use serde_json::Value as Json;

pub(super) fn namespace(members: &Members<'_>) -> Result<()> {
    members.function("normalize", 1, |call| {
        let value = call.required(0, "turns.normalize: turn", "a turn")?;
        Ok(turn::encode(call.ctx(), &turn::decode(call.ctx(), &value, None, "turn")?)?.into_value())
    })?;
    members.function("newTurn", 1, |call| {
        let turn = match call.arg(0) {
            None => Turn::new(),
            Some(partial) => turn::decode(call.ctx(), &partial, None, "turn")?,
        };
        Ok(turn::encode(call.ctx(), &turn)?.into_value())
    })?;
    members.function("appendBlock", 2, |call| {
        let mut turn = turn_arg(call, 0, "turn")?;
        let value = call.required(1, "turns.appendBlock: block", "a block")?;
        turn.blocks.extend(turn::decode_blocks(call.ctx(), &value, "block")?.into_iter().map(Into::into));
        Ok(turn::encode(call.ctx(), &turn)?.into_value())
    })?;
    members.function("newUserBlock", 2, |call| {
        let text = text_arg(call, 0, "turns.newUserBlock: text")?;
        match call.arg(1).map(|images| plain(call, &images, "images")).transpose()? {
            None => made(call, &Block::user(text)),
            Some(Json::Array(images)) => made(call, &Block::user_with_images(text, images)),
            Some(_) => Err(Fault::type_error("turns.newUserBlock: images: expected an array")),
        }
    })?;
    members.function("newSystemBlock", 1, |call| {
        made(call, &Block::system(text_arg(call, 0, "turns.newSystemBlock: text")?))
    })?;
    members.function("newAssistantBlock", 1, |call| {
        made(call, &Block::assistant(text_arg(call, 0, "turns.newAssistantBlock: text")?))
    })?;
    members.function("newToolCallBlock", 3, |call| {
        let id = text_arg(call, 0, "turns.newToolCallBlock: id")?;
        let name = text_arg(call, 1, "turns.newToolCallBlock: name")?;
        let args = call.arg(2).map(|args| plain(call, &args, "args")).transpose()?;
        made(call, &Block::tool_call(id, name, args.unwrap_or_else(|| Json::Object(serde_json::Map::new()))))
    })?;
    members.function("newToolUseBlock", 3, |call| {
        let id = text_arg(call, 0, "turns.newToolUseBlock: id")?;
        let error = optional_text_arg(call, 2, "turns.newToolUseBlock: error")?;
        if let Some(error) = error.filter(|error| !error.is_empty()) {
            return made(call, &Block::tool_error(id, error));
        }
        let result = call.at(1);
        if result.is_string() {
            // A string is JSON text already.
            let mut block = Block::tool_result(id, &Json::Null);
            block.payload.insert("result".to_owned(), text(call.ctx(), &result)?.into());
            return made(call, &block);
        }
        made(call, &Block::tool_result(id, &plain(call, &result, "result")?))
    })?;
    members.function("text", 1, |call| {
        let turn = turn_arg(call, 0, "turn")?;
        Ok(turn.last_assistant_text().unwrap_or_default().into_js(call.ctx())?)
    })?;
    members.function("toolResult", 1, |call| {
        let value = call.required(0, "turns.toolResult: block", "a block")?;
        let blocks = turn::decode_blocks(call.ctx(), &value, "block")?;
        match blocks.first().and_then(Block::parsed_result) {
            Some(result) => Ok(json::encode(call.ctx(), &result)?),
            None => Ok(call.undefined()),
        }
    })?;
    members.function("added", 2, |call| {
        let (before, after) = (turn_arg(call, 0, "before")?, turn_arg(call, 1, "after")?);
        let added = added_blocks(&before, &after);
        let added = added.iter().map(|added| Ok(block::encode(call.ctx(), added)?.into_value()));
        Ok(crate::codec::array(call.ctx(), added)?)
    })?;
    Ok(())
}

fn turn_arg(call: &Call<'_, '_>, index: usize, name: &str) -> Fallible<Turn> {
    let value = call.required(index, name, "a turn")?;
    turn::decode(call.ctx(), &value, None, name)
}

fn plain<'js>(call: &Call<'_, 'js>, value: &Value<'js>, name: &str) -> Fallible<Json> {
    json::decode(call.ctx(), value).map_err(|error| error.fault(name))
}

fn made<'js>(call: &Call<'_, 'js>, made: &Block) -> Fallible<Value<'js>> {
    Ok(block::encode(call.ctx(), made)?.into_value())
}
