//! Finds tagged blocks in a text that comes in pieces.

/// What a piece of text turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// Text outside of blocks.
    Text(String),
    /// A block of the tag with this index begins.
    Opened(usize),
    /// Text inside the block.
    Data(String),
    /// The block has ended.
    Closed,
}

/// Finds the blocks of known tags: `<tag>…</tag>`. Inside a block only its own end counts; any other tag is text.
#[derive(Debug)]
pub(super) struct Scanner {
    /// `<tag>` and `</tag>` of each known tag.
    tags: Vec<(String, String)>,
    /// The tag whose block is open.
    open: Option<usize>,
    /// The end of what has come: it may be the beginning of a tag.
    held: String,
}

impl Scanner {
    pub(super) fn new(tags: impl IntoIterator<Item = String>) -> Self {
        let tags = tags.into_iter().map(|tag| (format!("<{tag}>"), format!("</{tag}>"))).collect();
        Self { tags, open: None, held: String::new() }
    }

    /// Takes a piece and tells what is certain by now.
    pub(super) fn feed(&mut self, piece: &str) -> Vec<Found> {
        let mut text = std::mem::take(&mut self.held) + piece;
        let mut found = Vec::new();
        loop {
            let wanted: Vec<(&str, usize)> = match self.open {
                Some(open) => vec![(&self.tags[open].1, open)],
                None => self.tags.iter().enumerate().map(|(index, tag)| (tag.0.as_str(), index)).collect(),
            };
            let next =
                wanted.iter().filter_map(|(tag, index)| Some((text.find(tag)?, tag.len(), *index))).min();
            let Some((at, length, index)) = next else {
                let keep = wanted.iter().map(|(tag, _)| beginning_at_end(&text, tag)).max().unwrap_or(0);
                self.held = text.split_off(text.len() - keep);
                self.push(&mut found, text);
                return found;
            };
            let rest = text.split_off(at + length);
            text.truncate(at);
            self.push(&mut found, text);
            let closed = self.open.take().is_some();
            found.push(if closed { Found::Closed } else { Found::Opened(index) });
            self.open = (!closed).then_some(index);
            text = rest;
        }
    }

    /// The stream is over: what was held back is no tag. Tells of the tag whose block is still open.
    pub(super) fn end(&mut self) -> (Vec<Found>, Option<usize>) {
        let mut found = Vec::new();
        let held = std::mem::take(&mut self.held);
        self.push(&mut found, held);
        (found, self.open.take())
    }

    /// The text that opens the blocks of a tag.
    pub(super) fn opening(&self, tag: usize) -> &str {
        &self.tags[tag].0
    }

    fn push(&self, found: &mut Vec<Found>, text: String) {
        if !text.is_empty() {
            found.push(if self.open.is_some() { Found::Data(text) } else { Found::Text(text) });
        }
    }
}

/// How long the longest beginning of `tag` is that `text` ends with.
fn beginning_at_end(text: &str, tag: &str) -> usize {
    let longest = tag.len().saturating_sub(1).min(text.len());
    let fits = |length: &usize| tag.is_char_boundary(*length) && text.ends_with(&tag[..*length]);
    (1..=longest).rev().find(fits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Everything that is found in the pieces, neighbours joined.
    fn scan(pieces: &[&str]) -> Vec<Found> {
        let mut scanner = Scanner::new(["a:b:v1".to_owned(), "plan".to_owned()]);
        let mut all: Vec<Found> = Vec::new();
        let mut add = |found: Vec<Found>| {
            for next in found {
                match (all.last_mut(), next) {
                    (Some(Found::Text(text)), Found::Text(more))
                    | (Some(Found::Data(text)), Found::Data(more)) => {
                        text.push_str(&more);
                    }
                    (_, next) => all.push(next),
                }
            }
        };
        pieces.iter().for_each(|piece| add(scanner.feed(piece)));
        add(scanner.end().0);
        all
    }

    #[test]
    fn known_blocks_are_found_and_unknown_tags_are_text() {
        let (text, data) =
            (|text: &str| Found::Text(text.to_owned()), |text: &str| Found::Data(text.to_owned()));
        assert_eq!(
            scan(&["one <plan>x</a:b:v1><plan></plan> <<a:b:v1></a:b:v1>two <other>y</other>"]),
            [
                text("one "),
                Found::Opened(1),
                data("x</a:b:v1><plan>"),
                Found::Closed,
                text(" <"),
                Found::Opened(0),
                Found::Closed,
                text("two <other>y</other>"),
            ]
        );
        assert_eq!(scan(&["ends with <pla"]), [text("ends with <pla")]);
    }

    proptest! {
        #[test]
        fn where_a_text_is_cut_does_not_matter(
            parts in prop::collection::vec(prop::sample::select(vec![
                "<plan>", "</plan>", "<a:b:v1>", "</a:b:v1>", "<", "</", "pl", "é🙂", "a:b", ">", "text ", "<<plan>",
            ]), 0..12),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let text = parts.concat();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| text.floor_char_boundary(cut.index(text.len() + 1))).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&str> = cuts.windows(2).map(|cut| &text[cut[0]..cut[1]]).collect();
            prop_assert_eq!(scan(&pieces), scan(&[&text]));
        }
    }
}
