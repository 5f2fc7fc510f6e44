//! The ids of sessions and runs.

geppetto_turns::define_id! {
    /// A session's id: a conversation and its runs.
    SessionId
}

geppetto_turns::define_id! {
    /// A run's id: one inference of a session, tool iterations included.
    InferenceId
}
