//! `URL`, `URLSearchParams`, `TextEncoder` and `TextDecoder`: what their classes in `web.js` ask Rust. The rules are
//! those of the WHATWG standards, kept by the crates `url` and `encoding_rs`.
#![allow(unsafe_code, reason = "the engine lends the bytes of an array only unsafely")]

use crate::call::Call;
use crate::codec;
use crate::fault::{Fallible, Fault};
use crate::function::{Members, define};
use crate::handle::{self, HandleState};
use crate::host::Host;
use encoding_rs::{CoderResult, Decoder, DecoderResult, Encoding};
use rquickjs::{IntoJs, Object, Result, TypedArray, Value};
use std::cell::RefCell;
use url::{Url, form_urlencoded, quirks};

/// A decoder that may stand in the middle of a character.
struct TextDecoderState(RefCell<Decoder>);

impl HandleState for TextDecoderState {
    const NAME: &'static str = "Decoder";
}

/// What `web.js` asks.
pub(crate) fn natives(members: &Members<'_>) -> Result<()> {
    members.method("parseUrl", 2, |call| {
        let base = call.arg(1).map(|base| codec::text(call.ctx(), &base)).transpose()?;
        let base = base.map(|base| Url::parse(&base)).transpose();
        let Ok(base) = base else { return Ok(call.undefined()) };
        match Url::options().base_url(base.as_ref()).parse(&text(call, 0)?) {
            Ok(url) => parts(call, &url),
            Err(_) => Ok(call.undefined()),
        }
    })?;
    members.method("setUrl", 3, |call| {
        let Ok(mut url) = Url::parse(&text(call, 0)?) else { return Ok(call.undefined()) };
        let value = text(call, 2)?;
        // A setter that refuses its value leaves the URL as it is, except that of `href`.
        let set = match text(call, 1)?.as_str() {
            "href" => quirks::set_href(&mut url, &value).map_err(drop),
            "protocol" => quirks::set_protocol(&mut url, &value),
            "username" => quirks::set_username(&mut url, &value),
            "password" => quirks::set_password(&mut url, &value),
            "host" => quirks::set_host(&mut url, &value),
            "hostname" => quirks::set_hostname(&mut url, &value),
            "port" => quirks::set_port(&mut url, &value),
            "pathname" => {
                quirks::set_pathname(&mut url, &value);
                Ok(())
            }
            "search" => {
                quirks::set_search(&mut url, &value);
                Ok(())
            }
            _ => {
                quirks::set_hash(&mut url, &value);
                Ok(())
            }
        };
        if set.is_err() { Ok(call.undefined()) } else { parts(call, &url) }
    })?;
    members.method("parseQuery", 1, |call| {
        let query = text(call, 0)?;
        let pairs = form_urlencoded::parse(query.as_bytes());
        let pairs = pairs.map(|(name, value)| {
            let pair = [name, value].map(|text| text.as_ref().into_js(call.ctx()));
            codec::array(call.ctx(), pair)
        });
        Ok(codec::array(call.ctx(), pairs)?)
    })?;
    members.method("printQuery", 1, |call| {
        let flat = call.required(0, "printQuery", "pairs")?;
        let flat = flat.as_array().ok_or_else(|| Fault::type_error("printQuery: expected pairs"))?;
        let flat: Vec<String> =
            flat.iter::<Value<'_>>().map(|item| codec::text(call.ctx(), &item?)).collect::<Result<_>>()?;
        let mut query = form_urlencoded::Serializer::new(String::new());
        for pair in flat.chunks_exact(2) {
            query.append_pair(&pair[0], &pair[1]);
        }
        Ok(query.finish().into_js(call.ctx())?)
    })?;
    members.method("encodeText", 1, |call| {
        // A copy, in the engine's own heap: what Rust made is not counted there.
        Ok(TypedArray::<u8>::new_copy(call.ctx().clone(), text(call, 0)?)?.into_value())
    })?;
    members.method("encodingOf", 1, |call| {
        let encoding = Encoding::for_label_no_replacement(text(call, 0)?.as_bytes());
        Ok(encoding.map(|encoding| encoding.name().to_ascii_lowercase()).into_js(call.ctx())?)
    })?;
    members.method("newDecoder", 2, |call| {
        let encoding = Encoding::for_label(text(call, 0)?.as_bytes()).unwrap_or(encoding_rs::UTF_8);
        let ignores_mark = call.arg(1).and_then(|flag| flag.as_bool()).unwrap_or(false);
        let decoder = if ignores_mark {
            encoding.new_decoder_without_bom_handling()
        } else {
            encoding.new_decoder_with_bom_removal()
        };
        Ok(handle::create(call.ctx(), TextDecoderState(RefCell::new(decoder)))?.into_value())
    })?;
    members.method("decodeText", 4, decode_text)?;
    Ok(())
}

fn text(call: &Call<'_, '_>, index: usize) -> Fallible<String> {
    Ok(codec::text(call.ctx(), &call.at(index))?)
}

/// The fields of a URL as its class shows them.
fn parts<'js>(call: &Call<'_, 'js>, url: &Url) -> Fallible<Value<'js>> {
    let parts = Object::new(call.ctx().clone())?;
    for (name, value) in [
        ("href", quirks::href(url)),
        ("origin", &quirks::origin(url)),
        ("protocol", quirks::protocol(url)),
        ("username", quirks::username(url)),
        ("password", quirks::password(url)),
        ("host", quirks::host(url)),
        ("hostname", quirks::hostname(url)),
        ("port", quirks::port(url)),
        ("pathname", quirks::pathname(url)),
        ("search", quirks::search(url)),
        ("hash", quirks::hash(url)),
    ] {
        define(&parts, name, value)?;
    }
    Ok(parts.into_value())
}

/// As many bytes as the decoder wants at once, at the end of what was cut in two as well.
const LEAST_ROOM: usize = 16;

/// `(decoder, bytes, last, fatal)`: the text, or `undefined` for bytes that are no text in fatal mode.
fn decode_text<'js>(call: &Call<'_, 'js>) -> Fallible<Value<'js>> {
    let flag = |index| call.arg(index).and_then(|flag| flag.as_bool()).unwrap_or(false);
    let (last, fatal) = (flag(2), flag(3));
    let state = call.arg(0).and_then(|state| handle::try_state::<TextDecoderState>(&state));
    let state = state.ok_or_else(|| Fault::type_error("decode: expected a TextDecoder"))?;
    let input = call.required(1, "decode", "bytes")?;
    let input = input.into_object().and_then(|object| TypedArray::<u8>::from_object(object).ok());
    let input = input.ok_or_else(|| Fault::type_error("decode: expected bytes"))?;
    let mut decoder = state.0.borrow_mut();
    // The bytes, their text, and that as the VM has it.
    let has_room = |text: usize| match Host::has_room(call.ctx(), input.len() + 2 * text) {
        true => Ok(()),
        false => Err(Fault::Plain("decode: it needs more memory than the script may have".to_owned())),
    };
    has_room(input.len())?;
    // SAFETY: no script runs while the bytes are borrowed: they are copied at once.
    let bytes = unsafe { input.as_bytes() }.unwrap_or_default().to_vec();
    let (mut text, mut rest) = (String::with_capacity(bytes.len() + LEAST_ROOM), &*bytes);
    loop {
        let (result, read) = if fatal {
            decoder.decode_to_string_without_replacement(rest, &mut text, last)
        } else {
            let (result, read, _) = decoder.decode_to_string(rest, &mut text, last);
            let is_done = result == CoderResult::InputEmpty;
            (if is_done { DecoderResult::InputEmpty } else { DecoderResult::OutputFull }, read)
        };
        rest = &rest[read..];
        match result {
            DecoderResult::InputEmpty => return Ok(text.into_js(call.ctx())?),
            DecoderResult::Malformed(..) => return Ok(call.undefined()),
            // Other encodings, and what stands for what is malformed, take more bytes than they had.
            DecoderResult::OutputFull => {
                let more = text.len().max(64);
                has_room(text.len() + more)?;
                text.reserve(more);
            }
        }
    }
}
