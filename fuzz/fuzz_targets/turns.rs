//! Turns from files: whatever stands in one, reading ends with a turn or an error, and a turn that was read is read
//! again from what is written of it.
#![no_main]

use geppetto_turns::{Turn, yaml};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(turn) = yaml::from_str(text) {
        let written = yaml::to_string(&turn).expect("a turn that was read can be written");
        assert_eq!(yaml::from_str(&written).expect("and read again"), turn, "{written}");
    }
    if let Ok(turn) = serde_json::from_str::<Turn>(text) {
        let written = serde_json::to_string(&turn).expect("a turn that was read can be written");
        assert_eq!(serde_json::from_str::<Turn>(&written).expect("and read again"), turn, "{written}");
    }
});
